"""What was deleted, pruned or restored and is applied again: it goes on where users are, and nobody approves twice."""

from itertools import permutations
from typing import Any

import pytest
from tests.unit.controller.aftermath import after_its_end, names, revisions
from tests.unit.controller.operator_world import PEOPLE, OperatorWorld, in_canary, live, model_spec

from headgate.kube.interface import Object
from headgate.kube.resources import AIMODELS, DEPLOYMENTS, GOVERNANCE_APPROVALS, ROLLOUT_POLICIES, SERVICES, Resource


def test_applied_again_it_goes_on_under_a_new_attempt_and_ends_live() -> None:
    world = in_canary()
    stable, _ = revisions(world)
    world.api.remove(AIMODELS, "credit")
    after_its_end(world)
    world.release("v2")
    world.settle()
    status = world.status
    assert status.stable is not None
    assert (status.stable.revision, status.stable.version) == (stable, "v1")
    assert status.attempts == 3, "numbers of attempts are not used twice"
    assert world.orphans.serving == set()
    # The approvals survived, so it is in its first stage already.
    assert world.weights[stable] == 800


def test_applied_again_before_anybody_noticed_it_stays_where_it_was() -> None:
    world = in_canary()
    before, weights = names(world.api), world.weights
    world.api.remove(AIMODELS, "credit")
    world.release("v2")
    world.settle()
    assert (world.weights, names(world.api), world.status.phase) == (weights, before, "Canary")


KINDS = (AIMODELS, ROLLOUT_POLICIES, GOVERNANCE_APPROVALS)


in_any_order = pytest.mark.parametrize("order", list(permutations(KINDS)), ids=lambda order: "".join(kind.kind[0] for kind in order))


@in_any_order
def test_pruning_and_applying_again_in_any_order_moves_no_user_of_a_live_model(order: tuple[Resource, ...]) -> None:
    world = live()
    before = world.weights
    mark = len(world.api.writes)
    for kind, bodies in [(kind, pruned(world, kind)) for kind in order][::-1]:
        applied(world, kind, bodies)
    assert [write for write in world.api.writes[mark:] if write.plural in ("httproutes", "deployments", "services")] == []
    assert (world.weights, world.status.phase) == (before, "Live")


@in_any_order
def test_pruning_and_applying_again_in_any_order_costs_a_canary_its_users_and_nothing_else(order: tuple[Resource, ...]) -> None:
    """Its users go back to the stable version with the model, and come again once everything that let them come is there again."""
    world = in_canary()
    stable, candidate = revisions(world)
    before, removed = names(world.api), []
    for kind in order:
        removed.append((kind, pruned(world, kind)))
        gone = AIMODELS in [kind for kind, _ in removed]
        assert world.weights == ({stable: 1000} if gone else {stable: 800, candidate: 200})
    for kind, bodies in reversed(removed):
        assert world.weights == {stable: 1000}, "nobody let them come yet"
        applied(world, kind, bodies)
        assert world.api.find(DEPLOYMENTS, f"credit-{stable}")["spec"]["replicas"] > 0  # type: ignore[index]
    status = world.status
    assert status.stable is not None
    assert (status.stable.revision, status.stable.version, status.phase) == (stable, "v1", "Canary")
    assert world.weights == {stable: 800, candidate: 200}
    assert names(world.api) == before


def pruned(world: OperatorWorld, kind: Resource) -> list[Object]:
    """What was there of `kind`, a minute after somebody deleted it."""
    found = [body["metadata"] for body in world.api.of(kind)]
    removed = [world.api.remove(kind, metadata["name"], metadata["namespace"]) for metadata in found]
    after_its_end(world, 60)
    return removed


def applied(world: OperatorWorld, kind: Resource, bodies: list[Object]) -> None:
    """What somebody wrote of them is there again, and nothing that anybody else did."""
    for body in bodies:
        world.api.put(kind, {"metadata": {key: body["metadata"][key] for key in ("name", "namespace")}, "spec": body["spec"]})
        world.settle()


@pytest.mark.parametrize("kind", [ROLLOUT_POLICIES, GOVERNANCE_APPROVALS], ids=["policy", "approvals"])
def test_a_canary_holds_while_its_policy_or_approvals_are_pruned(kind: Any) -> None:
    world = in_canary()
    before = world.weights
    removed = [world.api.remove(kind, b["metadata"]["name"], b["metadata"]["namespace"]) for b in world.api.of(kind)]
    after_its_end(world, 600)
    assert world.weights == before
    for body in removed:
        world.api.put(kind, body)
    world.settle()
    assert (world.weights, world.status.phase) == (before, "Canary")


def test_a_restored_status_without_deployments_is_served_from_the_baseline() -> None:
    world = live()
    stable = world.status.stable
    assert stable is not None
    v1 = model_spec("v1")
    pinned = {"version": "v1", "artifact": v1["artifact"], "deployment": v1["serving"]["deployment"]}
    world.release("v2", serving=model_spec("v2")["serving"] | {"baseline": pinned})
    for kind in (DEPLOYMENTS, SERVICES):
        for body in world.api.of(kind):
            world.api.remove(kind, body["metadata"]["name"])
    world.settle()
    assert world.api.find(DEPLOYMENTS, f"credit-{stable.revision}") is not None
    assert world.weights == {stable.revision: 1000}


def test_everybody_who_approved_is_still_counted_after_a_rebuild() -> None:
    world = in_canary()
    world.api.remove(AIMODELS, "credit")
    world.release("v2")
    world.settle()
    gate = world.status.candidate.gate  # type: ignore[union-attr]
    assert gate is not None
    assert gate.open
    assert len(gate.counted) == len(PEOPLE)
