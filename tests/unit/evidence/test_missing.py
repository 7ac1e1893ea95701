"""Missing answers: what is called missing, and what must never be."""

from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.evidence.counting.missing import OLDEST_AGE, UNKNOWN_AGE, Ledger, Split, compare, plausible_age, settle

BUCKETS = {"0.025": 50.0, "0.05": 99.5, "0.1": 100.0, "+Inf": 100.0}


def run(steps, age=1.0):
    ledger, seen = Ledger(), []
    for time, (sent, answered) in enumerate(steps):
        ledger = settle(ledger, float(time), sent, answered, age, 1.0)
        seen.append(ledger.overdue)
    return seen


def test_a_version_that_never_answers_is_seen_one_scrape_later():
    assert run([(5, 0), (5, 0), (5, 0)]) == [0, 5, 10]


def test_answers_of_the_next_scrape_are_in_time():
    assert run([(20, 10), (20, 20), (20, 20), (0, 10)]) == [0, 0, 0, 0]


def test_a_slow_stable_version_lengthens_the_wait():
    slow = plausible_age({"1": 10.0, "5": 100.0, "+Inf": 100.0}, 1.0)
    assert slow == 10.0
    assert run([(2, 0)] * 5 + [(2, 2)] * 10, age=slow) == [0] * 15


def test_late_answers_lower_the_overdue_requests():
    assert run([(5, 0), (0, 0), (0, 5)]) == [0, 5, 0]


def test_answers_the_gateway_made_itself_hide_nothing():
    steps = [(0, 10)] * 5 + [(5, 0)] * 3
    assert run(steps)[-1] == 10


def test_after_a_weight_drop_only_what_was_sent_is_expected():
    assert run([(20, 18), (0, 2), (0, 0), (0, 0)]) == [0, 0, 0, 0]


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3)), min_size=1, max_size=40), st.integers(0, 5))
def test_a_version_that_answers_all_within_the_age_is_never_called_missing(traffic, local):
    """Each second's requests are answered within at most 3 s; the age is 4 s; some seconds also bring the gateway's own replies."""
    answered = [0] * (len(traffic) + 4)
    for time, (sent, delay) in enumerate(traffic):
        answered[time + delay] += sent
    steps = [(sent, answered[time] + local * (time % 2)) for time, (sent, _) in enumerate(traffic)]
    assert set(run(steps, age=4.0)) == {0}


@given(st.integers(1, 30), st.integers(0, 30))
def test_overdue_never_exceeds_what_was_not_answered(sent, answered):
    steps = [(sent, min(sent, answered))] * 10
    assert run(steps)[-1] <= 10 * (sent - min(sent, answered))


def test_age():
    assert plausible_age(BUCKETS, 1.0) == 1.0
    assert plausible_age(BUCKETS, 0.05) == 0.1
    assert plausible_age({}, 1.0) == UNKNOWN_AGE
    assert plausible_age({"600": 0.0, "3600": 5.0, "+Inf": 5.0}, 1.0) == OLDEST_AGE
    assert plausible_age({"0.1": 0.0, "+Inf": 5.0}, 1.0) == 1.0


def test_the_history_stays_small():
    ledger = Ledger()
    for i in range(20_000):
        ledger = settle(ledger, i / 10, 1, 1, 300.0, 0.1)
    assert len(ledger.history) <= 150


def spread(share, stable, candidate, seconds):
    split = Split()
    for time in range(seconds):
        split = compare(split, float(time), share, stable, candidate)
    return split


def test_requests_that_never_arrive_are_missing_once_chance_is_ruled_out():
    assert spread(0.2, 20, 0, 2).undelivered == 0
    assert spread(0.2, 20, 0, 10).undelivered > 5


@given(st.floats(0.01, 0.99), st.integers(0, 100))
def test_a_fair_split_misses_nothing(share, stable):
    split = spread(share, stable, round(stable * share / (1 - share)), 30)
    assert split.undelivered == 0
    assert not split.surplus


def test_a_low_rate_proves_nothing():
    assert spread(0.05, 1, 0, 59).undelivered == 0


def test_a_surplus_is_told_not_punished():
    split = spread(0.05, 20, 20, 20)
    assert split.surplus
    assert split.undelivered == 0


def test_a_surplus_is_over_after_one_whole_epoch_without_any():
    split, told = Split(), []
    for time in range(0, 300, 5):
        split = compare(split, float(time), 0.05, 1000, 80 if time < 100 else 50)
        told.append(split.surplus)
    first = told.index(True)
    assert 0 < first < 60 / 5
    assert told == [False] * first + [True] * (180 // 5 - first) + [False] * (120 // 5), "seen in two epochs, clean from 120 to 180 s"


def test_an_epoch_begins_anew():
    split = compare(spread(0.2, 20, 0, 60), 61.0, 0.2, 20, 5)
    assert (split.stable, split.candidate, split.undelivered) == (20, 5, 0)
