"""Failover and foreign edits as they reach the route."""

from copy import deepcopy
from typing import Any

from tests.unit.controller.operator_world import KEY, OperatorWorld, in_canary, live, model_spec

from headgate.kube.resources import HTTP_ROUTES

RULES = {"service": "credit-rules", "port": 8000}
NOT_READY = {"conditions": [{"type": "Ready", "status": "False"}]}


def with_fallback() -> dict[str, Any]:
    return {"serving": model_spec("v1")["serving"] | {"fallback": RULES}}


def without_pods() -> OperatorWorld:
    """v1 is live and has lost its pods, and there is a fallback."""
    world = live()
    world.release("v1", **with_fallback())
    world.settle()
    world.broken[stable(world)] = NOT_READY
    world.world_turns()
    world.step()
    return world


def stable(world: OperatorWorld) -> str:
    assert world.status.stable is not None
    return world.status.stable.revision


def backends(world: OperatorWorld) -> list[dict[str, Any]]:
    route = world.api.find(HTTP_ROUTES, KEY.name)
    assert route is not None
    refs = route["spec"]["rules"][0]["backendRefs"]
    return [{key: ref[key] for key in ("name", "port", "weight")} for ref in refs]


def test_the_fallback_is_a_destination_like_any_other() -> None:
    world = without_pods()
    assert backends(world) == [
        {"name": "credit-rules", "port": 8000, "weight": 999},
        {"name": "credit-rules", "port": 8000, "weight": 1},
    ]


def test_users_go_to_the_fallback_before_anything_else_is_written() -> None:
    world = live()
    world.release("v1", **with_fallback())
    world.settle()
    world.broken[stable(world)] = NOT_READY
    world.world_turns()
    mark = len(world.api.writes)
    world.step()
    assert world.since(mark)[0] == "apply httproutes"


def test_a_trial_has_the_version_in_its_usual_place_and_the_fallback_after_it() -> None:
    world = without_pods()
    world.broken.clear()
    world.world_turns()
    world.pass_time(31)
    world.step()
    assert backends(world) == [
        {"name": f"credit-{stable(world)}", "port": 8080, "weight": 100},
        {"name": "credit-rules", "port": 8000, "weight": 900},
    ]


def test_an_unreadable_spec_changes_nothing_about_a_fallback_in_use() -> None:
    world = without_pods()
    before = backends(world)
    world.release("v1", traffic={"parentRefs": []})
    world.step()
    assert backends(world) == before


def moving(world: OperatorWorld) -> str:
    assert world.status.candidate is not None
    return world.status.candidate.revision


def shares_written(world: OperatorWorld) -> str | None:
    """What the route says that Headgate wrote."""
    route = world.api.find(HTTP_ROUTES, KEY.name)
    assert route is not None
    written: str | None = (route["metadata"].get("annotations") or {}).get("headgate.dev/shares")
    return written


def edited(world: OperatorWorld, stable_weight: int, candidate_weight: int) -> None:
    """Somebody edits the weights in the route."""
    route = deepcopy(world.api.find(HTTP_ROUTES, KEY.name))
    assert route is not None
    for ref, weight in zip(route["spec"]["rules"][0]["backendRefs"], (stable_weight, candidate_weight), strict=True):
        ref["weight"] = weight
    entry = {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:spec": {"f:rules": {}}}}
    route["metadata"]["managedFields"] = [entry]
    world.api.put(HTTP_ROUTES, route)


def test_an_edit_of_the_route_that_lowers_the_candidate_is_a_halt() -> None:
    world = in_canary()
    world.settle()
    edited(world, 990, 10)
    world.step()
    assert world.weights == {stable(world): 1000}
    assert [(b.cause, b.by) for b in world.status.blocked] == [("Halt", "kubectl-edit")]


def test_an_edit_of_the_route_that_raises_the_candidate_is_written_back() -> None:
    world = in_canary()
    world.settle()
    before = world.weights
    edited(world, 100, 900)
    world.step()
    assert world.weights == before
    assert not world.status.blocked


def test_what_somebody_wrote_elsewhere_in_the_route_is_no_halt() -> None:
    world = in_canary()
    world.settle()
    edited(world, 800, 200)
    world.step()
    assert not world.status.blocked


def test_a_stop_by_hand_counts_before_the_gateway_has_confirmed_the_stage() -> None:
    world = live()
    world.release("v2")
    world.settle()
    world.approve()
    world.gateway_answers = False
    world.settle()
    candidate = world.status.candidate
    assert candidate is not None
    assert candidate.stage is not None
    assert candidate.stage.effective is None
    assert world.weights == {stable(world): 800, candidate.revision: 200}
    edited(world, 1, 0)
    world.step()
    assert world.weights == {stable(world): 1000}
    assert [(b.cause, b.by) for b in world.status.blocked] == [("Halt", "kubectl-edit")]


def test_a_route_with_two_versions_says_which_shares_headgate_wrote_and_one_at_rest_says_nothing() -> None:
    world = in_canary()
    world.settle()
    edited(world, 990, 10)
    assert shares_written(world) == f'{{"{stable(world)}":800,"{moving(world)}":200}}'
    world.settle()
    assert shares_written(world) is None
