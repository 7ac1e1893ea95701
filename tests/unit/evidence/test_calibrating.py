"""How an attempt treats noise: modes are settled once, only earlier blocks temper a bet, and a restart changes no bit."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.evidence.gateway import Gateway, exposure, steady
from tests.unit.evidence.pods import StablePods, in_clusters
from tests.unit.evidence.test_attempt import QUESTION

from headgate.api.vocabulary import Metric, Verdict
from headgate.evidence.attempt import begin, observe, observe_history, observe_pods, read
from headgate.evidence.attempt_state import AttemptEvidence, checkpoint, restore
from headgate.evidence.counting.series import Arm, NoAnswer, Outage
from headgate.evidence.pods import state as noise_state
from headgate.evidence.pods.history import History, history_of
from headgate.evidence.view import CheckReading, NoiseMode
from headgate.evidence.words import sentence

CHECKS = QUESTION.checks


def stable_pods(seconds: int = 60, *, begin: int = 0, **changes: object) -> StablePods:
    return StablePods(np.random.default_rng(3), **changes).live(seconds, begin=begin)  # type: ignore[arg-type]


def watched(
    gateway: Gateway,
    pods: StablePods | None,
    until: int,
    *,
    past: History | None = None,
    state: AttemptEvidence | None = None,
    first: int = 0,
) -> AttemptEvidence:
    state = state or begin(QUESTION, exposure())
    if past is not None:
        state = observe_history(state, QUESTION, past, same_source=False)
    for now in range(first, until + 1):
        if pods is not None:
            state = observe_pods(state, QUESTION, pods.answer(now - 5, now), float(now))
        state = observe(state, QUESTION, exposure(), gateway.answer(now - 5, now), float(now))
    return state


def past_of(pods: StablePods) -> History:
    return history_of(CHECKS, pods.series(), 1.0)


def check(state: AttemptEvidence, metric: Metric, now: float = 59.0) -> CheckReading:
    return next(one for one in read(state, QUESTION, exposure(), now).checks if one.metric is metric)


def test_without_counters_of_pods_differences_between_blocks_decide() -> None:
    state = watched(steady(60), None, 59)
    assert state.noise.modes == (NoiseMode.ROBUST,) * 3
    assert "fewer than 3 pods" in sentence(check(state, Metric.ERRORS))
    assert "no decision before 20 blocks unless obvious" in sentence(check(state, Metric.ERRORS))
    assert "noise of the stable version: errors by differences between blocks" in read(state, QUESTION, exposure(), 59.0).notes[0]


@pytest.mark.parametrize("names", [("a",), ("a", "b")])
def test_two_pods_are_too_few(names: tuple[str, ...]) -> None:
    assert set(watched(steady(60), stable_pods(names=names), 59).noise.modes) == {NoiseMode.ROBUST}


def test_three_pods_without_a_past_are_learnt_from() -> None:
    state = watched(steady(60), stable_pods(), 59)
    assert state.noise.modes == (NoiseMode.LEARNING,) * 3
    assert 1.0 <= check(state, Metric.ERRORS).dispersion < 3
    assert "not known yet" in sentence(check(state, Metric.REJECTIONS)), "nothing was rejected, so nobody knows"


def test_a_past_calibrates_from_the_first_block() -> None:
    state = watched(steady(60), stable_pods(), 5, past=past_of(stable_pods(400, begin=-400, errors=in_clusters)))
    assert state.noise.modes == (NoiseMode.HISTORY,) * 3
    errors = check(state, Metric.ERRORS, 5.0)
    assert errors.dispersion > 5
    assert f"{errors.dispersion:.1f} times as unevenly as independent ones, by what its pods have shown" in sentence(errors)


def test_a_past_that_comes_late_is_used_from_then_on() -> None:
    past = past_of(stable_pods(400, begin=-400))
    state = watched(steady(60), stable_pods(), 20)
    assert state.noise.modes[1] is NoiseMode.LEARNING
    later = watched(steady(60), stable_pods(), 30, past=past, state=state, first=21)
    assert later.noise.modes == (NoiseMode.HISTORY,) * 3


def test_who_was_judged_robustly_stays_so() -> None:
    state = watched(steady(60), None, 20)
    later = watched(steady(60), stable_pods(), 40, past=past_of(stable_pods(400, begin=-400)), state=state, first=21)
    assert set(later.noise.modes) == {NoiseMode.ROBUST}


def test_latency_without_the_bound_in_the_pods_histograms_is_told_and_judged_robustly() -> None:
    state = watched(steady(60), stable_pods(bounds=("0.03", "0.3")), 59)
    assert state.noise.modes == (NoiseMode.LEARNING, NoiseMode.LEARNING, NoiseMode.ROBUST)
    assert "the pods' own histograms have no bound of 50ms" in sentence(check(state, Metric.LATENCY))


def test_noise_during_the_rollout_lowers_what_is_bet() -> None:
    quiet, noisy = (
        watched(steady(120), stable_pods(120, errors=errors), 119, past=past_of(stable_pods(400, begin=-400)))
        for errors in (StablePods.errors, in_clusters)
    )
    assert noisy.noise.now.kappa[0].max() < 0.6 * quiet.noise.now.kappa[0].max()
    assert check(noisy, Metric.ERRORS, 119.0).dispersion > check(quiet, Metric.ERRORS, 119.0).dispersion


def test_only_blocks_that_are_long_over_temper_a_bet() -> None:
    """Pods that are read ahead of the gateway change nothing yet: else decisions would hang on which answer comes first."""
    pods, gateway = stable_pods(60, errors=in_clusters), steady(60)
    ahead, level = begin(QUESTION, exposure()), begin(QUESTION, exposure())
    for now in range(60):
        ahead = observe_pods(ahead, QUESTION, pods.answer(now - 5, now + 5), float(now))
        level = observe_pods(level, QUESTION, pods.answer(now - 5, now), float(now))
        ahead = observe(ahead, QUESTION, exposure(), gateway.answer(now - 5, now), float(now))
        level = observe(level, QUESTION, exposure(), gateway.answer(now - 5, now), float(now))
        assert ahead.judge == level.judge


def test_an_unreadable_answer_changes_nothing_and_the_past_is_given_up_after_three() -> None:
    state = begin(QUESTION, exposure())
    down = NoAnswer(1.0, Outage.TIMEOUT, "slow")
    assert observe_pods(state, QUESTION, down, 1.0) == state
    for _ in range(noise_state.MOST_TRIES):
        assert state.noise.wants_history
        state = observe_history(state, QUESTION, None, same_source=False)
    assert not state.noise.wants_history


def test_counters_that_the_judge_itself_uses_say_what_to_expect() -> None:
    past = past_of(stable_pods(400, begin=-400))
    apart = observe_history(begin(QUESTION, exposure()), QUESTION, past, same_source=False)
    alike = observe_history(begin(QUESTION, exposure()), QUESTION, past, same_source=True)
    assert apart.judge.panel.history.max() == 0
    assert alike.judge.panel.history[0, 1] / alike.judge.panel.history[0, 0] == pytest.approx(0.01, rel=0.2)


def test_shadow_and_canary_share_what_is_known_and_settle_apart() -> None:
    shadow = exposure(candidate=Arm.MIRROR, mirrored=1.0, share=0.0)
    gateway, pods = Gateway(), stable_pods(90)
    state = begin(QUESTION, shadow)
    for now in range(60):
        gateway.serve(Arm.STABLE, 100, slow=3)
        gateway.serve(Arm.MIRROR, 100, slow=3)
        gateway.scrape(now)
        state = observe_pods(state, QUESTION, pods.answer(now - 5, now), float(now))
        state = observe(state, QUESTION, shadow, gateway.answer(now - 5, now), float(now))
    assert set(state.noise.modes) == {NoiseMode.LEARNING}
    state = observe_history(state, QUESTION, past_of(stable_pods(400, begin=-400)), same_source=False)
    canary = exposure(stage=1, since=59.0, first_exposure=59.0)
    for now in range(60, 70):
        gateway.serve(Arm.STABLE, 80, slow=3)
        gateway.serve(Arm.CANDIDATE, 20, slow=1)
        gateway.scrape(now)
        before = state
        state = observe(state, QUESTION, canary, gateway.answer(now - 5, now), float(now))
    assert set(state.noise.modes) == {NoiseMode.HISTORY}
    assert state.noise.bounds == before.noise.bounds
    assert state.judge.panel.compared.max() < 10
    assert state.judge.panel.history[0, 0] > 5000, "what is known of the stable version stays known"


@settings(max_examples=15)
@given(st.integers(8, 50), st.integers(0, 6), st.booleans(), st.booleans())
def test_a_restart_changes_no_bit(cut: int, overlap: int, with_past: bool, clustered: bool) -> None:
    gateway = steady(60, codes={"200": 19, "500": 1})
    pods = stable_pods(60, errors=in_clusters if clustered else StablePods.errors)
    past = past_of(stable_pods(400, begin=-400)) if with_past else None
    first = watched(gateway, pods, cut, past=past)
    restored = restore(json.loads(json.dumps(checkpoint(first), allow_nan=False)))
    assert restored == first
    straight = watched(gateway, pods, 59, state=first, first=cut + 1)
    at_once = observe_pods(restored, QUESTION, pods.answer(cut - overlap, 59), 59.0)
    at_once = observe(at_once, QUESTION, exposure(), gateway.answer(cut - overlap, 59), 59.0)
    assert at_once.judge == straight.judge
    assert at_once.noise == straight.noise
    assert read(at_once, QUESTION, exposure(), 59.0) == read(straight, QUESTION, exposure(), 59.0)


@pytest.mark.parametrize(("pods", "most"), [(3, 40_000), (64, 400_000)])
def test_the_checkpoint_stays_far_below_what_a_config_map_holds(pods: int, most: int) -> None:
    """1 MiB. Figures as of writing: see docs/evidence.md."""
    crowd = stable_pods(60, names=tuple(f"credit-5f0c2a91-7d9c5b7f4-{i:05d}" for i in range(pods)), rate=5.0)
    state = watched(steady(60), crowd, 59, past=past_of(stable_pods(400, begin=-400)))
    whole = len(json.dumps(checkpoint(state), separators=(",", ":")))
    of_noise = len(json.dumps(noise_state.to_json(state.noise), separators=(",", ":")))
    print(f"{pods} pods: noise {of_noise:,} of {whole:,} bytes")
    assert whole < most


def test_harm_is_found_with_each_treatment() -> None:
    bad = steady(120, codes={"200": 16, "500": 4})
    past = past_of(stable_pods(400, begin=-400))
    for pods, known in ((None, None), (stable_pods(120), None), (stable_pods(120), past)):
        evidence = read(watched(bad, pods, 119, past=known), QUESTION, exposure(), 119.0)
        assert evidence.verdict is Verdict.FAIL
