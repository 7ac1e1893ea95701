"""Identical candidates are rarely rolled back, whatever the noise, as long as the stable version's pods have shown noise of its kind.

Monte-Carlo over whole rollout hours at reduced size. `make bench-statistics` does the same at full size. A bound is asserted as a
binomial test: the number of false rollbacks may not exceed what a judge that errs exactly as promised exceeds once in a thousand times.
"""

import numpy as np
import pytest
from scipy.stats import binom
from tests.statistics import rules
from tests.statistics.noise import HOUR, REPRESENTATIVE, Noise, Scene
from tests.statistics.play import GOOD, HEADGATE, WITHOUT_ARMS, headgate, headgate_without_arms, plain, play

SEED, RUNS, HISTORY = 5, 100, HOUR
PROMISED = 0.05
_HARD = (Noise.IID, Noise.CLUSTER, Noise.DRIFT)


def _most(runs: int, promised: float) -> int:
    return int(binom.ppf(0.999, runs, promised))


@pytest.mark.parametrize(
    ("scene", "promised"),
    [
        pytest.param(Scene(rps=20, history=HISTORY), 0.01, id="iid, 20 rps"),
        pytest.param(Scene(noise=Noise.SHARED, history=HISTORY), PROMISED, id="shared bursts"),
        pytest.param(Scene(rps=2000, noise=Noise.CLUSTER, history=HISTORY), PROMISED, id="clusters"),
        pytest.param(Scene(noise=Noise.PODBURST, history=HISTORY), PROMISED, id="pod bursts"),
        pytest.param(Scene(noise=Noise.DRIFT, history=HISTORY), 0.01, id="rate and share change"),
    ],
)
def test_identical_candidates_are_rarely_rolled_back(scene: Scene, promised: float) -> None:
    outcome = play(scene, RUNS, [headgate], SEED)[HEADGATE]
    assert np.isfinite(outcome.minutes).sum() <= _most(RUNS, promised)


def test_a_candidate_a_quarter_point_worse_is_within_the_limit_and_rarely_rolled_back() -> None:
    outcome = play(Scene(effect=0.0025, history=HISTORY), RUNS, [headgate], SEED)[HEADGATE]
    assert np.isfinite(outcome.minutes).sum() <= _most(RUNS, PROMISED)


@pytest.mark.parametrize("noise", REPRESENTATIVE)
def test_without_any_known_noise_identical_candidates_are_rarely_rolled_back(noise: Noise) -> None:
    outcome = play(Scene(rps=2000, noise=noise, history=1), RUNS, [headgate_without_arms], SEED)[WITHOUT_ARMS]
    assert np.isfinite(outcome.minutes).sum() <= _most(RUNS, PROMISED)


def test_a_candidate_at_the_limit_is_rarely_proven_good() -> None:
    outcome = play(Scene(effect=0.005, history=HISTORY), RUNS, [headgate], SEED)[GOOD]
    assert np.isfinite(outcome.minutes).sum() <= _most(RUNS, PROMISED)


def test_the_naive_rule_errs_often_on_the_same_streams() -> None:
    """Otherwise the noise would be too kind to prove anything."""
    errors = [play(Scene(noise=noise, history=1), 200, [plain("naive", rules.naive)], SEED)["naive"].share for noise in _HARD]
    assert errors[0] > 0.08
    assert errors[1] > 0.35
    assert errors[2] > 0.9
