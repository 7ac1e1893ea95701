"""Guards on live versions: sums over many processes count what users met, once, and only of the version that held the place."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.api.vocabulary import Metric
from headgate.evidence.check import Guard
from headgate.evidence.counting.series import Arm
from headgate.evidence.live import SETTLE, LiveCount, LiveTotals, Sums, fold, read

ERRORS, REJECTIONS = Guard(Metric.ERRORS, 0.2, 30), Guard(Metric.REJECTIONS, 0.5, 30)
ALONE = {Arm.STABLE: -1000.0, Arm.CANDIDATE: -1000.0}
"""A version that is alone holds both places."""


def at(time, stable=None, candidate=None, *, oldest=None, skew=0.0):
    places = {arm: sums for arm, sums in ((Arm.STABLE, stable), (Arm.CANDIDATE, candidate)) if sums is not None}
    return LiveTotals(time if oldest is None else oldest, time, places, skew)


def counted(*answers, held=ALONE):
    count = LiveCount("r1")
    for answer in answers:
        count = fold(count, held, answer)
    return count


def numbers(count, now=None):
    """Requests, failures and rejections within the last minute, or None."""
    reading = read(count, (ERRORS, REJECTIONS), count.last.newest if now is None else now)
    return None if reading is None else (reading.guards[0].requests, reading.guards[0].failures, reading.guards[1].failures)


def test_the_first_answer_is_an_origin_and_the_next_counts_both_places():
    first, second = at(0, Sums(2, 1000, 400, 7), Sums(2, 50)), at(15, Sums(2, 1090, 410, 9), Sums(2, 60, 1, 0))
    assert numbers(counted(first)) is None, "what was counted before is nobody's news"
    assert numbers(counted(first, second)) == (100, 11, 2)


def test_a_version_that_fails_fires_and_one_without_requests_does_not():
    failing = counted(at(0, Sums(1, 500)), at(15, Sums(1, 530, 6)))
    reading = read(failing, (ERRORS, REJECTIONS), 15)
    assert [(guard.metric, guard.fired) for guard in reading.guards] == [(Metric.ERRORS, True), (Metric.REJECTIONS, False)]
    assert (reading.revision, reading.as_of) == ("r1", 15)
    idle = counted(at(0, Sums(1, 500)), at(15, Sums(1, 500)))
    assert numbers(idle) == (0, 0, 0), "it was looked at, and nobody asked it anything"


def test_a_place_of_another_version_is_not_counted():
    answers = at(0, Sums(1), Sums(1)), at(15, Sums(1, 40), Sums(1, 100, 100))
    assert numbers(counted(*answers, held={Arm.STABLE: -100.0})) == (40, 0, 0)
    assert numbers(counted(*answers, held={})) is None


@pytest.mark.parametrize(
    ("since", "oldest", "skew", "counts"),
    [
        (0.0, SETTLE, 0.0, True),
        (0.0, SETTLE - 0.1, 0.0, False),
        (0.0, SETTLE + 30, 30.0, True),
        (0.0, SETTLE + 29, 30.0, False),
        (0.0, SETTLE - 30, -30.0, True),
    ],
)
def test_an_increment_begins_after_the_place_was_taken_and_had_time_to_settle(since, oldest, skew, counts):
    answers = at(100, Sums(1), oldest=oldest, skew=skew), at(115, Sums(1, 40, 40), oldest=110, skew=skew)
    count = counted(*answers, held={Arm.STABLE: since})
    assert (numbers(count, now=115 - skew) == (40, 40, 0)) is counts


@pytest.mark.parametrize("asked", [10, 0])
def test_what_a_version_answered_before_it_lost_its_users_is_not_held_against_its_return(asked):
    count = counted(at(0, Sums(1)), at(15, Sums(1, 40, 40)))
    back = {Arm.STABLE: 20.0}
    for held, answer in (({}, at(18, Sums(1, 40, 40))), (back, at(36, Sums(1, 45, 45))), (back, at(46, Sums(1, 45 + asked, 45)))):
        count = fold(count, held, answer)
    assert numbers(count) == (asked, 0, 0)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Sums(2, 1000, 10), Sums(2, 30, 30)),
        (Sums(2, 1000, 10), Sums(2, 1040, 5)),
        (Sums(2, 1000, 0, 10), Sums(2, 1040, 0, 5)),
        (Sums(2, 1000), Sums(2, 1110, 200)),
        (Sums(1, 1000, 10), Sums(2, 90_000, 20_000)),
        (Sums(2, 90_000, 20_000), Sums(1, 90_100, 20_100)),
        (None, Sums(1, 50, 50)),
        (Sums(1, 50, 50), None),
    ],
    ids=["restart", "errors-fall", "rejections-fall", "good-fall", "process-back", "process-gone", "place-new", "place-gone"],
)
def test_sums_that_are_not_of_the_same_counters_are_an_origin(before, after):
    count = counted(at(0, before), at(15, after))
    assert numbers(count) is None
    if after is not None:
        grown = replace(after, requests=after.requests + 10)
        assert numbers(fold(count, ALONE, at(30, grown))) == (10, 0, 0), "the next answer goes on from there"


def test_one_bad_place_does_not_spoil_the_other():
    assert numbers(counted(at(0, Sums(1, 10), Sums(1, 10)), at(15, Sums(1, 20, 3), Sums(1, 5)))) == (10, 3, 0)


def test_the_same_scrape_again_is_no_news():
    first, second = at(0, Sums(1)), at(15, Sums(1, 40, 4))
    count = counted(first, second)
    assert fold(count, ALONE, second) is count


def test_a_gap_longer_than_the_window_is_an_origin():
    assert numbers(counted(at(0, Sums(1)), at(60, Sums(1, 40)))) == (40, 0, 0)
    assert numbers(counted(at(0, Sums(1)), at(61, Sums(1, 40)))) is None


def test_a_source_whose_clock_goes_back_begins_anew():
    count = counted(at(3600, Sums(1)), at(3615, Sums(1, 40, 40)), at(20, Sums(1, 50, 50)))
    assert count == LiveCount("r1", last=at(20, Sums(1, 50, 50)))


def test_a_reading_ends_a_minute_after_its_newest_sample():
    count = counted(at(0, Sums(1)), at(15, Sums(1, 40, 40)))
    assert read(count, (ERRORS,), 70).guards[0].fired
    assert read(count, (ERRORS,), 75.1) is None


def test_a_reading_speaks_of_our_clock():
    count = counted(at(100, Sums(1), skew=30.0), at(115, Sums(1, 40, 40), skew=30.0))
    assert read(count, (ERRORS,), 85.0).as_of == 85.0
    assert read(count, (ERRORS,), 144.0).guards[0].fired
    assert read(count, (ERRORS,), 146.0) is None


class Fleet:
    """Gateway processes that share the requests of one place. Some cannot be scraped for a while, some restart, some are new."""

    def __init__(self):
        self.counters, self.hidden, self.served, self.failed = [[0, 0]], None, 0, 0

    def turn(self, event, shares, failures):
        if event == "restart" and self.hidden is None:
            self.counters[0] = [0, 0]
        elif event == "new":
            self.counters.append([0, 0])
        elif event == "hide" and self.hidden is None and len(self.counters) > 1:
            self.hidden = self.counters.pop()
        elif event == "back" and self.hidden is not None:
            self.counters.append(self.hidden)
            self.hidden = None
        for number, counter in enumerate(self.counters):
            requests = shares[number % len(shares)]
            failed = min(requests, failures[number % len(failures)])
            counter[0] += requests
            counter[1] += failed
            self.served, self.failed = self.served + requests, self.failed + failed

    def answer(self, time):
        return at(time, Sums(len(self.counters), *(sum(values) for values in zip(*self.counters, strict=True))))


EVENTS = st.sampled_from(["none", "none", "none", "restart", "new", "hide", "back"])
TURNS = st.lists(st.tuples(EVENTS, st.lists(st.integers(0, 50), min_size=1), st.lists(st.integers(0, 5), min_size=1)), max_size=15)


@given(TURNS)
def test_nothing_is_counted_that_was_not_served(turns):
    fleet, count = Fleet(), LiveCount("r1")
    count = fold(count, ALONE, fleet.answer(0))
    for number, (event, shares, failures) in enumerate(turns, 1):
        fleet.turn(event, shares, failures)
        count = fold(count, ALONE, fleet.answer(number * 3))
    requests, failures, _ = numbers(count) or (0, 0, 0)
    assert requests <= fleet.served
    assert failures <= fleet.failed
    if all(event == "none" for event, *_ in turns):
        assert (requests, failures) == (fleet.served, fleet.failed)


@given(st.lists(st.tuples(st.floats(0, 200), st.integers(0, 3), st.integers(0, 500), st.integers(0, 500)), max_size=12))
def test_whatever_the_source_says_no_reading_is_impossible_or_old(answers):
    count = LiveCount("r1")
    for time, processes, requests, errors in answers:
        count = fold(count, ALONE, at(time, Sums(processes, requests + errors, errors)))
        reading = read(count, (ERRORS,), time)
        if reading is not None:
            guard = reading.guards[0]
            assert 0 <= guard.failures <= guard.requests
            assert math.isfinite(reading.as_of)
            assert time - 60 <= reading.as_of <= time


def test_the_last_minute_says_how_much_traffic_there_is():
    answers = [at(15.0 * k, Sums(1, 150 * k, 3 * k, 6 * k)) for k in range(5)]
    traffic = read(counted(*answers), (), 60).traffic
    assert traffic.requests == 10.0
    assert traffic.errors == pytest.approx(0.02, rel=0.1)
    assert traffic.rejections == pytest.approx(0.04, rel=0.1)


def test_one_step_says_nothing_about_traffic():
    assert read(counted(at(0, Sums(1, 0)), at(15, Sums(1, 150))), (), 15).traffic is None
    assert read(counted(at(0, Sums(1, 0)), at(15, Sums(1, 150)), at(30, Sums(1, 300))), (), 30).traffic is None
