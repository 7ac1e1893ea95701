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


def test_it_has_a_row_for_each_of_the_fifty() -> None:
    rows = {int(number) for cells in re.findall(r"^\| (T[^|]*)\|", PAGE, re.MULTILINE) for number in re.findall(r"T(\d+)", cells)}
    assert rows == set(range(1, 51))


def test_every_row_says_what_shows_it() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("|") and not line.startswith(("|---", "| | fault", "| fault"))]
    silent = [row for row in rows if not re.search(r"`tests?[_/]|not covered|\| same", row)]
    assert silent == []
