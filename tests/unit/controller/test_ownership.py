"""Whose the objects are that were made for a model, and what they say of themselves: written once, and only when it changes."""

from tests.unit.controller.aftermath import MADE, after_its_end, names, revisions
from tests.unit.controller.fake_cluster import FakeCluster
from tests.unit.controller.operator_world import OperatorWorld, in_canary, live

from headgate.api.vocabulary import Verdict
from headgate.kube.resources import AIMODELS, DEPLOYMENTS


def owners(api: FakeCluster) -> set[str]:
    """uids of AIModels that anything made for a model belongs to."""
    return {ref["uid"] for kind in MADE for body in api.of(kind) for ref in body["metadata"].get("ownerReferences") or ()}


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
    patched = {write.plural for write in world.api.writes[mark:] if write.verb == "patch" and write.name.startswith("credit")}
    assert patched <= {"deployments", "events"}


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


def test_under_delete_garbage_collection_does_it_all() -> None:
    world = in_canary(deletionPolicy="Delete")
    world.settle()
    world.api.remove(AIMODELS, "credit")
    mark = len(world.api.writes)
    after_its_end(world)
    assert names(world.api) == []
    assert world.since(mark) == []
