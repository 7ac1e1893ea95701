"""The event table of the design, row by row: what becomes of a candidate in a stage, of a live version, of a first version."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.rollout.world import World, condition, in_canary, live, policy, spec, without_shadow

from headgate.api.aimodel import Classification, Fallback
from headgate.api.conditions import ConditionType
from headgate.api.reasons import Reason
from headgate.api.traffic_status import FALLBACK
from headgate.api.vocabulary import Phase, RollbackCause, StandIn, Tier
from headgate.rollout.snapshot import Problem

RULES = Fallback(service="credit-rules", port=80)


def with_fallback(version: str) -> dict[str, Any]:
    """Changes to `spec` that add the fallback."""
    written = spec(version).serving.model_copy(update={"fallback": RULES})
    return {"serving": written.model_dump(mode="json", by_alias=True, exclude_none=True)}


def give_fallback(world: World) -> None:
    world.spec = world.spec.model_copy(update={"serving": world.spec.serving.model_copy(update={"fallback": RULES})})


def raise_tier(world: World) -> None:
    world.spec = world.spec.model_copy(update={"classification": Classification(declared_tier=Tier.HIGH)})


def stable_of(world: World) -> str:
    assert world.status.stable
    return world.status.stable.revision


def candidate_of(world: World) -> str:
    assert world.status.candidate
    return world.status.candidate.revision


def second_live() -> World:
    """2.0.0 is live and 1.0.0 is kept warm inside the rollbackWindow."""
    world = in_canary(policy=without_shadow())
    world.good()
    for _ in range(8):
        world.step(60)
    assert world.status.phase is Phase.LIVE
    assert world.status.live == "2.0.0"
    return world


def first_soaking(**fields: Any) -> World:
    """The very first version has all users and soaks."""
    world = World(spec("1.0.0", **fields))
    world.settle()
    world.approve()
    world.settle()
    assert world.status.phase is Phase.FULL
    return world


class TestGuardOnOneVersion:
    def test_candidate_in_a_stage_goes_to_zero_and_is_blocked(self) -> None:
        world = in_canary()
        revision = candidate_of(world)
        world.guard(candidate=True)
        world.step()
        assert world.route.weights == {stable_of(world): 1000}
        assert world.status.blocked[-1].revision == revision
        assert (world.status.blocked[-1].cause, world.status.blocked[-1].stage) == (RollbackCause.GUARD, "canary")

    def test_live_inside_the_window_gives_way_to_the_previous_live(self) -> None:
        world = second_live()
        failing, earlier = stable_of(world), world.status.past[-1].revision
        world.live_guard()
        world.settle()
        assert world.route.weights == {earlier: 1000}
        assert (world.status.phase, world.status.live) == (Phase.ROLLED_BACK, "1.0.0")
        assert [(b.revision, b.cause) for b in world.status.blocked] == [(failing, RollbackCause.GUARD)]

    def test_live_after_the_window_keeps_serving_degraded_and_says_so(self) -> None:
        world = second_live()
        world.step(8 * 86_400)
        world.step()
        world.live_guard()
        world.settle()
        assert world.route.weights == {stable_of(world): 1000}
        assert condition(world, ConditionType.READY)[1] == Reason.DEGRADED

    def test_first_version_without_fallback_keeps_serving_degraded(self) -> None:
        world = first_soaking()
        revision = candidate_of(world)
        world.guard(candidate=True)
        world.settle()
        assert world.route.weights == {revision: 1000}
        assert condition(world, ConditionType.READY)[1] == Reason.DEGRADED

    def test_first_version_with_fallback_gives_way_to_it_and_is_blocked(self) -> None:
        world = first_soaking(**with_fallback("1.0.0"))
        revision = candidate_of(world)
        world.guard(candidate=True)
        world.settle()
        assert world.route.weights == {FALLBACK: 1000}
        assert (world.status.phase, world.status.stable, world.status.blocked[-1].revision) == (Phase.ROLLED_BACK, None, revision)

    def test_old_news_of_a_guard_moves_nobody(self) -> None:
        world = second_live()
        world.live_guard()
        world.now += timedelta(seconds=61)
        before = world.route.weights
        world.settle()
        assert world.route.weights == before

    def test_a_guard_of_the_version_before_says_nothing_about_the_live_one(self) -> None:
        world = second_live()
        world.live_guard()
        assert world.live is not None
        world.live = replace(world.live, revision=world.status.past[-1].revision)
        before = world.route.weights
        world.settle()
        assert world.route.weights == before

    def test_restarts_of_a_live_version_are_a_guard_too(self) -> None:
        world = second_live()
        failing = stable_of(world)
        world.workloads[failing] = replace(world.workloads[failing], restarts=(world.now,) * 3)
        world.step()
        assert world.status.blocked[-1].cause is RollbackCause.POD_GUARD

    @pytest.mark.parametrize(("fault", "leaves"), [(Problem(Reason.CRASH_LOOP, "exit 1"), True), (None, False)])
    def test_a_live_version_without_pods_leaves_only_if_it_is_its_own_fault(self, fault: Problem | None, leaves: bool) -> None:
        world = second_live()
        world.now += timedelta(hours=2)
        world.step()
        failing = stable_of(world)
        world.no_pods(failing, fault)
        world.step()
        assert not world.status.blocked, "a pod that moves to another node is no harm"
        world.now += timedelta(seconds=61)
        world.workloads[failing] = replace(world.workloads[failing], ready=0, problem=fault)
        world.step()
        assert bool(world.status.blocked) is leaves


class TestGuardOnTheStableVersion:
    def test_it_holds_the_rollout_and_says_so(self) -> None:
        world = in_canary()
        weight = world.weight()
        world.good()
        good = world.measured
        world.guard(candidate=False, stable=True)
        world.measured |= good
        world.step()
        assert world.weight() == weight
        assert condition(world, ConditionType.READY)[1] == Reason.STABLE_DEGRADED

    def test_it_is_told_at_once_and_not_only_when_the_stage_would_end(self) -> None:
        world = in_canary()
        world.guard(candidate=False, stable=True)
        world.step()
        assert condition(world, ConditionType.READY)[1] == Reason.STABLE_DEGRADED

    def test_promote_shifts_to_the_candidate(self) -> None:
        world = in_canary()
        revision = candidate_of(world)
        world.guard(candidate=False, stable=True)
        world.decided("Promote")
        world.step()
        assert world.route.weights == {revision: 1000}
        assert world.status.phase is Phase.LIVE
        assert any("without proof" in event for event in world.events)

    def test_without_ready_pods_the_approved_candidate_stands_in_until_they_are_back(self) -> None:
        world = in_canary()
        stable, revision, weight = stable_of(world), candidate_of(world), world.weight()
        world.no_pods(stable)
        world.step()
        assert world.route.weights == {revision: 1000}
        assert world.status.failover is not None
        assert world.status.failover.to is StandIn.CANDIDATE
        assert condition(world, ConditionType.SERVING)[1] == Reason.FAILOVER
        world.pods_back(stable)
        world.step()
        assert world.route.weights == {revision: 1000}, "back only when it stays ready"
        world.step(31)
        assert world.route.weights == {stable: 1000 - weight, revision: weight}
        assert world.status.failover is None

    def test_an_unapproved_candidate_never_stands_in(self) -> None:
        world = in_canary()
        world.approvals.clear()
        world.step()
        world.no_pods(stable_of(world))
        world.step()
        assert world.weight() == 50
        assert condition(world, ConditionType.READY)[1] in (Reason.APPROVAL_LAPSED, Reason.DEGRADED)

    def test_a_stand_in_that_does_harm_leaves_when_somebody_can_answer(self) -> None:
        world = in_canary()
        stable, revision = stable_of(world), candidate_of(world)
        world.no_pods(stable)
        world.step()
        world.guard(candidate=True)
        world.step()
        assert world.route.weights == {revision: 1000}, "some answers are better than none"
        world.pods_back(stable)
        world.step()
        assert world.route.weights == {stable: 1000}
        assert world.status.blocked[-1].revision == revision


class TestNobodyElseCanAnswer:
    """The candidate has users, the stable version has no ready pod, and there is no fallback: only harm with somebody to answer, or a
    person who stops it, takes them off."""

    def standing_in(self) -> World:
        world = in_canary()
        world.no_pods(stable_of(world))
        world.step()
        assert world.route.weights == {candidate_of(world): 1000}
        return world

    def goes_back_with_the_pods(self, world: World, stable: str) -> None:
        world.pods_back(stable)
        for _ in range(8):
            world.step(31)
        assert world.route.weights == {stable: 1000}

    def test_a_stand_in_whose_approval_lapses_keeps_them_until_pods_are_back(self) -> None:
        world = self.standing_in()
        stable, revision = stable_of(world), candidate_of(world)
        world.approvals.clear()
        for _ in range(3):
            world.step(86_401)
            assert world.route.weights == {revision: 1000}
        self.goes_back_with_the_pods(world, stable)
        assert not world.status.blocked

    def test_nor_does_a_lapse_before_the_pods_went_send_the_others_to_nobody(self) -> None:
        world = in_canary()
        stable, revision = stable_of(world), candidate_of(world)
        world.approvals.clear()
        world.step()
        world.no_pods(stable)
        world.step(86_401)
        assert world.route.weights == {stable: 950, revision: 50}
        self.goes_back_with_the_pods(world, stable)

    @pytest.mark.parametrize("version", ["1.0.0", "3.0.0"])
    def test_another_version_in_the_spec_waits_until_pods_are_back(self, version: str) -> None:
        world = self.standing_in()
        stable, revision = stable_of(world), candidate_of(world)
        world.release(version)
        for _ in range(3):
            world.step(60)
            assert world.route.weights == {revision: 1000}
        assert version in condition(world, ConditionType.READY)[2] + condition(world, ConditionType.RECONCILING)[2]
        self.goes_back_with_the_pods(world, stable)
        assert not world.status.blocked
        assert (world.status.candidate.version if world.status.candidate else world.status.live) == version

    def test_a_raised_tier_waits_until_pods_are_back(self) -> None:
        world = self.standing_in()
        stable, revision = stable_of(world), candidate_of(world)
        raise_tier(world)
        for _ in range(3):
            world.step(60)
            assert world.route.weights == {revision: 1000}
        world.pods_back(stable)
        for seconds in (0, 31, 86_401):
            world.step(seconds)
        assert world.route.weights == {stable: 1000}, "from then on it is a lapsed approval"

    def test_a_person_stops_it_all_the_same(self) -> None:
        world = self.standing_in()
        world.decided("Halt")
        world.step()
        assert world.route.weights == {stable_of(world): 1000}


class TestSharedFailure:
    def test_candidate_leaves_unblamed_and_the_fallback_answers(self) -> None:
        world = in_canary()
        give_fallback(world)
        world.guard(candidate=True, stable=True)
        failing = world.without()
        world.step()
        assert not world.status.blocked
        assert any("SharedFailure" in event for event in world.events)
        assert failing.evidence is not None
        world.live_guard()
        world.step()
        assert world.route.weights == {FALLBACK: 1000}

    def test_without_fallback_the_stable_version_keeps_all_users(self) -> None:
        world = in_canary()
        world.guard(candidate=True, stable=True)
        world.step()
        assert world.route.weights == {stable_of(world): 1000}
        assert not world.status.blocked


class TestHalt:
    def test_candidate(self) -> None:
        world = in_canary()
        revision = candidate_of(world)
        world.decided("Halt")
        world.step()
        assert world.route.weights == {stable_of(world): 1000}
        assert world.status.blocked[-1].revision == revision
        world.good()
        world.step(3600)
        world.settle()
        assert world.status.phase is Phase.ROLLED_BACK, "until Retry"

    def test_candidate_even_while_the_stable_version_has_no_pods(self) -> None:
        world = in_canary()
        world.no_pods(stable_of(world))
        world.step()
        world.decided("Halt")
        world.step()
        assert world.route.weights == {stable_of(world): 1000}, "what a person stops is stopped"

    def test_live_gives_way_to_the_previous_live(self) -> None:
        world = second_live()
        earlier = world.status.past[-1].revision
        world.decided("Halt")
        world.settle()
        assert world.route.weights == {earlier: 1000}

    def test_live_with_none_earlier_gives_way_to_the_fallback(self) -> None:
        world = live()
        give_fallback(world)
        revision = stable_of(world)
        world.decided("Halt")
        world.settle()
        assert world.route.weights == {FALLBACK: 1000}
        assert (world.status.phase, world.status.blocked[-1].revision) == (Phase.ROLLED_BACK, revision)
        world.now += timedelta(minutes=1)
        world.decided("Retry")
        world.settle()
        world.approve()
        world.settle()
        assert world.route.weights == {revision: 1000}

    def test_live_with_none_earlier_and_no_fallback_is_refused_with_the_reason(self) -> None:
        world = live()
        world.decided("Halt")
        world.settle()
        assert world.route.weights == {stable_of(world): 1000}
        assert any("no fallback" in event for event in world.events)

    def test_first_version(self) -> None:
        world = first_soaking()
        world.decided("Halt")
        world.settle()
        assert world.route.weights == {candidate_of(world): 1000}
        give_fallback(world)
        world.decided("Halt")
        world.settle()
        assert world.route.weights == {FALLBACK: 1000}


class TestRollback:
    def test_a_candidate_goes_to_stable(self) -> None:
        world = in_canary()
        world.decided("Rollback")
        world.step()
        assert world.route.weights == {stable_of(world): 1000}

    def test_a_candidate_goes_to_the_earlier_live_that_is_named(self) -> None:
        world = second_live()
        earlier = world.status.past[-1].revision
        world.release("3.0.0")
        world.quiet()
        world.settle()
        world.approve()
        world.settle()
        assert world.weight() == 50
        world.decided("Rollback", toRevision=earlier)
        world.settle()
        assert world.route.weights == {earlier: 1000}

    def test_not_to_one_that_was_revoked(self) -> None:
        world = second_live()
        earlier = world.status.past[-1]
        world.decided("Revoke", "dana@bank", gate="Deployment", role="fairness-audit", subject=earlier.subject)
        world.decided("Rollback", toRevision=earlier.revision)
        world.settle()
        assert world.route.weights == {stable_of(world): 1000}
        assert any("revoked" in event for event in world.events)


class TestRevokedOrTierRaised:
    def test_a_rejected_candidate_goes_to_stable_blocked(self) -> None:
        world = in_canary()
        assert world.status.candidate
        assert world.status.candidate.gate
        world.decided("Reject", "sam@bank", gate="Deployment", role="security-review", subject=world.status.candidate.gate.subject)
        world.step(1)
        assert world.route.weights == {stable_of(world): 1000}
        assert world.status.blocked[-1].cause is RollbackCause.REJECTED

    def test_a_revoked_live_version_gives_way_to_the_previous_live(self) -> None:
        world = second_live()
        earlier = world.status.past[-1].revision
        assert world.status.stable
        world.decided("Revoke", "dana@bank", gate="Deployment", role="fairness-audit", subject=world.status.stable.subject)
        world.settle()
        assert world.route.weights == {earlier: 1000}

    def test_a_revoked_live_version_with_none_earlier_is_frozen_until_approved_again(self) -> None:
        world = live()
        assert world.status.stable
        subject = world.status.stable.subject
        world.decided("Revoke", "dana@bank", gate="Deployment", role="fairness-audit", subject=subject)
        world.settle()
        assert world.status.phase is Phase.FROZEN
        assert world.route.weights == {stable_of(world): 1000}
        assert condition(world, ConditionType.READY)[1] == Reason.FROZEN
        world.now += timedelta(minutes=1)
        expires = (world.now + timedelta(days=30)).isoformat()
        world.decided("Approve", "dana@bank", gate="Deployment", role="fairness-audit", subject=subject, expiresAt=expires)
        world.settle()
        assert world.status.phase is Phase.LIVE

    def test_a_raised_tier_takes_the_candidate_to_zero_until_it_is_approved_at_that_tier(self) -> None:
        world = in_canary()
        revision = candidate_of(world)
        raise_tier(world)
        world.step()
        assert world.route.weights == {stable_of(world): 1000}
        assert world.status.phase is Phase.AWAITING_DEPLOYMENT
        assert candidate_of(world) == revision
        assert not world.status.blocked

    def test_a_raised_tier_takes_a_first_version_off_where_there_is_a_fallback(self) -> None:
        world = first_soaking()
        give_fallback(world)
        raise_tier(world)
        world.settle()
        assert world.route.weights == {FALLBACK: 1000}
        assert world.status.phase is Phase.AWAITING_DEPLOYMENT

    def test_a_live_version_of_a_raised_tier_is_frozen(self) -> None:
        world = live()
        raise_tier(world)
        world.settle()
        assert world.status.phase is Phase.FROZEN


class TestLapsedApproval:
    def test_a_candidate_holds_and_goes_to_stable_after_the_grace(self) -> None:
        world = in_canary()
        world.approvals.clear()
        world.step()
        assert world.weight() == 50
        world.step(86_401)
        assert world.route.weights == {stable_of(world): 1000}
        assert not world.status.blocked

    def test_live_is_not_touched(self) -> None:
        world = live()
        world.approvals.clear()
        world.step(400 * 86_400)
        assert world.status.phase is Phase.LIVE

    def test_a_first_version_is_not_touched(self) -> None:
        world = first_soaking()
        revision = candidate_of(world)
        world.approvals.clear()
        for _ in range(3):
            world.step(86_401)
        assert world.route.weights == {revision: 1000}


class TestSpecOfAnotherVersion:
    def test_back_to_stable_cancels_at_once_without_gate(self) -> None:
        world = in_canary()
        world.release("1.0.0")
        world.step()
        assert world.route.weights == {stable_of(world): 1000}
        world.settle()
        assert world.status.phase is Phase.LIVE

    def test_an_earlier_live_in_the_window_comes_back_at_once_without_gate(self) -> None:
        world = second_live()
        earlier = world.status.past[-1].revision
        world.approvals.clear()
        world.release("1.0.0")
        world.settle()
        assert world.route.weights == {earlier: 1000}
        assert world.status.phase is Phase.LIVE

    def test_an_earlier_live_that_is_blocked_does_not(self) -> None:
        world = second_live()
        world.decided("Halt")
        world.settle()
        assert world.status.live == "1.0.0"
        world.release("1.0.0")
        world.settle()
        world.release("2.0.0")
        world.settle()
        assert world.status.live == "1.0.0"
        assert world.status.phase is Phase.ROLLED_BACK

    def test_a_new_version_mid_rollout_first_takes_the_old_candidate_to_zero(self) -> None:
        world = in_canary()
        world.release("3.0.0")
        decision = world.step()
        assert world.route.weights == {stable_of(world): 1000}
        assert decision.status.candidate is not None
        assert decision.status.candidate.version == "3.0.0"
        assert decision.status.candidate.stage is None

    def test_a_first_version_that_soaks_is_what_the_new_one_is_set_against(self) -> None:
        world = first_soaking()
        first = candidate_of(world)
        world.release("2.0.0")
        world.settle()
        assert world.route.weights == {first: 1000}
        assert stable_of(world) == first
        assert world.status.candidate
        assert world.status.candidate.version == "2.0.0"


@pytest.mark.parametrize(
    ("on_deadline", "phase", "weight"), [("Rollback", Phase.ROLLED_BACK, 0), ("Hold", Phase.CANARY, 50), ("AskPromote", Phase.CANARY, 50)]
)
def test_a_stage_past_its_deadline_without_proof_does_what_the_policy_says(on_deadline: str, phase: Phase, weight: int) -> None:
    world = in_canary(policy=policy(analysis={"onDeadline": on_deadline}))
    world.step(14 * 86_400 + 1)
    world.settle()
    assert (world.status.phase, world.weight()) == (phase, weight)


class TestForeignEditOfTheRoute:
    def test_one_that_lowers_the_candidate_is_taken_as_halt(self) -> None:
        world = in_canary()
        stable, revision = stable_of(world), candidate_of(world)
        world.step()
        world.route = replace(world.route, weights={stable: 990, revision: 10})
        world.edited_by = ("kubectl-edit",)
        world.step()
        assert world.route.weights == {stable: 1000}
        blocked = world.status.blocked[-1]
        assert (blocked.revision, blocked.cause, blocked.by) == (revision, RollbackCause.HALT, "kubectl-edit")

    @pytest.mark.parametrize("share", [10, 400])
    def test_one_that_comes_while_the_next_stage_is_being_written_is_taken_as_halt_too(self, share: int) -> None:
        world = in_canary()
        stable, revision = stable_of(world), candidate_of(world)
        world.good()
        world.route_takes_effect = False
        world.step()
        assert world.status.stage == "half"
        world.route = replace(world.route, weights={stable: 1000 - share, revision: share})
        world.edited_by = ("kubectl-edit",)
        world.route_takes_effect = True
        world.step()
        assert world.route.weights == {stable: 1000}
        assert world.status.blocked[-1].cause is RollbackCause.HALT

    def test_a_stop_of_a_stage_that_the_gateway_has_not_confirmed_is_a_halt(self) -> None:
        world = self.unconfirmed("canary")
        stable, revision = stable_of(world), candidate_of(world)
        world.route = replace(world.route, weights={stable: 1000})
        world.edited_by = ("kubectl-edit",)
        world.step()
        assert world.route.weights == {stable: 1000}
        assert (world.status.blocked[-1].revision, world.status.blocked[-1].cause) == (revision, RollbackCause.HALT)

    def test_nor_is_one_written_back_that_leaves_the_share_of_the_stage_before(self) -> None:
        world = self.unconfirmed("half")
        stable, revision = stable_of(world), candidate_of(world)
        world.route = replace(world.route, weights={stable: 950, revision: 50})
        world.edited_by = ("kubectl-edit",)
        world.step()
        assert world.route.weights == {stable: 1000}
        assert world.status.blocked[-1].cause is RollbackCause.HALT

    @pytest.mark.parametrize("written", [True, False])
    def test_another_edit_before_the_next_stage_is_written_is_no_stop(self, written: bool) -> None:
        world = in_canary()
        stable, revision = stable_of(world), candidate_of(world)
        world.good()
        world.route_takes_effect = False
        world.step()
        assert world.status.stage == "half"
        world.edited_by, world.route_takes_effect = ("kubectl-edit",), True
        # An earlier release did not write down which shares it wrote.
        world.route = replace(world.route, written=world.route.written if written else {})
        world.step()
        assert world.route.weights == {stable: 500, revision: 500}

    @staticmethod
    def unconfirmed(stage: str) -> World:
        """The route has the weights of `stage`, and the gateway has not said yet that it serves them."""
        world = live(policy=without_shadow())
        world.release("2.0.0")
        world.quiet()
        world.settle()
        world.approve()
        if stage == "half":
            world.settle()
            world.good()
        for _ in range(4):
            if world.status.stage == stage:
                break
            world.step()
        candidate = world.status.candidate
        assert world.status.stage == stage
        assert candidate is not None
        assert candidate.stage is not None
        assert candidate.stage.effective is None
        world.quiet()
        world.route = replace(world.route, accepted=None)
        return world

    def test_one_that_raises_it_is_repaired(self) -> None:
        world = in_canary()
        stable, revision = stable_of(world), candidate_of(world)
        world.step()
        world.route = replace(world.route, weights={stable: 500, revision: 500})
        world.edited_by = ("kubectl-edit",)
        world.step()
        assert world.route.weights == {stable: 950, revision: 50}

    def test_our_own_older_weights_are_no_foreign_edit(self) -> None:
        world = in_canary()
        stable, revision = stable_of(world), candidate_of(world)
        world.step()
        world.route = replace(world.route, weights={stable: 1000, revision: 0})
        world.step()
        assert world.route.weights == {stable: 950, revision: 50}


class TestFallback:
    def broken(self) -> World:
        """1.0.0 is live, fails its guard, and the fallback answers."""
        world = live()
        give_fallback(world)
        world.live_guard()
        world.step()
        assert world.route.weights == {FALLBACK: 1000}
        assert world.status.phase is Phase.LIVE
        assert condition(world, ConditionType.SERVING)[:2] == ("False", Reason.FAILOVER)
        return world

    def test_it_answers_before_the_first_version_does(self) -> None:
        world = World(spec("1.0.0", **with_fallback("1.0.0")))
        world.settle()
        assert world.route.weights == {FALLBACK: 1000}
        world.approve()
        world.settle()
        assert world.route.weights == {candidate_of(world): 1000}

    def test_the_version_is_tried_with_a_small_share_and_comes_back_when_it_keeps_its_guard(self) -> None:
        world = self.broken()
        world.step(31)
        assert world.route.weights == {stable_of(world): 100, FALLBACK: 900}
        world.step(59)
        assert world.route.weights[FALLBACK] == 900
        world.now += timedelta(seconds=2)
        world.live_guard(fired=False)
        world.step()
        assert world.route.weights == {stable_of(world): 1000}
        assert world.status.failover is None

    def test_each_failed_trial_doubles_the_pause(self) -> None:
        world = self.broken()
        pauses = []
        for _ in range(6):
            world.step(700)
            assert world.route.weights[FALLBACK] == 900
            world.now += timedelta(seconds=5)
            world.live_guard()
            world.step()
            assert world.route.weights == {FALLBACK: 1000}
            failover = world.status.failover
            assert failover is not None
            assert failover.retry_at is not None
            pauses.append((failover.retry_at - world.now).total_seconds())
        assert pauses == [60, 120, 240, 480, 600, 600]

    def test_without_numbers_it_stays_on_trial(self) -> None:
        world = self.broken()
        world.step(31)
        world.live = None
        for _ in range(5):
            world.step(300)
        assert world.route.weights[FALLBACK] == 900

    def test_a_version_whose_pods_were_gone_comes_back_by_its_pods(self) -> None:
        world = live()
        give_fallback(world)
        stable = stable_of(world)
        world.no_pods(stable)
        world.step()
        assert world.route.weights == {FALLBACK: 1000}
        world.step(300)
        assert world.route.weights == {FALLBACK: 1000}, "no trial without a ready pod"
        world.pods_back(stable)
        world.step()
        assert world.route.weights == {stable: 100, FALLBACK: 900}
        world.step(61)
        assert world.route.weights == {stable: 1000}

    def test_a_candidate_does_not_rise_meanwhile(self) -> None:
        world = self.broken()
        world.release("2.0.0")
        world.settle()
        assert world.route.mirrored == {}
        assert world.status.candidate is not None
        assert world.status.candidate.stage is None

    def test_taking_the_fallback_out_of_the_spec_gives_users_back(self) -> None:
        world = self.broken()
        world.spec = world.spec.model_copy(update={"serving": world.spec.serving.model_copy(update={"fallback": None})})
        world.step(61)
        assert world.route.weights == {stable_of(world): 1000}
