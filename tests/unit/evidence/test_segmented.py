"""Segments of users: one that suffers is found though all users together look well, and what cannot be told apart is said."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.evidence.gateway import exposure
from tests.unit.evidence.segments import server

from headgate.api.quantities import Margin, Unit
from headgate.api.vocabulary import Metric, Verdict
from headgate.evidence.check import Check, Question, SegmentsQuestion
from headgate.evidence.counting.series import Arm, NoAnswer, Outage, TargetSamples
from headgate.evidence.segments.judge import Split, fold, from_json, read, to_json
from headgate.evidence.segments.words import harm_words, segment_words

EACH = Question(
    checks=(Check(Metric.ERRORS, Margin(1, Unit.POINTS)),),
    guards=(),
    alpha=0.025 / 4,
    beta=0.05,
    interval=1.0,
    warmup=2.0,
    stage_blocks=(200, 200),
)
ASKED = SegmentsQuestion("group", most=4, min_requests=100, alpha=0.025, each=EACH)
TOLD = exposure()


def watched(servers, until, asked=ASKED, told=TOLD):
    split = Split()
    for now in range(until + 1):
        split = fold(split, asked, told, servers.answer(now - 5, now), float(now))
    return split


def even(**rates):
    return {name: (rate, 0) for name, rate in rates.items()}


HARMED = server({"A": (200, 10), "B": (20, 1)}, {"A": (50, 2), "B": (20, 30)})


def test_a_segment_that_suffers_is_found_and_named():
    reading = read(watched(HARMED, 60), ASKED, TOLD)
    assert (reading.verdict, reading.worst) == (Verdict.FAIL, "B")
    assert reading.failed is not None
    assert reading.harm >= 1 / ASKED.alpha
    assert harm_words(reading, reading.failed).startswith("in segment group=B: 174 of 1,160 (15.0 %) failed against 6 of 1,160 (0.5 %)")
    assert segment_words(reading)[0] == "users with group B are proven to be harmed"


def test_proven_harm_stands_whatever_comes_later():
    split = watched(HARMED, 60)
    later = fold(split, ASKED, TOLD, server(even(A=1, B=1, C=1, D=1, E=1), even(A=1)).answer(60, 70), 70.0)
    assert read(later, ASKED, TOLD).verdict is Verdict.FAIL


def test_every_counted_segment_must_be_proven_good_and_small_ones_need_not():
    servers = server(even(A=400, B=400, C=1), even(A=400, B=400, C=1))
    reading = read(watched(servers, 60), ASKED, TOLD)
    assert reading.verdict is Verdict.PASS
    assert [(one.segment, one.counted) for one in reading.segments] == [("A", True), ("B", True), ("C", False)]
    assert segment_words(reading)[0] == "2 of 2 segments of group are proven good; 1 more with too few requests to need a proof"
    slow = read(watched(server(even(A=400, B=8), even(A=400, B=8)), 60), ASKED, TOLD)
    assert (slow.verdict, slow.holds) == (Verdict.INCONCLUSIVE, True)
    assert not replace(slow, required=False).holds


def test_the_bounds_of_a_segment_wait_until_its_blocks_have_told_their_noise():
    servers = server(even(A=400), even(A=400))
    early, later = (read(watched(servers, until), ASKED, TOLD).segments[0].checks[0] for until in (15, 60))
    assert early.candidate_requests > 0
    assert (early.low, early.high) == (-1.0, 1.0)
    assert -1.0 < later.low <= later.difference <= later.high < 1.0


def test_too_few_requests_in_every_segment_are_no_data():
    reading = read(watched(server(even(A=1, B=1), even(A=1, B=1)), 20), ASKED, TOLD)
    assert (reading.verdict, reading.holds) == (Verdict.NO_DATA, True)
    assert reading.detail == "no segment has 100 compared requests of both versions yet"


def test_a_label_with_too_many_values_is_not_measurable_and_keeps_no_more_of_them():
    many = {f"user-{number}": (10, 0) for number in range(300)}
    split = watched(server(many, many), 10)
    assert len(split.judges) == ASKED.most
    assert len(split.tracker.cursors.series) <= 2 * 2 * ASKED.most
    reading = read(split, ASKED, TOLD)
    assert reading.verdict is Verdict.NOT_MEASURABLE
    assert reading.detail == "the label group has more than 4 values: write coarser ones, or raise segments.most"


@pytest.mark.parametrize(
    ("stable", "candidate", "lacks"),
    [
        ({}, {}, "the pods of the stable version and of the candidate show no http_requests_total with the label group;"),
        (even(A=10), {}, "the pods of the candidate show no"),
        ({}, even(A=10), "the pods of the stable version show no"),
    ],
)
def test_counters_that_are_not_there_are_told_with_what_to_do(stable, candidate, lacks):
    reading = read(watched(server(stable, candidate), 10), ASKED, TOLD)
    assert reading.verdict is Verdict.NOT_MEASURABLE
    assert reading.detail.startswith(lacks)
    assert reading.detail.endswith("count answers by group in the model server, and have Prometheus scrape it")


def test_before_the_first_answer_nothing_is_said_to_be_lacking():
    assert read(Split(), ASKED, TOLD).verdict is Verdict.NO_DATA


def test_no_answer_changes_nothing_but_is_remembered():
    split = watched(server(even(A=10), even(A=10)), 10)
    after = fold(split, ASKED, TOLD, NoAnswer(11.0, Outage.BROKEN, "HTTP 500"), 11.0)
    assert after == replace(split, error="Broken: HTTP 500")


def test_what_shadow_showed_does_not_count_for_the_canary():
    shadow = exposure(candidate=Arm.MIRROR, share=0.0, mirrored=1.0)
    split = watched(server({"A": (200, 10)}, {"A": (200, 300)}, arm=Arm.MIRROR), 60, told=shadow)
    assert read(split, ASKED, shadow).verdict is Verdict.FAIL
    canary = exposure(stage=1, since=60.0, first_exposure=60.0)
    assert read(split, ASKED, canary).verdict is Verdict.NO_DATA
    after = fold(split, ASKED, canary, server(even(A=200), even(A=200)).answer(58, 70), 70.0)
    reading = read(after, ASKED, canary)
    assert (reading.verdict, reading.harm, reading.segments[0].checks[0].candidate_events) == (Verdict.INCONCLUSIVE, 1.0, 0)


LATE = server({"A": (40, 4), "B": (30, 2), "C": (5, 1)}, {"A": (10, 1), "B": (30, 9), "C": (5, 2)}, since={"B": 17, "C": 31})


def told(until, cuts):
    split, last = Split(), -1
    for cut in sorted({*(cut for cut in cuts if cut < until), until}):
        split = fold(split, ASKED, TOLD, LATE.answer(max(-1, last - 4), cut), float(cut))
        last = cut
    return split


@settings(max_examples=6)
@given(st.sets(st.integers(0, 39)), st.integers(0, 39))
def test_from_a_checkpoint_and_however_samples_are_cut_into_answers_evidence_is_the_same_to_the_last_bit(cuts, stop):
    whole = told(40, set(range(40)))
    assert to_json(told(40, cuts)) == to_json(whole)
    first = told(stop, set(range(40)))
    resumed = from_json(json.loads(json.dumps(to_json(first))))
    assert resumed == first
    assert to_json(fold(resumed, ASKED, TOLD, LATE.answer(stop - 4, 40), 40.0)) == to_json(whole)


def test_samples_seen_before_change_nothing():
    split = watched(LATE, 40)
    assert fold(split, ASKED, TOLD, TargetSamples(40.0, LATE.answer(-1, 40).series), 40.0) == split
