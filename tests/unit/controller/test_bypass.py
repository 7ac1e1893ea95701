"""Routes of other people: seen, told at the model that they take users from, and forgotten with them."""

import asyncio
from typing import Any

import pytest
from tests.unit.controller.operator_world import KEY, OperatorWorld

from headgate.controller.bypass import Bypass
from headgate.controller.facts import ModelKey
from headgate.kube.errors import Unavailable
from headgate.kube.interface import Listing
from headgate.kube.resources import AIMODELS, EVENTS, HTTP_ROUTES


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
    found = asyncio.run(world.bypass.look())
    world.settle()
    return found


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
    before = world.bypass.foreign
    assert asyncio.run(world.bypass.look()) == set()
    assert world.bypass.foreign is before


def test_only_watched_namespaces_are_looked_at(world: OperatorWorld) -> None:
    world.api.put(HTTP_ROUTES, other_route())
    bypass = Bypass(world.api, world.cache, lambda keys: None, namespaces=("elsewhere",))
    assert asyncio.run(bypass.look()) == set()
