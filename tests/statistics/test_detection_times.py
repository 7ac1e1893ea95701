"""How long evidence takes: medians near those published for the exact test with half a margin in the null, and the demo's promises."""

from dataclasses import replace
from statistics import median

import numpy as np
import pytest
from tests.statistics.arms import ERRORS, LATENCY, REJECTIONS, arm, block, question

from headgate.api.quantities import Margin, Unit
from headgate.api.vocabulary import Verdict
from headgate.evidence.check import Question
from headgate.evidence.counting.block import ArmCounts, Block
from headgate.evidence.judge import advance, assess, start

HALF_POINT = replace(ERRORS, margin=Margin(0.5, Unit.POINTS))
NEVER = 10_000


def _quarter_minutes(rng: np.random.Generator, verdict: Verdict, stable: float, candidate: float, per_second: int) -> int:
    """Blocks of 15 s until the verdict, 5 % of the traffic on the candidate."""
    asked = question(HALF_POINT, stages=(240,), interval=15.0)
    state = start(asked)
    for k in range(240):
        n_b, n_c = (int(rng.poisson(15 * per_second * part)) for part in (0.95, 0.05))
        counts = (ArmCounts(n_b, int(rng.binomial(n_b, stable))), ArmCounts(n_c, int(rng.binomial(n_c, candidate))))
        state = advance(state, asked, Block(15.0 * k, *counts), 0)
        if assess(state, asked).verdict is verdict:
            return k + 1
    return NEVER


@pytest.mark.parametrize(
    ("stable", "candidate", "per_second", "minutes"),
    [(0.01, 0.03, 200, (1.0, 2.0)), (0.01, 0.02, 200, (2.5, 5.5)), (0.01, 0.06, 200, (1.0, 1.5)), (0.01, 0.03, 20, (6.0, 11.5))],
)
def test_harm_is_found_about_as_fast_as_published(stable: float, candidate: float, per_second: int, minutes: tuple[float, float]) -> None:
    rng = np.random.default_rng(21)
    found = median(_quarter_minutes(rng, Verdict.FAIL, stable, candidate, per_second) for _ in range(25)) / 4
    assert minutes[0] <= found <= minutes[1]


def test_being_good_is_proven_about_as_fast_as_published() -> None:
    rng = np.random.default_rng(22)
    found = median(_quarter_minutes(rng, Verdict.PASS, 0.001, 0.001, 200) for _ in range(15)) / 4
    assert 1.0 <= found <= 3.5


def _seconds(rng: np.random.Generator, asked: Question, verdict: Verdict, limit: int, **candidate: float) -> int:
    """Seconds of 80 + 20 requests/s until the verdict; the first two are warm-up."""
    state = start(asked)
    for k in range(limit):
        one = block(float(k), arm(rng, 80, errors=0.005), arm(rng, 20, **{"errors": 0.005} | candidate), usable=k >= 2)
        state = advance(state, asked, one, 0)
        if assess(state, asked).verdict is verdict:
            return k + 1
    return NEVER


ASKED = question(ERRORS, REJECTIONS, LATENCY, stages=(300, 300))


def test_an_identical_candidate_is_proven_good_in_about_a_minute() -> None:
    rng = np.random.default_rng(23)
    times = sorted(_seconds(rng, ASKED, Verdict.PASS, 240) for _ in range(15))
    assert 20 <= median(times) <= 75
    assert times[-2] < 200


def test_latency_within_the_margin_is_proven_in_less_than_a_minute() -> None:
    rng = np.random.default_rng(24)
    assert median(_seconds(rng, question(LATENCY), Verdict.PASS, 120) for _ in range(9)) <= 60


@pytest.mark.parametrize(
    ("candidate", "seconds"),
    [({"errors": 0.03}, 60), ({"errors": 1.0}, 4), ({"slower": 0.1}, 6), ({"rejections": 1.0}, 4), ({"missing": 1.0}, 4)],
)
def test_harm_is_found_in_seconds(candidate: dict[str, float], seconds: int) -> None:
    rng = np.random.default_rng(25)
    assert median(_seconds(rng, ASKED, Verdict.FAIL, 120, **candidate) for _ in range(9)) <= seconds


def test_fifty_milliseconds_more_are_never_proven_good() -> None:
    """Exactly at the limit: 20 runs, promised at most 5 %."""
    rng = np.random.default_rng(26)
    assert sum(_seconds(rng, question(LATENCY), Verdict.PASS, 60, slower=0.05) < NEVER for _ in range(20)) <= 3
