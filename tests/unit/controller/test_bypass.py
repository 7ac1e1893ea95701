"""Routes and Services of other people: seen, told at the model that they take users from, and forgotten with them."""

import asyncio
from typing import Any

import pytest
from tests.unit.controller.operator_world import KEY, OperatorWorld

from headgate.controller.bypass import Bypass
from headgate.controller.facts import ModelKey
from headgate.kube.errors import Unavailable
from headgate.kube.interface import Listing
from headgate.kube.resources import AIMODELS, EVENTS, HTTP_ROUTES, PODS, SERVICES, Resource


def other_route(name: str = "other", *, service: str = "own", host: str = "credit.example") -> dict[str, Any]:
    spec = {
        "parentRefs": [{"name": "public", "namespace": "gateways"}],
        "hostnames": [host],
        "rules": [{"backendRefs": [{"name": service, "port": 80}]}],
    }
    return {"metadata": {"name": name, "namespace": KEY.namespace}, "spec": spec}


@pytest.fixture
def world() -> OperatorWorld:
    world = OperatorWorld()
    world.release("v1")
    world.settle()
    return world


def look(world: OperatorWorld) -> set[ModelKey]:
    async def both() -> set[ModelKey]:
        await world.bypass.read_services()
        return await world.bypass.look()

    found = asyncio.run(both())
    world.settle()
    return found


def other_service(selector: dict[str, str], labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    metadata = {"name": "own", "namespace": KEY.namespace, "labels": labels or {}}
    return {"metadata": metadata, "spec": {"selector": selector, "ports": [{"port": 80}], **spec}}


def told(world: OperatorWorld) -> str:
    conditions = world.api.find(AIMODELS, KEY.name)["status"]["conditions"]  # type: ignore[index]
    return next((one["message"] for one in conditions if one["type"] == "TrafficBypass"), "")


def test_the_operators_own_route_is_no_way_around(world: OperatorWorld) -> None:
    assert look(world) == set()
    assert told(world) == ""


def test_a_route_on_the_models_host_is_a_condition_and_an_event_until_it_is_gone(world: OperatorWorld) -> None:
    world.api.put(HTTP_ROUTES, other_route())
    assert look(world) == {KEY}
    assert "lending/other" in told(world)
    events = [event for event in world.api.of(EVENTS) if event["reason"] == "TrafficBypass"]
    assert len(events) == 1
    assert look(world) == set(), "nothing new"
    del world.api.objects[HTTP_ROUTES.plural, KEY.namespace, "other"]
    assert look(world) == {KEY}
    assert told(world) == ""


@pytest.mark.parametrize("kind", ["backend", "mirror", "mirror of a backend"])
def test_a_route_to_a_version_itself_is_told(world: OperatorWorld, kind: str) -> None:
    [service] = [name for resource, _, name in world.api.objects if resource == "services"]
    ref = {"name": service, "port": 80}
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": ref}}
    rule: dict[str, Any] = {
        "backend": {"backendRefs": [ref]},
        "mirror": {"backendRefs": [{"name": "own", "port": 80}], "filters": [mirror]},
        "mirror of a backend": {"backendRefs": [{"name": "own", "port": 80, "filters": [mirror]}]},
    }[kind]
    body = other_route(host="elsewhere.example")
    body["spec"]["rules"] = [rule]
    world.api.put(HTTP_ROUTES, body)
    assert look(world) == {KEY}
    assert f"to Service {service}" in told(world)


def test_routes_that_concern_no_model_decide_nothing_anew(world: OperatorWorld) -> None:
    world.api.put(HTTP_ROUTES, other_route(host="elsewhere.example"))
    assert look(world) == set()


def test_while_nobody_can_be_asked_the_last_answer_stands(world: OperatorWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world.api.put(HTTP_ROUTES, other_route())
    look(world)

    async def down(*_: Any, **__: Any) -> Listing:
        raise Unavailable("down", status=503)

    monkeypatch.setattr(world.api, "list", down)
    before = world.bypass.ways
    asyncio.run(world.bypass.read_services())
    assert asyncio.run(world.bypass.look()) == set()
    assert world.bypass.ways is before


def test_only_watched_namespaces_are_looked_at(world: OperatorWorld) -> None:
    world.api.put(HTTP_ROUTES, other_route())
    bypass = Bypass(world.api, world.cache, lambda keys: None, namespaces=("elsewhere",))
    assert asyncio.run(bypass.look()) == set()


@pytest.mark.parametrize("labels", [{}, {"app.kubernetes.io/managed-by": "headgate"}, {"headgate.dev/model": "credit"}], ids=str)
def test_a_service_of_ones_own_with_a_route_of_ones_own_is_told_until_one_of_them_is_gone(
    world: OperatorWorld, labels: dict[str, str]
) -> None:
    world.api.put(SERVICES, other_service({"headgate.dev/model": KEY.name}, labels))
    assert look(world) == set(), "nothing leads to it"
    world.api.put(HTTP_ROUTES, other_route(host="elsewhere.example"))
    assert look(world) == {KEY}
    assert "Service lending/own selects pods of" in told(world)
    assert look(world) == set(), "nothing new"
    del world.api.objects[HTTP_ROUTES.plural, KEY.namespace, "other"]
    assert look(world) == {KEY}
    assert told(world) == ""


def test_labels_that_somebody_put_on_a_pod_select_it_as_well(world: OperatorWorld) -> None:
    world.api.put(SERVICES, other_service({"mine": "yes"}, type="NodePort"))
    assert look(world) == set()
    pod = next(body for (plural, _, _), body in world.api.objects.items() if plural == PODS.plural)
    world.api.put(PODS, {**pod, "metadata": {**pod["metadata"], "labels": {**pod["metadata"]["labels"], "mine": "yes"}}})
    world.settle()
    assert "it is of type NodePort" in told(world)


@pytest.mark.parametrize("labels", [{}, {"app.kubernetes.io/managed-by": "headgate"}], ids=str)
def test_a_route_that_pretends_to_be_headgates_is_seen_all_the_same(world: OperatorWorld, labels: dict[str, str]) -> None:
    body = other_route()
    world.api.put(HTTP_ROUTES, {**body, "metadata": {**body["metadata"], "labels": labels}})
    assert look(world) == {KEY}


def test_each_look_asks_for_as_many_lists_however_many_models_there_are(world: OperatorWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    pages = world.api.pages

    def counted(resource: Resource, *args: Any, **fields: Any) -> Any:
        asked.append(resource.plural)
        return pages(resource, *args, **fields)

    monkeypatch.setattr(world.api, "pages", counted)
    look(world)
    assert asked == [SERVICES.plural] * 2 + [HTTP_ROUTES.plural] * 2
