"""A failure that both versions share takes users off the candidate and blames nobody, also afterwards; what it does alone is its own."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.rollout.test_state_table import candidate_of, give_fallback, stable_of
from tests.unit.rollout.world import POLICY, World, in_canary, policy, without_shadow

from headgate.api.reasons import Reason
from headgate.api.vocabulary import Phase, RollbackCause
from headgate.evidence.view import Evidence
from headgate.rollout.decide import decide
from headgate.rollout.snapshot import ClockStep, Problem, WorkloadState


def seen(world: World) -> Evidence:
    """What the judge says of the present stage, as of now."""
    evidence, candidate = world.evidence(), world.status.candidate
    assert evidence is not None
    assert candidate is not None
    assert candidate.stage is not None
    return replace(evidence, entered=candidate.stage.entered.timestamp())


def told(world: World, reason: Reason) -> int:
    return sum(event.startswith(f"{reason}:") for event in world.events)


class TestEvidenceOfAnEarlierEntry:
    def test_it_does_not_blame_the_candidate_that_starts_again(self) -> None:
        world = in_canary(policy=without_shadow())
        world.guard(candidate=True, stable=True)
        failing = seen(world)
        world.step()
        assert world.weight() == 0
        world.now += timedelta(seconds=61)
        for _ in range(3):
            world.come_true(decide(world.without(evidence=failing)))
        assert (world.weight(), world.status.blocked) == (50, ())

    def test_nor_does_it_close_the_gate_on_it(self) -> None:
        checked = {"gates": {"deployment": {"medium": [{"role": "automated-checks"}]}}}
        world = in_canary(policy=policy(stages=POLICY["stages"][1:], **checked))
        world.guard(candidate=True, stable=True)
        failing = seen(world)
        world.step()
        world.now += timedelta(seconds=61)
        for _ in range(3):
            world.come_true(decide(world.without(evidence=failing)))
        assert (world.weight(), world.status.blocked) == (50, ())
        assert told(world, Reason.APPROVAL_LAPSED) == 0

    def test_it_fails_no_trial_of_the_stable_version(self) -> None:
        """What the stable version answered beside the candidate is over when it is tried after its failover."""
        world = in_canary(policy=without_shadow())
        give_fallback(world)
        world.guard(candidate=True, stable=True)
        failing = seen(world)
        world.step()
        world.live_guard()
        world.come_true(decide(world.without(evidence=failing)))
        assert world.status.failover
        world.now += timedelta(seconds=31)
        world.come_true(decide(world.without(evidence=failing)))
        world.now += timedelta(seconds=20)
        world.live_guard(fired=False)
        world.come_true(decide(world.without(evidence=failing)))
        assert world.status.failover
        assert (world.status.failover.trips, world.status.failover.trial is not None) == (0, True)

    def test_nor_if_it_had_come_further(self) -> None:
        world = in_canary(policy=without_shadow())
        world.good()
        world.step()
        assert world.status.stage == "half"
        world.guard(candidate=True, stable=True)
        failing = seen(world)
        world.step()
        world.now += timedelta(seconds=61)
        for _ in range(2):
            world.come_true(decide(world.without(evidence=failing)))
        assert (world.status.stage, world.status.blocked) == ("canary", ())

    def test_what_is_seen_since_it_started_again_does(self) -> None:
        world = in_canary(policy=without_shadow())
        world.guard(candidate=True, stable=True)
        world.step()
        world.quiet()
        world.step(61)
        assert world.weight() == 50
        world.guard(candidate=True)
        world.come_true(decide(world.without(evidence=seen(world))))
        assert world.status.blocked[-1].cause is RollbackCause.GUARD

    def test_what_was_seen_in_the_stage_before_blames_a_candidate_that_kept_its_users(self) -> None:
        world = in_canary(policy=without_shadow())
        world.guard(candidate=True)
        failing = seen(world)
        world.good()
        world.step(60)
        assert world.status.stage == "half"
        world.come_true(decide(world.without(evidence=failing)))
        assert world.status.blocked[-1].cause is RollbackCause.GUARD

    def test_a_clock_that_was_put_back_excuses_nobody(self) -> None:
        world = in_canary(policy=without_shadow())
        world.guard(candidate=True)
        failing = seen(world)
        world.now -= timedelta(hours=1)
        world.come_true(decide(world.without(evidence=failing)))
        assert world.status.blocked[-1].cause is RollbackCause.GUARD


class TestPodsOfBothVersions:
    def lost(self, *, fallback: bool = False) -> World:
        world = in_canary(policy=without_shadow())
        if fallback:
            give_fallback(world)
        world.no_pods(stable_of(world))
        world.no_pods(candidate_of(world))
        world.step()
        return world

    @pytest.mark.parametrize("fallback", [False, True])
    def test_the_candidate_leaves_at_once_and_unblamed(self, fallback: bool) -> None:
        world = self.lost(fallback=fallback)
        assert candidate_of(world) not in world.route.weights
        assert world.status.blocked == ()
        assert world.status.phase is Phase.PREPARING, "until its pods are back"
        assert told(world, Reason.SHARED_FAILURE) == 1

    def test_it_starts_again_when_the_pods_are_back(self) -> None:
        world = self.lost()
        world.quiet()
        world.pods_back(stable_of(world))
        world.pods_back(candidate_of(world))
        world.settle()
        assert (world.weight(), world.status.blocked) == (50, ())

    def test_it_is_told_once_while_the_route_is_not_written(self) -> None:
        world = in_canary(policy=without_shadow())
        world.no_pods(stable_of(world))
        world.no_pods(candidate_of(world))
        world.route_takes_effect = False
        for _ in range(3):
            world.step(1)
        assert (world.status.blocked, told(world, Reason.SHARED_FAILURE)) == ((), 1)

    def test_answers_that_are_missing_for_lack_of_pods_blame_nobody_either(self) -> None:
        world = in_canary(policy=without_shadow())
        world.no_pods(stable_of(world))
        world.no_pods(candidate_of(world))
        world.guard(candidate=True)
        world.step()
        assert (world.weight(), world.status.blocked) == (0, ())

    def test_a_candidate_without_pods_beside_a_stable_version_that_has_some_is_blamed(self) -> None:
        world = in_canary(policy=without_shadow())
        world.no_pods(candidate_of(world), Problem(Reason.CRASH_LOOP, "exit 1"))
        world.step()
        assert world.status.blocked[-1].cause is RollbackCause.POD_GUARD
        assert world.route.weights == {stable_of(world): 1000}

    @pytest.mark.parametrize(("seconds", "blamed"), [(-2, False), (5, False), (59, False), (61, True), (86_400, True), (None, True)])
    def test_pods_that_went_together_come_back_one_after_the_other(self, seconds: float | None, blamed: bool) -> None:
        """A node was rebooted, and the operator with it: it finds the stable version's pods ready, the candidate's not yet."""
        world = in_canary(policy=without_shadow())
        world.no_pods(candidate_of(world))
        back = None if seconds is None else world.now - timedelta(seconds=seconds)
        world.workloads[stable_of(world)] = replace(world.workloads[stable_of(world)], ready_since=back)
        world.step()
        assert world.route.weights == {stable_of(world): 1000}
        assert bool(world.status.blocked) is blamed

    def test_a_clock_that_is_not_trusted_excuses_nobody(self) -> None:
        world = in_canary(policy=without_shadow())
        world.no_pods(candidate_of(world))
        world.workloads[stable_of(world)] = replace(world.workloads[stable_of(world)], ready_since=world.now)
        world.clock_step = ClockStep(-3600, "the clock was put back")
        world.step()
        assert world.status.blocked[-1].cause is RollbackCause.POD_GUARD

    def test_a_deployment_that_is_gone_is_no_outage(self) -> None:
        world = in_canary(policy=without_shadow())
        for revision in (stable_of(world), candidate_of(world)):
            world.workloads[revision] = WorkloadState()
        world.step()
        assert world.status.candidate is None

    def test_what_a_person_stops_is_stopped(self) -> None:
        world = in_canary(policy=without_shadow())
        world.no_pods(stable_of(world))
        world.no_pods(candidate_of(world))
        world.decided("Halt")
        world.step()
        assert world.status.blocked[-1].cause is RollbackCause.HALT
