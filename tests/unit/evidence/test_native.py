"""Native histograms are counted at fixed bounds, exactly, whatever their resolution; and what is too coarse says so."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.evidence.counting.block import ArmCounts
from headgate.evidence.counting.tally import OpenBlock, close
from headgate.evidence.latency.native import BOUNDS, FINEST, coarse, cumulated, exact, schema_of

TIMES = st.lists(st.floats(0.0001, 60.0), min_size=1, max_size=60)


def buckets(times, schema):
    """As a client library counts them."""
    width = 2.0**-schema
    found = {}
    for time in times:
        place = -4000
        while 2.0 ** (place * width) < time:
            place += 256
        while 2.0 ** ((place - 1) * width) >= time:
            place -= 1
        found[place] = found.get(place, 0.0) + 1.0
    return [(2.0 ** ((place - 1) * width), 2.0 ** (place * width), count) for place, count in sorted(found.items())]


def counted(times, schema):
    return {bound: points[0][1] for bound, points in cumulated([(1.0, float(len(times)), buckets(times, schema))])}


def test_bounds_are_a_ninth_apart_from_5_ms_to_10_s():
    numbers = [float(bound) for bound in BOUNDS]
    assert (numbers[0], numbers[-1]) == (pytest.approx(0.00507, rel=0.01), pytest.approx(10.37, rel=0.01))
    assert {round(b / a, 6) for a, b in pairwise(numbers)} == {1.090508}


@given(TIMES, st.integers(-1, 6))
def test_counts_are_those_of_requests_up_to_each_bound(times, schema):
    found = counted(times, schema)
    assert found.pop("+Inf") == len(times)
    known = schema_of(buckets(times, schema))
    assert set(found) == {bound for bound in BOUNDS if exact(bound, known)}
    wanted = {bound: sum(time <= float(bound) * (1 + 1e-8) for time in times) for bound in found}
    assert found == pytest.approx(wanted)


@given(TIMES, st.integers(4, 6))
def test_a_finer_histogram_counts_the_same(times, schema):
    assert counted(times, schema) == counted(times, FINEST)


@pytest.mark.parametrize(("schema", "said"), [(5, []), (3, []), (2, ["2"]), (0, ["0"])])
def test_a_coarse_histogram_says_so(schema, said):
    assert [name for name, _ in coarse([(1.0, 2.0, buckets([0.1, 0.2], schema))])] == said


@pytest.mark.parametrize("custom", [[(0.05, 0.1, 3.0), (0.1, 0.25, 1.0)], [(0.1, 0.2, 1.0)], [(0.1, 0.15, 1.0)]])
def test_buckets_that_are_not_exponential_are_no_native_histogram(custom):
    assert schema_of(custom) is None
    assert list(cumulated([(1.0, 4.0, custom)])) == []


def test_nothing_observed_is_nothing_below_any_bound():
    found = dict(cumulated([(1.0, 0.0, [])]))
    assert len(found) == len(BOUNDS) + 1
    assert {value for points in found.values() for _, value in points} == {0.0}


def test_the_zero_bucket_and_what_is_longer_than_the_last_bound_are_counted():
    found = dict(cumulated([(1.0, 3.0, [(-1e-39, 1e-39, 2.0), (2.0**6, 2.0**6.125, 1.0)])]))
    assert {found[bound][0][1] for bound in BOUNDS} == {2.0}
    assert found["+Inf"][0][1] == 3.0


def test_a_block_in_which_one_version_was_coarse_has_only_its_bounds():
    """That every bound between was passed by nobody is not what a coarse histogram says."""
    fine, rough = BOUNDS[10], BOUNDS[11]
    assert (exact(fine, 2), exact(rough, 2)) == (False, True)
    counts = {"le +Inf": 10, f"le {fine}": 4, f"le {rough}": 5}
    whole, _, _ = close(OpenBlock(1.0, 0, stable=counts, candidate=counts), (fine, rough), usable=True)
    assert whole.bounds == (float(fine), float(rough))
    some = {"le +Inf": 10, f"le {rough}": 5, "coarse 2": 0}
    block, _, _ = close(OpenBlock(1.0, 0, stable=counts, candidate=some), (fine, rough), usable=True)
    assert (block.bounds, block.candidate) == ((float(rough),), ArmCounts(timed=10, below=(5,)))
    assert block.stable.below == (5,)
