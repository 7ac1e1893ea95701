"""Increments: every request counted once, whatever the source does. T15-T24 name the faults of progressive delivery seen elsewhere."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.evidence.counting.series import Arm, Cursor, Cursors, RawSeries, What, increments


def raw(points, arm=Arm.CANDIDATE, what=What.ANSWERED, part="200", instance="gw/1", origin="0"):
    return RawSeries(arm, what, part, instance, origin, tuple(points))


SENT = raw([(0, 7), (1, 9), (2, 12)], what=What.SENT, part="")


def total(steps, what=What.ANSWERED):
    return sum(step.count for step in steps if step.what is what)


@pytest.mark.parametrize(
    ("name", "points", "expected"),
    [
        ("the first sample of a process is an origin", [(0, 100), (1, 104), (2, 110)], [4, 6]),
        ("T15 NaN is not used", [(0, 1), (1, math.nan), (2, 5)], [4]),
        ("T17 +Inf is not used", [(0, 1), (1, math.inf), (2, 5)], [4]),
        ("T20 a reset counts from 0", [(0, 100), (1, 3), (2, 5)], [3, 2]),
        ("T21 a scrape gap loses nothing", [(0, 1), (60, 31), (61, 32)], [30, 1]),
        ("no change is a sample too", [(0, 5), (1, 5)], [0]),
        ("out of order in one answer", [(2, 8), (0, 1), (1, 4)], [3, 4]),
        ("one time twice: the first counts", [(0, 1), (1, 4), (1, 9), (2, 5)], [3, 1]),
        ("T16 nothing", [], []),
    ],
)
def test_increments_of_one_series(name, points, expected):
    _, steps = increments(Cursors(), [raw(points)], {})
    assert [step.count for step in steps] == expected, name


def test_t20_a_reset_is_marked():
    _, steps = increments(Cursors(), [raw([(0, 10), (1, 2), (2, 3)])], {})
    assert [step.reset for step in steps] == [True, False]


def test_t18_several_series_of_an_arm_are_all_counted():
    _, steps = increments(Cursors(), [raw([(0, 0), (1, 2)]), raw([(0, 0), (1, 3)], origin="1"), raw([(0, 0), (1, 5)], instance="gw/2")], {})
    assert total(steps) == 10


def test_t22_an_error_series_born_in_a_sampled_process_counts_from_zero():
    _, steps = increments(Cursors(), [SENT, raw([(2, 4)], part="503")], {})
    born = [step for step in steps if step.part == "503"]
    assert [(step.previous, step.time, step.count) for step in born] == [(1, 2, 4)]


def test_t23_all_series_born_at_once_in_a_new_process_are_origins():
    _, steps = increments(Cursors(), [raw([(2, 40)], part="500", instance="gw/9"), SENT], {})
    assert total(steps) == 0


def test_t24_copies_of_one_series_are_not_summed():
    _, steps = increments(Cursors(), [raw([(0, 0), (1, 9)]), raw([(0.4, 3), (1.4, 12)])], {})
    assert total(steps) == 9


def test_a_step_across_a_reassignment_is_an_origin():
    _, steps = increments(Cursors(), [raw([(0, 10), (1, 20), (2, 25)])], {Arm.CANDIDATE: 0.5})
    assert [(step.time, step.count) for step in steps] == [(2, 5)]


def test_a_slot_that_did_not_exist_before_counts_from_its_birth():
    _, steps = increments(Cursors(), [raw([(0, 1), (1, 2)], arm=Arm.STABLE), raw([(1, 6)])], {Arm.CANDIDATE: 0.5})
    assert [step.count for step in steps if step.arm is Arm.CANDIDATE] == [6]


@pytest.mark.parametrize(("arm", "counted"), [(Arm.STABLE, [2]), (Arm.CANDIDATE, [40, 2])])
def test_errors_of_a_version_without_pods_are_not_its_stand_ins(arm, counted):
    """The stable version's last requests were answered 503 for the first time, and its slot went to another version within the scrape."""
    known, _ = increments(Cursors(), [raw([(0, 5), (1, 9)], arm=arm)], {})
    _, steps = increments(known, [raw([(2, 10), (3, 12)], arm=arm), raw([(2, 40), (3, 42)], arm=arm, part="503")], {arm: 1.5})
    assert [step.count for step in steps if step.part == "503"] == counted


def test_t19_a_stale_series_that_returns_counts_from_its_cursor():
    cursors = Cursors({raw([]).key: Cursor(0, 10)}, {"gw/1": 0})
    cursors, steps = increments(cursors, [SENT], {})
    assert total(steps) == 0
    _, steps = increments(cursors, [raw([(3, 14)])], {})
    assert total(steps) == 4


values = st.lists(st.integers(0, 50), min_size=2, max_size=30)


@given(values, st.integers(0, 29), st.integers(0, 29))
def test_overlapping_answers_count_every_request_once(growth, cut, overlap):
    points = [(float(i), float(sum(growth[: i + 1]))) for i in range(len(growth))]
    _, whole = increments(Cursors(), [raw(points)], {})
    cursors, first = increments(Cursors(), [raw(points[: cut + 1])], {})
    _, second = increments(cursors, [raw(points[max(0, cut - overlap) :])], {})
    assert first + second == whole
    assert total(whole) == sum(growth[1:])
