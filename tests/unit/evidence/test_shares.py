"""The interval about a share, against scipy's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from headgate.evidence.shares import clopper_pearson

COUNTS = st.integers(0, 400)


@given(hits=COUNTS, misses=COUNTS, confidence=st.sampled_from([0.9, 0.95, 0.99]))
def test_the_interval_is_clopper_and_pearsons(hits, misses, confidence):
    if hits + misses == 0:
        assert clopper_pearson(0, 0) == (0.0, 1.0)
        return
    low, high = clopper_pearson(hits, hits + misses, confidence)
    exact = stats.binomtest(hits, hits + misses).proportion_ci(confidence, method="exact")
    assert (low, high) == pytest.approx((exact.low, exact.high), abs=1e-9)
    assert low <= hits / (hits + misses) <= high
