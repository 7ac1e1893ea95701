"""What the cluster says about pods, routes, policies and specs, in the words that people read."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.controller.fake_cluster import START
from tests.unit.controller.operator_world import KEY, OperatorWorld, in_canary, live, model_spec

from headgate.api.reasons import Reason
from headgate.controller.health import workload_state
from headgate.controller.observe import Surroundings, UnreadableStatus, observe, parse_spec
from headgate.controller.proof import Proof
from headgate.controller.routing import route_state
from headgate.controller.workload_facts import DeploymentFacts, PodFacts, pod_facts
from headgate.kube.resources import AIMODELS, GATEWAYS, HTTP_ROUTES, ROLLOUT_POLICIES

DEPLOYMENT = DeploymentFacts(uid="d", replicas=2, role="candidate", attempt="1")


def kubelet(**status: Any) -> PodFacts:
    return pod_facts({"metadata": {"name": "p", "uid": "u", "labels": {"headgate.dev/revision": "0a1b2c3d"}}, "status": status})


def container(*, restarts: int = 0, last: dict[str, Any] | None = None, **state: Any) -> dict[str, Any]:
    return {"name": "model", "image": "reg/model:1", "restartCount": restarts, "state": state, "lastState": last or {}}


DIED = {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-02-28T23:59:00Z"}}
UNSCHEDULABLE = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes: insufficient nvidia.com/gpu"}
RUNNING = {"running": {"startedAt": "2026-02-28T23:59:00Z"}}

NO_SECRET = {"reason": "CreateContainerConfigError", "message": 'secret "x" not found'}
LOOPS = {"reason": "CrashLoopBackOff"}


def pull(reason: str, message: str) -> dict[str, Any]:
    return {"containerStatuses": [container(waiting={"reason": reason, "message": message})]}


TROUBLES: list[tuple[dict[str, Any], Reason, str]] = [
    (pull("ImagePullBackOff", "not found"), Reason.IMAGE_UNAVAILABLE, "reg/model:1"),
    (pull("ErrImagePull", "denied"), Reason.IMAGE_UNAVAILABLE, "denied"),
    ({"containerStatuses": [container(restarts=3, last=DIED, waiting=LOOPS)]}, Reason.CRASH_LOOP, "code 137 (OOMKilled)"),
    ({"containerStatuses": [container(restarts=3, last=DIED, **RUNNING)]}, Reason.CRASH_LOOP, "code 137"),
    ({"conditions": [UNSCHEDULABLE]}, Reason.WAITING_FOR_CAPACITY, "insufficient nvidia.com/gpu"),
    ({"containerStatuses": [container(**RUNNING)]}, Reason.WORKLOAD_NOT_READY, "spec.serving.deployment.port"),
    ({"containerStatuses": [container(waiting=NO_SECRET)]}, Reason.WORKLOAD_NOT_READY, 'secret "x" not found'),
]


@pytest.mark.parametrize(("status", "reason", "says"), TROUBLES, ids=[f"{reason}-{says}" for _, reason, says in TROUBLES])
def test_each_trouble_of_a_pod_is_told_in_words(status: dict[str, Any], reason: Reason, says: str) -> None:
    state = workload_state(DEPLOYMENT, None, (kubelet(**status),), (), START)
    assert state.problem is not None
    assert (state.problem.reason, says in state.problem.message) == (reason, True), state.problem


def test_the_kubelets_pause_between_two_pulls_is_no_news() -> None:
    told = [
        workload_state(DEPLOYMENT, None, (kubelet(**pull(reason, message)),), (), START).problem
        for reason, message in (
            ("ErrImagePull", "failed to resolve reference: not found"),
            ("ImagePullBackOff", 'Back-off pulling image "reg/model:1": ErrImagePull: failed to resolve reference: not found'),
        )
    ]
    assert told[0] == told[1]


def test_a_pod_that_just_started_is_no_trouble() -> None:
    fresh = kubelet(containerStatuses=[container(running={"startedAt": "2026-02-28T23:59:50Z"})])
    creating = kubelet(containerStatuses=[container(waiting={"reason": "ContainerCreating"})])
    assert workload_state(DEPLOYMENT, None, (fresh, creating), (), START).problem is None


def test_ready_pods_count_but_leaving_ones_do_not() -> None:
    ready = kubelet(conditions=[{"type": "Ready", "status": "True"}])
    leaving = pod_facts(
        {"metadata": {"name": "q", "deletionTimestamp": "now"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    )
    state = workload_state(DEPLOYMENT, None, (ready, leaving), (), START)
    assert (state.ready, state.present, state.wanted) == (1, 1, 2)


def test_a_version_is_ready_since_its_first_ready_pod_was() -> None:
    def pod(status: str, minute: str | None) -> PodFacts:
        turned = {"lastTransitionTime": f"2026-03-01T00:{minute}:00Z"} if minute else {}
        return kubelet(conditions=[{"type": "Ready", "status": status, **turned}])

    def since(*pods: PodFacts) -> str | None:
        found = workload_state(DEPLOYMENT, None, pods, (), START).ready_since
        return f"{found:%M}" if found else None

    assert since(pod("True", "07"), pod("True", "03"), pod("False", "01")) == "03"
    assert since(pod("True", "07"), pod("True", None)) is None, "of one of them nobody knows"
    assert since(pod("False", "01")) is None
    assert since() is None


@pytest.mark.parametrize(("seconds", "steady"), [(0.0, 0), (1.9, 0), (2.0, 1), (3600.0, 1), (-0.5, 1), (-3600.0, 1)])
def test_a_pod_is_steady_when_it_is_ready_for_two_seconds_or_its_node_has_another_clock(seconds: float, steady: int) -> None:
    turned = (START - timedelta(seconds=seconds)).isoformat()
    pod = kubelet(conditions=[{"type": "Ready", "status": "True", "lastTransitionTime": turned}])
    state = workload_state(DEPLOYMENT, None, (pod,), (), START)
    assert (state.ready, state.steady) == (1, steady)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ('pods "m" is forbidden: exceeded quota: gpu, requested: 1, used: 4, limited: 4', Reason.WAITING_FOR_CAPACITY),
        ('admission webhook "images.example" denied the request: not signed', Reason.WORKLOAD_REFUSED),
    ],
)
def test_pods_that_the_cluster_will_not_make_are_told_with_its_words(words: str, reason: Reason) -> None:
    refused = DeploymentFacts(uid="d", replicas=2, role="candidate", attempt="1", refused=words)
    state = workload_state(refused, None, (), (), START)
    assert state.problem is not None
    assert (state.problem.reason, words in state.problem.message) == (reason, True)


def test_a_finished_init_container_is_no_crash() -> None:
    init = container(terminated={"exitCode": 0, "reason": "Completed", "finishedAt": "2026-02-28T23:59:00Z"})
    pod = kubelet(initContainerStatuses=[init], containerStatuses=[container(running={"startedAt": "2026-02-28T23:59:55Z"})])
    assert workload_state(DEPLOYMENT, None, (pod,), (), START).problem is None


def test_a_policy_that_is_not_there_is_named_with_the_place_where_it_is_looked_for() -> None:
    world = OperatorWorld()
    world.release("v1", policy={"name": "strict"})
    world.settle()
    told = {condition.reason: condition.message for condition in world.status.conditions}
    assert "platform/strict does not exist" in told[Reason.POLICY_NOT_FOUND]


def test_a_policy_that_cannot_be_read_is_told_field_by_field() -> None:
    world = OperatorWorld()
    world.api.put(ROLLOUT_POLICIES, {"metadata": {"name": "standard", "namespace": "platform"}, "spec": {"stages": []}})
    world.release("v1")
    world.settle()
    told = {condition.reason: condition.message for condition in world.status.conditions}
    assert "spec.stages" in told[Reason.POLICY_INVALID]


def test_a_wrong_spec_is_told_field_by_field_and_users_stay() -> None:
    world = live()
    before = world.weights
    world.release("v2", classification={"declaredTier": "Moderate"})
    world.settle()
    told = {condition.reason: condition.message for condition in world.status.conditions}
    assert "spec.classification.declaredTier" in told[Reason.INVALID_SPEC]
    assert world.weights == before


def test_a_gateway_that_does_not_exist_is_named() -> None:
    world = OperatorWorld()
    del world.api.objects[(GATEWAYS.plural, "gateways", "public")]
    world.gateway_answers = False
    world.release("v1")
    world.settle()
    world.approve()
    world.settle()
    told = {condition.reason: condition.message for condition in world.status.conditions}
    assert "Gateway gateways/public does not exist" in told[Reason.ROUTE_NOT_ACCEPTED]
    assert world.weights == {}


def test_an_unknown_gateway_says_nothing_where_not_all_namespaces_are_seen() -> None:
    spec, _ = parse_spec("v1", _raw(model_spec("v1")))
    assert route_state(None, spec, None, "lending").problem is None
    assert route_state(None, spec, {}, "lending").problem is not None


def test_a_route_that_the_gateway_refuses_is_told_with_its_words() -> None:
    world = live()
    route = world.api.find(HTTP_ROUTES, "credit")
    assert route is not None
    parent = route["status"]["parents"][0]
    refusal = {"type": "Accepted", "status": "False", "reason": "NoMatchingListenerHostname", "message": "no listener takes credit.example"}
    parent["conditions"] = [refusal | {"observedGeneration": route["metadata"]["generation"]}]
    state = route_state(route, None, None, "lending")
    assert state.accepted is False
    assert state.problem is not None
    assert "NoMatchingListenerHostname: no listener takes credit.example" in state.problem.message


def test_an_answer_for_an_older_generation_is_none() -> None:
    world = live()
    route = world.api.find(HTTP_ROUTES, "credit")
    assert route is not None
    route["metadata"]["generation"] += 1
    state = route_state(route, None, None, "lending")
    assert (state.accepted, state.problem) == (None, None)


def test_the_policy_copy_of_the_attempt_counts_not_the_edited_policy() -> None:
    world = in_canary()
    looser = {"stages": [{"name": "full", "holdbackPercent": 1, "minDuration": "1h", "maxDuration": "3h"}]}
    world.api.put(ROLLOUT_POLICIES, {"metadata": {"name": "standard", "namespace": "platform"}, "spec": looser})
    world.list_all()
    seen = observe(world.cache, KEY, Surroundings(now=world.now, environment="test", policy_namespace="platform"))
    assert seen is not None
    assert seen.snapshot.pinned is not None
    assert seen.snapshot.policy.spec is not None
    assert [len(seen.snapshot.pinned.stages), len(seen.snapshot.policy.spec.stages)] == [2, 1]


def test_a_status_that_cannot_be_read_stops_decisions_about_this_model() -> None:
    world = live()
    model = world.api.find(AIMODELS, "credit")
    assert model is not None
    world.api.put(AIMODELS, {**model, "status": {"phase": "Levitating"}})
    mark = len(world.api.writes)
    with pytest.raises(UnreadableStatus, match=r"status\.phase"):
        world.step()
    assert world.since(mark) == []


def test_approvals_are_unknown_before_a_full_list() -> None:
    world = live()
    world.cache.complete.clear()
    seen = observe(world.cache, KEY, Surroundings(now=world.now, environment="test", policy_namespace="platform"))
    assert seen is not None
    assert not seen.snapshot.approvals_known


def test_approvals_made_while_nothing_proved_their_author_are_marked() -> None:
    world = live()
    around = Surroundings(now=world.now, environment="test", policy_namespace="platform", proof=world.enforcement.proof)
    seen = observe(world.cache, KEY, around)
    assert seen is not None
    assert [approval.enforced for approval in seen.snapshot.approvals] == [True, True, True]
    unproven = observe(world.cache, KEY, replace(around, proof=Proof(lost=True)))
    assert unproven is not None
    assert [approval.enforced for approval in unproven.snapshot.approvals] == [False, False, False]
    awaited = observe(world.cache, KEY, replace(around, proof=Proof()))
    assert awaited is not None
    assert (len(awaited.snapshot.approvals), len(awaited.snapshot.awaiting)) == (0, 3)


def _raw(spec: dict[str, Any]) -> bytes:

    return json.dumps(spec).encode()
