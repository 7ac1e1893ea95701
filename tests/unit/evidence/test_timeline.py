"""What is kept of an attempt over time: bounded, in order, even, and the same after a restart."""

import json
from dataclasses import replace
from itertools import pairwise
from math import log10
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.evidence.gateway import exposure, steady
from tests.unit.evidence.test_attempt import QUESTION, watched

from headgate.api.quantities import Margin, Unit
from headgate.api.vocabulary import Metric, Verdict
from headgate.evidence.attempt import begin, observe
from headgate.evidence.attempt_state import checkpoint, restore
from headgate.evidence.check import Check, Question
from headgate.evidence.counting.series import Arm
from headgate.evidence.judge import Judgement
from headgate.evidence.timeline import MOST, Mark, Point, Standing, Timeline, decode, from_json, name_of, record, to_json
from headgate.evidence.view import CheckReading

FOUR = tuple(Check(Metric.LATENCY, Margin(50, Unit.MILLISECONDS), quantile=q) for q in (0.5, 0.9, 0.95, 0.99))
NAN, HUGE = float("nan"), float("inf")


def asked(checks: tuple[Check, ...] = (), alpha: float = 0.05) -> Question:
    return Question(checks, (), alpha=alpha, beta=0.05, interval=15.0, warmup=60.0, stage_blocks=(240,))


def judged(verdict: Verdict = Verdict.INCONCLUSIVE, harm: float = 1.0, checks: tuple[CheckReading, ...] = ()) -> Judgement:
    return Judgement(verdict, harm, checks)


def kept(times: list[float]) -> Timeline:
    timeline = Timeline()
    for time in times:
        timeline = record(timeline, asked(), exposure(), time, judged(), 0)
    return timeline


def encoded(timeline: Timeline) -> str:
    return json.dumps(to_json(timeline), separators=(",", ":"), allow_nan=False)


@settings(max_examples=60)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=900))
def test_it_is_bounded_in_order_and_has_the_first_and_the_latest_point(steps: list[int]) -> None:
    times = [1_800_000_000.0 + sum(steps[:k]) for k in range(1, len(steps) + 1)]
    points = kept(times).points
    assert len(points) == len(times) if len(times) <= MOST else MOST / 2 <= len(points) <= MOST
    assert all(before.time < after.time for before, after in pairwise(points))
    assert (points[0].time, points[-1].time) == (times[0], times[-1])
    assert {point.time for point in points} <= set(times)


@pytest.mark.parametrize("number", [241, 5_000, 20_160])
def test_over_weeks_the_spacing_stays_even(number: int) -> None:
    """20,160 blocks of a minute are two weeks."""
    timeline = kept([60.0 * k for k in range(number)])
    gaps = [after.time - before.time for before, after in pairwise(timeline.points)]
    assert set(gaps[:-1]) == {timeline.spacing}, "all but the latest point, which is kept wherever it is"
    assert gaps[-1] <= timeline.spacing
    assert len(gaps) >= MOST / 2 - 1


def test_a_long_wait_costs_no_detail_afterwards() -> None:
    """An hour of shadow, two weeks for an approval, an hour of canary."""
    begun = 14 * 86_400.0
    timeline = kept([*(15.0 * k for k in range(240)), *(begun + 15.0 * k for k in range(240))])
    assert sum(point.time >= begun for point in timeline.points) >= 60


def test_a_time_that_was_taken_before_changes_nothing() -> None:
    timeline = kept([1.0, 2.0, 3.0])
    for time in (3.0, 2.0, 3.04):
        assert record(timeline, asked(), exposure(), time, judged(Verdict.FAIL, 100.0), 0) == timeline


