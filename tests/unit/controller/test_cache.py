"""The cache: by model, never older than it was, and without ghosts."""

import random
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.controller.fake_cluster import START
from tests.unit.controller.operator_world import KEY, in_canary, model_spec

from headgate.controller.cache import Cache
from headgate.controller.facts import ModelKey
from headgate.kube.resources import (
    AIMODELS,
    CONFIG_MAPS,
    DEPLOYMENTS,
    GOVERNANCE_APPROVALS,
    HORIZONTAL_POD_AUTOSCALERS,
    HTTP_ROUTES,
    PODS,
    ROLLOUT_POLICIES,
    SERVICES,
    Resource,
)
from headgate.rollout.decision import POLICY_KEY

POD_LABELS = {"headgate.dev/model": "credit", "headgate.dev/revision": "0a1b2c3d"}
LABELS = {"app.kubernetes.io/managed-by": "headgate", **POD_LABELS}
POLICY_LABELS = {name: value for name, value in LABELS.items() if name != "headgate.dev/revision"}


def cache() -> Cache:
    return Cache(policy_namespace="platform", wall=lambda: START)


def thing(name: str, version: int = 1, uid: str = "u", **parts: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "lending", "uid": uid, "resourceVersion": str(version), **parts.pop("metadata", {})}
    return {"metadata": {"creationTimestamp": "2026-03-01T00:00:00Z"} | metadata, **parts}


def model(name: str = "credit", version: int = 1, **parts: Any) -> dict[str, Any]:
    return thing(name, version, metadata={"generation": 1}, spec=model_spec("v1"), **parts)


def pod(restarts: int, version: int, uid: str = "p") -> dict[str, Any]:
    state = {"name": "model", "restartCount": restarts, "lastState": {"terminated": {"exitCode": 1, "finishedAt": "2026-02-28T23:59:00Z"}}}
    return thing("credit-0a1b2c3d-x-y", version, uid, metadata={"labels": POD_LABELS}, status={"containerStatuses": [state]})


def test_an_older_object_changes_nothing_but_another_one_of_the_name_does() -> None:
    known = cache()
    assert known.put(AIMODELS, model(version=10)) == {KEY}
    assert known.put(AIMODELS, model(version=9)) == set()
    assert known.put(AIMODELS, model(version=10)) == set()
    assert known.models[KEY].resource_version == "10"
    assert known.put(AIMODELS, thing("credit", 2, "another", spec=model_spec("v1"))) == {KEY}


def test_what_an_autoscaler_measures_is_no_news() -> None:
    known = cache()
    bounds = {"minReplicas": 2, "maxReplicas": 8}
    name, labels = "credit-0a1b2c3d", {"metadata": {"labels": LABELS}}
    assert known.put(HORIZONTAL_POD_AUTOSCALERS, thing(name, 1, **labels, spec=bounds)) == {KEY}
    assert known.put(HORIZONTAL_POD_AUTOSCALERS, thing(name, 2, **labels, spec=bounds, status={"currentReplicas": 3})) == set()
    assert known.put(HORIZONTAL_POD_AUTOSCALERS, thing(name, 3, **labels, spec=bounds | {"minReplicas": 1})) == {KEY}
    assert known.drop(HORIZONTAL_POD_AUTOSCALERS, thing(name, 4)) == {KEY}
    assert known.owned(KEY).autoscalers == {}


def test_deleting_an_object_does_not_take_its_successor() -> None:
    known = cache()
    known.put(AIMODELS, thing("credit", 5, "new", spec=model_spec("v1")))
    assert known.drop(AIMODELS, thing("credit", 3, "old")) == set()
    assert KEY in known.models
    assert known.drop(AIMODELS, thing("credit", 6, "new")) == {KEY}
    assert KEY not in known.models


def test_a_full_list_finds_ghosts_but_spares_what_came_during_the_list() -> None:
    known = cache()
    known.put(AIMODELS, model("ghost"))
    known.put(AIMODELS, model("kept"))
    since = known.sequence
    known.put(AIMODELS, model("new"))
    changed = known.replace(AIMODELS, [model("kept")], since)
    assert sorted(key.name for key in known.models) == ["kept", "new"]
    assert ModelKey("lending", "ghost") in changed


