"""`headgate literacy`: a list of assessments to gaps and persons."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from headgate.cli.main import app

HEAD = "person,role,competency,score,date,trainingValidUntil\n"
STAFF = (
    HEAD
    + "ann,Manager,oversight,0.5,2026-01-10,2027-01-01\n"
    + "ann,Manager,oversight,0.4,2025-01-10,2026-01-01\n"
    + "ben,Technical,testing,0.9,2026-01-10,2026-02-01\n"
    + "eve,Technical,testing,0.8,2026-01-10,\n"
)


def _run(tmp_path: Path, content: str, *extra: str) -> tuple[int, str, str]:
    (tmp_path / "staff.csv").write_text(content)
    result = CliRunner().invoke(app, ["literacy", str(tmp_path / "staff.csv"), "--today", "2026-03-01", *extra])
    return result.exit_code, result.stdout, result.stderr


def test_gaps_and_persons_with_the_reason(tmp_path: Path) -> None:
    code, out, _ = _run(tmp_path, STAFF, "--json")
    document = json.loads(out)
    assert code == 0
    assert [(gap["role"], gap["competency"], gap["persons"], gap["priority"]) for gap in document["gaps"]] == [
        ("Manager", "oversight", 1, True),
        ("Technical", "testing", 2, False),
    ]
    assert document["persons"] == [
        {"person": "ann", "why": "oversight 0.50"},
        {"person": "ben", "why": "training was valid until 2026-02-01"},
    ]


def test_people_read_a_table_and_who_needs_training(tmp_path: Path) -> None:
    code, out, _ = _run(tmp_path, STAFF)
    assert code == 0
    assert "priority topic" in out
    assert "ben needs training: training was valid until 2026-02-01" in out


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "has no column person"),
        (HEAD, "no assessment up to 2026-03-01"),
        (HEAD + "ann,Manager,oversight,0.5,2027-01-01,\n", "no assessment up to 2026-03-01"),
        (HEAD + "ann,Boss,oversight,0.5,2026-01-01,\n", "roles: Executive, Manager, Technical, LegalCompliance"),
        (HEAD + "ann,Manager,oversight,70,2026-01-01,\n", "scores are 0 to 1"),
        (HEAD + "ann,Manager,oversight,,2026-01-01,\n", "row 1"),
        (HEAD + "ann,Manager\n", "row 1"),
        (HEAD + ",Manager,oversight,0.5,2026-01-01,\n", "is empty"),
        (HEAD + "ann,Manager,oversight,0.5,2026-01-01,soon\n", "row 1"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(tmp_path: Path, content: str, why: str) -> None:
    code, out, told = _run(tmp_path, content)
    assert (code, out) == (1, "")
    assert why in told
    assert len(told.strip().splitlines()) == 1
