"""Bounds of the difference that people are told: as wide as the world until something is known of the noise, and then right."""

import numpy as np
import pytest
from tests.statistics.arms import ERRORS, REJECTIONS, arm, block, question
from tests.statistics.judged import HALF_POINT, streams
from tests.statistics.noise import HOUR, SECONDS, Noise, Scene, simulate
from tests.unit.evidence.gateway import steady
from tests.unit.evidence.test_attempt import verdict, watched

from headgate.api.quantities import Margin, Unit
from headgate.evidence.batch import judge_streams
from headgate.evidence.bets.asymptotic import BURN_IN
from headgate.evidence.check import Check
from headgate.evidence.judge import JudgeState, advance, assess, start

ASKED = question(ERRORS, REJECTIONS)
UNKNOWN = np.zeros(2)


def _after(blocks: int) -> JudgeState:
    rng, state = np.random.default_rng(4), start(ASKED)
    for k in range(blocks):
        state = advance(state, ASKED, block(float(k), arm(rng, 400, errors=0.1), arm(rng, 100, errors=0.1)), 0)
    return state


def test_nothing_is_told_of_the_difference_while_its_noise_is_not_known() -> None:
    state = _after(BURN_IN - 1)
    assert {(check.low, check.high) for check in assess(state, ASKED, UNKNOWN).checks} == {(-1.0, 1.0)}
    independent, learnt = (assess(state, ASKED, phi).checks for phi in (None, np.array([4.0, 0.0])))
    assert independent[0].low < 0.0 < independent[0].high < 0.1
    assert learnt[0].high - learnt[0].low == pytest.approx(2 * (independent[0].high - independent[0].low))
    assert (learnt[1].low, learnt[1].high) == (-1.0, 1.0)
    assert [check.dispersion for check in learnt] == [4.0, 1.0]


def test_blocks_tell_their_own_noise_once_there_are_enough_of_them() -> None:
    state = _after(BURN_IN)
    unknown, independent = (assess(state, ASKED, phi).checks[0] for phi in (UNKNOWN, None))
    assert -1.0 < unknown.low < independent.low < independent.high < unknown.high < 1.0
    assert unknown.difference == independent.difference


@pytest.mark.parametrize("check", [HALF_POINT, Check(HALF_POINT.metric, Margin(10, Unit.RELATIVE))])
@pytest.mark.parametrize("noise", [Noise.CLUSTER, Noise.PODBURST])
def test_bounds_hold_for_noise_that_nobody_has_seen_before(noise: Noise, check: Check) -> None:
    scene = Scene(rps=200, base=0.05, noise=noise, history=0)
    rollouts, _ = simulate(scene, 150, np.random.default_rng(3))
    found = judge_streams(question(check, stages=(HOUR,), interval=SECONDS), {check: streams(rollouts, None)})
    missed = (found.low[:, 0] > 0.0) | (found.high[:, 0] < 0.0)
    assert missed.mean() <= 0.05
    assert (found.high - found.low).max() < 0.2
    assert set(found.dispersion[:, 0]) == {1.0}


def test_an_attempt_whose_noise_is_not_known_has_no_bounds_yet() -> None:
    errors = verdict(watched(steady(BURN_IN - 2, codes={"200": 19, "500": 1}), BURN_IN - 3), BURN_IN - 3.0).checks[0]
    assert errors.candidate_events > 0
    assert (errors.low, errors.high, errors.dispersion) == (-1.0, 1.0, 1.0)
