"""Scores are never imputed, and nothing makes up for a dimension below its floor."""

import pytest

from headgate.api.scorecard import Dimension
from headgate.monitoring.result import LimitVerdict
from headgate.monitoring.scorecard import WEIGHTS, Indicator, dimension, overall

WITHIN, DRIFTING, VIOLATED, UNKNOWN = LimitVerdict
TECHNICAL = Dimension.TECHNICAL


def scored(score: float | None, of: Dimension = TECHNICAL, name: str = "x", weight: float = 1.0) -> Indicator:
    return Indicator(name, of, 0.0, 1.0, score, weight=weight)


def whole(*scores: float | None) -> list[Indicator]:
    return [scored(score, of) for score, of in zip(scores, Dimension, strict=True)]


def test_weights_are_those_of_the_guides() -> None:
    assert tuple(WEIGHTS.values()) == (0.25, 0.35, 0.25, 0.15)
    found = overall([dimension(of, whole(0.8, 0.7, 0.9, 0.6)) for of in Dimension])
    assert (found.verdict, found.value) == (WITHIN, pytest.approx(0.25 * 0.8 + 0.35 * 0.7 + 0.25 * 0.9 + 0.15 * 0.6))


def test_no_risk_control_at_all_is_not_75_percent_healthy() -> None:
    found = overall([dimension(of, whole(1.0, 1.0, 0.0, 1.0)) for of in Dimension])
    assert (found.verdict, found.value) == (VIOLATED, pytest.approx(0.75))
    assert "Risk" in found.why


def test_what_was_not_measured_is_not_imputed() -> None:
    found = dimension(TECHNICAL, [scored(0.9, name="accuracy"), scored(None, name="uptime")])
    assert (found.verdict, found.value, found.samples) == (UNKNOWN, None, (1, 2))
    assert "uptime" in found.why
    assert dimension(TECHNICAL, []).verdict is UNKNOWN
    together = overall([dimension(of, whole(0.9, 0.9, 0.2, None)) for of in Dimension])
    assert (together.verdict, together.value) == (UNKNOWN, None)
    assert "Adoption" in together.why
    assert "Risk" in together.why


@pytest.mark.parametrize(
    ("bad", "good", "value", "score"), [(0.8, 1.0, 0.9, 0.5), (500.0, 200.0, 350.0, 0.5), (500.0, 200.0, 900.0, 0.0), (0.8, 1.0, 1.2, 1.0)]
)
def test_anchors_may_run_either_way_and_scores_end_at_them(bad: float, good: float, value: float, score: float) -> None:
    assert Indicator("x", TECHNICAL, bad, good).score(value) == pytest.approx(score)


def test_the_interval_of_an_indicator_becomes_one_of_the_score() -> None:
    slow = Indicator("latency", TECHNICAL, 500.0, 200.0, 260.0, (230.0, 320.0))
    found = dimension(TECHNICAL, [slow, scored(1.0)])
    assert found.interval == pytest.approx(((0.6 + 1.0) / 2, (0.9 + 1.0) / 2))
    assert found.value == pytest.approx(0.9)


def test_weights_within_a_dimension_and_the_weak_indicators_are_named() -> None:
    found = dimension(TECHNICAL, [scored(0.5, name="uptime"), scored(0.9, name="accuracy", weight=3.0)])
    assert (found.verdict, found.value) == (WITHIN, pytest.approx(0.8))
    assert "weak: uptime 0.50" in found.why


@pytest.mark.parametrize(("score", "verdict"), [(0.6, WITHIN), (0.599, VIOLATED)])
def test_the_floor_is_inclusive(score: float, verdict: LimitVerdict) -> None:
    assert dimension(TECHNICAL, [scored(score)]).verdict is verdict


@pytest.mark.parametrize(
    "wrong",
    [
        {"good": 0.0},
        {"weight": 0.0},
        {"value": float("nan")},
        {"interval": (0.1, 0.2)},
        {"value": 0.5, "interval": (0.6, 0.7)},
    ],
)
def test_indicators_without_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="x: "):
        Indicator(**({"name": "x", "dimension": TECHNICAL, "bad": 0.0, "good": 1.0} | wrong))  # type: ignore[arg-type]
