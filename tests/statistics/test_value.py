"""Means by sum and count: who earns as much is not taken back, who earns clearly less is found by the published median, also where single
values have a heavy tail.

The published medians come from 400 runs of an hour. As for errors, asserted is a binomial test that fails once in a thousand times.
"""

import numpy as np
import pytest
from scipy.stats import binom
from tests.statistics.values import judge, simulate

SEED, RUNS = 8, 60


@pytest.mark.parametrize(("rps", "less", "minutes"), [(20.0, 0.2, 14.0), (200.0, 0.1, 10.0), (200.0, 0.2, 4.25), (2000.0, 0.1, 3.75)])
def test_half_of_the_candidates_that_earn_less_are_found_by_the_published_median(rps: float, less: float, minutes: float) -> None:
    outcomes = judge(simulate(rps, less, RUNS, np.random.default_rng([SEED, int(rps), int(100 * less)])))
    assert (outcomes.failed_at <= 60 * minutes).sum() >= binom.ppf(0.001, RUNS, 0.5)


@pytest.mark.parametrize("rps", [20.0, 200.0, 2000.0])
@pytest.mark.parametrize("arms", [True, False])
def test_hardly_any_candidate_that_earns_as_much_is_taken_back(rps: float, arms: bool) -> None:
    outcomes = judge(simulate(rps, 0.0, RUNS, np.random.default_rng([SEED, int(rps)])), arms=arms)
    assert np.isfinite(outcomes.failed_at).sum() <= binom.ppf(0.999, RUNS, 0.05)


@pytest.mark.parametrize("arms", [True, False])
def test_a_heavy_tail_takes_no_more_back(arms: bool) -> None:
    outcomes = judge(simulate(20.0, 0.0, 2 * RUNS, np.random.default_rng(SEED), cv=4.0), arms=arms)
    assert np.isfinite(outcomes.failed_at).sum() <= binom.ppf(0.999, 2 * RUNS, 0.05)


def test_a_candidate_at_the_limit_is_not_called_good() -> None:
    outcomes = judge(simulate(200.0, 0.05, RUNS, np.random.default_rng([SEED, 5])))
    assert np.isfinite(outcomes.passed_at).sum() <= binom.ppf(0.999, RUNS, 0.05)


def test_the_interval_holds_the_truth() -> None:
    outcomes = judge(simulate(200.0, 0.02, RUNS, np.random.default_rng([SEED, 2])))
    assert ((outcomes.low[:, 0] <= -0.02) & (outcomes.high[:, 0] >= -0.02)).sum() >= binom.ppf(0.001, RUNS, 0.95)
