"""Numbers others have published, to their digits: the judge and what it is compared with are built on the same mathematics.

Values that their authors found by simulation are met within the joint Monte-Carlo error (four standard errors and half a printed digit).
"""

from math import log, sqrt

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import gammaln
from scipy.stats import norm
from tests.statistics import group_sequential as planned
from tests.statistics import kayenta
from tests.statistics.mixtures import (
    BetaBinomial,
    Floats,
    Normal,
    bernoulli_interval,
    best_rho,
    bound,
    first_crossing,
    multinomial_p_values,
    quantile_ab_p_value,
)

from headgate.evidence.bets.eprocess import HARM_GAPS, block_log_evalue

# Howard, Ramdas, McAuliffe, Sekhon: confseq 70b1ef3, test/uniform_boundaries_unittest.cpp


def test_normal_mixtures_match_confseq() -> None:
    two_sided, one_sided = Normal(best_rho(100, 0.05), one_sided=False), Normal(best_rho(100, 0.1), one_sided=True)
    assert two_sided.rho == pytest.approx(12.60056, abs=1e-5)
    assert two_sided.log_value(10, 100) == pytest.approx(-0.6510052, abs=1e-6)
    assert bound(two_sided, 100, 0.05) == pytest.approx(30.35209, abs=1e-5)
    assert one_sided.log_value(10, 100) == pytest.approx(-0.06502391, abs=1e-7)
    assert bound(one_sided, 100, 0.05) == pytest.approx(27.66071, abs=1e-5)


def test_beta_binomial_mixtures_match_confseq() -> None:
    one_sided = BetaBinomial.tuned(100, 0.05, 0.2, 0.8, one_sided=True)
    two_sided = BetaBinomial.tuned(100, 0.05, 0.2, 0.8, one_sided=False)
    assert one_sided.log_value(10, 100) == pytest.approx(-0.07134019, abs=1e-7)
    assert bound(one_sided, 100, 0.05) == pytest.approx(28.41238, abs=1e-5)
    assert two_sided.log_value(10, 100) == pytest.approx(-0.6941012, abs=1e-6)
    assert bound(two_sided, 100, 0.05) == pytest.approx(31.4308, abs=1e-4)


@pytest.mark.parametrize(
    ("successes", "trials", "t_opt", "low", "high"),
    [
        (700, 1000, 100, 0.651629, 0.745949),
        (15, 50, 50, 0.129556, 0.511896),
        (5, 50, 50, 0.013021, 0.269264),
        (1, 50, 50, 0.0, 0.13489),
        (100, 200, 1, 0.328923, 0.671076),
    ],
)
def test_bernoulli_confidence_sequences_match_confseq(successes: int, trials: int, t_opt: float, low: float, high: float) -> None:
    assert bernoulli_interval(successes, trials, 0.05, t_opt) == pytest.approx((low, high), abs=1e-5)


@pytest.mark.parametrize(("tau", "shift", "p"), [(0.5, 70, 0.814704), (0.5, 85, 0.0838055), (0.5, 100, 0.0054947), (0.9, 55, 0.0340463)])
def test_the_quantile_comparison_matches_confseq(tau: float, shift: float, p: float) -> None:
    one = np.arange(1.0, 1001.0)
    assert quantile_ab_p_value(one, one + shift, tau, 100) == pytest.approx(p, abs=1e-6)


# Planned looks


@pytest.mark.parametrize(
    ("looks", "error"), [(1, 0.050), (2, 0.083), (3, 0.107), (4, 0.126), (5, 0.142), (10, 0.193), (20, 0.248), (50, 0.320)]
)
def test_nominal_five_percent_at_many_looks_errs_as_armitage_found(looks: int, error: float) -> None:
    assert planned.false_alarms(np.full(looks, norm.isf(0.025))) == pytest.approx(error, abs=0.0006)


@pytest.mark.parametrize(
    ("looks", "pocock", "obrien_fleming"),
    [(2, 2.178, 1.977), (3, 2.289, 2.004), (4, 2.361, 2.024), (5, 2.413, 2.040), (10, 2.555, 2.087)],
)
def test_critical_values_match_jennison_and_turnbull(looks: int, pocock: float, obrien_fleming: float) -> None:
    assert planned.pocock_constant(looks) == pytest.approx(pocock, abs=0.0006)
    assert planned.obrien_fleming_constant(looks) == pytest.approx(obrien_fleming, abs=0.0006)


def test_lan_demets_bounds_match_the_published_ones() -> None:
    bounds = planned.lan_demets(planned.like_obrien_fleming(0.025), 5)
    assert bounds == pytest.approx([4.877, 3.357, 2.680, 2.290, 2.031], abs=0.0006)


