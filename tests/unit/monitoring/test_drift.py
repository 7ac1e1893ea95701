"""What is called drift, what is not, and what could not be told."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control
from tests.unit.monitoring.features import autoregressive, by_statistic, numeric, of_counts

from headgate.monitoring.bins import bin_of, coarser, declared_edges, neighbours, quantile_edges, rare_together, summed
from headgate.monitoring.clustering import clustering
from headgate.monitoring.divergence import Statistic
from headgate.monitoring.drift import Feature, Limits, Rules, assess
from headgate.monitoring.multiplicity import benjamini_hochberg
from headgate.monitoring.result import LimitVerdict, Result, not_assessed, worst
from headgate.monitoring.tally import Tally, Thinned

WITHIN, DRIFTING, VIOLATED, UNKNOWN = LimitVerdict


def test_a_shift_is_drift_and_the_same_again_is_not() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=20_000)
    same, shifted = (by_statistic(numeric(x, rng.normal(shift, 1, size=4000))) for shift in (0.0, 0.6))
    assert {finding.result.verdict for finding in same.values()} == {WITHIN}
    assert {finding.result.verdict for finding in shifted.values()} == {VIOLATED}
    assert shifted["psi"].result.samples == (20_000, 4000)


def test_a_trifle_is_no_drift_however_certain() -> None:
    rng = np.random.default_rng(2)
    found = by_statistic(numeric(rng.normal(size=500_000), rng.normal(0.02, 1, size=500_000)))
    assert found["ks"].p is not None
    assert found["ks"].p < 1e-6
    assert {finding.result.verdict for finding in found.values()} == {WITHIN}
    assert "too little to matter" in found["ks"].result.why


def test_too_few_rows_are_not_assessed_whatever_they_look_like() -> None:
    rng = np.random.default_rng(3)
    found = by_statistic(numeric(rng.normal(size=60), rng.normal(size=60)))
    assert {finding.result.verdict for finding in found.values()} == {UNKNOWN}
    assert "would be enough" in found["psi"].result.why


@pytest.mark.parametrize(
    ("reference", "current", "why"),
    [
        ([500, 0, 0], [800, 0, 0], "alike"),
        ([0, 0, 0], [800, 3, 0], "the reference sample has no rows"),
        ([500, 2, 0], [0, 0, 0], "the current sample has no rows"),
        ([0, 0, 10], [0, 0, 9], "alike"),
        ([2, 2, 0], [2, 2, 0], "5 independent rows"),
    ],
    ids=["one class", "empty reference", "nothing now", "no values at all", "few"],
)
def test_what_cannot_be_compared_is_not_assessed_with_the_reason(reference: list[float], current: list[float], why: str) -> None:
    (finding,) = assess([of_counts(reference, current)], Rules())
    assert finding.result.verdict is UNKNOWN
    assert why in finding.result.why
    assert finding.result.value is None


@pytest.mark.parametrize("current", [[0, 900, 0], [0, 0, 900]], ids=["a new label", "no value"])
def test_what_was_constant_and_is_something_else_now_is_violated(current: list[float]) -> None:
    found = by_statistic(of_counts([900, 0, 0], current))
    assert {finding.result.verdict for finding in found.values()} == {VIOLATED}


def test_labels_without_any_order_of_numbers_are_aligned_and_rare_ones_joined() -> None:
    reference, current = [500, 400, *[1] * 50, 0], [500, 400, *[0] * 50, 40]
    found = by_statistic(of_counts(reference, current))
    assert found["jsDistance"].result.value == pytest.approx(0.21, abs=0.02)
    assert found["cramersV"].result.verdict is VIOLATED


def test_limits_are_inclusive_and_each_statistic_has_its_own() -> None:
    feature = of_counts([5000, 5000, 0], [6000, 4000, 0])
    value = by_statistic(feature)["cramersV"].result.value
    assert value is not None
    for limits, verdict in ((Limits(value, 2 * value), DRIFTING), (Limits(value / 2, value), VIOLATED), (Limits(value * 1.01, 1), WITHIN)):
        found = by_statistic(feature, Rules(limits=dict.fromkeys(Statistic, Limits()) | {Statistic.CRAMERS_V: limits}))
        assert found["cramersV"].result.verdict is verdict


def test_limits_that_cross_are_refused() -> None:
    with pytest.raises(ValueError, match="at most the second"):
        Limits(0.3, 0.2)


@pytest.mark.parametrize("phi", [0.0, 0.8, 0.95])
def test_clusters_of_rows_raise_no_alarm(phi: float) -> None:
    """Significance alone, at 5 %, in samples of equal distribution: plain tests call 35 to 90 % of these for phi 0.8 and more."""
    rng = np.random.default_rng(5)
    found = [by_statistic(numeric(rng.normal(size=4000), autoregressive(rng, 6000, phi))) for _ in range(40)]
    for statistic in ("psi", "ks"):
        significant = [one[statistic].p <= 0.05 for one in found]  # type: ignore[operator]
        assert np.mean(significant) <= 0.15


def test_clustered_rows_tell_less_and_a_step_in_the_middle_is_not_taken_for_clusters() -> None:
    rng = np.random.default_rng(6)
    reference = rng.normal(size=10_000)
    clustered = by_statistic(numeric(reference, autoregressive(rng, 10_000, 0.95)))["ks"].effective
    step = by_statistic(numeric(reference, rng.normal(size=10_000) + (np.arange(10_000) > 4321)))
    assert clustered is not None
    assert clustered[1] < 1500
    assert step["psi"].result.verdict is VIOLATED


def test_of_many_features_that_do_not_drift_none_is_called_drifting() -> None:
    rng = np.random.default_rng(7)
    features = [numeric(rng.normal(size=2000), rng.normal(size=250), f"f{n}") for n in range(100)]
    alone = sum(finding.p < 0.05 for feature in features for finding in by_statistic(feature).values() if finding.p is not None)
    findings = assess(features, Rules(limits=dict.fromkeys(Statistic, Limits(1e-6, 1))))
    assert alone > 3
    assert not [finding for finding in findings if finding.result.verdict in (DRIFTING, VIOLATED)]


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_benjamini_hochberg_is_scipys(p: list[float]) -> None:
    assert benjamini_hochberg(p) == pytest.approx(false_discovery_control(p), abs=1e-12)


def test_a_p_value_may_stand_for_many_tests() -> None:
    p, counts = [0.001, 0.04, 0.2, 1.0], [1, 4, 2, 5]
    each = benjamini_hochberg([value for value, count in zip(p, counts, strict=True) for _ in range(count)])
    assert benjamini_hochberg(p, counts) == pytest.approx((each[0], each[1], each[5], each[7]))


@settings(max_examples=50)
@given(st.lists(st.integers(0, 300), min_size=2, max_size=8), st.lists(st.integers(0, 300), min_size=2, max_size=8))
def test_every_finding_is_a_document_without_nan(before: list[int], after: list[int]) -> None:
    bins = max(len(before), len(after))
    reference, current = ([float(n) for n in one] + [0.0] * (bins - len(one)) for one in (before, after))
    categorical = of_counts(reference, current)
    ordered = Feature("n", categorical.reference, categorical.current, np.arange(bins - 1))
    for finding in assess([categorical, ordered], Rules()):
        json.dumps(finding.document(), allow_nan=False)
        assert finding.result.why


def test_a_verdict_without_a_finite_number_is_impossible() -> None:
    for value, interval in ((float("nan"), (0.0, 1.0)), (0.1, (0.0, float("inf"))), (None, None)):
        with pytest.raises(ValueError):
            Result("psi", WITHIN, "fine", (1, 2), value, interval)


def test_the_worst_verdict_puts_not_assessed_before_within_limits_and_nothing_is_not_assessed() -> None:
    assert worst([WITHIN, UNKNOWN]) is UNKNOWN
    assert worst([UNKNOWN, DRIFTING, WITHIN]) is DRIFTING
    assert worst([DRIFTING, VIOLATED]) is VIOLATED
    assert worst([WITHIN]) is WITHIN
    assert worst([]) is UNKNOWN
    assert not_assessed("psi", "no rows").value is None


def test_an_edge_belongs_to_the_bin_below_it_and_no_value_is_left_out() -> None:
    values = np.array([-np.inf, -5.0, 0.0, 0.5, 1.0, 7.0, np.inf])
    assert bin_of(values, declared_edges([0.0, 1.0])).tolist() == [0, 0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize(
    ("edges", "why"), [([], "give 1"), ([1.0, 1.0], "must rise"), ([2.0, 1.0], "must rise"), ([0.0, float("nan")], "finite")]
)
def test_wrong_edges_are_refused_with_the_reason(edges: list[float], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        declared_edges(edges)


@settings(max_examples=50)
@given(st.lists(st.integers(-50, 50).map(float), min_size=1, max_size=300))
def test_edges_of_tenths_are_among_those_of_hundredths_and_the_range_is_inside(values: list[float]) -> None:
    found = np.array(values)
    fine, coarse = (quantile_edges(found, found.min(), found.max(), parts) for parts in (100, 10))
    assert set(coarse) <= set(fine)
    in_fine = np.bincount(bin_of(found, fine), minlength=len(fine) + 1)
    in_coarse = np.bincount(bin_of(found, coarse), minlength=len(coarse) + 1)
    assert summed(in_fine, coarser(fine, coarse)).tolist() == in_coarse.tolist()
    assert in_coarse[0] == in_coarse[-1] == 0


@settings(max_examples=50)
@given(st.lists(st.floats(0, 40), min_size=1, max_size=20))
def test_joined_bins_are_dense_unless_there_is_only_one(dense: list[float]) -> None:
    for groups in (neighbours(np.array(dense)), rare_together(np.array(dense))):
        joined = summed(np.array(dense), groups)
        assert sorted(set(groups.tolist())) == list(range(len(joined)))
        assert len(joined) == 1 or joined.min() >= 5.0 - 1e-9
    assert (np.diff(neighbours(np.array(dense))) >= 0).all()


@settings(max_examples=50)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=12))
def test_a_tally_counts_each_row_once_however_it_comes_in_pieces(pieces: list[int]) -> None:
    rng = np.random.default_rng(8)
    codes = rng.integers(0, 4, size=sum(pieces))
    whole, parts = Tally(4), Tally(4)
    whole.add(codes)
    for piece in np.split(codes, np.cumsum(pieces)[:-1]):
        parts.add(piece)
    assert whole.stretches.sum(axis=0).tolist() == np.bincount(codes, minlength=4).tolist()
    assert whole.stretches.tolist() == parts.stretches.tolist()
    assert len(whole.stretches) <= 40


def test_a_thinned_column_keeps_its_range_and_its_quantiles() -> None:
    rng = np.random.default_rng(9)
    thinned, values = Thinned(), rng.normal(size=500_000)
    for piece in np.split(values, [100, 70_000, 70_001, 300_000]):
        thinned.add(np.append(piece, (np.nan, np.inf)))
    assert (thinned.least, thinned.greatest) == (values.min(), values.max())
    assert len(thinned.values) <= 65_536
    assert np.quantile(thinned.values, (0.1, 0.5, 0.9)) == pytest.approx(np.quantile(values, (0.1, 0.5, 0.9)), abs=0.02)


def test_independent_rows_count_fully_and_rows_in_tens_a_tenth() -> None:
    rng = np.random.default_rng(10)
    codes = rng.integers(0, 5, size=8000)
    effects = []
    for rows in (codes, np.repeat(codes[:800], 10)):
        tally = Tally(5)
        tally.add(rows)
        effects.append(clustering(tally.stretches).effect)
    assert effects[0] == pytest.approx(1.0, abs=0.5)
    assert effects[1] == pytest.approx(10.0, rel=0.35)
    assert clustering(np.ones((3, 5))).effect == 1.0
