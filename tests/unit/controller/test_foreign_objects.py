"""What others made under the names or with the labels of Headgate's objects is nobody's but theirs: nothing of it is believed."""

import asyncio
import json
from typing import Any

import pytest
from tests.unit.controller.operator_world import KEY, PEOPLE, POLICY, OperatorWorld, live, serving
from tests.unit.controller.test_cache import LABELS, cache, thing

from headgate.api.policy import RolloutPolicySpec
from headgate.api.reasons import Reason
from headgate.controller.inventory import Owned
from headgate.kube.errors import Unavailable
from headgate.kube.interface import Object
from headgate.kube.manifests import read
from headgate.kube.resources import (
    CONFIG_MAPS,
    CONTROLLER_REVISIONS,
    DEPLOYMENTS,
    HORIZONTAL_POD_AUTOSCALERS,
    HTTP_ROUTES,
    SERVICES,
    Resource,
)
from headgate.rollout.begin import copy_name
from headgate.rollout.decision import POLICY_KEY

COPY = copy_name(KEY.name, RolloutPolicySpec.model_validate(POLICY))
LENIENT = {
    "stages": [{"name": "full", "holdbackPercent": 1, "minDuration": "3m", "maxDuration": "3h"}],
    "gates": {"deployment": {"medium": [{"role": "automated-checks"}]}},
}


def put_copy(world: OperatorWorld, policy: dict[str, Any], labels: dict[str, str]) -> None:
    metadata = {"name": COPY, "namespace": KEY.namespace, "labels": labels}
    world.api.put(CONFIG_MAPS, {"metadata": metadata, "immutable": True, "data": {POLICY_KEY: json.dumps(policy)}})


def pass_some(world: OperatorWorld, passes: int = 6) -> None:
    for _ in range(passes):
        world.step()
        world.world_turns()
        world.pass_time(20)


def told(world: OperatorWorld, what: str) -> list[tuple[str, str]]:
    return [(one.reason, one.message) for one in world.status.conditions if what in one.message]


@pytest.mark.parametrize(
    "labels",
    [{}, {"headgate.dev/model": KEY.name}, {"app.kubernetes.io/managed-by": "headgate"}, LABELS],
    ids=["no labels", "the model's alone", "managed-by alone", "both, from before admission looked"],
)
def test_a_policy_that_somebody_else_put_there_opens_no_gate(labels: dict[str, str]) -> None:
    world = live()
    put_copy(world, LENIENT, {})
    world.release("v2")
    pass_some(world, 2)
    put_copy(world, LENIENT, {name: value for name, value in labels.items() if name != "headgate.dev/revision"})
    pass_some(world)
    assert world.status.phase == "Preparing"
    assert set(world.weights) == {world.status.stable.revision}  # type: ignore[union-attr]
    assert [reason for reason, _ in told(world, f"ConfigMap {COPY} is there already and is not Headgate's: delete or rename it")]

    world.api.remove(CONFIG_MAPS, COPY)
    pass_some(world)
    assert world.status.phase == "AwaitingDeployment"
    gate = world.status.candidate.gate  # type: ignore[union-attr]
    assert gate is not None
    assert set(gate.required) == set(PEOPLE)


def test_the_copy_of_an_answer_that_was_lost_is_headgates_own() -> None:
    world = live()
    create = world.api.create

    async def lost(resource: Resource, body: Object, **options: Any) -> Object:
        made = await create(resource, body, **options)
        if body["metadata"]["name"] == COPY:
            raise Unavailable("connection reset")
        return made

    world.release("v2")
    world.list_all()
    asyncio.run(world._pass())
    world.api.create = lost  # type: ignore[method-assign, assignment]
    if world.api.find(CONFIG_MAPS, COPY) is not None:
        world.api.remove(CONFIG_MAPS, COPY)
    world.list_all()
    with pytest.raises(Unavailable):
        asyncio.run(world._pass())
    world.api.create = create  # type: ignore[method-assign]
    assert COPY not in world.cache.owned(KEY).copies
    asyncio.run(world._pass())
    assert COPY in world.cache.owned(KEY).copies, "the watch has not brought it yet"
    world.settle()
    assert world.status.phase == "AwaitingDeployment"


def test_a_service_that_takes_the_place_of_a_live_versions_is_not_believed_and_put_right() -> None:
    world = live()
    name = f"{KEY.name}-{world.status.stable.revision}"  # type: ignore[union-attr]
    ours = world.api.remove(SERVICES, name)
    labels = {"headgate.dev/model": KEY.name, "headgate.dev/revision": world.status.stable.revision}  # type: ignore[union-attr]
    spec = {"selector": {"app": "evil"}, "type": "ExternalName", "externalName": "evil.example", "ports": []}
    world.api.put(SERVICES, {"metadata": {"name": name, "namespace": KEY.namespace, "labels": labels}, "spec": spec})
    pass_some(world, 2)
    found = world.api.find(SERVICES, name)
    assert found is not None
    assert found["metadata"]["labels"] == ours["metadata"]["labels"]
    assert (found["spec"]["type"], found["spec"]["ports"]) == (ours["spec"]["type"], ours["spec"]["ports"])
    assert ours["spec"]["selector"].items() <= found["spec"]["selector"].items()


