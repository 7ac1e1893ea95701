"""Counters of decisions: counted once, whatever restarts and replays do, and told apart by what they were for."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.api.quantities import Margin, Unit
from headgate.api.vocabulary import Metric, Verdict
from headgate.evidence import attempt, attempt_state
from headgate.evidence.check import Check, FairnessQuestion, Question
from headgate.evidence.counting.exposure import Exposure
from headgate.evidence.counting.series import Arm, NoAnswer, Outage, RawSeries, TargetSamples, What
from headgate.evidence.fairness.decisions import MOST_GROUPS, Watch, fold, read
from headgate.evidence.readings import decode, encode

ASKED = FairnessQuestion(min_ratio=0.8, alpha=0.05, reference="A")
CANARY = Exposure("1", 1, "canary", 0.0, 0.0, Arm.CANDIDATE, 15.0, 60.0, share=0.05)
SHADOW = replace(CANARY, stage=0, stage_name="shadow", candidate=Arm.MIRROR, share=0.0, mirrored=1.0)
CHECK = Check(Metric.ERRORS, Margin(1, Unit.POINTS))
QUESTION = Question((CHECK,), (), 0.05, 0.05, 15.0, 60.0, (40,), fairness=ASKED)


def series(part: str, *points: tuple[float, float], pod: str = "pod/1") -> RawSeries:
    return RawSeries(Arm.CANDIDATE, What.DECIDED, part, pod, "outcome", points)


def samples(*found: RawSeries) -> TargetSamples:
    return TargetSamples(0.0, found)


def steady(seconds: int, *, good: float = 0.4, bad: float = 0.2, begin: int = 1, step: int = 10) -> TargetSamples:
    """One decision a second about each of two groups."""
    times = range(begin, seconds + 1, step)

    def grown(share: float) -> tuple[tuple[float, float], ...]:
        return tuple((float(at), float(int(at * share + 1e-9))) for at in times)

    return samples(
        series("+A", *grown(good)),
        series("-A", *grown(1 - good)),
        series("+B", *grown(bad)),
        series("-B", *grown(1 - bad)),
    )


def decided(watch: Watch) -> dict[str, tuple[int, int]]:
    totals: dict[str, tuple[int, int]] = {}
    for batch in (*watch.batches, watch.pending):
        for group, (number, liked) in batch.items():
            before = totals.get(group, (0, 0))
            totals[group] = (before[0] + number, before[1] + liked)
    return totals


def test_restarts_and_replays_count_once() -> None:
    first = samples(series("+A", (10.0, 5.0), (20.0, 8.0)), series("-A", (10.0, 1.0), (20.0, 1.0)))
    restarted = samples(series("+A", (20.0, 8.0), (30.0, 2.0)), series("-A", (20.0, 1.0), (30.0, 4.0)))
    watch = fold(Watch(), ASKED, CANARY, first, 20.0)
    assert decided(watch) == {"A": (3, 3)}
    watch = fold(watch, ASKED, CANARY, first, 21.0)
    watch = fold(watch, ASKED, CANARY, restarted, 30.0)
    assert decided(watch) == {"A": (8, 5)}
    assert fold(watch, ASKED, CANARY, restarted, 31.0) == replace(watch, answered=31.0)


@settings(max_examples=30)
@given(st.lists(st.integers(1, 60), max_size=6))
def test_the_samples_of_a_process_give_the_same_batches_however_they_are_cut_into_answers(cuts: list[int]) -> None:
    whole = steady(600)
    watch = Watch()
    for begin, end in pairwise((0, *sorted(cuts), 60)):
        part = tuple(replace(one, points=one.points[max(0, begin - 5) : end]) for one in whole.series)
        watch = fold(watch, ASKED, CANARY, replace(whole, series=part), 600.0)
    assert watch == fold(Watch(), ASKED, CANARY, whole, 600.0)


def test_an_unfair_candidate_is_found_and_stays_found() -> None:
    watch = fold(Watch(), ASKED, CANARY, steady(900), 900.0)
    reading = read(watch, ASKED, CANARY)
    assert (reading.verdict, reading.worst) == (Verdict.FAIL, "B")
    down = fold(watch, ASKED, CANARY, NoAnswer(901.0, Outage.TIMEOUT, "no answer"), 901.0)
    assert read(down, ASKED, CANARY).verdict is Verdict.FAIL


def test_decisions_about_mirrored_requests_do_not_count_for_the_canary() -> None:
    shadowed = fold(Watch(), ASKED, replace(SHADOW, first_exposure=0.0), steady(900), 900.0)
    assert read(shadowed, ASKED, replace(SHADOW, first_exposure=0.0)).verdict is Verdict.FAIL
    canary = replace(CANARY, first_exposure=900.0)
    assert read(shadowed, ASKED, canary).verdict is Verdict.NO_DATA
    watch = fold(shadowed, ASKED, canary, steady(1000), 1000.0)
    assert sum(number for number, _ in decided(watch).values()) == pytest.approx(200, abs=22)


def test_decisions_from_before_the_first_exposure_do_not_count() -> None:
    watch = fold(Watch(), ASKED, replace(CANARY, first_exposure=500.0), steady(600), 600.0)
    assert sum(number for number, _ in decided(watch).values()) == pytest.approx(200, abs=22)
    assert decided(fold(Watch(), ASKED, replace(CANARY, first_exposure=None), steady(600), 600.0)) == {}


def test_missing_counters_are_said_and_are_no_harm() -> None:
    watch = fold(Watch(), ASKED, CANARY, samples(), 10.0)
    reading = read(watch, ASKED, CANARY)
    assert (reading.verdict, reading.holds) == (Verdict.NOT_MEASURABLE, False)
    assert reading.detail == "the candidate's pods show no counter headgate_decisions_total with the labels group and outcome"
    assert read(watch, replace(ASKED, required=True), CANARY).holds


def test_a_label_that_names_persons_instead_of_groups_is_not_judged() -> None:
    persons = [series(f"-user-{number:03}", (1.0, 0.0), (11.0, 9.0)) for number in range(100)]
    watch = fold(Watch(), ASKED, CANARY, samples(*persons), 11.0)
    assert len(watch.groups) == MOST_GROUPS
    assert len(watch.cursors.series) == MOST_GROUPS
    assert read(watch, ASKED, CANARY).verdict is Verdict.NOT_MEASURABLE
    assert "more than 16 values" in read(watch, ASKED, CANARY).detail


class TestInAnAttempt:
    def state(self, answer: TargetSamples | NoAnswer, asked: FairnessQuestion = ASKED) -> attempt_state.AttemptEvidence:
        begun = attempt.begin(QUESTION, CANARY)
        return attempt.observe_decisions(begun, asked, CANARY, answer, 900.0)

    def test_the_reading_is_part_of_the_evidence_and_survives_json(self) -> None:
        evidence = attempt.read(self.state(steady(900)), QUESTION, CANARY, 900.0)
        assert evidence.fairness is not None
        assert evidence.fairness.verdict is Verdict.FAIL
        assert decode(encode(evidence)) == evidence

    def test_a_question_without_fairness_has_no_reading(self) -> None:
        evidence = attempt.read(self.state(steady(900)), replace(QUESTION, fairness=None), CANARY, 900.0)
        assert evidence.fairness is None
        assert decode(encode(evidence)) == evidence

    def test_a_checkpoint_gives_back_every_bit(self) -> None:
        state = self.state(steady(900))
        assert attempt_state.restore(attempt_state.checkpoint(state)) == state

    def test_a_checkpoint_of_before_there_was_fairness_is_still_read(self) -> None:
        data: dict[str, Any] = attempt_state.checkpoint(attempt.begin(QUESTION, CANARY))
        assert "fairness" not in data
        assert attempt_state.restore(data) == attempt.begin(QUESTION, CANARY)

    def test_what_cannot_be_measured_or_read_is_noted(self) -> None:
        missing = attempt.read(self.state(samples()), QUESTION, CANARY, 900.0)
        assert any(note.startswith("NotMeasurable: the candidate's pods show no counter") for note in missing.notes)
        unread = attempt.read(self.state(NoAnswer(1.0, Outage.BROKEN, "HTTP 500")), QUESTION, CANARY, 900.0)
        assert "the counters of decisions cannot be read (Broken: HTTP 500)" in unread.notes