def test_policies_wake_the_models_that_name_them_and_only_those_of_the_policy_namespace_count() -> None:
    known = cache()
    known.put(AIMODELS, model())
    known.put(AIMODELS, thing("other", spec=model_spec("v1", policy={"name": "strict"})))
    policy = {"metadata": {"name": "standard", "namespace": "platform", "uid": "r", "resourceVersion": "3"}, "spec": {}}
    assert known.put(ROLLOUT_POLICIES, policy) == {KEY}
    elsewhere = {"metadata": {"name": "strict", "namespace": "lending", "uid": "s", "resourceVersion": "4"}, "spec": {}}
    assert known.put(ROLLOUT_POLICIES, elsewhere) == set()
    assert list(known.policies) == ["standard"]
    known.put(AIMODELS, thing("credit", 2, spec=model_spec("v1", policy={"name": "strict"})))
    assert known.drop(ROLLOUT_POLICIES, policy) == set()


def test_our_own_answer_to_an_approval_is_no_news() -> None:
    known = cache()
    spec = {"model": "credit", "decision": "Halt", "target": {"revision": "0a1b2c3d", "attempt": 1}, "approver": "a@b", "rationale": "r"}
    assert known.put(GOVERNANCE_APPROVALS, thing("halt", 1, spec=spec)) == {KEY}
    assert known.put(GOVERNANCE_APPROVALS, thing("halt", 2, spec=spec, status={"state": "TakenUp"})) == set()
    assert known.drop(GOVERNANCE_APPROVALS, thing("halt", 3)) == {KEY}
    assert known.approvals.get(KEY) is None


def test_restarts_are_counted_when_seen_and_outlive_their_pod() -> None:
    known = cache()
    known.put(AIMODELS, model())
    known.put(PODS, pod(2, 1))
    assert [moment.isoformat() for moment in known.owned(KEY).restarts["0a1b2c3d"]] == ["2026-02-28T23:59:00+00:00"], (
        "only its last is known"
    )
    known.put(PODS, pod(4, 2))
    known.put(PODS, pod(4, 3))
    known.drop(PODS, pod(4, 4))
    assert list(known.owned(KEY).restarts["0a1b2c3d"])[1:] == [START, START]


@pytest.mark.parametrize(
    ("resource", "body"),
    [
        (DEPLOYMENTS, thing("credit-0a1b2c3d", metadata={"labels": LABELS}, spec={"replicas": 2})),
        (SERVICES, thing("credit-0a1b2c3d", metadata={"labels": LABELS}, spec={"ports": [{"port": 8080}]})),
        (PODS, pod(0, 1)),
        (CONFIG_MAPS, thing("credit-policy-44136fa3", metadata={"labels": POLICY_LABELS}, data={POLICY_KEY: "{}"})),
        (HTTP_ROUTES, thing("credit", metadata={"labels": LABELS}, spec={"rules": []})),
    ],
    ids=lambda value: value.plural if isinstance(value, Resource) else "",
)
def test_each_kind_is_found_by_its_model_and_leaves_nothing_behind(resource: Resource, body: dict[str, Any]) -> None:
    known = cache()
    empty = known.owned(KEY)
    assert known.put(resource, body) == {KEY}
    assert known.owned(KEY) != empty
    assert known.replace(resource, [], known.sequence) == {KEY}
    remains = known.owned(KEY)
    remains.restarts.clear()
    assert remains == empty
    assert known._stamps[resource.plural] == {}


def test_a_cache_filled_in_any_order_is_the_same_but_for_what_came_when() -> None:
    world = in_canary()
    kinds = (AIMODELS, ROLLOUT_POLICIES, GOVERNANCE_APPROVALS, DEPLOYMENTS, SERVICES, PODS, CONFIG_MAPS, HTTP_ROUTES)
    everything = [(kind, body) for kind in kinds for body in world.api.of(kind)]
    seen = []
    for seed in range(5):
        known = cache()
        for kind, body in random.Random(seed).sample(everything, len(everything)):
            known.put(kind, body)
        approvals = {name: replace(approval, arrived=0) for name, approval in known.approvals[KEY].items()}
        seen.append((known.models, known.owned(KEY), approvals, known.policies, known.moving))
    assert all(one == seen[0] for one in seen)
    assert seen[0][4] == {KEY}


def test_an_object_of_an_unforeseen_shape_keeps_no_other_from_being_known() -> None:
    known = cache()
    strange = thing("strange", spec={"model": "credit"}, status={"state": "Levitating"})
    assert known.replace(GOVERNANCE_APPROVALS, [strange], known.sequence) == set()
    assert known.put(AIMODELS, model()) == {KEY}
