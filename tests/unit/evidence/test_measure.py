"""What one block says of one check: predictions come from earlier blocks only, each bound has its own history, old history fades."""

import numpy as np
import pytest
from tests.statistics.arms import ERRORS, LATENCY, REJECTIONS

from headgate.api.quantities import Margin, Unit
from headgate.evidence.block import ArmCounts, Block
from headgate.evidence.comparison import Counts, Line, counts_of, limits_of
from headgate.evidence.eprocess import good_targets
from headgate.evidence.latency import Choice, Pair
from headgate.evidence.measure import HISTORY, History, Reading, measure

RATES = (0, 7, 14)
CHOICE = Choice(Pair(0.05, 0.1), Pair(0.05, 0.1), Pair(0.025, 0.05), 200, (6, 50, 6), "")


def _rates(reading: Reading) -> tuple[float, ...]:
    return tuple(reading.row[i] for i in RATES)


def test_the_prediction_never_sees_the_block_it_is_used_for() -> None:
    history = History(1000.0, 10.0, 10.0, 10.0)
    calm = Block(1.0, ArmCounts(100), ArmCounts(20))
    wild = Block(1.0, ArmCounts(100, 90, 90), ArmCounts(20, 20, 20))
    for asked in (ERRORS, REJECTIONS):
        a, b = measure(asked, history, None, calm), measure(asked, history, None, wild)
        assert _rates(a) == _rates(b) == pytest.approx((10.5 / 1050,) * 3)
        assert b.history.harm == 100.0
        assert a.history == History(1100.0, 10.0, 10.0, 10.0)


def test_each_latency_bound_has_its_own_history() -> None:
    history = History(950.0, 29.5, 199.5, 9.5)
    bounds = (0.025, 0.05, 0.1)
    block = Block(1.0, ArmCounts(timed=100, below=(80, 97, 99)), ArmCounts(timed=20, below=(16, 19, 20)), bounds)
    reading = measure(LATENCY, history, CHOICE, block)
    assert _rates(reading) == pytest.approx((0.03, 0.2, 0.01))
    assert reading.harm == Counts(100, 3, 20, 0)
    assert reading.row[8:12] == (100, 20, 20, 1)
    assert reading.history == History(1050.0, 32.5, 219.5, 12.5)


def test_other_buckets_than_the_chosen_ones_compare_nothing() -> None:
    block = Block(1.0, ArmCounts(timed=100, below=(80,)), ArmCounts(timed=20, below=(16,)), (0.5,))
    reading = measure(LATENCY, History(200.0, 6.0, 50.0, 6.0), CHOICE, block)
    assert reading.harm == reading.act == Counts()
    assert reading.history.requests == 200.0


def test_history_fades_so_that_the_prediction_follows_a_drift() -> None:
    history = History()
    for _ in range(1000):
        history = history.plus(1000, 10, 10, 10)
    assert history.requests == HISTORY
    for _ in range(100):
        history = history.plus(1000, 30, 30, 30)
    assert 0.025 < history.rate(history.harm) < 0.03


def test_missing_answers_are_failed_requests_of_either_version_and_no_rejections() -> None:
    block = Block(1.0, ArmCounts(90, 1, 2, missing=10), ArmCounts(0, missing=20))
    assert counts_of(ERRORS.metric, block) == Counts(100, 11, 20, 20)
    assert counts_of(REJECTIONS.metric, block) == Counts(90, 2, 0, 0)
    assert counts_of(ERRORS.metric, Block(1.0, ArmCounts(5, 9), ArmCounts(1))).stable_events == 5


def test_margins_become_lines() -> None:
    points, relative = limits_of(Margin(1, Unit.POINTS)), limits_of(Margin(10, Unit.RELATIVE))
    assert (points.harm, points.act, points.good) == (Line(1.0, 0.005), Line(1.0, 0.01), Line(1.0, 0.01))
    assert (relative.harm, relative.act, relative.good) == (Line(1.05), Line(1.1), Line(1.1))
    assert limits_of(Margin(400, Unit.POINTS)).good.offset < 1.0
    with pytest.raises(ValueError, match="is a time"):
        limits_of(Margin(50, Unit.MILLISECONDS))


def test_a_good_candidate_is_never_supposed_free_of_events() -> None:
    targets = good_targets(np.array(0.005), np.array(0.005), np.array(1.0), np.array(0.01))
    assert targets.tolist() == pytest.approx([0.01, 0.005, 0.0025])
