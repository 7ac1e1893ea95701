"""What is written for versions whose size an autoscaler sets, and for two versions in the room of one."""

import asyncio
import contextlib
from typing import Any

from tests.unit.controller.fake_cluster import Write
from tests.unit.controller.operator_world import KEY, OperatorWorld, model_spec

from headgate.api.reasons import Reason
from headgate.api.vocabulary import Metric, Verdict
from headgate.evidence.view import GuardReading
from headgate.kube.errors import Invalid, KubeError, Unavailable
from headgate.kube.interface import Object
from headgate.kube.resources import DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS

AUTOSCALING = {"minReplicas": 2, "maxReplicas": 8}
FIRED = GuardReading(Metric.ERRORS, fired=True, requests=30, failures=30, max_rate=0.2, seconds=3.0)


def serving(size: dict[str, Any], version: str, mode: str = "Surge") -> dict[str, Any]:
    usual = model_spec(version)["serving"]
    deployment = {key: value for key, value in usual["deployment"].items() if key != "replicas"}
    return {**usual, "deployment": {**deployment, **size}, "capacity": {"mode": mode}}


def autoscaled(version: str, **bounds: Any) -> dict[str, Any]:
    return serving({"autoscaling": AUTOSCALING | bounds}, version)


def shared(version: str) -> dict[str, Any]:
    return serving({"replicas": 4}, version, "Proportional")


def live(made: dict[str, Any]) -> OperatorWorld:
    world = OperatorWorld()
    world.release("v1", serving=made)
    world.settle()
    world.approve()
    world.settle()
    world.pass_time(2 * 3600)
    world.settle()
    assert world.status.phase == "Live", world.status.conditions
    return world


def canary(first: dict[str, Any], second: dict[str, Any], load: int = 0) -> OperatorWorld:
    world = live(first)
    if load:
        world.load[stable(world)] = load
        world.world_turns()
    world.release("v2", serving=second)
    world.settle()
    world.approve()
    world.settle()
    assert world.status.phase == "Canary", world.status.conditions
    return world


def stable(world: OperatorWorld) -> str:
    assert world.status.stable
    return world.status.stable.revision


def candidate(world: OperatorWorld) -> str:
    assert world.status.candidate
    return world.status.candidate.revision


def scaler(world: OperatorWorld, revision: str) -> Object | None:
    return world.api.find(HORIZONTAL_POD_AUTOSCALERS, f"credit-{revision}")


def least(world: OperatorWorld, revision: str) -> int:
    found = scaler(world, revision)
    assert found is not None
    return int(found["spec"]["minReplicas"])


def size(world: OperatorWorld, revision: str) -> int:
    found = world.api.find(DEPLOYMENTS, f"credit-{revision}")
    assert found is not None
    return int(found["spec"]["replicas"])


def writes_of_size(world: OperatorWorld, mark: int = 0) -> list[Write]:
    return [w for w in world.api.writes[mark:] if w.plural == "deployments" and "replicas" in w.body.get("spec", {})]


def prove(world: OperatorWorld) -> None:
    for _ in range(12):
        if world.status.candidate is None:
            return
        world.measure(verdict=Verdict.PASS, stage_fresh_seconds=9999.0, stage_requests=9999, as_of=world.seconds())
        world.settle()


def test_the_size_of_a_deployment_with_an_autoscaler_is_never_written() -> None:
    world = canary(autoscaled("v1"), autoscaled("v2"), load=5)
    prove(world)
    assert world.status.phase == "Live"
    assert writes_of_size(world) == []
    assert world.since(0)[:3] == ["create configmaps", "apply services", "apply controllerrevisions"]
    assert "apply horizontalpodautoscalers" in world.since(0)[:6], "in the same pass"


def test_minimums_follow_the_rollout_and_what_an_autoscaler_does_is_no_news() -> None:
    world = canary(autoscaled("v1"), autoscaled("v2"), load=5)
    assert (least(world, stable(world)), least(world, candidate(world))) == (5, 2)
    mark = len(world.api.writes)
    world.load[candidate(world)] = 4
    for _ in range(3):
        world.world_turns()
        world.step()
    assert size(world, candidate(world)) == 4
    assert world.since(mark) == []


