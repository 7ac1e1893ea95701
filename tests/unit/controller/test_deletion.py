"""AIModels deleted at every moment: users keep their answers, and what serves nobody goes."""

import asyncio

import pytest
from tests.unit.controller.aftermath import after_its_end, names, revisions, serves_alone
from tests.unit.controller.fake_cluster import CrashError, Write
from tests.unit.controller.operator_world import KEY, OperatorWorld, in_canary

from headgate.controller.orphans import GRACE
from headgate.kube.errors import Forbidden, KubeError, Unavailable
from headgate.kube.resources import AIMODELS, CONFIG_MAPS, DEPLOYMENTS, HTTP_ROUTES, SERVICES


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


def test_a_namespace_that_is_being_deleted_sees_few_writes_and_no_failure() -> None:
    world = in_canary()

    def terminating(write: Write) -> KubeError | None:
        exists = (write.plural, "lending", write.name) in world.api.objects
        elsewhere = write.name.startswith("headgate-audit")
        return (
            None
            if elsewhere or (exists and write.verb != "create")
            else Forbidden("unable to create new content in namespace lending", status=403)
        )

    world.api.refuse = terminating
    mark = len(world.api.writes)
    for kind in (DEPLOYMENTS, SERVICES, HTTP_ROUTES, CONFIG_MAPS):
        for body in [body for body in world.api.of(kind) if body["metadata"]["namespace"] == "lending"]:
            world.api.remove(kind, body["metadata"]["name"])
            world.step()
            world.world_turns()
    for _ in range(60):
        world.step()
        world.world_turns()
        world.pass_time(10)
    tried = [write for write in world.api.writes[mark:] if write.plural not in ("events", "aimodels") and write.name.startswith("credit")]
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
