"""The block e-value is fair under its null (by enumeration) and grows outside it; start times share a prior of one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import comb

from headgate.evidence.bets import eprocess
from headgate.evidence.bets.eprocess import (
    HARM_GAPS,
    LOG_ZERO,
    block_log_evalue,
    good_targets,
    grow,
    harm_targets,
    log_evidence,
    start_weight,
)

GRID = np.linspace(0.0, 1.0, 81)


def _expectations(s: float, c: float, n_b: int, n_c: int, r: float, d: float, side: float) -> tuple[float, float]:
    """Largest E[S] over the null, and E[S] at the supposed rates, by summing over all outcomes."""
    e_b, e_c = np.meshgrid(np.arange(n_b + 1.0), np.arange(n_c + 1.0), indexing="ij")
    log_s = block_log_evalue(np.array(s), np.array(c), (np.array(n_b), e_b, np.array(n_c), e_c), np.array(r), np.array(d), side)
    evalue = np.exp(log_s)

    def outcomes(n: int, p: np.ndarray) -> np.ndarray:
        k, q = np.arange(n + 1), np.atleast_1d(p)[:, None]
        return np.asarray(comb(n, k) * q**k * (1.0 - q) ** (n - k))

    edge = np.clip(r * GRID + d, 0.0, 1.0)
    inside = side * (GRID - (r * GRID + d)[:, None]) <= 1e-12
    inner = outcomes(n_b, GRID) @ evalue @ outcomes(n_c, GRID).T
    border = ((outcomes(n_b, GRID) @ evalue) * outcomes(n_c, edge)).sum(axis=1)[side * (edge - r * GRID - d) <= 1e-12]
    supposed = outcomes(n_b, np.array(s)) @ evalue @ outcomes(n_c, np.array(c)).T
    return float(max(inner[inside].max(), border.max())), float(supposed[0, 0])


@pytest.mark.parametrize(
    ("s", "c", "n_b", "n_c", "r", "d", "side"),
    [
        (0.1, 0.4, 8, 3, 1.0, 0.05, 1),
        (0.02, 0.66, 5, 5, 1.0, 0.005, 1),
        (0.2, 0.5, 6, 4, 1.1, 0.0, 1),
        (0.1, 0.1, 8, 4, 1.0, 0.2, -1),
        (0.5, 0.05, 3, 6, 1.0, 0.0, -1),
        (0.3, 0.2, 5, 5, 1.5, 0.0, -1),
        (1e-6, 1e-6, 6, 6, 1.0, 0.3, -1),
    ],
)
def test_no_rates_within_the_null_make_the_bet_favourable(s: float, c: float, n_b: int, n_c: int, r: float, d: float, side: float) -> None:
    worst, supposed = _expectations(s, c, n_b, n_c, r, d, side)
    assert worst == pytest.approx(1.0, abs=0.02)
    assert worst <= 1.0 + 1e-9
    assert supposed > 1.0


@given(
    st.floats(0.001, 0.999),
    st.floats(0.001, 0.999),
    st.integers(1, 7),
    st.integers(1, 5),
    st.floats(0.7, 1.5),
    st.floats(0, 0.5),
    st.sampled_from([1.0, -1.0]),
)
@settings(max_examples=60)
def test_fairness_does_not_depend_on_what_is_supposed(s: float, c: float, n_b: int, n_c: int, r: float, d: float, side: float) -> None:
    assert _expectations(s, c, n_b, n_c, r, d, side)[0] <= 1.0 + 1e-9


def test_a_supposition_inside_the_null_bets_nothing() -> None:
    counts = tuple(np.array(v) for v in (100.0, 1.0, 100.0, 50.0))
    assert float(block_log_evalue(np.array(0.1), np.array(0.11), counts, np.array(1.0), np.array(0.05), 1.0)) == 0.0


@given(st.integers(0, 100_000), st.integers(0, 20_000), st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.99), st.floats(0, 1))
def test_evidence_is_finite_whatever_was_counted(n_b: int, n_c: int, bad_b: float, bad_c: float, margin: float, rate: float) -> None:
    s = np.array(min(max(rate, 1e-6), 1 - 1e-6))
    counts = tuple(np.array(float(v)) for v in (n_b, int(n_b * bad_b), n_c, int(n_c * bad_c)))
    one, d = np.array(1.0), np.array(margin)
    for side, targets in ((1.0, harm_targets(s, one, d)), (-1.0, good_targets(s, s, one, d))):
        assert np.isfinite(block_log_evalue(s, targets, counts, one, d, side)).all()


@pytest.mark.parametrize(("n_b", "n_c"), [(0.0, 50.0), (50.0, 0.0), (0.0, 0.0)])
@pytest.mark.parametrize("side", [1.0, -1.0])
def test_an_arm_without_requests_is_no_evidence(n_b: float, n_c: float, side: float) -> None:
    counts = tuple(np.array(v) for v in (n_b, n_b, n_c, n_c / 2))
    targets = np.array([0.9, 0.01, 0.2])
    log_s = block_log_evalue(np.array(0.2), targets, counts, np.array(1.0), np.array(0.1), side)
    assert log_s.tolist() == [0.0, 0.0, 0.0]


def test_late_starts_recover_what_a_long_healthy_past_has_cost() -> None:
    def crossing(late: bool) -> int:
        wealth, spent = np.full(len(HARM_GAPS), LOG_ZERO), 0.0
        for k in range(240):
            counts = tuple(np.array(v) for v in (2850.0, 28.0, 150.0, 5.0 if k >= 120 else 1.0))
            s, d, one = np.array(0.01), np.array(0.0025), np.array(1.0)
            weight = start_weight((240,), 0, k, first=k == 0) if late else float(k == 0)
            spent = min(spent + weight, 1.0)
            wealth = grow(wealth, weight, block_log_evalue(s, harm_targets(s, one, d), counts, one, d, 1.0))
            if float(log_evidence(wealth, eprocess.HARM_PRIOR, spent)) >= np.log(20):
                return k - 120
        return 999

    assert 0 < crossing(late=True) < 15 < crossing(late=False)


@pytest.mark.parametrize("stages", [(240,), (1,), (1, 1), (5, 2880, 40), (40_320, 5760, 5760), (480, 481)])
def test_start_weights_sum_to_one_over_the_plan(stages: tuple[int, ...]) -> None:
    weights = [
        [start_weight(stages, stage, k, first=stage == 0 and k == 0) for k in range(planned + 3)] for stage, planned in enumerate(stages)
    ]
    assert sum(map(sum, weights)) == pytest.approx(1.0)
    assert all(len([w for w in stage if w]) <= 240 for stage in weights)
    assert all(stage[-3:] == [0.0, 0.0, 0.0] for stage in weights)
    assert weights[0][0] >= 0.5


def test_a_mixture_without_any_evidence_is_one() -> None:
    wealth, spent = np.full((3, 9), LOG_ZERO), 0.0
    for k in range(10):
        weight = start_weight((10,), 0, k, first=k == 0)
        spent += weight
        wealth = grow(wealth, weight, np.zeros((3, 9)))
        assert log_evidence(wealth, eprocess.HARM_PRIOR, spent) == pytest.approx(np.zeros(3), abs=1e-9)
