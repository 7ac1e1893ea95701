"""Approvals that lapse, specs that change, stages that run out of time."""

from datetime import timedelta

import pytest
from tests.unit.rollout.world import World, condition, in_canary, live, policy, spec, without_shadow

from headgate.api.conditions import ConditionType
from headgate.api.vocabulary import Phase, Verdict
from headgate.rollout.decide import decide
from headgate.rollout.snapshot import RouteState


def test_a_lapsed_approval_holds_and_gives_up_the_traffic_after_the_grace() -> None:
    world = in_canary()
    world.approvals = [a for a in world.approvals if a.spec.role != "security-review"]
    world.good()
    world.settle()
    assert world.weight() == 50
    world.step(86_399)
    assert world.weight() == 50
    world.step(2)
    assert world.weight() == 0
    assert world.status.phase is Phase.AWAITING_DEPLOYMENT
    assert world.status.blocked == ()


def test_weights_on_their_way_to_the_gateway_are_no_lapse_of_an_approval() -> None:
    """Without a shadow stage, automated-checks rests on pods and route: of the moment at which users were let in."""
    world = World(spec("1.0.0", classification={"declaredTier": "Low"}), policy=without_shadow())
    world.settle()
    world.approve(roles=("technical-validation",))
    world.step()
    assert world.weight() == 1000
    world.route = RouteState(True, world.route.weights, world.route.mirrored, accepted=None)
    world.step()
    assert world.status.candidate
    assert world.status.candidate.gate
    assert world.status.candidate.gate.open
    assert not [event for event in world.events if event.startswith("ApprovalLapsed")]


@pytest.mark.parametrize(("accepted", "kept"), [(True, 0), (None, 3), (False, 3)])
def test_an_earlier_version_stays_warm_until_the_gateway_has_taken_the_weights_without_it(accepted: bool | None, kept: int) -> None:
    world = in_canary()
    before = world.status.stable
    assert before
    world.good()
    world.settle()
    assert world.status.stable
    assert world.status.stable.version == "2.0.0"
    world.route = RouteState(True, world.route.weights, world.route.mirrored, accepted)
    world.now += timedelta(hours=2)
    left = {workload.revision: workload.replicas for workload in decide(world.snapshot()).workloads}
    assert left[before.revision] == kept


def test_a_new_version_takes_the_old_candidate_off_first_and_starts_from_its_first_stage() -> None:
    world = in_canary()
    old = world.status.candidate.revision  # type: ignore[union-attr]
    world.release("3.0.0")
    world.quiet()
    decision = world.step()
    assert decision.traffic is not None
    assert {slot.revision for slot in decision.traffic.slots} == {world.status.stable.revision}  # type: ignore[union-attr]
    assert old not in {b.revision for b in world.status.blocked}
    world.settle()
    assert (world.status.phase, world.status.candidate_version) == (Phase.SHADOW, "3.0.0")


def test_setting_the_spec_back_to_the_stable_version_cancels() -> None:
    world = in_canary()
    world.release("1.0.0")
    world.step()
    assert list(world.route.weights.values()) == [1000]
    world.settle()
    assert (world.status.phase, world.status.blocked) == (Phase.LIVE, ())


def test_unchanged_content_needs_no_approval_and_no_shadow_but_is_still_judged() -> None:
    world = live()
    world.release("1.0.0", memory="2Gi")
    world.quiet()
    world.settle()
    assert (world.status.phase, world.weight()) == (Phase.CANARY, 50)
    world.bad()
    world.step()
    assert world.weight() == 0


def test_a_changed_replica_count_is_no_release() -> None:
    world = live()
    serving = spec("1.0.0").serving
    deployment = serving.deployment.model_copy(update={"replicas": 5})
    world.spec = world.spec.model_copy(update={"serving": serving.model_copy(update={"deployment": deployment})})
    decision = world.step()
    assert (world.status.phase, decision.workloads[0].replicas) == (Phase.LIVE, 5)


@pytest.mark.parametrize(("choice", "weight"), [("Rollback", 0), ("Hold", 50), ("AskPromote", 50)])
def test_a_stage_that_runs_out_of_time_does_what_the_policy_says(choice: str, weight: int) -> None:
    world = in_canary(policy=policy(analysis={"onDeadline": choice}))
    world.step(14 * 86_400 - 1)
    assert world.weight() == 50
    world.step(1)
    assert world.weight() == weight
    if weight:
        assert condition(world, ConditionType.READY)[1] == "DeadlineExceeded"


def test_corrected_numbers_of_a_value_case_are_no_release() -> None:
    world = live()
    before = world.status
    numbers = {"developmentCosts": 1, "infrastructurePerYear": 0, "operationPerYear": 0, "revenueImpactPerYear": 2, "costSavingsPerYear": 0}
    world.spec = spec("1.0.0", valueCase=numbers)
    world.generation += 1
    world.step()
    assert (world.status.candidate, world.status.phase, world.status.attempts) == (None, Phase.LIVE, before.attempts)


def test_the_time_without_prometheus_does_not_count_towards_the_deadline() -> None:
    world = in_canary()
    world.measured = {"verdict": Verdict.SOURCE_DOWN}
    world.step(60)
    world.step(30 * 86_400)
    world.quiet()
    world.step(1)
    assert world.weight() == 50


def test_times_that_a_clock_ahead_has_written_are_not_waited_for() -> None:
    """Guards count from the first exposure on: in the future, they would be blind for as long as the clock was off."""
    world = in_canary()
    world.now -= timedelta(hours=1)
    world.step()
    candidate = world.status.candidate
    assert candidate
    assert candidate.stage
    assert candidate.stage.entered == candidate.stage.effective == candidate.exposed == candidate.started == world.now
    assert all(slot.since <= world.now for slot in world.status.traffic.slots)
    assert all(past.keep_until > world.now for past in world.status.past)
