"""Pods that do not start and input that cannot be used: one clear condition, and users stay where they were."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.rollout.world import POLICY, World, condition, in_canary, live, policy, spec, without_shadow

from headgate.api.conditions import ConditionType
from headgate.api.reasons import Reason
from headgate.api.status import AttemptKind
from headgate.api.vocabulary import Phase
from headgate.rollout.decide import decide
from headgate.rollout.snapshot import PolicyState, Problem, RouteState, WorkloadState
from headgate.rollout.stages import steps_of


def test_a_weight_rises_only_when_its_pods_are_ready() -> None:
    world = in_canary()
    candidate = world.status.candidate
    assert candidate is not None
    world.good()
    world.workloads[candidate.revision] = WorkloadState(exists=True, wanted=1, ready=1, present=1)
    decision = world.step()
    assert world.weight() == 50
    assert next(w for w in decision.workloads if w.role == "candidate").replicas == 2
    world.step()
    assert world.weight() == 500


def test_nobody_is_moved_on_to_pods_that_are_ready_since_a_moment() -> None:
    world = in_canary()
    candidate = world.status.candidate
    assert candidate is not None
    world.good()
    steady = WorkloadState(exists=True, wanted=2, ready=2, present=2)
    world.workloads[candidate.revision] = replace(steady, fresh=1)
    decision = world.step()
    assert world.weight() == 50
    assert decision.look_again is not None
    assert decision.look_again <= 2
    told = f"2.0.0 in Canary: 1 of 2 pods of revision {candidate.revision} are ready"
    assert condition(world, ConditionType.READY)[1:] == ("WorkloadNotReady", told)
    world.workloads[candidate.revision] = steady
    world.step()
    assert world.weight() == 500


@pytest.mark.parametrize("reason", ["ImageUnavailable", "CrashLoop", "WaitingForCapacity"])
def test_pods_that_do_not_start_are_one_clear_condition_and_move_no_traffic(reason: str) -> None:
    world = live()
    world.release("2.0.0")
    world.step()
    candidate = world.status.candidate
    assert candidate is not None
    world.pods_fail.add(candidate.revision)
    world.step()
    world.workloads[candidate.revision] = WorkloadState(exists=True, wanted=1, problem=Problem(Reason(reason), "do this"))
    world.step()
    assert condition(world, ConditionType.READY)[1] == reason
    assert list(world.route.weights.values()) == [1000]
    assert condition(world, ConditionType.SERVING)[0] == "True"


def test_the_earlier_version_stays_warm_then_cold_then_goes() -> None:
    world = in_canary()
    world.good()
    for _ in range(8):
        world.step(60)

    def earlier() -> list[int]:
        return [w.replicas for w in world.step().workloads if w.role == "previous"]

    assert earlier() == [3]
    world.now += timedelta(hours=1)
    assert earlier() == [0]
    world.now += timedelta(days=7)
    assert earlier() == []


def test_an_unknown_policy_stops_the_release_with_one_message_and_nothing_else() -> None:
    world = live()
    world.release("2.0.0")
    missing = PolicyState(None, Problem(Reason.POLICY_NOT_FOUND, "policy nosuch is not in headgate-system"))
    decision = decide(world.without(policy=missing))
    ready = next(c for c in decision.status.conditions if c.type is ConditionType.READY)
    assert (ready.reason, ready.message.endswith("policy nosuch is not in headgate-system")) == (Reason.POLICY_NOT_FOUND, True)
    assert decision.status.traffic == world.status.traffic


def test_a_model_with_side_effects_is_not_shadowed() -> None:
    world = live(policy=without_shadow())
    changed = spec("2.0.0")
    serving = changed.serving.model_copy(update={"side_effects": "Some"})
    world.spec = changed.model_copy(update={"serving": serving})
    world.policy = policy()
    world.settle()
    assert condition(world, ConditionType.READY)[1] == "ShadowNotAllowed"
    assert world.status.candidate is None


def test_gates_stay_closed_while_governance_is_not_enforced() -> None:
    world = live()
    world.release("2.0.0")
    world.good()
    world.settle()
    world.approve()
    decision = decide(world.without(governance_problem="the policy headgate-approvals is not bound"))
    assert decision.status.candidate is not None
    assert decision.status.candidate.stage is None
    assert "not bound" in "".join(c.message for c in decision.status.conditions)


def test_stages_of_unchanged_content_are_as_short_as_they_can_be_judged() -> None:
    steps = steps_of(policy(), AttemptKind.UNCHANGED)
    assert [(s.name, s.min_duration) for s in steps] == [("canary", 180), ("half", 180), ("full", 180)]


def test_the_policy_an_attempt_runs_on_does_not_change_under_it() -> None:
    world = in_canary()
    before = world.status.candidate
    assert before is not None
    edited = policy(stages=[POLICY["stages"][-1]])
    decision = decide(world.without(policy=PolicyState(edited)))
    assert decision.status.candidate is not None
    assert decision.status.candidate.policy_copy == before.policy_copy
    assert decision.status.traffic == world.status.traffic


def test_what_the_api_server_refuses_is_shown_on_a_live_model_too() -> None:
    world = live()
    refusal = Problem(Reason.ROUTE_REFUSED, "spec.hostnames[0]: Invalid value")
    decision = decide(world.without(refusal=refusal))
    ready = next(c for c in decision.status.conditions if c.type is ConditionType.READY)
    assert (ready.status, ready.reason, ready.message.endswith("Invalid value")) == ("False", Reason.ROUTE_REFUSED, True)


def test_a_failure_of_both_versions_in_shadow_stops_the_copies_until_it_is_over() -> None:
    world = live()
    world.release("2.0.0")
    world.quiet()
    world.settle()
    assert world.status.phase is Phase.SHADOW
    seen = world.without().evidence
    world.guard(candidate=True, stable=True)
    assert seen is not None
    failing = world.evidence()
    world.step()
    for _ in range(3):
        decision = decide(world.without(evidence=failing))
        assert decision.status.traffic.mirror is None
    later = world.now + timedelta(seconds=61)
    assert decide(world.without(evidence=failing, now=later)).status.traffic.mirror is not None


def test_a_promote_waits_for_the_pods_of_the_next_stage() -> None:
    world = in_canary()
    candidate = world.status.candidate
    assert candidate is not None
    world.decided("Promote")
    world.workloads[candidate.revision] = WorkloadState(exists=True, wanted=1, ready=1, present=1)
    world.step()
    assert world.weight() == 50
    world.step()
    assert world.weight() == 500


def test_a_route_that_the_gateway_does_not_take_is_told_while_people_are_asked() -> None:
    world = World(spec("1.0.0"))
    world.settle()
    world.route = RouteState(exists=True, accepted=False, problem=Problem(Reason.ROUTE_NOT_ACCEPTED, "no listener has that hostname"))
    world.route_takes_effect = False
    world.step()
    assert condition(world, ConditionType.READY)[1] == "RouteNotAccepted"
    assert "fairness-audit" in condition(world, ConditionType.APPROVED)[2]


def test_a_candidate_that_stands_in_from_its_first_moment_says_so_and_not_that_the_gateway_is_slow() -> None:
    world = live(policy=without_shadow())
    world.release("2.0.0")
    world.quiet()
    world.settle()
    assert world.status.stable
    world.no_pods(world.status.stable.revision)
    world.approve()
    world.settle()
    assert (world.status.phase, world.weight()) == (Phase.CANARY, 1000)
    assert condition(world, ConditionType.READY)[1] == "Failover"
