"""The documentation says only what exists: reasons, links, make targets, commands and their options."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

from headgate.api.reasons import Reason
from headgate.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
TROUBLESHOOTING = ROOT / "docs/troubleshooting.md"
COMMANDS = ROOT / "docs/commands.md"
PROCESSES = {"monitor"}
"""Of the image, named like its commands."""

_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`[^`\n]+`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def code(page: Path) -> Iterator[str]:
    """Every line of the fenced blocks and every inline code span."""
    text = page.read_text()
    for block in _FENCE.findall(text):
        yield from block.splitlines()[1:-1]
    yield from re.findall(r"`([^`\n]+)`", _FENCE.sub("", text))


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands() -> dict[str, Any]:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return dict(group.commands)


def options() -> set[str]:
    """Of all commands and their subcommands."""
    parts = [part for command in commands().values() for part in (command, *getattr(command, "commands", {}).values())]
    return {option for part in parts for parameter in part.params for option in parameter.opts if option[0] == "-"}


def named_commands(page: Path) -> set[str]:
    """Of `kubectl headgate X` anywhere in code, and of `headgate X` where a piece of code begins with it."""
    found: set[str] = set()
    for piece in code(page):
        found |= set(re.findall(r"kubectl headgate ([a-z][\w-]*)", piece))
        found |= set(re.findall(r"^\s*(?:\$ )?headgate ([a-z][\w-]*)", piece))
    return found


def reason_table() -> list[list[str]]:
    text = TROUBLESHOOTING.read_text()
    section = text.split("## Reasons", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_every_reason_is_explained_once_and_no_other() -> None:
    explained = [row[0].strip("`") for row in reason_table()]
    assert sorted(explained) == sorted(reason.value for reason in Reason)


def test_each_reason_has_a_meaning_and_an_advice() -> None:
    assert [row[0] for row in reason_table() if len(row) != 3 or not all(row)] == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_relative_links_lead_somewhere(page: Path) -> None:
    broken = []
    # A link's own words may be code; what looks like a link within code is none.
    for link in _LINK.findall(_SPAN.sub("code", _FENCE.sub("", page.read_text()))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_named_make_targets_exist(page: Path) -> None:
    targets: set[str] = set()
    for makefile in (ROOT / "Makefile", ROOT / "hack/cluster/cluster.mk"):
        targets |= set(re.findall(r"^([a-z][a-z-]*):", makefile.read_text(), re.MULTILINE))
    named = {target for piece in code(page) for target in re.findall(r"\bmake ([a-z][a-z-]*)", piece)}
    assert named - targets == set()


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_named_commands_exist(page: Path) -> None:
    assert named_commands(page) - set(commands()) - PROCESSES == set()


def test_every_command_is_documented() -> None:
    assert set(commands()) - named_commands(COMMANDS) == set()


def test_exactly_the_options_that_exist_are_documented() -> None:
    rows = [line.split("|")[1] for line in COMMANDS.read_text().splitlines() if line.startswith("| `-")]
    documented = {option for row in rows for option in re.findall(r"`(--?[\w-]+)`", row)}
    assert documented == options() | {"--help"}


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_named_scripts_exist(page: Path) -> None:
    named = {path for piece in code(page) for path in re.findall(r"\b(?:hack|examples|charts)/[\w./-]+\w", piece)}
    assert {path for path in named if not (ROOT / path).exists()} == set()