def test_each_decision_is_marked_once_and_shadow_and_canary_apart() -> None:
    check = (Check(Metric.ERRORS, Margin(1, Unit.POINTS)),)
    passing, failing = (judged(v, checks=(CheckReading(Metric.ERRORS, v),)) for v in (Verdict.PASS, Verdict.FAIL))
    open_ = judged(checks=(CheckReading(Metric.ERRORS, Verdict.INCONCLUSIVE),))
    shadow, canary = exposure(candidate=Arm.MIRROR, mirrored=1.0), exposure(stage=1, stage_name="five", share=0.05)
    timeline = Timeline()
    steps = [
        (shadow, open_),
        (shadow, passing),
        (shadow, passing),
        (canary, open_),
        (canary, passing),
        (canary, passing),
        (canary, failing),
    ]
    for time, (told, judgement) in enumerate(steps):
        timeline = record(timeline, asked(check, alpha=0.01 if told.shadow else 0.05), told, float(time), judgement, told.stage)
    assert timeline.marks == (
        Mark(1.0, 0, Verdict.PASS),
        Mark(4.0, 1, Verdict.PASS),
        Mark(6.0, 1, Verdict.FAIL, "errors"),
    )
    assert [(look.name, look.share, look.mirrored, look.alpha) for look in timeline.stages.values()] == [
        ("canary", 1.0, True, 0.01),
        ("five", 0.05, False, 0.05),
    ]


def test_a_block_that_closes_late_stays_in_its_stage_unless_another_judge_began() -> None:
    timeline = record(Timeline(), asked(), exposure(stage=1), 1.0, judged(), 1)
    timeline = record(timeline, asked(), exposure(stage=2), 2.0, judged(), 1)
    assert [point.stage for point in timeline.points] == [1, 1]
    begun = record(Timeline(), asked(), exposure(candidate=Arm.MIRROR), 1.0, judged(), 0)
    begun = record(begun, asked(), exposure(stage=1), 2.0, judged(), 0)
    assert [point.stage for point in begun.points] == [0, 1]


_evidence = st.floats(0) | st.sampled_from([NAN, HUGE])
_shares = st.floats(-1, 1) | st.sampled_from([NAN, HUGE, -HUGE])
_readings = st.builds(
    CheckReading,
    metric=st.just(Metric.LATENCY),
    verdict=st.sampled_from([Verdict.INCONCLUSIVE, Verdict.PASS]),
    harm=_evidence,
    good=_evidence,
    low=_shares,
    high=_shares,
    limit=st.floats(0, 5),
    stable_requests=st.integers(0, 10**12),
    stable_events=st.integers(0, 10**6),
)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 10**7), _evidence, st.tuples(*[_readings] * 4)), max_size=20))
def test_what_is_written_is_finite_and_read_again_as_it_was(steps: list[tuple[int, float, tuple[CheckReading, ...]]]) -> None:
    timeline, time = Timeline(), 0.0
    for step, harm, checks in steps:
        time += step / 10
        timeline = record(timeline, asked(FOUR), exposure(), time, judged(harm=harm, checks=checks), 0)
    assert decode(encoded(timeline)) == timeline


def test_numbers_are_kept_as_they_are_meant() -> None:
    check = CheckReading(
        Metric.ERRORS,
        Verdict.FAIL,
        harm=1000.0,
        good=1.0,
        candidate_requests=600,
        candidate_events=17,
        stable_requests=11_400,
        stable_events=57,
        low=-0.001,
        high=0.04,
        limit=0.005,
    )
    asking = asked((Check(Metric.ERRORS, Margin(0.5, Unit.POINTS)),))
    timeline = record(Timeline(), asking, exposure(), 10.04, judged(Verdict.FAIL, 50.0, (check,)), 0)
    standing = Standing(harm=3.0, good=0.0, stable=0.005, candidate=0.028333, low=-0.001, high=0.04, limit=0.005)
    assert timeline.points == (Point.of(10.0, 0, log10(50), (standing,)),)
    assert standing.compared