def test_the_stable_version_is_told_to_keep_its_pods_before_users_leave_it_and_only_once() -> None:
    world = canary(autoscaled("v1"), autoscaled("v2"))
    assert least(world, stable(world)) == 2
    world.load[stable(world)] = 6
    world.world_turns()
    mark = len(world.api.writes)
    world.settle()
    assert world.since(mark) == ["status aimodels"], "how many pods answer: its own autoscaler keeps them for nearly all users"
    before = dict(world.weights)
    for _ in range(6):
        world.measure(verdict=Verdict.PASS, stage_fresh_seconds=9999.0, stage_requests=9999, as_of=world.seconds())
        world.step()
        world.world_turns()
        if world.weights != before:
            break
    written = [(write.plural, write.name) for write in world.api.writes[mark:]]
    assert written.count(("horizontalpodautoscalers", f"credit-{stable(world)}")) == 1
    assert written.index(("horizontalpodautoscalers", f"credit-{stable(world)}")) < written.index(("httproutes", "credit"))
    world.measure(as_of=world.seconds())
    world.settle()
    assert least(world, stable(world)) == 6
    mark = len(world.api.writes)
    world.load[stable(world)] = 3
    world.world_turns()
    world.settle()
    assert (size(world, stable(world)), world.since(mark)) == (6, [])


def test_the_metrics_of_a_version_that_the_spec_no_longer_describes_are_left_alone() -> None:
    own = {"type": "Pods", "pods": {"metric": {"name": "queue"}, "target": {"type": "AverageValue", "averageValue": "3"}}}
    world = canary(autoscaled("v1", metrics=[own]), autoscaled("v2"), load=5)
    old = scaler(world, stable(world))
    assert old is not None
    assert (old["spec"]["minReplicas"], old["spec"]["metrics"]) == (5, [own])


def test_edited_bounds_and_metrics_of_a_live_version_are_applied_once() -> None:
    world = live(autoscaled("v1"))
    own = {"type": "Pods", "pods": {"metric": {"name": "queue"}, "target": {"type": "AverageValue", "averageValue": "3"}}}
    mark = len(world.api.writes)
    world.release("v1", serving=autoscaled("v1", minReplicas=1, maxReplicas=4, metrics=[own]))
    world.settle()
    found = scaler(world, stable(world))
    assert found is not None
    assert (found["spec"]["minReplicas"], found["spec"]["maxReplicas"], found["spec"]["metrics"]) == (1, 4, [own])
    assert world.since(mark).count("apply horizontalpodautoscalers") == 1
    mark = len(world.api.writes)
    world.release("v1", serving=autoscaled("v1", minReplicas=1, maxReplicas=4))
    world.settle()
    found = scaler(world, stable(world))
    assert found is not None
    assert found["spec"]["metrics"] != [own], "metrics alone"
    assert world.since(mark).count("apply horizontalpodautoscalers") == 1


def test_an_autoscaler_that_was_deleted_is_made_again() -> None:
    world = live(autoscaled("v1"))
    del world.api.objects[("horizontalpodautoscalers", "lending", f"credit-{stable(world)}")]
    world.settle()
    assert least(world, stable(world)) == 2


def test_a_live_version_changes_between_an_autoscaler_and_a_fixed_size() -> None:
    world = live(autoscaled("v1"))
    mark = len(world.api.writes)
    world.release("v1", serving=serving({"replicas": 5}, "v1"))
    world.settle()
    assert (scaler(world, stable(world)), size(world, stable(world))) == (None, 5)
    assert world.since(mark)[:2] == ["delete horizontalpodautoscalers", "patch deployments"], "or it would be undone"
    world.release("v1", serving=autoscaled("v1"))
    world.settle()
    assert (least(world, stable(world)), size(world, stable(world))) == (2, 5)
    world.release("v1", serving=serving({"replicas": 5}, "v1"))
    world.settle()
    assert scaler(world, stable(world)) is None, "also when the size is right already"


def test_a_refused_metric_is_told_and_the_pods_are_there_all_the_same() -> None:
    world = OperatorWorld()
    refusal = Invalid("HorizontalPodAutoscaler is invalid: spec.metrics[0].type: Unsupported value", status=422)
    world.api.refuse = lambda write: refusal if write.plural == "horizontalpodautoscalers" else None
    world.release("v1", serving=autoscaled("v1"))
    world.settle(most=40)
    told = {condition.reason: condition.message for condition in world.status.conditions}
    assert "HorizontalPodAutoscaler lending/credit-" in told[Reason.WORKLOAD_REFUSED]
    assert "spec.metrics[0].type" in told[Reason.WORKLOAD_REFUSED]
    assert world.since(0).count("apply horizontalpodautoscalers") == 1


