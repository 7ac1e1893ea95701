"""What one block says of one check: predictions come from earlier blocks only, each bound has its own history, old history fades."""

from dataclasses import replace

import numpy as np
import pytest
from tests.statistics.arms import ERRORS, LATENCY, REJECTIONS

from headgate.api.quantities import Margin, Unit
from headgate.evidence.bets.comparison import NOTHING, Line, counts_of, limits_of
from headgate.evidence.bets.eprocess import good_targets
from headgate.evidence.bets.panel import HISTORY_REQUESTS, learn, predicted
from headgate.evidence.counting.block import ArmCounts, Block
from headgate.evidence.latency.slow_shares import Choice, Pair, Past, Unresolved
from headgate.evidence.measure import measure

CHOICE = Choice(Pair(0.05, 0.1), Pair(0.05, 0.1), Pair(0.025, 0.05), 200, (6, 50, 6), "")


def test_a_block_teaches_the_stable_rate_whether_it_compares_or_not() -> None:
    for usable in (True, False):
        block = Block(1.0, ArmCounts(100, 90, 80), ArmCounts(20, 20, 20), usable=usable)
        assert measure(ERRORS, None, block).learnt == (100, 90, 90, 90)
        assert measure(REJECTIONS, None, block).learnt == (100, 80, 80, 80)
    assert measure(ERRORS, None, block).counts == (NOTHING, NOTHING, NOTHING)


def test_each_latency_bound_has_its_own_counts() -> None:
    bounds = (0.025, 0.05, 0.1)
    block = Block(1.0, ArmCounts(timed=100, below=(80, 97, 99)), ArmCounts(timed=20, below=(16, 19, 20)), bounds)
    reading = measure(LATENCY, CHOICE, block)
    assert reading.learnt == (100, 3, 20, 3)
    harm, _, good = reading.counts
    assert harm == (100, 3, 20, 0)
    assert good == (100, 20, 20, 1)


def test_other_buckets_than_the_chosen_ones_compare_nothing() -> None:
    block = Block(1.0, ArmCounts(timed=100, below=(80,)), ArmCounts(timed=20, below=(16,)), (0.5,))
    reading = measure(LATENCY, CHOICE, block)
    assert reading.counts == (NOTHING, NOTHING, NOTHING)
    assert reading.learnt == NOTHING


def _timed(timed: int, bounds: tuple[float, ...]) -> ArmCounts:
    return ArmCounts(timed, timed=timed, below=(timed,) * len(bounds))


def test_bounds_are_chosen_once_both_versions_have_shown_theirs() -> None:
    bounds = (0.025, 0.05, 0.1)
    alone = Block(1.0, _timed(500, bounds), ArmCounts(), bounds)
    waiting = measure(LATENCY, Past(), alone).latency
    assert waiting == Past(bounds, 500, (500, 500, 500))
    both = replace(alone, candidate=_timed(20, bounds))
    assert isinstance(measure(LATENCY, waiting, both).latency, Choice)
    common = Block(2.0, _timed(500, (0.1,)), _timed(20, (0.1,)), (0.1,))
    chosen = measure(LATENCY, waiting, common).latency
    assert isinstance(chosen, Choice)
    assert chosen.harm.stable == chosen.good.candidate == 0.1


def test_histograms_without_a_bound_in_common_cannot_be_compared() -> None:
    block = Block(1.0, _timed(500, ()), _timed(20, ()))
    told = measure(LATENCY, Past((0.1, 0.2), 500, (400, 480)), block).latency
    assert isinstance(told, Unresolved)
    assert "no bucket bound in common" in told.detail
    silent = Past((0.1, 0.2), 100, (80, 90))
    for one in (replace(block, candidate=ArmCounts()), replace(block, stable=ArmCounts())):
        assert measure(LATENCY, silent, one).latency == silent


def test_history_fades_so_that_the_prediction_follows_a_drift() -> None:
    history = np.zeros(4)
    for _ in range(1000):
        history = learn(history, np.array([1000.0, 10, 10, 10]))
    assert history[0] == HISTORY_REQUESTS
    for _ in range(100):
        history = learn(history, np.array([1000.0, 30, 30, 30]))
    assert 0.025 < predicted(history)[0] < 0.03


def test_without_a_history_the_prediction_is_one_percent_and_never_0_or_1() -> None:
    assert predicted(np.zeros(4)) == pytest.approx(0.01)
    assert predicted(np.array([1e9, 0, 1e9, 0]))[0] > 0
    assert predicted(np.array([1e9, 0, 1e9, 0]))[1] < 1


def test_missing_answers_are_failed_requests_of_either_version_and_no_rejections() -> None:
    block = Block(1.0, ArmCounts(90, 1, 2, missing=10), ArmCounts(0, missing=20))
    assert counts_of(ERRORS, block) == (100, 11, 20, 20)
    assert counts_of(REJECTIONS, block) == (90, 2, 0, 0)
    assert counts_of(ERRORS, Block(1.0, ArmCounts(5, 9), ArmCounts(1)))[1] == 5


def test_margins_become_lines() -> None:
    points, relative = limits_of(ERRORS), limits_of(replace(ERRORS, margin=Margin(10, Unit.RELATIVE)))
    assert (points.harm, points.act, points.good) == (Line(1.0, 0.005), Line(1.0, 0.01), Line(1.0, 0.01))
    assert (relative.harm, relative.act, relative.good) == (Line(1.05), Line(1.1), Line(1.1))
    assert limits_of(replace(ERRORS, margin=Margin(400, Unit.POINTS))).good.offset < 1.0
    with pytest.raises(ValueError, match="is a time"):
        limits_of(LATENCY)


def test_a_good_candidate_is_never_supposed_free_of_events() -> None:
    targets = good_targets(np.array(0.005), np.array(0.005), np.array(1.0), np.array(0.01))
    assert targets.tolist() == pytest.approx([0.01, 0.005, 0.0025])
