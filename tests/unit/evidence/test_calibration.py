"""What the stable version's own pods say of noise: bets shrink as clusters grow, common bursts cancel, and nothing is bet blindly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.evidence.bets.calibration import Calibration, fit, tempered
from headgate.evidence.bets.noise import Dispersion, deviations, learn, with_arms
from headgate.evidence.bets.selfnormal import log_factors

MARGIN = np.full(1, 0.005)


def arms(events: np.ndarray, requests: np.ndarray) -> np.ndarray:
    """Each pod, shape (series, pods, blocks), against the others."""
    others = requests.sum(axis=1, keepdims=True) - requests, events.sum(axis=1, keepdims=True) - events
    return np.stack([*others, requests, events], axis=-1).astype(float)


def independent(rng: np.random.Generator, rate: float = 0.01, blocks: int = 400, pods: int = 4) -> np.ndarray:
    requests = rng.poisson(700, (1, pods, blocks))
    return arms(rng.binomial(requests, rate), requests)


def clustered(rng: np.random.Generator, size: int = 9, blocks: int = 400) -> np.ndarray:
    requests = rng.poisson(700, (1, 4, blocks))
    return arms(np.minimum(size * rng.poisson(7 / size, requests.shape), requests), requests)


def test_independent_requests_are_bet_on_almost_in_full() -> None:
    found = fit(independent(np.random.default_rng(1)), MARGIN)
    assert 1.0 <= found.phi[0] < 1.3
    assert found.kappa.max() > 0.75
    assert found.shares[0].tolist() == [0.75, 0.25, 0.0]
    assert found.wary[0] == 0


def test_errors_in_clusters_of_nine_are_a_ninth_of_the_evidence() -> None:
    found = fit(clustered(np.random.default_rng(2)), MARGIN)
    assert 7 < found.phi[0] < 13
    assert found.kappa.max() <= 1 / found.phi[0]


def test_a_burst_that_hits_all_pods_alike_is_no_dispersion() -> None:
    rng = np.random.default_rng(3)
    requests = rng.poisson(700, (1, 4, 400))
    rate = np.where(np.arange(400) % 80 < 4, 0.11, 0.01)
    assert fit(arms(rng.binomial(requests, rate), requests), MARGIN).phi[0] < 1.4


def test_slow_bursts_of_one_pod_are_seen_in_longer_spans() -> None:
    rng = np.random.default_rng(4)
    requests = rng.poisson(700, (1, 4, 480))
    bad = np.repeat(rng.random((1, 4, 40)) < 0.1, 12, axis=-1)
    u, v = deviations(arms(rng.binomial(requests, np.where(bad, 0.05, 0.01)), requests))
    of_blocks = float(np.square(u).sum() / v.sum())
    assert fit(arms(rng.binomial(requests, np.where(bad, 0.05, 0.01)), requests), MARGIN).phi[0] > 3 * of_blocks


def test_two_pods_cannot_tell_noise() -> None:
    with pytest.raises(ValueError, match="at least 3"):
        fit(independent(np.random.default_rng(5), pods=2), MARGIN)


def _seen(rows: np.ndarray) -> Dispersion:
    seen = Dispersion.unknown((1,), rows.shape[1])
    for block in range(rows.shape[2]):
        seen = learn(seen, rows[:, :, block])
    return seen


def test_what_is_learnt_block_by_block_is_what_the_whole_says() -> None:
    rows = clustered(np.random.default_rng(6), blocks=240)
    assert _seen(rows).phi[0] == pytest.approx(fit(rows, MARGIN).phi[0])


def test_noise_that_the_history_did_not_have_lowers_the_bets() -> None:
    quiet = fit(independent(np.random.default_rng(7)), MARGIN)
    same = tempered(quiet, _seen(independent(np.random.default_rng(8), blocks=60)))
    noisy = tempered(quiet, _seen(clustered(np.random.default_rng(9), blocks=60)))
    assert same.kappa == pytest.approx(quiet.kappa, rel=0.2)
    assert noisy.kappa.max() < 0.35
    assert noisy.phi[0] > 3


def test_without_a_history_bets_are_small_and_count_only_for_the_obvious_before_enough_was_seen() -> None:
    learning = Calibration.learning((1,))
    blind = tempered(learning, Dispersion.unknown((1,), 4))
    assert blind.kappa.max() < 0.05
    assert blind.wary[0] == 1
    known = tempered(learning, _seen(independent(np.random.default_rng(10), blocks=60)))
    assert known.kappa.min() > 0.4
    assert known.wary[0] == 0


def test_other_pods_keep_what_was_learnt_and_begin_their_spans_anew() -> None:
    seen = _seen(clustered(np.random.default_rng(11), blocks=50))
    changed = with_arms(seen, 6)
    assert changed.phi == seen.phi
    assert changed.open.shape == (1, 6, 3)
    assert learn(changed, independent(np.random.default_rng(12), blocks=1, pods=6)[:, :, 0]).blocks[0] == 49


@given(st.floats(-50, 50), st.floats(0.5, 5))
def test_a_self_normalised_factor_is_a_fair_bet(x: float, deficit: float) -> None:
    """exp(l x - l^2/2 (x_+^2 + v)) <= (1 + l x + l^2 x_-^2 / 2) exp(-l^2 v / 2), whose expectation is at most 1."""
    stakes = np.array([1 / 320, 1 / 160, 1 / 80, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8])
    bound = (1 + stakes * x + np.square(stakes * min(x, 0.0)) / 2) * np.exp(-np.square(stakes) * deficit / 2)
    assert (np.exp(log_factors(np.asarray(x), np.asarray(deficit))) <= bound + 1e-12).all() or x == 0


def test_one_block_moves_the_self_normalised_bet_by_half_a_nat_at_most() -> None:
    assert log_factors(np.array([1.0, 10.0, 1e6]), np.ones(3)).max() <= 0.5
