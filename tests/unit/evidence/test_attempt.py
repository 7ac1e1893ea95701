"""The evidence of an attempt: verdicts while the source misbehaves, and continuation from a checkpoint bit by bit."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.evidence.gateway import Gateway, exposure, steady

from headgate.api.quantities import Margin, Unit
from headgate.api.vocabulary import Metric, Verdict
from headgate.evidence.attempt import begin, observe, read
from headgate.evidence.attempt_state import checkpoint, restore
from headgate.evidence.check import Check, Guard, Question
from headgate.evidence.counting.series import Arm, NoAnswer, Outage, TargetSamples, What

QUESTION = Question(
    checks=(
        Check(Metric.ERRORS, Margin(1, Unit.POINTS), 4),
        Check(Metric.REJECTIONS, Margin(1, Unit.POINTS), 2),
        Check(Metric.LATENCY, Margin(50, Unit.MILLISECONDS), 3, quantile=0.95),
    ),
    guards=(Guard(Metric.ERRORS, 0.2, 30),),
    alpha=0.05,
    beta=0.05,
    interval=1.0,
    warmup=2.0,
    stage_blocks=(60, 60),
)
DOWN = NoAnswer(20.0, Outage.UNREACHABLE, "connection refused")


def watched(gateway, until, told=None):
    told = told or exposure()
    state = begin(QUESTION, told)
    for now in range(until + 1):
        state = observe(state, QUESTION, told, gateway.answer(now - 5, now), float(now))
    return state


def verdict(state, now, told=None):
    return read(state, QUESTION, told or exposure(), now)


def test_a_version_like_the_stable_one_passes():
    state = watched(steady(240), 239)
    evidence = verdict(state, 239.0)
    errors = next(check for check in evidence.checks if check.metric is Metric.ERRORS)
    assert errors.verdict is Verdict.PASS
    assert evidence.as_of == 239.0
    assert evidence.stage_requests == 20 * 238 + 20
    assert not any(guard.fired for guard in (*evidence.candidate_guards, *evidence.stable_guards))


def test_a_version_that_fails_fires_its_guard_and_only_its_own():
    state = watched(steady(4, codes={"500": 20}), 3)
    evidence = verdict(state, 3.0)
    assert [guard.fired for guard in evidence.candidate_guards] == [True]
    assert [guard.fired for guard in evidence.stable_guards] == [False]


def test_a_version_that_swallows_requests_fires_its_guard_within_three_scrapes():
    evidence = verdict(watched(steady(3, codes={}), 2), 2.0)
    assert evidence.candidate_guards[0].fired
    assert evidence.candidate_guards[0].missing >= 5


def test_evidence_of_harm_fails():
    evidence = verdict(watched(steady(120, codes={"200": 18, "500": 2}), 119), 119.0)
    assert evidence.verdict is Verdict.FAIL
    assert evidence.harm >= 20


@pytest.mark.parametrize("seconds", [30, 300])
def test_t28_prometheus_down_holds_and_is_told(seconds):
    state = watched(steady(20), 19)
    state = observe(state, QUESTION, exposure(), DOWN, 20.0)
    assert verdict(state, 20.5).verdict is not Verdict.SOURCE_DOWN
    evidence = verdict(state, 19.0 + seconds)
    assert evidence.verdict is Verdict.SOURCE_DOWN
    assert "connection refused" in evidence.notes[-1]
    assert evidence.stage_fresh_seconds == verdict(state, 20.0).stage_fresh_seconds


def test_t28_prometheus_down_for_the_whole_rollout():
    state = observe(begin(QUESTION, exposure()), QUESTION, exposure(), DOWN, 0.0)
    assert verdict(state, 60.0).verdict is Verdict.SOURCE_DOWN


def test_t28_a_guard_does_not_fire_on_samples_from_before_the_outage():
    state = observe(watched(steady(4, codes={"500": 20}), 3), QUESTION, exposure(), DOWN, 4.0)
    assert not verdict(state, 70.0).candidate_guards[0].fired


def test_t28_after_the_outage_all_requests_are_counted():
    gateway = steady(60)
    state = watched(gateway, 20)
    state = observe(state, QUESTION, exposure(), DOWN, 40.0)
    state = observe(state, QUESTION, exposure(), gateway.answer(15, 59), 59.0)
    assert state.tracker == watched(gateway, 59).tracker
    assert state.judge == watched(gateway, 59).judge


def test_t16_an_empty_answer_is_no_data():
    state = observe(begin(QUESTION, exposure()), QUESTION, exposure(), TargetSamples(1.0, ()), 1.0)
    evidence = verdict(state, 1.0)
    assert evidence.verdict is Verdict.NO_DATA
    assert "knows no counters" in evidence.notes[-1]


def test_t19_old_samples_are_no_data():
    state = watched(steady(20), 19)
    state = observe(state, QUESTION, exposure(), TargetSamples(60.0, ()), 60.0)
    assert verdict(state, 60.0).verdict is Verdict.NO_DATA


def test_t27_a_partial_answer_is_an_outage_not_evidence():
    state = watched(steady(20), 19)
    partial = observe(state, QUESTION, exposure(), NoAnswer(20.0, Outage.PARTIAL, "one store is away"), 20.0)
    assert (partial.tracker, partial.judge) == (state.tracker, state.judge)
    assert verdict(partial, 30.0).verdict is Verdict.SOURCE_DOWN


def test_no_traffic_is_no_data():
    evidence = verdict(watched(steady(30, stable=0, candidate=0), 29), 29.0)
    assert evidence.verdict is Verdict.NO_DATA
    assert not any(guard.fired for guard in (*evidence.candidate_guards, *evidence.stable_guards))


def test_a_candidate_without_counters_is_no_data_not_a_failure():
    gateway = Gateway()
    for second in range(40):
        gateway.scrape(second)
        gateway.serve(Arm.STABLE, 100)
    evidence = verdict(watched(gateway, 39), 39.0)
    assert evidence.verdict is Verdict.NO_DATA
    assert evidence.notes[-1] == "the metrics source knows no counters of the candidate"
    assert not evidence.candidate_guards[0].fired


def test_requests_that_never_reach_the_candidate_are_missing():
    evidence = verdict(watched(steady(30, candidate=0), 29), 29.0)
    assert evidence.candidate_guards[0].fired
    assert evidence.candidate_guards[0].missing > 100


def test_proxies_may_take_up_new_weights_during_the_warm_up():
    told = exposure(warmup=40.0)
    assert not verdict(watched(steady(30, candidate=0), 29, told), 29.0, told).candidate_guards[0].fired


def test_more_than_its_share_never_passes():
    state = watched(steady(240), 239, exposure(share=0.02))
    evidence = verdict(state, 239.0, exposure(share=0.02))
    assert evidence.verdict is Verdict.INCONCLUSIVE
    assert "more than its share" in evidence.notes[-1]


def test_a_surplus_that_takes_half_a_minute_to_show_lets_nothing_slip_in_between():
    gateway, told = steady(260), exposure(share=0.16)
    state, said = watched(gateway, 100, told), set()
    for now in range(101, 260):
        state = observe(state, QUESTION, told, gateway.answer(now - 5, now), float(now))
        said.add(verdict(state, float(now), told).verdict)
    assert said == {Verdict.INCONCLUSIVE}
    fair = exposure()
    assert verdict(watched(gateway, 259, fair), 259.0, fair).verdict is Verdict.PASS


def other_bounds(gateway, bounds):
    """The gateway, had the candidate only these latency bounds, and its first user after 20 s."""
    points = {}
    for (arm, what, part), counted in gateway.points.items():
        late = [point for point in counted if point[0] > 20.0] if arm is Arm.CANDIDATE else counted
        known = arm is Arm.CANDIDATE and what is What.TIMED
        points[arm, what, bounds.get(part, part) if known else part] = late
    gateway.points = points
    return gateway


@pytest.mark.parametrize("bounds", [{"0.05": "0.06", "0.25": "0.3"}, {"0.05": "0.06"}])
def test_latency_buckets_that_do_not_fit_together_are_told_and_never_no_data_for_ever(bounds):
    latency = verdict(watched(other_bounds(steady(60), bounds), 59), 59.0).checks[2]
    if "0.25" in bounds:
        assert (latency.verdict, latency.unresolved) == (Verdict.NOT_MEASURABLE, latency.detail)
        assert "no bucket bound in common" in latency.detail
    else:
        assert latency.verdict in (Verdict.INCONCLUSIVE, Verdict.PASS)
        assert latency.candidate_requests > 600
        assert latency.detail.startswith("above 250ms, stable above 250ms")


def test_the_http_profile_says_what_it_cannot_see():
    told = exposure(sees_missing=False)
    assert any("SilentFailureInvisible" in note for note in verdict(watched(steady(5), 4, told), 4.0, told).notes)


def test_t29_a_clock_that_differs_is_told_and_changes_nothing_else():
    gateway = steady(90)
    told = exposure(since=1000.0, first_exposure=1000.0)
    state = begin(QUESTION, told)
    for now in range(90):
        state = observe(state, QUESTION, told, gateway.answer(now - 5, now, skew=-1000.0), now + 1000.0)
    evidence = verdict(state, 1089.0, told)
    assert evidence.as_of == 1089.0
    assert evidence.verdict is verdict(watched(gateway, 89), 89.0).verdict is Verdict.PASS
    assert any("clock" in note for note in evidence.notes)


def test_the_canary_gets_a_judge_and_counters_of_its_own():
    gateway = Gateway()
    shadow = exposure(candidate=Arm.MIRROR, mirrored=1.0, share=0.0)
    for second in range(31):
        gateway.scrape(second)
        gateway.serve(Arm.STABLE, 100)
        gateway.serve(Arm.MIRROR, 100, {"200": 50, "500": 50})
    state = watched(gateway, 30, shadow)
    assert read(state, QUESTION, shadow, 30.0).verdict is Verdict.FAIL
    canary = exposure(stage=1, since=30.0, first_exposure=30.0)
    before = read(state, QUESTION, canary, 30.0)
    assert (before.verdict, before.stage_requests, before.candidate_guards) == (Verdict.NO_DATA, 0, ())
    for second in range(31, 121):
        gateway.scrape(second)
        gateway.serve(Arm.STABLE, 80)
        gateway.serve(Arm.CANDIDATE, 20)
        state = observe(state, QUESTION, canary, gateway.answer(second - 5, second), float(second))
    after = read(state, QUESTION, canary, 120.0)
    assert after.verdict is Verdict.PASS
    assert (after.attempt, after.stage) == ("a1", 1)


def test_samples_of_another_attempt_are_refused():
    with pytest.raises(ValueError, match="attempt"):
        observe(begin(QUESTION, exposure()), QUESTION, exposure(attempt="a2"), DOWN, 1.0)


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 4), st.integers(0, 4)), min_size=6, max_size=25),
    st.integers(1, 24),
    st.integers(0, 24),
)
def test_continuation_from_a_checkpoint_is_bit_equal(traffic, cut, overlap):
    gateway = Gateway()
    for second, (good, failed, lost) in enumerate(traffic):
        gateway.scrape(second + 0.1)
        gateway.serve(Arm.STABLE, 60)
        gateway.serve(Arm.CANDIDATE, good + failed + lost, {"200": good, "500": failed})
    cut, end = min(cut, len(traffic) - 1), float(len(traffic))
    first = observe(begin(QUESTION, exposure()), QUESTION, exposure(), gateway.answer(-1, cut), float(cut))
    restored = restore(json.loads(json.dumps(checkpoint(first), allow_nan=False)))
    assert restored == first
    straight = observe(first, QUESTION, exposure(), gateway.answer(cut, end), end)
    replayed = observe(restored, QUESTION, exposure(), gateway.answer(cut - overlap, end), end)
    assert replayed == straight
    assert read(replayed, QUESTION, exposure(), end) == read(straight, QUESTION, exposure(), end)
    assert observe(straight, QUESTION, exposure(), gateway.answer(-1, end), end) == straight


@pytest.mark.parametrize("data", [{}, {"format": 0}, {"format": 1, "tracker": {}}, {"format": 1, "tracker": {"spans": "x"}, "source": {}}])
def test_a_foreign_checkpoint_is_refused(data):
    with pytest.raises(ValueError, match="checkpoint"):
        restore(data)


def test_a_tick_of_one_model_is_cheap():
    gateway = steady(120, codes={"200": 18, "500": 1, "422": 1})
    state = watched(gateway, 100)
    answers = [gateway.answer(now - 5, now) for now in range(101, 120)]
    begun = time.perf_counter()
    for now, answer in enumerate(answers, 101):
        state = observe(state, QUESTION, exposure(), answer, float(now))
    assert (time.perf_counter() - begun) / len(answers) < 0.02, "the aim is 2 ms; the limit leaves room for a busy machine"
    assert len(json.dumps(checkpoint(state))) < 60_000


def test_a_version_that_is_alone_is_no_stable_version_that_fails_as_well():
    gateway = Gateway()
    for second in range(4):
        gateway.serve(Arm.STABLE, 100 if second else 0, {"500": 100} if second else None)
        gateway.scrape(second)
    alone = exposure(candidate=Arm.STABLE, has_stable=False, share=1.0)
    evidence = verdict(watched(gateway, 3, alone), 3.0, alone)
    assert [guard.fired for guard in evidence.candidate_guards] == [True]
    assert not any(guard.fired for guard in evidence.stable_guards)


@pytest.mark.parametrize("skew", [90, -90])
def test_clocks_that_differ_neither_shorten_a_stage_nor_lose_data(skew):
    """The source stamps its samples by its own clock; the exposure and `now` are of ours."""
    alike, apart = steady(240), steady(240)
    apart.points = {key: [(time + skew, value) for time, value in points] for key, points in apart.points.items()}
    told, here, there = exposure(), begin(QUESTION, exposure()), begin(QUESTION, exposure())
    for now in range(240):
        here = observe(here, QUESTION, told, alike.answer(now - 5, now), float(now))
        there = observe(there, QUESTION, told, apart.answer(now + skew - 5, now + skew, skew=float(skew)), float(now))
        same, other = verdict(here, float(now)), verdict(there, float(now))
        assert other.verdict is same.verdict, now
        assert (other.stage_fresh_seconds, other.stage_requests, other.as_of) == (same.stage_fresh_seconds, same.stage_requests, same.as_of)
    assert other.verdict is Verdict.PASS