def test_a_stored_manifest_with_half_of_the_labels_is_not_used() -> None:
    world = live()
    [stored] = [one for one in world.api.of(CONTROLLER_REVISIONS) if one["metadata"]["namespace"] == KEY.namespace]
    revision = stored["metadata"]["labels"]["headgate.dev/revision"]
    assert read(stored, KEY.name, revision) is not None
    del stored["metadata"]["labels"]["app.kubernetes.io/managed-by"]
    assert read(stored, KEY.name, revision) is None


def test_a_copy_of_configuration_of_somebody_else_is_told() -> None:
    world = OperatorWorld()
    world.api.put(CONFIG_MAPS, {"metadata": {"name": "limits", "namespace": "lending"}, "data": {"limit": "9"}})
    world.release("v1", serving=serving())
    world.settle()
    [copy] = [one for one in world.api.of(CONFIG_MAPS) if "headgate.dev/revision" in one["metadata"].get("labels", {})]
    name, labels = copy["metadata"]["name"], copy["metadata"]["labels"]
    world.api.remove(CONFIG_MAPS, name)
    half = {key: value for key, value in labels.items() if key.startswith("headgate.dev/")}
    world.api.put(
        CONFIG_MAPS, {"metadata": {"name": name, "namespace": "lending", "labels": half}, **{k: copy[k] for k in ("data", "immutable")}}
    )
    pass_some(world)
    words = f"ConfigMap {name} is there already and is not Headgate's: delete or rename it"
    assert (Reason.WORKLOAD_REFUSED, words) in {(reason, words) for reason, message in told(world, words)}


HELD = [
    (DEPLOYMENTS, thing("credit-0a1b2c3d", spec={"replicas": 2})),
    (HORIZONTAL_POD_AUTOSCALERS, thing("credit-0a1b2c3d", spec={"minReplicas": 2, "maxReplicas": 8})),
    (SERVICES, thing("credit-0a1b2c3d", spec={"ports": [{"port": 8080}]})),
    (CONFIG_MAPS, thing("credit-0a1b2c3d-limits", data={"limit": "9"})),
    (HTTP_ROUTES, thing("credit", spec={"rules": []})),
]


def labelled(body: Object, labels: dict[str, str], version: int) -> Object:
    return {**body, "metadata": {**body["metadata"], "labels": labels, "resourceVersion": str(version)}}


@pytest.mark.parametrize(("resource", "body"), HELD, ids=[resource.plural for resource, _ in HELD])
@pytest.mark.parametrize("left", ["headgate.dev/model", "app.kubernetes.io/managed-by"])
def test_one_of_the_two_labels_makes_nothing_headgates(resource: Resource, body: Object, left: str) -> None:
    known = cache()
    one_less = {name: value for name, value in LABELS.items() if name != left}
    assert known.put(resource, labelled(body, one_less, 1)) == set()
    assert (known.owned(KEY), known.orphans) == (Owned(), set())
    assert known.put(resource, labelled(body, LABELS, 2)) == {KEY}
    assert known.owned(KEY).objects
    assert known.put(resource, labelled(body, one_less, 3)) == {KEY}, "it was, and is not any more"
    assert known.owned(KEY) == Owned()


def test_a_policy_copy_whose_text_its_name_does_not_say_is_none() -> None:
    known = cache()
    labels = {name: value for name, value in LABELS.items() if name != "headgate.dev/revision"}
    ours = labelled(thing("credit-policy-44136fa3", data={POLICY_KEY: "{}"}), labels, 1)
    assert known.put(CONFIG_MAPS, ours) == {KEY}
    assert known.owned(KEY).copies == {"credit-policy-44136fa3": "{}"}
    assert known.put(CONFIG_MAPS, {**labelled(ours, labels, 2), "data": {POLICY_KEY: json.dumps(LENIENT)}}) == {KEY}
    assert known.owned(KEY).copies == {}


def test_a_route_of_another_name_is_not_the_models() -> None:
    known = cache()
    assert known.put(HTTP_ROUTES, labelled(thing("credit", spec={"rules": []}), LABELS, 1)) == {KEY}
    before = known.owned(KEY).route
    known.put(HTTP_ROUTES, labelled(thing("other", uid="o", spec={"rules": [{"backendRefs": []}]}), LABELS, 2))
    assert known.owned(KEY).route == before
