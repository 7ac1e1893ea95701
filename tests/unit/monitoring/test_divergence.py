"""Distances agree with scipy and with published figures, and their intervals cover."""

from itertools import pairwise
from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import brentq
from scipy.spatial.distance import jensenshannon

from headgate.monitoring.bins import bin_of
from headgate.monitoring.divergence import Pair, cramers_v, js_distance, ks, noncentral, psi

Counts = NDArray[np.float64]
counts = st.lists(st.integers(0, 5000), min_size=6, max_size=6).filter(lambda found: sum(found) > 0).map(np.array)


def pair(reference: object, current: object) -> Pair:
    before, after = np.asarray(reference, dtype=float), np.asarray(current, dtype=float)
    return Pair(before, after, (float(before.sum()), float(after.sum())))


def plain_psi(p: Counts, q: Counts) -> float:
    return float(((p - q) * np.log(p / q)).sum())


@settings(max_examples=50)
@given(counts, counts)
def test_jensen_shannon_agrees_with_scipy_and_is_a_number_whatever_is_empty(p: Counts, q: Counts) -> None:
    found = js_distance(pair(p, q), 0.05)
    assert found.value == pytest.approx(jensenshannon(p, q, base=2), abs=1e-7)
    assert 0.0 <= found.interval[0] <= found.value <= found.interval[1] <= 1.0


@pytest.mark.parametrize(("p", "q"), [((70, 20, 10), (60, 30, 10)), ((500, 300, 200), (40, 40, 20)), ((9, 8, 7), (1, 2, 30))])
def test_chi_square_is_the_test_of_homogeneity(p: tuple[int, ...], q: tuple[int, ...]) -> None:
    # Goodness of fit would take the reference for exact: chi-square 31 in the second case, instead of the 19 of homogeneity.
    expected = stats.chi2_contingency([p, q], correction=False)
    assert cramers_v(pair(p, q), 0.05).p == pytest.approx(expected.pvalue, rel=1e-9)


def test_cramers_v_is_scipys_for_equal_samples_and_the_same_for_shares_in_samples_of_any_size() -> None:
    p, q = np.array([300, 500, 200]), np.array([400, 350, 250])
    assert cramers_v(pair(p, q), 0.05).value == pytest.approx(stats.contingency.association(np.array([p, q]), method="cramer"))
    assert cramers_v(pair(p, 40 * q), 0.05).value == pytest.approx(cramers_v(pair(p, q), 0.05).value)


def test_kolmogorov_smirnov_on_bins_of_single_values_is_scipys() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=400), rng.normal(0.2, 1.1, size=300)
    edges = np.unique(np.concatenate((x, y)))
    found = ks(pair(*(np.bincount(bin_of(values, edges), minlength=len(edges) + 1) for values in (x, y))), 0.05)
    expected = stats.ks_2samp(x, y, method="asymp")
    assert found.value == pytest.approx(expected.statistic)
    assert found.p == pytest.approx(stats.kstwobign.sf(expected.statistic * sqrt(400 * 300 / 700)), rel=1e-6)
    assert found.p >= expected.pvalue


def test_kolmogorov_smirnov_on_coarse_bins_is_never_more_than_the_true_distance() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=4000), rng.normal(0.3, 1, size=4000)
    true = stats.ks_2samp(x, y).statistic
    for bins in (2, 5, 20, 200):
        edges = np.quantile(x, np.linspace(0, 1, bins + 1)[1:-1])
        found = ks(pair(*(np.bincount(bin_of(values, edges), minlength=bins) for values in (x, y))), 0.05)
        assert found.value <= true + 1e-12


def test_psi_of_large_samples_is_the_sum_over_bins() -> None:
    p, q = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.15, 0.25, 0.25, 0.35])
    assert psi(pair(1e7 * p, 1e7 * q), 0.05).value == pytest.approx(plain_psi(p, q), rel=1e-5)


@pytest.mark.parametrize(("outside", "dropped", "counted"), [(0.1, 0.012, 0.74), (0.3, 0.11, 2.6)])
def test_values_outside_the_range_of_the_reference_count(outside: float, dropped: float, counted: float) -> None:
    """Dropping them while the denominator keeps them makes a third of the values vanish almost without a trace."""
    inside = np.full(10, 1000.0)
    rest = inside * (1 - outside)
    assert plain_psi(inside / 10_000, rest / 10_000) == pytest.approx(dropped, abs=0.004)
    assert psi(pair([*inside, 0], [*rest, 10_000 * outside]), 0.05).value == pytest.approx(counted, rel=0.1)


