"""A rollback needs several agreeing blocks and an observed difference above the whole margin, unless the harm is obvious."""

import numpy as np
import pytest

from headgate.evidence.bets.arrays import joined
from headgate.evidence.bets.confirmation import TAIL, WINDOWS, Confirmation, agreed, confirmed, exceeds, glaring, obvious
from headgate.evidence.bets.confirmation import observe as observe_many

HALF, WHOLE = np.array([1.0, 0.005]), np.array([1.0, 0.01])


def observe(memory: Confirmation, end: float, *counts: float) -> Confirmation:
    both = np.array(counts, dtype=float)
    return observe_many(memory, np.asarray(end), both, both, HALF, np.ones(()))


def _fed(*candidate_events: int) -> Confirmation:
    memory = Confirmation.empty(())
    for k, events in enumerate(candidate_events):
        memory = observe(memory, k + 1.0, 80, 0, 20, events)
    return memory


@pytest.mark.parametrize(
    ("events", "expected"),
    [((4,), False), ((4, 4), False), ((4, 4, 4), False), ((4, 4, 4, 4), True), ((0, 0, 20, 0, 0), False), ((0,) * 30 + (3,) * 4, True)],
)
def test_four_blocks_must_agree(events: tuple[int, ...], expected: bool) -> None:
    assert bool(agreed(_fed(*events))) is expected


def test_one_burst_never_confirms() -> None:
    memory = _fed(*[0] * 10, 9)
    assert exceeds(memory, WHOLE)
    assert not confirmed(memory, WHOLE)


def test_agreement_without_the_whole_difference_is_not_enough() -> None:
    memory = Confirmation.empty(())
    for k in range(20):
        memory = observe(memory, float(k), 8000, 0, 2000, 15)
    assert agreed(memory)
    assert not exceeds(memory, WHOLE)
    assert not confirmed(memory, WHOLE)


def test_a_late_regression_exceeds_by_its_own_window() -> None:
    memory = Confirmation.empty(())
    for k in range(3600):
        memory = observe(memory, float(k), 80, 0, 20, 1 if k >= 3400 and k % 2 else 0)
    assert memory.total[3] / memory.total[2] < WHOLE[1]
    assert exceeds(memory, WHOLE)
    assert memory.bins.shape == (WINDOWS[-1], 4)
    assert memory.tail.shape == (TAIL,)


@pytest.mark.parametrize(
    ("blocks", "expected"), [(((15, 15), (15, 15)), True), (((15, 15), (14, 14)), False), (((20, 9), (20, 9)), False), (((30, 30),), True)]
)
def test_the_obvious_needs_thirty_requests_and_fifty_points(blocks: tuple[tuple[int, int], ...], expected: bool) -> None:
    memory = Confirmation.empty(())
    for k, (requests, events) in enumerate(blocks):
        memory = observe(memory, float(k), 80, 0, requests, events)
    assert bool(obvious(memory)) is expected
    assert bool(confirmed(memory, WHOLE)) is expected


@pytest.mark.parametrize(("blocks", "expected"), [(((15, 15), (15, 15)), True), (((15, 0), (20, 20)), False), (((30, 30),), False)])
def test_the_glaring_is_there_in_both_blocks(blocks: tuple[tuple[int, int], ...], expected: bool) -> None:
    memory = Confirmation.empty(())
    for k, (requests, events) in enumerate(blocks):
        memory = observe(memory, float(k), 80, 0, requests, events)
    assert bool(glaring(memory)) is expected


def test_many_comparisons_at_once_are_what_each_is_alone_whatever_their_times() -> None:
    rng = np.random.default_rng(3)
    together, alone = Confirmation.empty((3,)), [Confirmation.empty(()) for _ in range(3)]
    ends = np.zeros(3)
    for _ in range(80):
        ends = ends + rng.choice([1.0, 20.0, 700.0], 3)
        counts = np.stack([rng.integers(0, 90, 3), rng.integers(0, 3, 3), rng.integers(0, 30, 3), rng.integers(0, 3, 3)], axis=-1).astype(
            float
        )
        together = observe_many(together, ends, counts, counts, HALF, np.ones(()))
        alone = [observe_many(one, ends[i], counts[i], counts[i], HALF, np.ones(())) for i, one in enumerate(alone)]
    assert together == joined(alone, np.stack)
    assert confirmed(together, WHOLE).tolist() == [bool(confirmed(one, WHOLE)) for one in alone]
