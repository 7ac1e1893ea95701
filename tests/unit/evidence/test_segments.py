"""The worst segment decides, and the number of segments costs what it must."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.evidence.segments.several import e_bh, running_mean

LOGS = st.lists(st.floats(-20, 20), min_size=1, max_size=12)


def mean(logs: list[float]) -> float:
    return float(running_mean(np.array([logs]), np.ones((1, len(logs)), dtype=bool))[-1])


@pytest.mark.parametrize(
    ("evalues", "decided", "named"),
    [
        ([20.0], True, (0,)),
        ([19.0], False, ()),
        ([1.0, 39.5], True, ()),
        ([0.01, 40.0], True, (1,)),
        ([0.0, 0.0, 59.0], False, ()),
        ([30.0, 0.1, 30.0], True, (0, 2)),
        ([100.0, 25.0, 0.5], True, (0,)),
        ([100.0, 30.0, 0.5], True, (0, 1)),
    ],
)
def test_the_mean_decides_and_e_bh_names(evalues: list[float], decided: bool, named: tuple[int, ...]) -> None:
    logs = [float(np.log(max(e, 1e-300))) for e in evalues]
    assert (mean(logs) >= np.log(20) - 1e-12, e_bh(logs, 0.05)) == (decided, named)


@given(LOGS, st.sampled_from([0.01, 0.05, 0.1]))
def test_whoever_bonferroni_names_decides_and_is_named(logs: list[float], alpha: float) -> None:
    alone = {i for i, value in enumerate(logs) if value >= np.log(len(logs) / alpha) + 1e-9}
    assert alone <= set(e_bh(logs, alpha))
    assert mean(logs) >= -np.log(alpha) or not alone


@given(LOGS)
def test_more_evidence_never_names_fewer(logs: list[float]) -> None:
    before = set(e_bh(logs, 0.05))
    assert before <= set(e_bh([value + 1.0 for value in logs], 0.05))


@given(st.lists(st.lists(st.floats(-5, 5), min_size=3, max_size=3), min_size=1, max_size=10))
def test_with_the_same_segments_at_all_looks_it_is_their_mean(looks: list[list[float]]) -> None:
    logs = np.array(looks)
    expected = np.logaddexp.reduce(logs, axis=1) - np.log(3)
    np.testing.assert_allclose(running_mean(logs, np.ones_like(logs, dtype=bool)), expected, atol=1e-9)


def test_a_segment_that_appears_later_changes_nothing_before() -> None:
    logs = np.log(np.array([[2.0, 1.0], [4.0, 1.0], [4.0, 3.0]]))
    present = np.array([[True, False], [True, False], [True, True]])
    joined = np.exp(running_mean(logs, present))
    np.testing.assert_allclose(joined[:2], [2.0, 4.0])
    assert joined[2] == pytest.approx(4.0 * (4.0 + 3.0) / (4.0 + 1.0))


def test_under_the_null_the_joined_evidence_has_a_mean_of_one_also_with_latecomers() -> None:
    """Fair bets of a factor 0 to 2 each; the second segment joins after two looks."""
    rng = np.random.default_rng(5)
    bets = rng.uniform(0.0, 2.0, (4000, 4, 2)) + 1e-12
    bets[:, :2, 1] = 1.0
    logs = np.cumsum(np.log(bets), axis=1)
    present = np.array([[True, False], [True, False], [True, True], [True, True]])
    ends = [float(np.exp(running_mean(run, present)[-1])) for run in logs]
    assert np.mean(ends) == pytest.approx(1.0, abs=0.12)