def test_bounds_for_a_look_every_15_seconds_spend_their_error_and_no_more() -> None:
    """Checked by simulation, not by the recursion that found them."""
    steps = np.random.default_rng(12).normal(size=(20_000, 240))
    z = np.cumsum(steps, axis=1) / np.sqrt(np.arange(1.0, 241.0))
    for spending in (planned.like_obrien_fleming(0.05), planned.like_pocock(0.05)):
        crossed = (z > planned.lan_demets(spending, 240)).any(axis=1).mean()
        assert crossed == pytest.approx(0.05, abs=4.0 * sqrt(0.05 * 0.95 / len(z)))


# YEAST (arXiv 2406.16523; akurennoy/yeast 35638b1, supplement tables 1 and 4), the setting of Spotify's comparison of 2023

PAIRS, RUNS, EFFECTS, YEAST_RUNS = 500, 3000, (0.0, 0.1, 0.2, 0.3), 1000


@pytest.fixture(scope="module")
def paths() -> list[Floats]:
    """Sums of differences of pairs with standard deviation 1 each, per effect: (runs, pairs)."""
    rng = np.random.default_rng(2024)
    return [np.cumsum(rng.normal(effect, sqrt(2.0), (RUNS, PAIRS)), axis=1) for effect in EFFECTS]


def _msprt(phi: float) -> Floats:
    """One-sided 5 % from a two-sided bound at 10 %: arXiv 2210.08589, formula (3)."""
    n = np.arange(1.0, PAIRS + 1)
    boundary: Floats = np.sqrt(2.0 * (phi + n) * np.log((phi + n) / (phi * 0.1**2)))
    return boundary


def _gavi(tuned_for: float) -> Floats:
    rho = tuned_for / (log(log(np.e * 0.1**-2)) - 2.0 * log(0.1))
    n = np.arange(1.0, PAIRS + 1)
    boundary: Floats = np.sqrt(2.0 * (n + rho) * np.log((n + rho) / (rho * 0.1**2)))
    return boundary


def _yeast() -> Floats:
    return np.full(PAIRS, norm.isf(0.025) * sqrt(2.0 * PAIRS))


def _bonferroni() -> Floats:
    boundary: Floats = np.sqrt(2.0 * np.arange(1.0, PAIRS + 1)) * norm.isf(0.05 / PAIRS)
    return boundary


@pytest.mark.parametrize(
    ("name", "boundary", "published"),
    [
        ("mSPRT phi=25", _msprt(25), (0.03, 0.24, 0.76, 0.99)),
        ("GAVI250", _gavi(250), (0.02, 0.24, 0.76, 0.99)),
        ("YEAST", _yeast(), (0.05, 0.44, 0.92, 1.0)),
        ("Bonferroni", _bonferroni(), (0.00, 0.04, 0.40, 0.90)),
    ],
)
def test_rejections_at_every_pair_match_the_yeast_tables(
    paths: list[Floats], name: str, boundary: Floats, published: tuple[float, ...]
) -> None:
    for path, share in zip(paths, published, strict=True):
        found = float(np.isfinite(first_crossing(path, boundary)).mean())
        error = sqrt(max(share * (1.0 - share), 0.005) * (1.0 / RUNS + 1.0 / YEAST_RUNS))
        assert found == pytest.approx(share, abs=4.0 * error + 0.005), name


def test_savings_of_the_msprt_match_the_yeast_table(paths: list[Floats]) -> None:
    times = [first_crossing(path, _msprt(25)) for path in paths[1:]]
    for t, published in zip(times, (0.12, 0.41, 0.68), strict=True):
        saved = np.where(np.isfinite(t), 1.0 - t / PAIRS, 0.0)
        error = float(saved.std()) * sqrt(1.0 / RUNS + 1.0 / YEAST_RUNS)
        assert float(saved.mean()) == pytest.approx(published, abs=4.0 * error + 0.005)


# Two published stopping times


def test_the_poisson_canary_of_lindon_and_malek_stops_at_request_210() -> None:
    """Arm shares .8 and .2, log effects 1.5 and 2: savvi de1d0d2, examples/InhomogeneousPoissonProcess."""
    shares, effects = np.array([0.8, 0.2]), np.array([1.5, 2.0])
    rates = shares * np.exp(effects)
    counts = np.random.RandomState(1).multinomial(1, rates / rates.sum(), size=1500).cumsum(axis=0)
    p = multinomial_p_values(counts.astype(np.float64), shares)
    stop = int(np.argmax(p <= 0.05))
    assert stop + 1 == 210
    assert p[stop] == pytest.approx(0.045579631759249686, rel=1e-9)