def test_a_value_is_kept_relative_to_the_stable_version() -> None:
    check = CheckReading(
        Metric.VALUE, Verdict.FAIL, harm=1000.0, stable_mean=20.0, candidate_mean=16.0, difference=-0.2, low=-0.3, high=-0.1
    )
    asking = asked((Check(Metric.VALUE, Margin(5, Unit.RELATIVE)),))
    timeline = record(Timeline(), asking, exposure(), 10.0, judged(Verdict.FAIL, 50.0, (replace(check, limit=-0.05),)), 0)
    assert timeline.points[0].checks == (Standing(3.0, 0.0, stable=0.0, candidate=-0.2, low=-0.3, high=-0.1, limit=-0.05),)


def test_checks_have_names_of_their_own() -> None:
    assert [name_of(check) for check in FOUR] == ["latency p50", "latency p90", "latency p95", "latency p99"]
    assert name_of(QUESTION.checks[0]) == "errors"


def test_with_four_checks_it_is_smaller_than_60_kb() -> None:
    """With rates, intervals and evidence of as many digits as there can be."""
    random = Random(1)
    timeline = Timeline()
    for k in range(MOST):
        checks = tuple(
            CheckReading(
                Metric.LATENCY,
                Verdict.INCONCLUSIVE,
                harm=1e300,
                good=1e300,
                candidate_requests=10**6,
                candidate_events=random.randrange(10**5, 10**6),
                stable_requests=10**6,
                stable_events=random.randrange(10**5, 10**6),
                low=-random.random(),
                high=random.random(),
                limit=random.random(),
            )
            for _ in FOUR
        )
        timeline = record(timeline, asked(FOUR), exposure(), 1_800_000_000.1 + 15 * k, judged(harm=1e300, checks=checks), 0)
    assert len(timeline.points) == MOST
    assert len(encoded(timeline)) < 60_000


def _spoilt(**changes: object) -> dict[str, object]:
    return to_json(kept([1.0, 2.0])) | changes


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"format": 1},
        _spoilt(format=2),
        _spoilt(time=[1.0]),
        _spoilt(time=[1.0, HUGE]),
        _spoilt(harm=[0, NAN]),
        _spoilt(time=["x", "y"]),
        _spoilt(marks=[[1.0, 0, "Great", ""]]),
        _spoilt(stages={"0": ["canary"]}),
        _spoilt(checks=[{"name": "errors"}]),
        _spoilt(checks=[{name: [0, 10**10] for name in ("name", "harm", "good", "stable", "candidate", "low", "high", "limit")}]),
    ],
)
def test_anything_else_is_a_value_error(data: object) -> None:
    with pytest.raises(ValueError):
        from_json(data)


def test_an_attempt_keeps_a_point_for_each_block_and_takes_them_along_in_its_checkpoint() -> None:
    state = watched(steady(120), 119)
    points = state.timeline.points
    assert [point.time for point in points] == [float(k) for k in range(1, 120)]
    assert state.timeline.checks == ("errors", "rejections", "latency p95")
    assert [mark.verdict for mark in state.timeline.marks] == [Verdict.PASS]
    assert points[-1].checks[0].stable == points[-1].checks[0].candidate == 0.0
    assert restore(json.loads(json.dumps(checkpoint(state), allow_nan=False))) == state


def test_checkpoints_of_before_there_were_timelines_go_on() -> None:
    state = watched(steady(20), 19)
    older = {key: part for key, part in checkpoint(state).items() if key != "timeline"}
    for data in (older, older | {"timeline": {"format": 99}}, older | {"timeline": "x"}):
        assert (restored := restore(data)).judge == state.judge
        assert restored.timeline == Timeline()


def test_answers_cut_in_any_way_give_the_same_timeline() -> None:
    gateway = steady(60)
    at_once = observe(begin(QUESTION, exposure()), QUESTION, exposure(), gateway.answer(-1, 59), 59.0)
    assert at_once.timeline == watched(gateway, 59).timeline
