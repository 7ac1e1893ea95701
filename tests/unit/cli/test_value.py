"""`headgate value`: a file to figures, or to the field that is wrong."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from headgate.cli.main import app

CASE = """
valueCase:
  developmentCosts: 500000
  infrastructurePerYear: 60000
  operationPerYear: 90000
  revenueImpactPerYear: 250000
  costSavingsPerYear: 200000
"""


def _run(tmp_path: Path, content: str, *extra: str) -> tuple[int, str, str]:
    (tmp_path / "case.yaml").write_text(content)
    result = CliRunner().invoke(app, ["value", str(tmp_path / "case.yaml"), *extra])
    return result.exit_code, result.stdout, result.stderr


def test_planned_stands_beside_measured_and_what_was_not_measured_is_named(tmp_path: Path) -> None:
    code, out, _ = _run(tmp_path, CASE + "measured: {revenueImpactPerYear: 120000}\n")
    assert code == 0
    assert "246,056" in out
    assert "-77,235" in out
    assert "never" in out
    assert "taken as planned: developmentCosts, infrastructurePerYear, operationPerYear, costSavingsPerYear" in out


def test_json_has_null_for_what_does_not_exist(tmp_path: Path) -> None:
    code, out, _ = _run(tmp_path, CASE + "measured: {revenueImpactPerYear: -500000}\n", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["planned"]["npv"] == pytest.approx(246_055.6, abs=0.1)
    assert (document["measured"]["irr"], document["measured"]["payback"]) == (None, None)


def test_without_measurements_there_is_the_plan_alone(tmp_path: Path) -> None:
    document = json.loads(_run(tmp_path, CASE, "--json")[1])
    assert (document["measured"], document["asPlanned"]) == (None, None)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "the document"),
        ("valueCase: [", "cannot be read"),
        ("valueCase: {developmentCosts: 1}", "valueCase.infrastructurePerYear"),
        (CASE.replace("500000", "-1"), "valueCase.developmentCosts"),
        (CASE.replace("500000", "half a million"), "valueCase.developmentCosts"),
        (CASE.replace("500000", ".nan"), "valueCase.developmentCosts"),
        (CASE + "  years: 0\n", "valueCase.years"),
        (CASE + "  profit: 3\n", "valueCase.profit"),
    ],
)
def test_bad_input_names_the_field(tmp_path: Path, content: str, why: str) -> None:
    code, out, told = _run(tmp_path, content)
    assert (code, out) == (1, "")
    assert why in told
    assert len(told.strip().splitlines()) == 1
