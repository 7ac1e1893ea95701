"""Both error probabilities, looking after every block: at most alpha harmful verdicts within the limit, at most beta proofs at it.

Seeded Monte-Carlo over many rollouts at once; the allowance is three standard errors of the promised figure.
"""

from collections.abc import Callable

import numpy as np
import pytest
from tests.statistics.arms import ERRORS, LATENCY, REJECTIONS, arm, block, question

from headgate.api.vocabulary import Verdict
from headgate.evidence.bets import eprocess
from headgate.evidence.judge import advance, assess, start

RUNS, BLOCKS = 600, 160
PROMISED = 0.05
ALLOWED = PROMISED + 3 * np.sqrt(PROMISED * (1 - PROMISED) / RUNS)


def _crossed(side: int, margin: float, rate: Callable[[int], float], excess: float, share: Callable[[int], float], total: int) -> float:
    """Part of the runs whose e-value ever reached 20; `excess` is added to the candidate's rate."""
    rng = np.random.default_rng(7)
    prior = eprocess.HARM_PRIOR if side > 0 else eprocess.GOOD_PRIOR
    ones, offset = np.ones(RUNS), np.full(RUNS, margin)
    wealth = np.full((RUNS, len(prior)), eprocess.LOG_ZERO)
    past, events, top, spent = np.zeros(RUNS), np.zeros(RUNS), np.zeros(RUNS), 0.0
    for k in range(BLOCKS):
        n_c, n_b = rng.poisson(total * share(k), RUNS), rng.poisson(total * (1 - share(k)), RUNS)
        e_b, e_c = rng.binomial(n_b, rate(k)), rng.binomial(n_c, rate(k) + excess)
        predicted = (events + 0.5) / (past + 50)
        targets = eprocess.harm_targets(predicted, ones, offset) if side > 0 else eprocess.good_targets(predicted, predicted, ones, offset)
        counts = tuple(np.asarray(v, dtype=float)[:, None] for v in (n_b, e_b, n_c, e_c))
        log_s = eprocess.block_log_evalue(predicted[:, None], targets, counts, ones[:, None], offset[:, None], side)
        weight = eprocess.start_weight((BLOCKS,), 0, k, first=k == 0)
        spent = min(spent + weight, 1.0)
        wealth = eprocess.grow(wealth, weight, log_s)
        top = np.maximum(top, eprocess.log_evidence(wealth, prior, spent))
        past, events = past + n_b, events + e_b
    return float((top >= np.log(1 / PROMISED)).mean())


def _fixed(value: float) -> Callable[[int], float]:
    return lambda k: value


def _drift(k: int) -> float:
    return 0.01 if k < BLOCKS // 2 else 0.03


def _ramp(k: int) -> float:
    return (0.05, 0.25, 0.5)[3 * k // BLOCKS]


@pytest.mark.parametrize("rate", [_fixed(0.001), _fixed(0.05), _drift])
@pytest.mark.parametrize("total", [100, 3000])
def test_harm_is_rarely_seen_at_the_edge_of_the_null(rate: Callable[[int], float], total: int) -> None:
    assert _crossed(1, 0.0025, rate, 0.0025, _ramp, total) <= ALLOWED


@pytest.mark.parametrize("rate", [_fixed(0.001), _fixed(0.05), _drift])
@pytest.mark.parametrize("total", [100, 3000])
def test_a_candidate_at_the_limit_is_rarely_proven_good(rate: Callable[[int], float], total: int) -> None:
    assert _crossed(-1, 0.005, rate, 0.005, _ramp, total) <= ALLOWED


def test_both_tests_can_be_won_so_that_the_bounds_mean_something() -> None:
    assert _crossed(1, 0.0025, _fixed(0.01), 0.02, _fixed(0.05), 3000) > 0.95
    assert _crossed(-1, 0.005, _fixed(0.01), 0.0, _fixed(0.05), 3000) > 0.95


def test_identical_versions_are_not_rolled_back_while_rate_and_share_change() -> None:
    """The whole judge with three checks over three stages: 40 runs, promised at most 2 on average."""
    asked = question(ERRORS, REJECTIONS, LATENCY, stages=(40, 40, 40))
    rng, failed = np.random.default_rng(11), 0
    for _ in range(40):
        state = start(asked)
        for k in range(120):
            share, rate = (0.05, 0.2, 0.5)[k // 40], 0.005 if k < 60 else 0.03
            one = block(
                float(k), arm(rng, 100 * (1 - share), errors=rate, rejections=0.01), arm(rng, 100 * share, errors=rate, rejections=0.01)
            )
            state = advance(state, asked, one, k // 40)
        failed += assess(state, asked).verdict is Verdict.FAIL
    assert failed <= 2
