"""AIModels that hang in their deletion: nobody judges their candidate, so its users leave it. Nothing is deleted before they are gone."""

from itertools import permutations
from typing import Any

import pytest
from tests.unit.controller.aftermath import after_its_end, names, revisions, serves_alone
from tests.unit.controller.operator_world import OperatorWorld, in_canary

from headgate.controller.intake import Intake
from headgate.controller.queue import Priority
from headgate.kube.errors import Conflict
from headgate.kube.resources import AIMODELS, CONFIG_MAPS, CUSTOM_RESOURCE_DEFINITIONS, DEPLOYMENTS, HTTP_ROUTES, SERVICES

FOREIGN = "backup.example/protect"


def being_deleted(world: OperatorWorld, *finalizers: str) -> dict[str, Any]:
    """Somebody deleted the model; finalizers keep it."""
    model = world.api.find(AIMODELS, "credit")
    assert model is not None
    marks = {"deletionTimestamp": "2026-03-01T00:00:00Z", "finalizers": list(finalizers)}
    return world.api.put(AIMODELS, {**model, "metadata": {**model["metadata"], **marks}})


def told(world: OperatorWorld) -> list[dict[str, Any]]:
    bodies = [dict(write.body) for write in world.api.writes if write.plural == "events"]
    return [body for body in bodies if body.get("reason") == "Orphaned"]


def route_of(world: OperatorWorld) -> dict[str, Any]:
    route = world.api.find(HTTP_ROUTES, "credit")
    assert route is not None
    return route


def test_users_leave_the_candidate_at_once_and_nothing_is_deleted_before_the_model_is_gone() -> None:
    world = in_canary()
    stable, _ = revisions(world)
    before = names(world.api)
    being_deleted(world, FOREIGN)
    mark = len(world.api.writes)
    world.step()
    assert world.since(mark) == ["apply httproutes"]
    assert world.weights == {stable: 1000}
    after_its_end(world, 900)
    assert world.since(mark) == ["apply httproutes"]
    assert names(world.api) == before
    assert world.orphans.serving == set(), "it is not gone"
    world.api.remove(AIMODELS, "credit")
    after_its_end(world)
    serves_alone(world, stable)


def test_people_are_told_on_the_model_what_keeps_it() -> None:
    world = in_canary()
    uid = being_deleted(world, FOREIGN)["metadata"]["uid"]
    after_its_end(world, 60)
    (event,) = told(world)
    assert (event["regarding"]["kind"], event["regarding"]["uid"], event["type"]) == ("AIModel", uid, "Warning")
    assert FOREIGN in event["note"]


def test_a_process_that_starts_later_does_not_wait() -> None:
    world = in_canary()
    stable, _ = revisions(world)
    being_deleted(world, FOREIGN)
    world.restart()
    world.step()
    assert world.weights == {stable: 1000}


def test_users_are_not_moved_to_a_version_without_ready_pods() -> None:
    world = in_canary()
    stable, _ = revisions(world)
    world.broken = {stable: {"conditions": [{"type": "Ready", "status": "False"}]}}
    world.world_turns()
    before = world.weights
    being_deleted(world, FOREIGN)
    world.step()
    assert world.weights == before
    world.broken = {}
    world.world_turns()
    world.step()
    assert world.weights == {stable: 1000}


def test_what_garbage_collection_is_to_take_stays_the_models() -> None:
    world = in_canary(deletionPolicy="Delete")
    stable, _ = revisions(world)
    owners = route_of(world)["metadata"]["ownerReferences"]
    being_deleted(world, FOREIGN)
    mark = len(world.api.writes)
    after_its_end(world, 60)
    assert world.since(mark) == ["apply httproutes"]
    assert world.weights == {stable: 1000}
    assert route_of(world)["metadata"]["ownerReferences"] == owners
    world.api.remove(AIMODELS, "credit")
    after_its_end(world)
    assert names(world.api) == []


@pytest.mark.parametrize(
    "order", list(permutations((DEPLOYMENTS, SERVICES, HTTP_ROUTES))), ids=lambda order: "-".join(k.plural for k in order)
)
def test_nothing_is_written_while_garbage_collection_deletes_in_the_foreground(order: tuple[Any, ...]) -> None:
    world = in_canary(deletionPolicy="Delete")
    being_deleted(world, FOREIGN, "foregroundDeletion")
    mark = len(world.api.writes)
    for kind in (*order, CONFIG_MAPS):
        world.step()
        for name in [body["metadata"]["name"] for body in world.api.of(kind) if body["metadata"]["namespace"] == "lending"]:
            world.api.remove(kind, name)
            world.step()
            world.world_turns()
    after_its_end(world, 60)
    assert world.since(mark) == []
    world.api.remove(AIMODELS, "credit")
    after_its_end(world)
    assert names(world.api) == []


def test_nor_while_it_takes_the_owners_away() -> None:
    world = in_canary(deletionPolicy="Delete")
    stable, _ = revisions(world)
    being_deleted(world, "orphan")
    mark = len(world.api.writes)
    world.step()
    assert world.since(mark) == []
    for kind in (DEPLOYMENTS, SERVICES, HTTP_ROUTES, CONFIG_MAPS):
        for body in [body for body in world.api.of(kind) if body["metadata"]["namespace"] == "lending"]:
            world.api.put(kind, {**body, "metadata": {**body["metadata"], "ownerReferences": []}})
    world.api.remove(AIMODELS, "credit")
    after_its_end(world)
    serves_alone(world, stable)


def test_a_route_that_went_in_that_moment_is_not_made_again() -> None:
    world = in_canary()
    being_deleted(world, FOREIGN)
    world.list_all()
    world.api.remove(HTTP_ROUTES, "credit")
    world.list_all = lambda: None  # type: ignore[method-assign]
    with pytest.raises(Conflict):
        world.step()
    assert world.api.find(HTTP_ROUTES, "credit") is None


def test_models_that_go_with_their_definition_stay_as_they_are() -> None:
    world = in_canary()
    before = world.weights
    marks = {"name": AIMODELS.qualified, "deletionTimestamp": "2026-03-01T00:00:00Z"}
    world.api.put(CUSTOM_RESOURCE_DEFINITIONS, {"metadata": marks, "spec": {}})
    being_deleted(world, FOREIGN)
    mark = len(world.api.writes)
    after_its_end(world, 600)
    assert world.since(mark) == []
    assert world.weights == before


def test_it_comes_before_everything_else_in_the_queue() -> None:
    world = in_canary()
    world.list_all()
    added: list[tuple[Any, Priority]] = []
    world.queue.add = lambda key, priority: added.append((key, priority))  # type: ignore[method-assign,assignment]
    intake = Intake(world.api, world.cache, world.queue)  # type: ignore[arg-type]
    intake.take(AIMODELS, {"type": "MODIFIED", "object": being_deleted(world, FOREIGN)})
    assert [priority for _, priority in added] == [Priority.HARM]
