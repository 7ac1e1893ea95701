"""`headgate value`: a file or a model to figures, or to the field that is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.cli.cluster_in_memory import LIVE, ClusterInMemory, headgate
from typer.testing import CliRunner

from headgate.cli.main import app
from headgate.kube.resources import AIMODELS, CONFIG_MAPS

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
    result = CliRunner().invoke(app, ["value", "-f", str(tmp_path / "case.yaml"), *extra])
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
        (CASE.replace("500000", "500000.5"), "valueCase.developmentCosts"),
        (CASE + "  years: 0\n", "valueCase.years"),
        (CASE + "  discountRate: 0.1\n", "write a percentage below 100 like 10%"),
        (CASE + "  profit: 3\n", "valueCase.profit"),
    ],
)
def test_bad_input_names_the_field(tmp_path: Path, content: str, why: str) -> None:
    code, out, told = _run(tmp_path, content)
    assert (code, out) == (1, "")
    assert why in told
    assert len(told.strip().splitlines()) == 1


def test_the_discount_rate_is_a_percentage(tmp_path: Path) -> None:
    document = json.loads(_run(tmp_path, CASE + "  discountRate: 5%\n", "--json")[1])
    assert document["planned"]["npv"] == pytest.approx(300_000 * (1 - 1.05**-3) / 0.05 - 500_000)


def _in_cluster(memory: ClusterInMemory, *, case: dict[str, Any] | None = None, figures: list[dict[str, Any]] | None = None) -> None:
    memory.model(LIVE)
    stored = memory.objects[(AIMODELS.plural, "lending", "credit-scorer")]
    stored["spec"]["valueCase"] = yaml.safe_load(CASE)["valueCase"] | (case or {})
    if figures is not None:
        results = {"at": "2026-03-10T12:00:00Z", "revision": "11111111", "kinds": {"value": {"verdict": "Violated", "figures": figures}}}
        metadata = {"name": "credit-scorer-monitoring", "namespace": "lending"}
        memory.put(CONFIG_MAPS, {"metadata": metadata, "data": {"results.json": json.dumps(results)}})


MEASURED = {
    "statistic": "valuePerYear",
    "value": 320_000.0,
    "interval": [300_000.0, 340_000.0],
    "samples": [28],
    "verdict": "Violated",
    "why": "320,000 a year",
}


@pytest.mark.parametrize(
    ("counted", "npv", "as_planned"),
    [
        ({}, -77_235, []),
        ({"counted": "RevenueImpact"}, 420_135, ["costSavingsPerYear"]),
        ({"counted": "CostSavings"}, 544_478, ["revenueImpactPerYear"]),
    ],
)
def test_a_model_shows_what_the_monitor_measures_beside_what_was_planned(
    memory: ClusterInMemory, counted: dict[str, str], npv: float, as_planned: list[str]
) -> None:
    _in_cluster(memory, case=counted, figures=[MEASURED])
    document = json.loads(headgate("value", "credit-scorer", "-n", "lending", "--json").stdout)
    assert document["planned"]["npv"] == pytest.approx(246_055.6, abs=0.1)
    assert document["measured"]["npv"] == pytest.approx(npv, abs=1)
    low, high = (end["npv"] for end in document["interval"])
    assert low < document["measured"]["npv"] < high
    costs = ["developmentCosts", "infrastructurePerYear", "operationPerYear"]
    assert document["asPlanned"] == [*costs, *as_planned]
    shown = headgate("value", "credit-scorer", "-n", "lending").stdout
    assert "as of 2026-03-10T12:00:00Z" in shown
    assert "taken as planned: developmentCosts" in shown


@pytest.mark.parametrize(
    ("figures", "why"),
    [
        (None, "has stored nothing"),
        ([], "say in spec.monitoring.value"),
        ([MEASURED | {"value": None, "interval": None, "verdict": "NotAssessed", "why": "3 days with headgate_value"}], "3 days with"),
    ],
)
def test_a_model_that_is_not_measured_shows_its_plan_and_says_why(
    memory: ClusterInMemory, figures: list[dict[str, Any]] | None, why: str
) -> None:
    _in_cluster(memory, figures=figures)
    done = headgate("value", "credit-scorer", "-n", "lending")
    assert done.exit_code == 0, done.output
    assert "MEASURED" not in done.stdout
    assert f"not measured: {why}" in done.stdout or why in done.stdout
    assert json.loads(headgate("value", "credit-scorer", "-n", "lending", "--json").stdout)["measured"] is None


def test_a_model_without_a_case_says_where_it_would_be_written(memory: ClusterInMemory) -> None:
    memory.model(LIVE)
    done = headgate("value", "credit-scorer", "-n", "lending")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "lending/credit-scorer has no spec.valueCase" in done.stderr


@pytest.mark.parametrize("both", [[], ["credit-scorer", "-f", __file__]])
def test_either_a_model_or_a_file_is_asked_for(both: list[str]) -> None:
    assert CliRunner().invoke(app, ["value", *both]).exit_code == 2
