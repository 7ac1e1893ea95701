"""The page of faults names tests that exist, and all of the faults."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/design/faults.md").read_text()
_DEFINED = re.compile(r"^(?: {4})?(?:async )?def (test_\w+)\(", re.MULTILINE)


def test_every_test_that_it_names_exists() -> None:
    defined = {name for file in (ROOT / "tests").rglob("test_*.py") for name in _DEFINED.findall(file.read_text())}
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 50
    assert named - defined == set()


def test_its_event_table_has_every_scene_and_no_other() -> None:
    played = {
        name
        for file in (ROOT / "tests/e2e").glob("events_*.py")
        for name in re.findall(r"^def (\w+)\(model: Model, users: Fleet\) -> Scene", file.read_text(), re.MULTILINE)
    }
    table = PAGE.partition("## The event table")[2].partition("\n## ")[0]
    named = {name for name in re.findall(r"`(\w+)`", table) if not name.startswith("test_")}
    assert len(played) > 25
    assert named == played


def test_it_has_a_row_for_each_of_the_fifty() -> None:
    rows = {int(number) for cells in re.findall(r"^\| (T[^|]*)\|", PAGE, re.MULTILINE) for number in re.findall(r"T(\d+)", cells)}
    assert rows == set(range(1, 51))


def test_every_row_says_what_shows_it() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("|") and not line.startswith(("|---", "| | fault", "| fault", "| event"))]
    silent = [row for row in rows if not re.search(r"`(tests?[_/]|an?_|the_|both_)|not covered|\| same", row)]
    assert silent == []
