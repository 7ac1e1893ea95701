"""The simulated streams are what they say: rates, dispersion, and A/A arms made of the very requests of the rollout."""

import numpy as np
import pytest
from tests.statistics.noise import HOUR, PODS, Noise, Scene, simulate

from headgate.evidence.bets.noise import deviations


def _dispersion(scene: Scene) -> float:
    """Variance of the A/A differences over that of independent requests."""
    _, arms = simulate(scene, 40, np.random.default_rng(4))
    u, v = deviations(arms.counts)
    return float(np.square(u).sum() / v.sum())


def test_independent_requests_have_dispersion_one_and_clusters_nine() -> None:
    assert _dispersion(Scene(history=HOUR)) == pytest.approx(1.0, abs=0.05)
    assert _dispersion(Scene(noise=Noise.CLUSTER, history=HOUR)) == pytest.approx(9.0, rel=0.1)


def test_bursts_of_the_whole_service_cancel_between_pods_and_bursts_of_one_do_not() -> None:
    assert _dispersion(Scene(noise=Noise.SHARED, history=HOUR)) < 1.1
    assert _dispersion(Scene(noise=Noise.PODBURST, history=HOUR)) > 5.0


@pytest.mark.parametrize("noise", list(Noise))
def test_identical_candidates_fail_as_often_as_the_stable_version(noise: Noise) -> None:
    rollouts, _ = simulate(Scene(2000, 0.02, noise=noise, history=1), 200, np.random.default_rng(6))
    n_b, e_b, n_c, e_c = rollouts.counts.sum(axis=0).T
    assert (e_c / n_c).mean() == pytest.approx((e_b / n_b).mean(), rel=0.05)


def test_each_pod_plays_the_candidate_once_against_all_others_with_the_requests_of_the_rollout() -> None:
    rollouts, arms = simulate(Scene(history=20, blocks=30), 3, np.random.default_rng(1))
    live = arms.counts[:, :, 20:]
    assert arms.counts.shape == (3, PODS, 50, 4)
    assert np.array_equal(live[..., 2:].sum(axis=1), rollouts.counts[..., :2])
    assert np.array_equal(live[..., :2] + live[..., 2:], np.broadcast_to(rollouts.counts[:, None, :, :2], live[..., :2].shape))
    assert np.array_equal(arms.ends[0, 0, 20:], rollouts.ends[0])
    assert arms.ends[0, 0, 19] < 0.0 < arms.ends[0, 0, 20]


def test_the_same_seed_gives_the_same_streams() -> None:
    one, other = (simulate(Scene(noise=Noise.CLUSTER, history=5, blocks=9), 4, np.random.default_rng(2))[0].counts for _ in range(2))
    assert np.array_equal(one, other)


def test_the_effect_begins_with_its_block() -> None:
    rollouts, _ = simulate(Scene(2000, 0.01, 0.04, onset=20, history=1, blocks=40), 50, np.random.default_rng(3))
    rate = rollouts.counts[:, :, 3].sum(axis=0) / rollouts.counts[:, :, 2].sum(axis=0)
    assert rate[:20].mean() == pytest.approx(0.01, rel=0.05)
    assert rate[20:].mean() == pytest.approx(0.05, rel=0.05)
