"""Answers compared in shadow: when the Job is wanted, what its result means for automated-checks, and that it takes nothing back."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.rollout.world import POLICY, World, condition, live, policy, spec

from headgate.api.conditions import ConditionType
from headgate.api.policy import RolloutPolicySpec
from headgate.api.replay import Replay, ReplayLimits, ReplayPhase, ReplayReport
from headgate.api.vocabulary import Phase
from headgate.evidence.view import MirrorReading
from headgate.rollout.copying import copies_objection
from headgate.rollout.copying import counted as counted_copies
from headgate.rollout.replaying import agreement_words, job_name, shortfall
from headgate.rollout.snapshot import ReplayRun

REPLAY: dict[str, Any] = {"goldenSet": {"configMap": {"name": "golden"}}, "compare": [{"pointer": "/decision"}]}
LIMITS: dict[str, Any] = {"minAgreement": "0.95", "minPairs": 100, "maxContractViolations": 2}
LOW: dict[str, Any] = {"classification": {"declaredTier": "Low"}}
DIGEST = "sha256:" + "c" * 64


def asking(**limits: Any) -> RolloutPolicySpec:
    return policy(stages=[POLICY["stages"][0] | {"replay": LIMITS | limits}, *POLICY["stages"][1:]])


def report(agreed: int = 990, pairs: int = 1000, **fields: Any) -> ReplayReport:
    return ReplayReport(**({"golden_set": DIGEST, "requests": pairs, "pairs": pairs, "agreed": agreed} | fields))


def in_shadow(**changes: Any) -> World:
    """2.0.0 is in shadow, under a policy that asks for a comparison."""
    world = live(served=LOW, policy=policy())
    world.policy = asking()
    world.release("2.0.0", **(LOW | {"replay": REPLAY} | changes))
    world.quiet()
    world.settle()
    assert world.status.phase is Phase.SHADOW
    return world


def end(world: World, run: ReplayRun) -> None:
    """The Job comes to this end, and shadow passes."""
    assert world.wanted_replay is not None
    world.replays = {world.wanted_replay.name: run}
    world.good()
    world.settle()


def missing(world: World) -> list[str]:
    assert world.status.candidate is not None
    assert world.status.candidate.gate is not None
    return [words for words in world.status.candidate.gate.missing if words.startswith("automated-checks")]


def counted(world: World) -> list[str]:
    assert world.status.candidate is not None
    assert world.status.candidate.gate is not None
    return [words for words in world.status.candidate.gate.counted if words.startswith("automated-checks")]


def phase(world: World) -> ReplayPhase:
    assert world.status.candidate is not None
    assert world.status.candidate.replay is not None
    return world.status.candidate.replay.phase


def until(world: World, wanted: Phase) -> None:
    """Not a step further."""
    for _ in range(6):
        if world.status.phase is wanted:
            return
        world.step()
    raise AssertionError(world.status.phase)


def test_a_comparison_begins_when_shadow_is_in_effect_and_both_versions_have_pods() -> None:
    world = live(served=LOW, policy=policy())
    world.policy = asking()
    world.route_takes_effect = False
    world.release("2.0.0", **LOW, replay=REPLAY)
    world.quiet()
    world.settle()
    assert world.wanted_replay is None
    assert phase(world) is ReplayPhase.WAITING
    world.route_takes_effect = True
    world.step()
    world.settle()
    wanted = world.wanted_replay
    assert wanted is not None
    assert world.status.stable is not None
    assert world.status.candidate is not None
    assert (wanted.stable, wanted.candidate) == (world.status.stable.revision, world.status.candidate.revision)
    assert wanted.name == world.status.candidate.replay.job  # type: ignore[union-attr]


def test_enough_agreement_passes_the_automated_checks_and_is_told() -> None:
    world = in_shadow()
    end(world, ReplayRun(ended=True, report=report()))
    words = "automated-checks: the shadow verdict is Pass; 990 of 1,000 answers agree (99.0 %, 98.2 to 99.5 %)"
    assert counted(world) == [words]
    assert "AnswersCompared: 990 of 1,000 answers agree (99.0 %, 98.2 to 99.5 %)" in world.events


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (report(960), "960 of 1,000 answers agree (96.0 %, 94.6 to 97.1 %), and at least 95.0 % must be certain"),
        (report(99, 99), "only 99 pairs of answers were compared, 100 are asked for"),
        (
            report(60, 60, requests=200, stable_failures=140),
            "only 60 pairs of answers were compared, 100 are asked for: the stable version",
        ),
        (
            report(candidate_violations=3, violation="request r7: /confidence is missing"),
            "3 answers of the candidate break the contract, 2 may: request r7: /confidence is missing",
        ),
    ],
)
def test_what_is_short_is_named_and_nothing_is_taken_back(found: ReplayReport, says: str) -> None:
    world = in_shadow()
    end(world, ReplayRun(ended=True, report=found))
    assert len(missing(world)) == 1
    assert says in missing(world)[0]
    assert world.status.phase is Phase.AWAITING_DEPLOYMENT
    assert world.status.blocked == ()


def test_a_job_that_fails_is_told_and_may_be_run_again() -> None:
    world = in_shadow()
    name = world.wanted_replay.name  # type: ignore[union-attr]
    end(world, ReplayRun(ended=True, problem="the golden set cannot be read: ConfigMap golden has no readable requests.jsonl"))
    assert phase(world) is ReplayPhase.FAILED
    assert "ConfigMap golden has no readable requests.jsonl" in missing(world)[0]
    assert f"delete the Job {name} to compare again" in world.status.candidate.replay.message  # type: ignore[union-attr]
    world.replays = {}
    world.settle()
    assert world.wanted_replay is not None
    assert world.wanted_replay.name == name
    end(world, ReplayRun(ended=True, report=report()))
    assert missing(world) == []


def test_what_a_pod_waited_for_is_told_when_its_job_gives_up() -> None:
    world = in_shadow()
    world.replays = {world.wanted_replay.name: ReplayRun(problem="image r/h:1 cannot be pulled (ErrImagePull)")}  # type: ignore[union-attr]
    world.settle()
    end(world, ReplayRun(ended=True, problem="DeadlineExceeded"))
    assert "DeadlineExceeded; before that: image r/h:1 cannot be pulled (ErrImagePull)" in missing(world)[0]
    before = world.status
    world.step()
    assert world.status == before


def test_a_result_stays_when_its_job_is_gone() -> None:
    world = in_shadow()
    end(world, ReplayRun(ended=True, report=report(500)))
    world.replays = {}
    world.settle()
    assert world.wanted_replay is None, "a result that nobody likes is not asked for again"
    assert "500 of 1,000" in missing(world)[0]


def test_another_question_is_another_comparison_and_another_subject() -> None:
    world = in_shadow()
    end(world, ReplayRun(ended=True, report=report(500)))
    before, subject = world.status.candidate.replay, world.status.candidate.gate.subject  # type: ignore[union-attr]
    world.spec = spec("2.0.0", **LOW, replay=REPLAY | {"compare": [{"pointer": "/decision"}, {"pointer": "/reason"}]})
    world.settle()
    after = world.status.candidate.replay  # type: ignore[union-attr]
    assert before is not None
    assert after is not None
    assert after.job != before.job
    assert after.report is None
    assert world.wanted_replay is not None
    assert world.status.candidate.gate.subject != subject  # type: ignore[union-attr]


def test_nobody_is_let_in_without_the_comparison_and_then_nothing_is_compared_any_more() -> None:
    world = in_shadow()
    world.good()
    world.settle()
    world.approve(roles=("technical-validation",))
    world.settle()
    assert world.status.phase is Phase.AWAITING_DEPLOYMENT
    assert missing(world) == ["automated-checks: no answers are compared yet: its Job is being made"]
    world.replays = {world.wanted_replay.name: ReplayRun(ended=True, report=report())}  # type: ignore[union-attr]
    until(world, Phase.CANARY)
    assert world.wanted_replay is None
    world.spec = spec("2.0.0", **LOW, replay=REPLAY | {"path": "/v2"})
    world.quiet()
    world.settle()
    assert world.status.phase is Phase.CANARY
    assert world.status.candidate.gate.open, "an edit under way must not void what was approved"  # type: ignore[union-attr]


def test_harm_is_stopped_whatever_the_comparison_does() -> None:
    world = in_shadow()
    world.guard()
    world.settle()
    assert world.status.phase is Phase.ROLLED_BACK
    assert world.wanted_replay is None


def test_a_refused_job_is_told_and_stops_nothing_else() -> None:
    world = in_shadow()
    world.replay_refusal = "the API server refuses Job lending/x: exceeded quota"
    world.good()
    world.settle()
    assert "exceeded quota" in missing(world)[0]
    assert world.status.phase is Phase.AWAITING_DEPLOYMENT


def test_a_model_that_says_nothing_of_requests_is_held_before_it_begins() -> None:
    world = live(served=LOW, policy=policy())
    world.policy = asking()
    world.release("2.0.0", **LOW)
    world.settle()
    assert world.status.candidate is None
    status, reason, words = condition(world, ConditionType.STALLED)
    assert (status, reason) == ("True", "ReplayMissing")
    assert "spec.serving.replay" in words


def test_users_let_in_before_its_end_end_the_comparison() -> None:
    """Where the tier asks for no automated-checks, approvers may decide without it."""
    world = live(policy=policy())
    world.policy = asking()
    world.release("2.0.0", replay=REPLAY)
    world.quiet()
    world.settle()
    world.replays = {world.wanted_replay.name: ReplayRun()}  # type: ignore[union-attr]
    world.good()
    world.settle()
    world.approve()
    until(world, Phase.CANARY)
    world.step()
    assert phase(world) is ReplayPhase.FAILED
    assert world.wanted_replay is None


def test_a_lost_status_finds_the_result_of_the_job_again() -> None:
    world = in_shadow()
    end(world, ReplayRun(ended=True, report=report()))
    again, runs = world.status.candidate.replay, dict(world.replays)  # type: ignore[union-attr]
    world.lose_status()
    world.replays = runs
    world.settle()
    world.settle()
    assert world.status.candidate is not None
    assert world.status.candidate.replay == again


def test_without_a_question_nothing_is_different() -> None:
    world = live(served=LOW, policy=policy())
    world.release("2.0.0", **LOW, replay=REPLAY)
    world.good()
    world.settle()
    assert world.wanted_replay is None
    assert world.status.candidate is not None
    assert world.status.candidate.replay is None
    assert counted(world) == ["automated-checks: the shadow verdict is Pass"]


@pytest.mark.parametrize(
    ("requests", "due", "arrived", "short"),
    [
        (10_000, 10_000.0, 9_900, False),
        (10_000, 10_000.0, 9_899, True),
        (100, 100.0, 97, False),
        (100, 100.0, 95, True),
        (10_000, 1_000.0, 900, False),
        (10_000, 1_000.0, 800, True),
        (0, 0.0, 0, False),
    ],
)
def test_copies_that_were_never_sent_keep_the_automated_checks_closed(requests: int, due: float, arrived: int, short: bool) -> None:
    world = live(served=LOW, policy=policy())
    world.release("2.0.0", **LOW)
    world.good()
    world.measured["mirror"] = MirrorReading(requests, due, arrived)
    world.settle()
    assert world.status.phase is Phase.AWAITING_DEPLOYMENT
    assert bool(missing(world)) is short
    if short:
        assert f"{round(due) - arrived:,} of {round(due):,} copies of requests never reached the candidate" in missing(world)[0]


def test_more_requests_than_a_status_can_count_keep_their_share() -> None:
    """Four weeks at 2,000 requests/s."""
    kept = counted_copies(MirrorReading(4_838_400_000, 4_838_400_000.0, 4_354_560_000))
    assert kept is not None
    assert kept.arrived / kept.expected == pytest.approx(0.9)
    assert copies_objection(kept)


@pytest.mark.parametrize("name", ["a", "m" * 50])
def test_the_name_of_a_job_is_one_for_each_question(name: str) -> None:
    replay, limits = Replay.model_validate(REPLAY), ReplayLimits.model_validate(LIMITS)
    other = Replay.model_validate(REPLAY | {"path": "/v2"})
    names = {job_name(name, attempt, asked, limits) for attempt in (1, 2) for asked in (replay, other)}
    assert len(names) == 4
    assert all(len(one) <= 63 for one in names)


@pytest.mark.parametrize(
    ("right", "labelled", "says"),
    [
        (920, 1000, ""),
        (92, 100, "more labels are needed to be sure that it is within 5%"),
        (800, 1000, "77.4 to 82.4 % of the candidate's classes are right, validation found 92.0 %: that is not within 5%"),
        (995, 1000, "that is not within 5%"),
        (0, 0, "that needs labels in the golden set"),
    ],
)
def test_the_figure_of_the_validation_must_come_back(right: int, labelled: int, says: str) -> None:
    limits = ReplayLimits.model_validate(LIMITS | {"maxValidationGap": "5%"})
    found = shortfall(report(1000, candidate_right=right, labelled=labelled, validated="0.92"), limits)
    assert found.endswith(says)
    assert bool(found) is bool(says)


def test_a_figure_that_nobody_wrote_down_is_asked_for() -> None:
    limits = ReplayLimits.model_validate(LIMITS | {"maxValidationGap": "5%"})
    assert "spec.serving.replay.validated" in shortfall(report(1000, labelled=900, candidate_right=900), limits)


def test_words_of_nothing() -> None:
    assert agreement_words(report(0, 0)) == "no answers were compared"
    assert shortfall(report(0, 0, requests=5), ReplayLimits.model_validate(LIMITS)).endswith("of 5 requests sent")
