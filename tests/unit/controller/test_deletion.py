"""AIModels deleted, in every order and at every moment: users keep their answers, and nothing is lost but what was deleted."""

import asyncio
from itertools import permutations
from typing import Any
from unittest.mock import Mock

import pytest
from tests.unit.controller.fake_cluster import CrashError, FakeCluster, Write
from tests.unit.controller.operator_world import KEY, PEOPLE, OperatorWorld, in_canary, live, model_spec

from headgate.api.vocabulary import Verdict
from headgate.controller.orphans import GRACE
from headgate.kube.errors import Forbidden, KubeError, Unavailable
from headgate.kube.resources import (
    AIMODELS,
    CONFIG_MAPS,
    CUSTOM_RESOURCE_DEFINITIONS,
    DEPLOYMENTS,
    GOVERNANCE_APPROVALS,
    HTTP_ROUTES,
    ROLLOUT_POLICIES,
    SERVICES,
)

MADE = (DEPLOYMENTS, SERVICES, CONFIG_MAPS, HTTP_ROUTES)


def owners(api: FakeCluster) -> set[str]:
    """uids of AIModels that anything made for a model belongs to."""
    return {ref["uid"] for kind in MADE for body in api.of(kind) for ref in body["metadata"].get("ownerReferences") or ()}


def names(api: FakeCluster) -> list[str]:
    return sorted(f"{kind.plural}/{body['metadata']['name']}" for kind in MADE for body in api.of(kind))


def revisions(world: OperatorWorld) -> tuple[str, str]:
    """Of the stable version and the candidate."""
    stable, candidate = world.status.stable, world.status.candidate
    assert stable is not None
    assert candidate is not None
    return stable.revision, candidate.revision


