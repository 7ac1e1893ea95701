"""What happens to a model, row by row of the state table: stages, proof and harm."""

from datetime import timedelta

import pytest
from tests.unit.rollout.world import World, condition, in_canary, live, spec

from headgate.api.conditions import ConditionType
from headgate.api.vocabulary import Metric, Phase, Verdict
from headgate.rollout.decide import decide
from headgate.rollout.snapshot import PolicyState, WorkloadState


def test_a_first_version_waits_for_its_gate_then_takes_all_traffic_and_soaks() -> None:
    world = World(spec("1.0.0"))
    world.settle()
    assert world.status.phase is Phase.AWAITING_DEPLOYMENT
    assert world.route.weights == {}
    world.approve()
    world.settle()
    assert list(world.route.weights.values()) == [1000]
    assert world.status.phase is Phase.FULL
    world.step(86_399)
    assert world.status.phase is Phase.FULL
    world.step(1)
    assert world.status.phase is Phase.LIVE
    assert world.status.live == "1.0.0"


def test_a_release_goes_through_every_stage_in_order() -> None:
    world = live()
    world.release("2.0.0")
    world.good()
    seen = []
    world.step()
    for _ in range(30):
        world.step(60)
        if world.status.phase is Phase.AWAITING_DEPLOYMENT:
            world.approve()
        place = (str(world.status.phase), world.weight(), bool(world.route.mirrored))
        if not seen or seen[-1] != place:
            seen.append(place)
    assert seen == [
        ("Preparing", 0, False),
        ("Shadow", 0, True),
        ("AwaitingDeployment", 0, False),
        ("Canary", 50, False),
        ("Canary", 500, False),
        ("Full", 990, False),
        ("Live", 0, False),
    ] or seen[1:] == [
        ("AwaitingDeployment", 0, False),
        ("Canary", 50, False),
        ("Canary", 500, False),
        ("Full", 990, False),
        ("Live", 0, False),
    ]
    assert world.status.live == "2.0.0"
    assert world.route.weights == {world.status.stable.revision: 1000} if world.status.stable else False


def test_slot_zero_is_the_stable_version_and_slot_one_the_candidate() -> None:
    world = in_canary()
    assert [slot.revision for slot in world.status.traffic.slots] == [world.status.stable.revision, world.status.candidate.revision]  # type: ignore[union-attr]


def test_nobody_sees_a_version_before_the_gate_opens() -> None:
    world = live()
    world.release("2.0.0")
    world.good()
    for _ in range(10):
        world.step(86_400)
    assert world.status.phase is Phase.AWAITING_DEPLOYMENT
    assert world.weight() == 0
    assert "fairness-audit" in condition(world, ConditionType.APPROVED)[2]


@pytest.mark.parametrize(("fresh", "requests"), [(7 * 86_400 - 1, 100_000), (30 * 86_400, 999)])
def test_a_stage_lasts_until_both_its_time_and_its_requests_are_there(fresh: float, requests: int) -> None:
    world = in_canary()
    world.good(fresh, requests)
    world.settle()
    assert world.weight() == 50
    world.good(7 * 86_400, 1000)
    world.step()
    assert world.weight() == 500


@pytest.mark.parametrize("verdict", [Verdict.INCONCLUSIVE, Verdict.NO_DATA, Verdict.SOURCE_DOWN, Verdict.NOT_MEASURABLE])
def test_uncertain_evidence_neither_promotes_nor_rolls_back(verdict: Verdict) -> None:
    world = in_canary()
    world.measured = {"verdict": verdict, "stage_fresh_seconds": 30 * 86_400, "stage_requests": 10**6}
    world.step(10 * 86_400)
    assert (world.status.phase, world.weight()) == (Phase.CANARY, 50)


def test_evidence_of_an_earlier_stage_does_not_end_the_present_one() -> None:
    world = in_canary()
    world.good()
    world.measured["stage"] = 0
    world.settle()
    assert world.weight() == 50


