"""The commands of the runbooks: such as the command line takes, and such as work with two replicas and the image's Python."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.resources import ROOT
from tests.unit.docs.test_guide_commands import called, taken

RUNBOOKS = sorted((ROOT / "docs/runbooks").glob("*.md"))
PAGES = (*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "charts/headgate/README.md")
NOTES = ROOT / "charts/headgate/templates/NOTES.txt"

_BLOCK = re.compile(r"^ *```(?:sh|console)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_IN_WORDS = re.compile(r"`((?:kubectl )?headgate [^`\n]+)`")
_PROCESSES = {"monitor"}
"""Of the image, beside the command line's own."""


def commands(page: Path) -> Iterator[str]:
    """Each line of the page's blocks, continued lines as one."""
    for block in _BLOCK.findall(page.read_text()):
        yield from (line.strip().removeprefix("$ ") for line in block.replace("\\\n", " ").splitlines() if line.strip())


def of_headgate(page: Path) -> list[list[str]]:
    lines = (*commands(page), *_IN_WORDS.findall(page.read_text()))
    return [call for line in lines for call in called(line) if call[0] not in _PROCESSES]


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_the_command_line_takes_the_commands_of_runbooks(page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for call in of_headgate(page):
        for argument in call:
            if Path(argument).suffix in (".jsonl", ".parquet"):
                Path(argument).touch()
        taken(call)


def test_calls_are_found_in_blocks_and_in_words(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Run `kubectl headgate list -A`, not `headgate monitor`.\n\n  ```sh\n  headgate gates x \\\n    -n y | cat\n  ```\n")
    assert of_headgate(page) == [["gates", "x", "-n", "y"], ["list", "-A"]]


def _fault(command: str) -> str:
    if re.search(r"-- python\s", command):
        return "the image has python3 only"
    if re.search(r"\bkubectl logs\b.*\bdeploy(ment)?/headgate", command):
        return "of two replicas it shows one, often the standby: -l app.kubernetes.io/name=headgate"
    if re.search(r"\bkubectl logs\b.* -l ", command) and "--tail" not in command:
        return "with a selector ten lines of each pod are shown: say --tail"
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_work_with_all_replicas_and_with_the_image(page: Path) -> None:
    assert {command: fault for command in commands(page) if (fault := _fault(command))} == {}


@pytest.mark.parametrize(
    "command",
    [
        "kubectl exec -n headgate-system deployment/headgate -- python -c 'print()'",
        "kubectl logs -n headgate-system deployment/headgate --since=1h | grep -i audit",
        "kubectl logs -n headgate-system -l app.kubernetes.io/name=headgate --since=1h",
    ],
)
def test_a_command_that_misleads_is_found(command: str) -> None:
    assert _fault(command)


def test_the_notes_of_the_chart_name_commands_that_there_are() -> None:
    text = re.sub(r"\{\{.*?\}\}", "standard", NOTES.read_text())
    found = [call for words in re.findall(r"kubectl headgate [^,\n]*", text) for call in called(re.split(r",| then | or ", words)[0])]
    for call in found:
        taken(call)
    assert {call[0] for call in found} >= {"init", "lint", "status"}
    assert "examples/" not in text, "who installed the chart has no copy of the repository"