def after_its_end(world: OperatorWorld, seconds: float = 120) -> None:
    """Passes over what is left of the model, as the queue would ask for them."""
    for _ in range(int(seconds // 10)):
        world.step()
        world.world_turns()
        world.pass_time(10)


def serves_alone(world: OperatorWorld, revision: str) -> None:
    assert world.weights == {revision: 1000}
    assert names(world.api) == [f"deployments/credit-{revision}", "httproutes/credit", f"services/credit-{revision}"]


def test_a_live_model_is_owned_by_nobody_and_that_is_written_once() -> None:
    world = OperatorWorld()
    world.release("v1")
    world.settle()
    model = world.api.find(AIMODELS, "credit")
    assert model is not None
    assert owners(world.api) == {model["metadata"]["uid"]}
    world.approve()
    world.settle()
    assert owners(world.api) == set(), "from the first user on"
    mark = len(world.api.writes)
    world.pass_time(3600 * 2)
    world.settle()
    assert [write for write in world.since(mark) if write.startswith("patch ") and "deployments" not in write] == []


def test_what_a_deployment_says_of_itself_follows_its_role_and_is_written_once() -> None:
    world = in_canary()
    stable, candidate = revisions(world)
    while world.status.candidate is not None:
        world.measure(verdict=Verdict.PASS, stage_fresh_seconds=3600.0 * 9, stage_requests=10**6)
        world.settle()
        world.pass_time(3600)
    world.settle()
    assert world.status.phase == "Live"
    said = {revision: (world.api.find(DEPLOYMENTS, f"credit-{revision}") or {})["metadata"] for revision in (stable, candidate)}
    assert [said[r]["labels"]["headgate.dev/role"] for r in (stable, candidate)] == ["previous", "stable"]
    assert said[candidate]["annotations"]["headgate.dev/tier"] == "Medium"
    assert said[candidate]["annotations"]["headgate.dev/subject"]
    assert "headgate.dev/tier" not in said[stable]["annotations"], "it is known of the live version alone"
    mark = len(world.api.writes)
    after_its_end(world, 60)
    assert world.since(mark) == []


def test_an_edit_of_the_policy_is_written_once_in_both_directions() -> None:
    world = live()
    everything = len(names(world.api))
    world.release("v1", deletionPolicy="Delete")
    mark = len(world.api.writes)
    world.settle()
    model = world.api.find(AIMODELS, "credit")
    assert model is not None
    assert owners(world.api) == {model["metadata"]["uid"]}
    assert len(world.since(mark)) <= everything + 2, "each object once, the stored manifest beside its Deployment, and the status"
    mark = len(world.api.writes)
    world.settle()
    assert world.since(mark) == []
    world.release("v1", deletionPolicy="Orphan")
    world.settle()
    assert owners(world.api) == set()


def test_users_of_a_candidate_go_back_at_once_and_the_stable_version_goes_on() -> None:
    world = in_canary()
    stable, candidate = revisions(world)
    world.api.remove(AIMODELS, "credit")
    mark = len(world.api.writes)
    world.step()
    assert world.since(mark) == ["apply httproutes"]
    assert world.weights == {stable: 1000}
    after_its_end(world, 20)
    assert world.since(mark) == ["apply httproutes"]
    assert world.api.find(DEPLOYMENTS, f"credit-{candidate}") is not None, "it drains"
    after_its_end(world)
    serves_alone(world, stable)
    events = [write.body for write in world.api.writes if write.plural == "events" and write.body.get("reason") == "Orphaned"]
    assert [(event["regarding"]["kind"], event["type"]) for event in events] == [("HTTPRoute", "Warning")]
    assert world.orphans.serving == {KEY}
    mark = len(world.api.writes)
    after_its_end(world, 600)
    assert world.since(mark) == []


def test_users_go_back_though_nothing_else_can_be_written() -> None:
    world = in_canary()
    stable, _ = revisions(world)
    world.api.remove(AIMODELS, "credit")
    world.api.refuse = lambda write: None if write.plural == "httproutes" else Unavailable("down", status=503)
    world.step()
    assert world.weights == {stable: 1000}


def test_a_model_deleted_while_the_operator_was_away_is_left_as_it_is_and_then_settled() -> None:
    world = in_canary()
    stable, candidate = revisions(world)
    world.api.remove(AIMODELS, "credit")
    world.restart()
    mark = len(world.api.writes)
    after_its_end(world, GRACE - 20)
    assert world.since(mark) == [], "it may still be applied: cluster and operator may be starting together"
    assert world.weights == {stable: 800, candidate: 200}
    after_its_end(world)
    serves_alone(world, stable)


def test_nothing_is_concluded_before_all_models_were_listed() -> None:
    world = in_canary()
    stable, candidate = revisions(world)
    world.api.remove(AIMODELS, "credit")
    world.restart()
    mark = len(world.api.writes)
    for _ in range(100):
        world.list_all()
        world.cache.complete.discard("aimodels")
        asyncio.run(world.reconciler.reconcile(KEY))
        world.pass_time(10)
    assert world.since(mark) == []
    assert world.weights == {stable: 800, candidate: 200}


@pytest.mark.parametrize("how", ["being deleted", "gone", "replaced"])
def test_models_that_vanish_with_their_definition_are_not_taken_for_deleted(how: str) -> None:
    world = in_canary()
    before, weights = names(world.api), world.weights
    name = AIMODELS.qualified
    assert asyncio.run(world.kinds.present_since(world.seconds()))
    if how != "being deleted":
        world.api.remove(CUSTOM_RESOURCE_DEFINITIONS, name, "")
    if how == "replaced":
        world.api.put(CUSTOM_RESOURCE_DEFINITIONS, {"metadata": {"name": name}, "spec": {}})
    if how == "being deleted":
        world.api.put(CUSTOM_RESOURCE_DEFINITIONS, {"metadata": {"name": name, "deletionTimestamp": "2026-03-01T00:00:00Z"}, "spec": {}})
    world.api.remove(AIMODELS, "credit")
    mark = len(world.api.writes)
    after_its_end(world, 2 * GRACE)
    assert world.since(mark) == []
    assert ("were replaced" if how == "replaced" else "missing: aimodels.headgate.dev") in world.kinds.problem
    world.api.put(CUSTOM_RESOURCE_DEFINITIONS, {"metadata": {"name": name, "deletionTimestamp": None}, "spec": {}})
    world.restart()
    after_its_end(world, GRACE - 60)
    assert world.since(mark) == [], "the models are being applied again"
    world.release("v2")
    world.settle()
    assert world.weights == weights
    assert names(world.api) == before
    assert world.status.phase == "Canary"


def test_the_process_ends_when_lost_definitions_are_back() -> None:
    world = in_canary()

    async def scene() -> None:
        task = asyncio.create_task(world.kinds.run())
        await asyncio.sleep(0)
        task.cancel()
        world.api.remove(CUSTOM_RESOURCE_DEFINITIONS, ROLLOUT_POLICIES.qualified, "")
        world.pass_time(1)
        assert not await world.kinds.present_since(world.seconds() - 0.5)
        world.api.put(CUSTOM_RESOURCE_DEFINITIONS, {"metadata": {"name": ROLLOUT_POLICIES.qualified}, "spec": {}})
        await asyncio.wait_for(world.kinds.run(), 5)

    asyncio.run(scene())


def test_rights_of_an_older_chart_do_not_stop_anything() -> None:
    world = in_canary()
    stable, _ = revisions(world)

    async def forbidden(*_: Any) -> Any:
        raise Forbidden("may not get customresourcedefinitions", status=403)

    world.kinds._api = Mock(get=forbidden)
    world.api.remove(AIMODELS, "credit")
    world.step()
    assert world.weights == {stable: 1000}


def test_under_delete_garbage_collection_does_it_all() -> None:
    world = in_canary(deletionPolicy="Delete")
    world.settle()
    world.api.remove(AIMODELS, "credit")
    mark = len(world.api.writes)
    after_its_end(world)
    assert names(world.api) == []
    assert world.since(mark) == []


def test_a_first_version_that_serves_goes_on_serving() -> None:
    world = OperatorWorld()
    world.release("v1")
    world.settle()
    world.approve()
    world.settle()
    (revision,) = world.weights
    world.api.remove(AIMODELS, "credit")
    after_its_end(world)
    serves_alone(world, revision)


def test_under_orphan_what_never_served_anybody_goes() -> None:
    world = OperatorWorld()
    world.release("v1", deletionPolicy="Orphan")
    world.settle()
    assert names(world.api)
    world.api.remove(AIMODELS, "credit")
    after_its_end(world)
    assert names(world.api) == []


def test_users_are_not_moved_to_a_version_without_ready_pods() -> None:
    world = in_canary()
    stable, candidate = revisions(world)
    world.broken = {stable: {"conditions": [{"type": "Ready", "status": "False"}]}}
    world.world_turns()
    world.api.remove(AIMODELS, "credit")
    before = world.weights
    world.step()
    assert world.weights == before
    world.broken = {}
    world.world_turns()
    world.step()
    assert world.weights == {stable: 1000}
    assert world.api.find(DEPLOYMENTS, f"credit-{candidate}") is not None


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


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=lambda order: "".join("mpa"[i] for i in order))
def test_pruning_and_applying_again_in_any_order_moves_no_user_of_a_live_model(order: tuple[int, ...]) -> None:
    world = live()
    before = world.weights
    mark = len(world.api.writes)
    removed = []
    for kind in (KINDS[i] for i in order):
        found = [body["metadata"] for body in world.api.of(kind)]
        removed.extend((kind, world.api.remove(kind, metadata["name"], metadata["namespace"])) for metadata in found)
        after_its_end(world, 60)
    for kind, body in reversed(removed):
        fresh = {"metadata": {key: body["metadata"][key] for key in ("name", "namespace")}, "spec": body["spec"]}
        world.api.put(kind, fresh)
        world.settle()
    assert [write for write in world.api.writes[mark:] if write.plural in ("httproutes", "deployments", "services")] == []
    assert (world.weights, world.status.phase) == (before, "Live")


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


def test_a_namespace_that_is_being_deleted_sees_few_writes_and_no_failure() -> None:
    world = in_canary()

    def terminating(write: Write) -> KubeError | None:
        exists = (write.plural, "lending", write.name) in world.api.objects
        return None if exists and write.verb != "create" else Forbidden("unable to create new content in namespace lending", status=403)

    world.api.refuse = terminating
    mark = len(world.api.writes)
    for kind in (DEPLOYMENTS, SERVICES, HTTP_ROUTES, CONFIG_MAPS):
        for body in world.api.of(kind):
            world.api.remove(kind, body["metadata"]["name"])
            world.step()
            world.world_turns()
    for _ in range(60):
        world.step()
        world.world_turns()
        world.pass_time(10)
    tried = [write for write in world.api.writes[mark:] if write.plural not in ("events", "aimodels", "governanceapprovals")]
    assert len(tried) < 10 * 8, "each object at most about once a minute"
    world.api.remove(AIMODELS, "credit")
    mark = len(world.api.writes)
    after_its_end(world)
    assert world.since(mark) == []


def test_killed_at_any_write_the_end_is_the_same() -> None:
    undisturbed = in_canary()
    stable, _ = revisions(undisturbed)
    undisturbed.api.remove(AIMODELS, "credit")
    mark = len(undisturbed.api.writes)
    after_its_end(undisturbed)
    for number in range(1, len(undisturbed.api.writes) - mark + 1):
        world = in_canary()
        world.api.remove(AIMODELS, "credit")
        world.api.die_after = len(world.api.writes) + number
        with pytest.raises(CrashError):
            after_its_end(world)
        world.api.die_after = None
        world.restart()
        after_its_end(world, GRACE + 120)
        serves_alone(world, stable)


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