def test_fishers_exact_test_at_every_block_rejects_a_fifth_of_true_nulls() -> None:
    """safestats 67b0085, vignette on two proportions: both rates 0.5, one observation per arm and block, from the fifth block on."""
    blocks, runs = 140, 2000
    rng = np.random.default_rng(1082021)
    one, other = (np.cumsum(rng.random((runs, blocks)) < 0.5, axis=1) for _ in range(2))
    rejected = np.zeros(runs, dtype=np.bool_)
    for n in range(5, blocks + 1):
        a, b = one[:, n - 1], other[:, n - 1]
        rejected |= _fisher(n)[a + b, a] < 0.05
    assert rejected.mean() == pytest.approx(0.19, abs=0.03)


def _fisher(n: int) -> Floats:
    """Two-sided p of `a` successes in one arm out of `s` in both, at [s, a]; n observations per arm."""
    s, a = np.arange(2 * n + 1)[:, None], np.arange(n + 1)[None, :]
    possible = (s - a >= 0) & (s - a <= n)
    b = np.where(possible, s - a, 0)
    log_p = _log_choose(n, a) + _log_choose(n, b) - _log_choose(2 * n, s)
    p = np.where(possible, np.exp(log_p), 0.0)
    order = np.argsort(p, axis=1)
    tails = np.empty_like(p)
    np.put_along_axis(tails, order, np.cumsum(np.take_along_axis(p, order, axis=1), axis=1), axis=1)
    mirrored = np.take_along_axis(tails, np.clip(s - a, 0, n), axis=1)
    both: Floats = np.maximum(tails, mirrored)
    return both


def _log_choose(n: int, k: NDArray[np.int64]) -> Floats:
    result: Floats = gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
    return result


# Cases that users of Kayenta have reported


@pytest.mark.parametrize(
    ("control", "experiment", "high"),
    [
        pytest.param([1.0] * 10, [100.0] * 7 + [1.0] * 3, False, id="spinnaker#6278, seven of ten a hundredfold"),
        pytest.param([1.0] * 10, [100.0] * 8 + [1.0] * 2, True, id="spinnaker#6278, eight of ten"),
        pytest.param(
            [1, 100, 4, 101, 5, 102, 6, 103, 7, 104, 8, 105, 9, 106, 17],
            [10, 10.1, 10.2, 10.3, 10.4, 10.5, 10.6, 17, 17.1, 17.2, 17.3, 17.4, 17.5, 17.6, 17.7],
            False,
            id="kayenta#780, case 1",
        ),
        pytest.param([0.0] * 6, [0.0, 1.0, 2.0, 1.0, 0.0, 0.0], False, id="kayenta#426, sparse errors"),
    ],
)
def test_kayentas_judge_decides_as_its_users_report(control: list[float], experiment: list[float], high: bool) -> None:
    assert kayenta.is_high(np.array([control], dtype=float), np.array([experiment], dtype=float)).tolist() == [high]


# The block e-value itself


@pytest.mark.parametrize("offset", [0.0, 0.0025, 0.05])
@pytest.mark.parametrize(("n_b", "n_c"), [(9, 5), (20, 3), (1, 12)])
def test_the_largest_expectation_of_a_block_over_the_null_is_one(n_b: int, n_c: int, offset: float) -> None:
    """By enumeration of all outcomes, over a grid of the whole null: E[S] <= 1, and 1 is reached on its border."""
    e_b, e_c = (grid.astype(np.float64) for grid in np.meshgrid(np.arange(n_b + 1), np.arange(n_c + 1), indexing="ij"))
    largest = 0.0
    for stable in (0.002, 0.03, 0.3):
        for gap in HARM_GAPS:
            supposed = min(stable + offset + float(gap), 0.999)
            s, c = np.array(stable), np.array(supposed)
            log_s = block_log_evalue(s, c, (np.array(float(n_b)), e_b, np.array(float(n_c)), e_c), np.array(1.0), np.array(offset), 1.0)
            p_b = np.concatenate((np.linspace(0.0, 1.0 - offset, 60), np.geomspace(1e-6, 0.2, 60)))
            for p_c in (p_b + offset, 0.5 * (p_b + offset), np.zeros_like(p_b)):
                mean = np.einsum("ij,ki,kj->k", np.exp(log_s), _pmf(n_b, p_b), _pmf(n_c, p_c))
                largest = max(largest, float(mean.max()))
    assert largest == pytest.approx(1.0, abs=2e-6)
    assert largest <= 1.0 + 1e-9


def _pmf(n: int, p: Floats) -> Floats:
    """Binomial probabilities, shape (rates, n + 1)."""
    k = np.arange(n + 1)
    result: Floats = np.exp(_log_choose(n, k)) * p[:, None] ** k * (1.0 - p[:, None]) ** (n - k)
    return result