@pytest.mark.parametrize(
    ("metric", "cause", "told"),
    [
        (Metric.ERRORS, "Evidence/errors", "17 of 600"),
        (Metric.LATENCY, "Evidence/latency", "17 of 600"),
        (Metric.REJECTIONS, "Evidence/rejections", "17 of 600"),
        (Metric.VALUE, "Evidence/value", "an answer (of 600)"),
        (Metric.CONVERSIONS, "Evidence/conversions", "17 of 600"),
    ],
)
def test_proven_harm_takes_the_candidate_off_and_blocks_it(metric: Metric, cause: str, told: str) -> None:
    world = in_canary()
    world.bad(metric)
    decision = world.step()
    assert decision.traffic is not None
    assert [(slot.weight) for slot in decision.traffic.slots] == [1000]
    assert world.status.blocked[-1].cause == cause
    assert told in world.status.blocked[-1].message
    world.quiet()
    world.settle()
    assert world.status.phase is Phase.ROLLED_BACK
    assert condition(world, ConditionType.STALLED)[:2] == ("True", "RolledBack")
    world.good()
    world.step(86_400)
    assert list(world.route.weights.values()) == [1000], "a blocked revision never comes back by itself"


@pytest.mark.parametrize(("missing", "cause"), [(0, "Guard"), (30, "MissingAnswers")])
def test_a_guard_acts_in_the_first_decision_that_sees_it(missing: int, cause: str) -> None:
    world = in_canary()
    world.guard(missing=missing)
    world.step()
    assert (world.weight(), world.status.blocked[-1].cause) == (0, cause)


def test_harm_does_not_wait_for_policy_approvals_or_a_readable_spec() -> None:
    world = in_canary()
    world.bad()
    decision = decide(
        world.without(spec=None, invalid="cannot be read", policy=PolicyState(), pinned=None, approvals=(), approvals_known=False)
    )
    assert decision.status.candidate is None
    assert [slot.weight for slot in decision.status.traffic.slots] == [1000]


def test_a_version_without_ready_pods_loses_its_users_at_once() -> None:
    world = in_canary()
    world.workloads[world.status.candidate.revision] = WorkloadState(exists=True, wanted=2)  # type: ignore[union-attr]
    world.step()
    assert world.status.blocked[-1].cause == "PodGuard"


def test_restarts_within_the_window_fire_the_pod_guard() -> None:
    world = in_canary()
    name = world.status.candidate.revision  # type: ignore[union-attr]
    old, new = world.now - timedelta(seconds=61), world.now - timedelta(seconds=5)
    world.workloads[name] = WorkloadState(exists=True, wanted=2, ready=2, restarts=(old, new, new))
    world.step()
    assert world.status.candidate is not None
    world.workloads[name] = WorkloadState(exists=True, wanted=2, ready=2, restarts=(new, new, new))
    world.step()
    assert world.status.blocked[-1].cause == "PodGuard"


def test_a_guard_on_the_stable_version_alone_holds_and_blames_nobody() -> None:
    world = in_canary()
    world.guard(candidate=False, stable=True)
    world.measured |= {"verdict": Verdict.PASS, "stage_fresh_seconds": 30 * 86_400.0, "stage_requests": 10**6}
    world.step()
    assert (world.weight(), world.status.blocked) == (50, ())
    world.good()
    world.step()
    assert world.weight() == 500


def test_a_failure_of_both_versions_blocks_nobody_and_ends_when_it_is_over() -> None:
    world = in_canary()
    world.guard(candidate=True, stable=True)
    world.step()
    assert (world.weight(), world.status.blocked) == (0, ())
    assert world.status.candidate is not None
    world.quiet()
    world.settle()
    assert world.weight() == 50


def test_a_failing_first_version_keeps_serving_because_nothing_else_can() -> None:
    world = World(spec("1.0.0"))
    world.settle()
    world.approve()
    world.settle()
    world.guard()
    world.step()
    assert list(world.route.weights.values()) == [1000]
    assert condition(world, ConditionType.READY)[1] == "Degraded"
    world.decided("Halt")
    world.step()
    assert list(world.route.weights.values()) == [1000]
    assert "nothing" in world.events[-1] or "no other version" in world.events[-1]