def test_bins_of_equal_width_hide_what_bins_of_equal_shares_show() -> None:
    """A log-normal value whose largest is ten times its 99.3rd percentile, shifted by 0.32 standard deviations of its logarithm."""
    shape = log(10.0) / (3.99 - 2.457)
    width = np.exp(shape * 3.99) / 10
    equal_width = np.log(width * np.arange(1, 10)) / shape
    equal_share = stats.norm.ppf(np.arange(1, 10) / 10)
    found = []
    for edges in (equal_width, equal_share):
        p, q = (np.diff([0.0, *stats.norm.cdf(edges - shift), 1.0]) for shift in (0.0, 0.32))
        found.append((psi(pair(1e6 * p, 1e6 * q), 0.05).value, p[0]))
    assert found[0] == pytest.approx((0.0095, 0.993), abs=0.0015)
    assert found[1][0] == pytest.approx(0.100, abs=0.005)


def test_an_empty_bin_counts_as_much_as_its_sample_can_tell() -> None:
    """A constant in place of 0 is arbitrary: one empty bin of 1 % adds 0.046 with 1e-4, and 0.092 with 1e-6."""
    fills = [(0.01 - fill) * log(0.01 / fill) for fill in (1e-4, 1e-6)]
    assert fills == pytest.approx([0.046, 0.092], abs=0.0005)
    added = [psi(pair([n * 0.01, n * 0.99], [0, n]), 0.05) for n in (100, 1000, 100_000)]
    assert [one.p < 0.05 for one in added] == [False, True, True]
    assert all(one.value < other.value for one, other in pairwise(added))


@pytest.mark.parametrize(("rows", "published"), [(50, 0.76), (100, 0.32), (200, 0.019)])
def test_without_drift_small_samples_exceed_a_tenth_often_and_the_critical_value_seldom(rows: int, published: float) -> None:
    rng = np.random.default_rng(3)
    found = [psi(pair(np.full(10, 1e6), rng.multinomial(rows, np.full(10, 0.1))), 0.05) for _ in range(1500)]
    assert np.mean([one.value > 0.1 for one in found]) == pytest.approx(published, abs=0.04)
    assert np.mean([one.value > one.critical for one in found]) <= 0.065


def test_a_disjoint_label_is_neither_nan_nor_no_drift() -> None:
    """0 * log 0 is NaN in the naive formula, and NaN > 0.1 is False."""
    found = js_distance(pair([100, 0, 50], [0, 100, 50]), 0.05)
    assert found.value == pytest.approx(sqrt(2 / 3))
    assert found.p < 1e-9


def test_a_tenth_of_a_nat_is_a_distance_of_0_316_in_nats_and_more_to_the_base_2() -> None:
    p = np.array([500.0, 500.0])
    moved = brentq(lambda share: jensenshannon(p, (1000 * share, 1000 * (1 - share))) - sqrt(0.1), 0.5, 0.999)
    found = js_distance(pair(p, (1000 * moved, 1000 * (1 - moved))), 0.05)
    assert sqrt(0.1) == pytest.approx(0.316, abs=0.001)
    assert found.value == pytest.approx(sqrt(0.1 / log(2)))


def test_a_shift_of_a_hundredth_is_significant_in_a_million_rows_and_small() -> None:
    edges = stats.norm.ppf(np.arange(1, 100) / 100)
    p, q = (np.diff([0.0, *stats.norm.cdf(edges - shift), 1.0]) for shift in (0.0, 0.01))
    found = ks(pair(1e6 * p, 1e6 * q), 0.05)
    assert found.value == pytest.approx(0.004, abs=0.0005)
    assert found.p < 5e-5


@pytest.mark.parametrize("measure", [psi, js_distance, cramers_v])
@pytest.mark.parametrize("q", [(0.25, 0.25, 0.25, 0.25), (0.2, 0.3, 0.3, 0.2), (0.05, 0.15, 0.3, 0.5)])
def test_intervals_cover_the_true_distance(measure: object, q: tuple[float, ...]) -> None:
    rng = np.random.default_rng(4)
    p = (0.25, 0.25, 0.25, 0.25)
    true = measure(pair(1e9 * np.array(p), 1e9 * np.array(q)), 0.05).value  # type: ignore[operator]
    found = [measure(pair(rng.multinomial(900, p), rng.multinomial(600, q)), 0.05).interval for _ in range(300)]  # type: ignore[operator]
    assert np.mean([low - 1e-4 <= true <= high for low, high in found]) >= 0.92


def test_non_centralities_of_small_and_large_values_join() -> None:
    for x in (0.0, 5.0, 60.0, 800.0):
        low, high = noncentral(x, 4)
        assert low == 0.0 or stats.ncx2.cdf(x, 4, low) == pytest.approx(0.975, abs=1e-6)
        assert high == 0.0 or stats.ncx2.cdf(x, 4, high) == pytest.approx(0.025, abs=1e-6)
    assert noncentral(4001.0, 4) == pytest.approx(noncentral(3999.0, 4), rel=0.005)
