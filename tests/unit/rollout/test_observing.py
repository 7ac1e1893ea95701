"""spec.mode Observe: evidence decides nothing and says what it would have done; guards and people decide as ever."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.rollout.test_fairness import UNFAIR
from tests.unit.rollout.world import POLICY, World, condition, in_canary, live, policy, spec

from headgate.api.aimodel import AIModelSpec
from headgate.api.conditions import ConditionType
from headgate.api.policy import RolloutPolicySpec
from headgate.api.status import AIModelStatus
from headgate.api.vocabulary import Mode, Phase, RollbackCause, Verdict
from headgate.rollout.begin import copy_name
from headgate.rollout.decide import decide

DAY = 86_400
LOW: dict[str, Any] = {"classification": {"declaredTier": "Low"}}
LOW_ROLES = ("technical-validation",)


def leave(**changes: Any) -> RolloutPolicySpec:
    """A policy that lets models observe."""
    return policy(analysis={"observe": "Allowed"}, **changes)


def observing(**fields: Any) -> World:
    """2.0.0 is in its first stage with users, and its judge has no say."""
    return in_canary(served={"judge": "Observe"}, **({"policy": leave()} | fields))


def judged_by(world: World, mode: str) -> None:
    world.spec = world.spec.model_copy(update={"mode": Mode(mode)})
    world.generation += 1


def would_roll_back(world: World) -> list[str]:
    return [event for event in world.events if event.startswith("WouldRollBack")]


class TestWhatTheJudgeSays:
    def test_proven_harm_moves_no_traffic_and_is_told_once(self) -> None:
        world = observing()
        world.bad()
        began = world.now
        for _ in range(3):
            world.step(60)
        assert (world.weight(), world.status.phase, world.status.blocked) == (50, Phase.CANARY, ())
        (told,) = would_roll_back(world)
        assert "observed only: 2.0.0" in told
        assert "17 of 600 (2.8 %) failed against 57 of 11,400 (0.5 %)" in told
        seen = world.status.candidate.would_have if world.status.candidate else None
        assert seen is not None
        assert (seen.cause, seen.stage, (seen.at - began).total_seconds()) == (RollbackCause.EVIDENCE_ERRORS, "canary", 60)
        assert "17 of 600" in seen.message

    def test_it_is_a_warning(self) -> None:
        world = observing()
        world.bad()
        assert [a.warning for a in world.step().announcements if a.reason == "WouldRollBack"] == [True]

    def test_the_condition_says_that_it_was_observed_only_and_stays_false(self) -> None:
        world = observing()
        world.quiet()
        world.step()
        assert condition(world, ConditionType.ANALYSIS_PASSING) == ("Unknown", "AnalysisInconclusive", "Inconclusive, observed only")
        world.bad()
        world.step()
        status, reason, message = condition(world, ConditionType.ANALYSIS_PASSING)
        assert (status, reason) == ("False", "WouldRollBack")
        assert message.startswith("observed only: the judge would have taken it back at 20")
        assert "17 of 600" in message
        world.good(fresh=0)
        world.step()
        assert condition(world, ConditionType.ANALYSIS_PASSING) == (status, reason, message)

    def test_the_first_harm_is_kept_when_another_one_follows(self) -> None:
        world = observing()
        world.bad()
        world.step()
        world.measured = {"verdict": Verdict.INCONCLUSIVE, "fairness": UNFAIR}
        world.step()
        assert len(would_roll_back(world)) == 1

    def test_unfair_decisions_are_evidence_too(self) -> None:
        world = observing()
        world.measured = {"verdict": Verdict.INCONCLUSIVE, "fairness": UNFAIR}
        world.step()
        assert world.weight() == 50
        assert "Fairness: approved 22.7 % of 141 in group B" in would_roll_back(world)[0]

    def test_a_live_version_keeps_what_the_judge_said_of_it(self) -> None:
        world = observing()
        world.bad()
        for _ in range(12):
            world.step(8 * DAY)
        assert world.status.phase is Phase.LIVE
        assert world.status.stable
        assert world.status.stable.version == "2.0.0"
        assert world.status.stable.would_have
        assert any(e.startswith("Live: 2.0.0") and e.endswith("mode Observe: shadow, canary, half, full") for e in world.events), (
            world.events
        )

    def test_the_longest_sentence_fits_the_status(self) -> None:
        world = observing()
        named = replace(UNFAIR, worst="B" * 2000)
        world.measured = {"verdict": Verdict.INCONCLUSIVE, "fairness": named}
        world.step()
        assert AIModelStatus.model_validate_json(world.status.model_dump_json(by_alias=True)) == world.status


class TestTime:
    def test_stages_last_their_time_and_go_on_without_proof_which_is_told(self) -> None:
        world = observing()
        world.measured = {"verdict": Verdict.NO_DATA}
        world.step(7 * DAY - 1)
        world.step()
        assert world.status.stage == "canary"
        assert "whatever the verdict" in condition(world, ConditionType.RECONCILING)[2]
        world.step(1)
        assert world.status.stage == "half"
        assert (
            world.events[-1] == "StageStarted: 2.0.0 enters half: 50 % of the users; without proof, because of mode Observe: shadow, canary"
        )

    def test_a_proven_stage_is_not_called_unproven(self) -> None:
        world = observing()
        world.good()
        world.step(7 * DAY)
        assert world.events[-1].endswith("because of mode Observe: shadow")

    @pytest.mark.parametrize("verdict", [Verdict.INCONCLUSIVE, Verdict.NO_DATA, Verdict.NOT_MEASURABLE, Verdict.FAIL])
    @pytest.mark.parametrize("on_deadline", ["Rollback", "Hold", "AskPromote"])
    def test_there_is_no_deadline(self, verdict: Verdict, on_deadline: str) -> None:
        world = observing(policy=policy(analysis={"observe": "Allowed", "onDeadline": on_deadline}))
        if verdict is Verdict.FAIL:
            world.bad()
        else:
            world.measured = {"verdict": verdict}
        world.step(100 * DAY)
        world.step()
        assert (world.status.stage, world.status.blocked) == ("half", ())
        assert not any(event.startswith("DeadlineExceeded") for event in world.events)

    def test_time_without_prometheus_is_no_stage_time(self) -> None:
        world = observing()
        world.measured = {"verdict": Verdict.SOURCE_DOWN}
        world.step()
        world.step(30 * DAY)
        assert world.status.stage == "canary"
        assert condition(world, ConditionType.RECONCILING)[1] == "SourceDown"

    def test_a_stage_that_cannot_end_yet_is_recorded_when_it_does(self) -> None:
        world = observing()
        world.guard(candidate=False, stable=True)
        world.step(7 * DAY)
        assert (world.status.stage, observed_only(world)) == ("canary", ("shadow",))
        world.quiet()
        world.step(61)
        assert (world.status.stage, observed_only(world)) == ("half", ("shadow", "canary"))

    def test_a_pause_stops_its_time(self) -> None:
        world = observing()
        world.decided("Pause")
        world.step()
        world.step(30 * DAY)
        world.decided("Resume")
        world.step()
        assert world.status.stage == "canary"
        world.step(7 * DAY)
        assert world.status.stage == "half"


def observed_only(world: World) -> tuple[str, ...]:
    assert world.status.candidate
    return world.status.candidate.observed_only


class TestWhatKeepsItsAuthority:
    @pytest.mark.parametrize("missing", [0, 30])
    def test_a_guard_takes_it_back(self, missing: int) -> None:
        world = observing()
        world.guard(missing=missing)
        world.step()
        cause = RollbackCause.MISSING_ANSWERS if missing else RollbackCause.GUARD
        assert (world.weight(), world.status.blocked[-1].cause) == (0, cause)
        assert not would_roll_back(world)

    def test_so_do_pods(self) -> None:
        world = observing()
        assert world.status.candidate
        world.no_pods(world.status.candidate.revision)
        world.step()
        assert world.status.blocked[-1].cause is RollbackCause.POD_GUARD

    def test_so_do_people(self) -> None:
        world = observing()
        world.bad()
        world.decided("Halt")
        world.step()
        assert world.status.blocked[-1].cause is RollbackCause.HALT

    def test_a_guard_of_the_stable_version_holds_it(self) -> None:
        world = observing()
        world.step(7 * DAY - 60)
        world.guard(candidate=False, stable=True)
        world.step(60)
        assert world.status.stage == "canary"
        assert condition(world, ConditionType.READY)[1] == "StableDegraded"

    def test_a_closed_gate_holds_it(self) -> None:
        world = observing()
        world.approvals.clear()
        world.step()
        world.step(8 * DAY)
        assert world.weight() == 0
        assert world.status.phase is Phase.AWAITING_DEPLOYMENT

    def test_an_approval_that_lapses_gives_the_judge_no_say_either(self) -> None:
        world = observing()
        world.approvals.clear()
        world.bad()
        world.step()
        world.step(60)
        assert (world.weight(), world.status.blocked) == (50, ())


class TestWhoMayLoosen:
    @pytest.mark.parametrize("analysis", [{}, {"observe": "Forbidden"}])
    def test_without_leave_it_is_enforce_and_says_what_to_do(self, analysis: dict[str, Any]) -> None:
        world = in_canary(served={"judge": "Observe"}, policy=policy(analysis=analysis))
        status, reason, message = condition(world, ConditionType.OBSERVING)
        assert (status, reason) == ("False", "ObserveForbidden")
        assert "policy standard does not allow it: set spec.mode: Enforce, or have analysis.observe: Allowed set" in message
        assert sum(event.startswith("ObserveForbidden") for event in world.events) == 2, "once for each of the two attempts"
        world.step(8 * DAY)
        assert world.status.stage == "canary"
        world.bad()
        world.step()
        assert world.status.blocked[-1].cause is RollbackCause.EVIDENCE_ERRORS

    def test_leave_alone_changes_nothing(self) -> None:
        world = in_canary(policy=leave())
        assert not [c for c in world.status.conditions if c.type is ConditionType.OBSERVING]
        world.bad()
        world.step()
        assert world.weight() == 0

    def test_the_leave_of_the_copy_counts_not_that_of_the_policy_today(self) -> None:
        world = in_canary(served={"judge": "Observe"}, policy=policy())
        world.policy = leave()
        world.bad()
        world.step()
        assert world.weight() == 0

    def test_people_approve_the_mode(self) -> None:
        subjects = {gate_subject(judge, allowed) for judge, allowed in (("Enforce", True), ("Enforce", False), ("Observe", False))}
        assert len(subjects) == 1, "what decides as in Enforce is approved as ever"
        assert gate_subject("Observe", True) not in subjects

    def test_a_policy_that_says_nothing_of_it_is_copied_under_its_old_name(self) -> None:
        assert "observe" not in policy().analysis.model_dump(exclude_none=True)
        assert copy_name("credit", policy()) != copy_name("credit", leave())

    def test_a_candidate_with_users_is_judged_until_people_approve_that_it_is_not(self) -> None:
        world = in_canary(policy=leave())
        judged_by(world, "Observe")
        world.step()
        assert not world.status.candidate.gate.open if world.status.candidate and world.status.candidate.gate else False
        assert condition(world, ConditionType.OBSERVING)[:2] == ("False", "ObserveNotApproved")
        assert condition(world, ConditionType.APPROVED)[0] == "False"
        judged = world.status, world.route
        world.bad()
        world.step()
        assert world.weight() == 0, "harm first"
        world.status, world.route = judged
        world.quiet()
        world.approve()
        world.settle()
        assert condition(world, ConditionType.OBSERVING)[:2] == ("True", "Observing")

    def test_what_people_approved_so_is_observed(self) -> None:
        world = in_canary(policy=leave())
        judged_by(world, "Observe")
        world.step()
        world.approve()
        world.settle()
        world.bad()
        world.step()
        assert world.weight() == 50

    def test_enforce_binds_at_once_and_takes_back_what_is_proven_bad(self) -> None:
        world = observing()
        world.bad()
        world.step()
        judged_by(world, "Enforce")
        world.step()
        assert (world.weight(), world.status.blocked[-1].cause) == (0, RollbackCause.EVIDENCE_ERRORS)

    def test_enforce_closes_the_gate_of_what_was_approved_under_observe(self) -> None:
        world = observing()
        judged_by(world, "Enforce")
        world.step()
        assert world.weight() == 50
        assert condition(world, ConditionType.APPROVED)[0] == "False"
        assert condition(world, ConditionType.ANALYSIS_PASSING)[2] == "Inconclusive"

    def test_in_shadow_there_is_nobody_to_protect_so_the_mode_changes_freely(self) -> None:
        world = live(policy=leave())
        world.release("2.0.0")
        world.quiet()
        world.settle()
        judged_by(world, "Observe")
        world.bad()
        world.step()
        assert world.status.phase is Phase.SHADOW
        assert len(would_roll_back(world)) == 1

    def test_unchanged_content_has_no_gate_so_its_mode_is_that_of_its_beginning(self) -> None:
        world = live(policy=leave())
        world.release("1.0.0", memory="2Gi")
        world.quiet()
        world.settle()
        assert world.status.phase is Phase.CANARY
        judged_by(world, "Observe")
        world.step()
        assert condition(world, ConditionType.OBSERVING)[:2] == ("False", "ObserveNotApproved")
        world.bad()
        world.step()
        assert world.weight() == 0

    def test_unchanged_content_is_observed_from_its_beginning_by_the_leave_alone(self) -> None:
        world = live(policy=leave())
        world.release("1.0.0", memory="2Gi", judge="Observe")
        world.bad()
        world.settle()
        assert world.weight() == 50
        assert would_roll_back(world)

    def test_a_spec_that_cannot_be_read_changes_no_mode(self) -> None:
        world = observing()
        world.bad()
        world.step()
        readable: AIModelSpec = world.spec
        world.spec = None  # type: ignore[assignment]
        world.step()
        assert world.weight() == 50
        world.spec = readable

    def test_a_lost_status_brings_no_judge_back(self) -> None:
        world = observing()
        world.bad()
        world.step()
        measured = world.evidence()
        world.lose_status()
        world.come_true(decide(world.without(evidence=measured)))
        assert (world.weight(), world.status.blocked) == (50, ())
        assert world.status.candidate
        assert world.status.candidate.mode is Mode.OBSERVE


def gate_subject(judge: str, allowed: bool) -> str:
    world = World(spec("1.0.0", judge=judge), policy=leave() if allowed else policy())
    world.settle()
    assert world.status.candidate
    assert world.status.candidate.gate
    return world.status.candidate.gate.subject


class TestAutomatedChecks:
    def after_shadow(self) -> World:
        """2.0.0 waits at a gate that asks for technical-validation and automated-checks."""
        world = World(spec("1.0.0", judge="Observe", **LOW), policy=leave())
        world.settle()
        world.approve(roles=LOW_ROLES)
        world.settle()
        world.step(40 * DAY)
        world.settle()
        world.release("2.0.0", judge="Observe", **LOW)
        world.quiet()
        world.settle()
        assert world.status.phase is Phase.SHADOW
        assert any("has not passed" in words for words in self.missing(world))
        world.step(14 * DAY)
        world.settle()
        assert world.status.phase is Phase.AWAITING_DEPLOYMENT
        return world

    def missing(self, world: World) -> tuple[str, ...]:
        assert world.status.candidate
        assert world.status.candidate.gate
        return world.status.candidate.gate.missing

    def test_after_an_observed_shadow_they_rest_on_pods_guards_and_route(self) -> None:
        world = self.after_shadow()
        assert any(e.startswith("Promoted: 2.0.0 leaves shadow without proof, because of mode Observe") for e in world.events)
        world.approve(roles=LOW_ROLES)
        world.settle()
        assert world.status.stage == "canary"
        assert world.status.candidate
        assert world.status.candidate.gate
        assert world.status.candidate.gate.counted[-1].endswith("no guard fired; shadow was observed only")

    def test_proven_harm_in_shadow_does_not_close_them(self) -> None:
        world = self.after_shadow()
        world.approve(roles=LOW_ROLES)
        world.bad()
        world.settle()
        assert world.status.stage == "canary"

    def test_enforce_does_not_take_an_observed_shadow_for_a_verdict(self) -> None:
        world = self.after_shadow()
        judged_by(world, "Enforce")
        world.settle()
        world.approve(roles=LOW_ROLES)
        world.settle()
        assert world.status.phase is Phase.AWAITING_DEPLOYMENT
        assert any("shadow was observed only" in words for words in self.missing(world))

    def test_without_a_shadow_stage_proven_harm_does_not_close_them_either(self) -> None:
        world = observing(policy=leave(stages=POLICY["stages"][1:], gates={"deployment": {"medium": [{"role": "automated-checks"}]}}))
        world.bad()
        world.step()
        assert world.status.candidate
        assert world.status.candidate.gate
        assert world.status.candidate.gate.open


def test_a_first_version_is_approved_with_its_mode_and_soaks_as_ever() -> None:
    world = World(spec("1.0.0", judge="Observe"), policy=leave())
    world.settle()
    world.approve()
    world.settle()
    assert world.status.phase is Phase.FULL
    assert condition(world, ConditionType.OBSERVING)[0] == "True"
    world.step(DAY)
    assert world.status.phase is Phase.LIVE
    assert not [event for event in world.events if "because of mode Observe" in event]


@pytest.mark.parametrize("judge", ["Enforce", "Observe"])
def test_a_candidate_that_comes_through_its_stages_again_names_each_once(judge: str) -> None:
    """A list that grows with each return would outgrow what the API server takes."""
    world = observing() if judge == "Observe" else in_canary()
    for _ in range(14):
        world.step(8 * DAY)
        if judge == "Enforce":
            world.decided("Promote")
            world.step()
        assert world.status.stage == "half"
        world.guard(stable=True)
        world.step()
        assert world.status.phase is Phase.AWAITING_DEPLOYMENT
        world.quiet()
        world.approve()
        world.step(61)
        world.settle()
        assert world.status.stage == "canary"
    assert world.status.candidate
    named = world.status.candidate.inconclusive_accepted + world.status.candidate.observed_only
    assert named == (("canary",) if judge == "Enforce" else ("shadow", "canary"))
