"""A rollback needs several agreeing blocks and an observed difference above the whole margin, unless the harm is obvious."""

import pytest

from headgate.evidence.comparison import Counts, Line
from headgate.evidence.confirmation import TAIL, WINDOWS, Confirmation, agreed, confirmed, exceeds, observe, obvious

HALF, WHOLE = Line(offset=0.005), Line(offset=0.01)


def _fed(*candidate_events: int, candidate: int = 20, interval: float = 1.0, memory: Confirmation | None = None) -> Confirmation:
    memory = memory or Confirmation()
    for events in candidate_events:
        end = (memory.bins[-1][0] * 30.0 if interval > 30 and memory.bins else len(memory.tail) * 1.0) + interval
        counts = Counts(80, 0, candidate, events)
        memory = observe(memory, end, counts, counts, HALF)
    return memory


@pytest.mark.parametrize(
    ("events", "expected"),
    [((4,), False), ((4, 4), False), ((4, 4, 4), False), ((4, 4, 4, 4), True), ((0, 0, 20, 0, 0), False), ((0,) * 30 + (3,) * 4, True)],
)
def test_four_blocks_must_agree(events: tuple[int, ...], expected: bool) -> None:
    assert agreed(_fed(*events)) is expected


def test_one_burst_never_confirms() -> None:
    memory = _fed(*[0] * 10, 9)
    assert exceeds(memory, WHOLE)
    assert not confirmed(memory, WHOLE)


def test_agreement_without_the_whole_difference_is_not_enough() -> None:
    memory = Confirmation()
    for k in range(20):
        counts = Counts(8000, 0, 2000, 15)
        memory = observe(memory, float(k), counts, counts, HALF)
    assert agreed(memory)
    assert not exceeds(memory, WHOLE)
    assert not confirmed(memory, WHOLE)


def test_a_late_regression_exceeds_by_its_own_window() -> None:
    memory = Confirmation()
    for k in range(3600):
        counts = Counts(80, 0, 20, 1 if k >= 3400 and k % 2 else 0)
        memory = observe(memory, float(k), counts, counts, HALF)
    assert memory.total.excess(WHOLE) < 0
    assert exceeds(memory, WHOLE)
    assert len(memory.bins) <= WINDOWS[-1]
    assert len(memory.tail) == TAIL


@pytest.mark.parametrize(
    ("blocks", "expected"), [(((15, 15), (15, 15)), True), (((15, 15), (14, 14)), False), (((20, 9), (20, 9)), False), (((30, 30),), True)]
)
def test_the_obvious_needs_thirty_requests_and_fifty_points(blocks: tuple[tuple[int, int], ...], expected: bool) -> None:
    memory = Confirmation()
    for k, (requests, events) in enumerate(blocks):
        counts = Counts(80, 0, requests, events)
        memory = observe(memory, float(k), counts, counts, HALF)
    assert obvious(memory) is expected
    assert confirmed(memory, WHOLE) is expected