def test_a_cold_version_has_no_autoscaler_and_comes_back_with_one() -> None:
    world = canary(autoscaled("v1"), autoscaled("v2"), load=5)
    old = stable(world)
    prove(world)
    world.load.clear()
    assert least(world, old) == 5, "warm"
    mark = len(world.api.writes)
    world.pass_time(3601)
    world.settle()
    assert (scaler(world, old), size(world, old)) == (None, 0)
    assert world.since(mark)[:2] == ["delete horizontalpodautoscalers", "patch deployments"]
    mark = len(world.api.writes)
    world.release("v1", serving=autoscaled("v1"))
    world.step()
    restored = [write.short for write in world.api.writes[mark:] if write.name == f"credit-{old}"]
    assert restored == ["patch deployments", "apply horizontalpodautoscalers"], "an autoscaler does nothing at 0"
    assert size(world, old) == 5
    world.world_turns()
    world.settle()
    assert world.weights == {old: 1000}


def test_what_nobody_wants_is_deleted_with_its_autoscaler() -> None:
    world = canary(autoscaled("v1"), autoscaled("v2"))
    bad = candidate(world)
    world.measure(candidate_guards=(FIRED,))
    world.settle()
    world.pass_time(31)
    world.settle()
    assert scaler(world, bad) is None
    assert world.api.find(DEPLOYMENTS, f"credit-{bad}") is None


def test_a_restarted_operator_writes_nothing_to_autoscalers() -> None:
    world = canary(autoscaled("v1"), autoscaled("v2"), load=5)
    mark = len(world.api.writes)
    world.restart()
    world.settle()
    assert world.since(mark) == []


# -- in the room of one --


def full(world: OperatorWorld) -> None:
    """To the last stage, and not further."""
    for _ in range(40):
        if world.weights.get(candidate(world)) == 990:
            break
        world.measure(verdict=Verdict.PASS, stage_fresh_seconds=9999.0, stage_requests=9999, as_of=world.seconds())
        world.step()
        world.world_turns()
        world.pass_time(1)
        assert size(world, stable(world)) + size(world, candidate(world)) <= 5
    world.measure(as_of=world.seconds())
    world.settle()
    assert (size(world, stable(world)), size(world, candidate(world))) == (1, 4)


def test_users_come_back_then_the_bad_version_goes_and_the_good_one_grows_all_in_one_pass() -> None:
    world = canary(shared("v1"), shared("v2"))
    full(world)
    good, bad = stable(world), candidate(world)
    world.measure(candidate_guards=(FIRED,))
    world.list_all()
    mark = len(world.api.writes)
    asyncio.run(world.reconciler.reconcile(KEY))
    assert world.since(mark)[:4] == ["apply httproutes", "patch deployments", "patch deployments", "status aimodels"]
    assert [(w.name, w.body["spec"]["replicas"]) for w in writes_of_size(world, mark)] == [(f"credit-{bad}", 0), (f"credit-{good}", 4)]


def test_the_good_version_grows_though_the_bad_one_cannot_be_shrunk() -> None:
    world = canary(shared("v1"), shared("v2"))
    full(world)
    good, bad = stable(world), candidate(world)
    world.measure(candidate_guards=(FIRED,))
    world.api.refuse = lambda w: Unavailable("busy", status=503) if w.plural == "deployments" and w.name.endswith(bad) else None
    world.list_all()
    with contextlib.suppress(Unavailable):
        asyncio.run(world.reconciler.reconcile(KEY))
    assert world.weights == {good: 1000}
    assert size(world, good) == 4


def test_no_pod_goes_from_under_users_whose_route_cannot_be_written() -> None:
    world = canary(shared("v1"), shared("v2"))
    full(world)
    bad = candidate(world)
    world.measure(candidate_guards=(FIRED,))

    def refuse(write: Write) -> KubeError | None:
        return Invalid("no", status=422) if write.plural == "httproutes" else None

    world.api.refuse = refuse
    for _ in range(5):
        world.step()
        world.world_turns()
    assert world.weights[bad] == 990
    assert size(world, bad) == 4
    world.api.refuse = lambda write: None
    world.settle()
    assert bad not in world.weights
    assert size(world, bad) == 0
