"""`headgate scorecard`: indicators to scores, or to the field that is wrong."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from headgate.cli.main import app

CARD = """
indicators:
- {name: accuracy, dimension: Technical, bad: 0.8, good: 0.95, value: 0.93, interval: [0.92, 0.94]}
- {name: revenueImpact, dimension: Business, bad: 0, good: 250000, value: 200000}
- {name: fairness, dimension: Risk, bad: 0.8, good: 1.0, value: 0.95}
- {name: usage, dimension: Adoption, bad: 0, good: 1, value: 0.9}
"""


def _run(tmp_path: Path, content: str, *extra: str) -> tuple[int, str, str]:
    (tmp_path / "card.yaml").write_text(content)
    result = CliRunner().invoke(app, ["scorecard", str(tmp_path / "card.yaml"), *extra])
    return result.exit_code, result.stdout, result.stderr


def test_a_score_for_each_dimension_and_the_whole(tmp_path: Path) -> None:
    code, out, _ = _run(tmp_path, CARD, "--json")
    document = json.loads(out)
    assert (code, document["verdict"]) == (0, "WithinLimits")
    assert [score["statistic"] for score in document["scores"]] == ["Technical", "Business", "Risk", "Adoption", "overall"]
    assert _run(tmp_path, CARD)[0] == 0


@pytest.mark.parametrize(("was", "now", "code"), [("value: 0.95}", "value: 0.81}", 4), (", value: 0.9}", "}", 5)])
def test_the_exit_code_tells_a_weakness_and_what_is_missing(tmp_path: Path, was: str, now: str, code: int) -> None:
    assert _run(tmp_path, CARD.replace(was, now))[0] == code


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "the document"),
        ("indicators: []", "indicators"),
        (CARD.replace("Risk", "Luck"), "indicators.2.dimension"),
        (CARD.replace("good: 250000", "good: 0"), "indicators.1"),
        (CARD.replace("0.9}", ".nan}"), "indicators.3.value"),
        (CARD.replace("[0.92, 0.94]", "[0.94, 0.95]"), "does not hold the value"),
        (CARD + "weights: {}\n", "weights"),
    ],
)
def test_bad_input_names_the_field(tmp_path: Path, content: str, why: str) -> None:
    code, out, told = _run(tmp_path, content)
    assert (code, out) == (1, "")
    assert why in told
    assert len(told.strip().splitlines()) == 1
