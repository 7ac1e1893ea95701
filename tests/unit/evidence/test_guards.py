"""Guards: when an absolute limit fires, and when it must not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from headgate.api.vocabulary import Metric
from headgate.evidence.check import Guard
from headgate.evidence.guards import Moment, Window, measurable, read, slide

ERRORS = Guard(Metric.ERRORS, 0.2, 30)


def window(*moments):
    state = Window()
    for moment in moments:
        state = slide(state, moment)
    return state


@pytest.mark.parametrize(
    ("failures", "requests", "fires"),
    [
        (5, 5, True),
        (4, 4, False),
        (0, 100, False),
        (6, 30, True),
        (5, 30, False),
        (19, 100, False),
        (20, 100, True),
        (1, 1, False),
        (9, 15, True),
    ],
)
def test_fires_at_the_rate_or_early_when_chance_is_ruled_out(failures, requests, fires):
    reading = read(ERRORS, window(Moment(10, requests, failures, 0, 0)), 10)
    assert (reading.fired, reading.failures, reading.requests) == (fires, failures, requests)


@given(st.integers(1, 29), st.integers(0, 29))
def test_early_firing_is_the_binomial_tail(requests, failures):
    failures = min(failures, requests)
    expected = failures > 0 and binom.sf(failures - 1, requests, 0.2) <= 0.001
    assert read(ERRORS, window(Moment(0, requests, failures, 0, 0)), 0).fired == expected


def test_missing_answers_are_failures():
    reading = read(ERRORS, window(Moment(1, 0, 0, 0, 3), Moment(2, 0, 0, 0, 2)), 2)
    assert (reading.fired, reading.failures, reading.missing, reading.requests) == (True, 5, 5, 5)


def test_a_late_answer_takes_its_missing_request_back():
    reading = read(ERRORS, window(Moment(1, 0, 0, 0, 5), Moment(4, 5, 0, 0, -5)), 4)
    assert (reading.fired, reading.failures, reading.requests) == (False, 0, 5)


def test_a_late_error_counts_once():
    reading = read(ERRORS, window(Moment(1, 0, 0, 0, 5), Moment(31, 5, 5, 0, -5)), 31)
    assert (reading.failures, reading.requests) == (5, 5)


def test_only_the_last_minute_counts():
    state = window(Moment(0, 50, 50, 0, 0), Moment(61, 50, 0, 0, 0))
    assert read(ERRORS, state, 61).failures == 0
    assert read(ERRORS, window(Moment(0, 50, 50, 0, 0)), 61).requests == 0, "an old window says nothing while the source is down"


def test_rejections_have_a_guard_of_their_own():
    state = window(Moment(0, 40, 0, 30, 0))
    assert read(Guard(Metric.REJECTIONS, 0.5, 30), state, 0).fired
    assert not read(ERRORS, state, 0).fired


def test_pod_failures_are_not_read_from_requests():
    assert not measurable(Guard(Metric.POD_FAILURES, 0.2, 1))


def test_the_window_stays_small():
    state = window(*(Moment(i / 10, 1, 0, 0, 0) for i in range(2000)))
    assert len(state.moments) <= 61
    assert 590 <= read(ERRORS, state, 199.9).requests <= 610
