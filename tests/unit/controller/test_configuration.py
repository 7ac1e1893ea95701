"""ConfigMaps as part of a revision: read before a decision, copied before pods, kept as long as the revision; and stored manifests."""

import asyncio
from typing import Any

import pytest
from tests.unit.controller.operator_world import KEY, OperatorWorld, live, model_spec, serving

from headgate.api.reasons import Reason
from headgate.kube.errors import Conflict
from headgate.kube.resources import CONFIG_MAPS, CONTROLLER_REVISIONS, DEPLOYMENTS, SERVICES, Resource
from headgate.rollout.configuration import Reference, Source

LIMITS = Reference(Source.CONFIG_MAP, "limits")


def write_limits(world: OperatorWorld, value: str, **more: Any) -> None:
    world.api.put(CONFIG_MAPS, {"metadata": {"name": "limits", "namespace": "lending"}, "data": {"max": value}, **more})


def configured(value: str = "1") -> OperatorWorld:
    """v1 is live and reads the ConfigMap limits."""
    world = OperatorWorld()
    write_limits(world, value)
    world.release("v1", serving=serving())
    go_live(world)
    return world


def go_live(world: OperatorWorld) -> None:
    world.settle()
    world.approve()
    world.settle()
    world.pass_time(2 * 3600)
    world.settle()
    assert world.status.phase == "Live", world.status.conditions


def mounted(world: OperatorWorld, revision: str) -> str:
    """The ConfigMap that a revision's pods mount."""
    found = world.api.find(DEPLOYMENTS, f"credit-{revision}")
    assert found is not None
    return str(found["spec"]["template"]["spec"]["volumes"][0]["configMap"]["name"])


def stable(world: OperatorWorld) -> str:
    assert world.status.stable is not None
    return world.status.stable.revision


def told(world: OperatorWorld) -> dict[Reason, str]:
    return {condition.reason: condition.message for condition in world.status.conditions}


def test_pods_read_an_immutable_copy_that_is_there_before_them() -> None:
    world = configured()
    name = mounted(world, stable(world))
    copy = world.api.find(CONFIG_MAPS, name)
    assert copy is not None
    assert (copy["data"], copy["immutable"]) == ({"max": "1"}, True)
    assert copy["metadata"]["labels"] == {
        "app.kubernetes.io/managed-by": "headgate",
        "headgate.dev/model": "credit",
        "headgate.dev/revision": stable(world),
    }
    assert not copy["metadata"].get("ownerReferences"), "it outlives the model as the pods do"
    made = [(write.plural, write.name) for write in world.api.writes]
    assert made.index(("configmaps", name)) < made.index(("deployments", f"credit-{stable(world)}"))


def test_an_edit_is_a_new_version_with_its_gate_and_leaves_running_pods_alone() -> None:
    world = configured()
    before, deployment = stable(world), world.api.find(DEPLOYMENTS, f"credit-{stable(world)}")
    write_limits(world, "2")
    world.settle()
    candidate = world.status.candidate
    assert candidate is not None
    assert (candidate.kind, world.status.phase) == ("Rollout", "AwaitingDeployment")
    assert candidate.revision != before
    assert world.api.find(DEPLOYMENTS, f"credit-{before}") == deployment
    copies = [world.api.find(CONFIG_MAPS, mounted(world, revision)) for revision in (before, candidate.revision)]
    assert [copy and copy["data"] for copy in copies] == [{"max": "1"}, {"max": "2"}]


def test_an_edit_that_is_taken_back_is_the_stable_version_again() -> None:
    world = configured()
    write_limits(world, "2")
    world.settle()
    write_limits(world, "1")
    world.settle()
    assert (world.status.phase, world.status.candidate, world.status.blocked) == ("Live", None, ())


def test_new_labels_on_a_configmap_are_no_new_version() -> None:
    world = configured()
    mark = len(world.api.writes)
    metadata = {"name": "limits", "namespace": "lending", "labels": {"team": "credit"}}
    world.api.put(CONFIG_MAPS, {"metadata": metadata, "data": {"max": "1"}})
    world.settle()
    assert world.since(mark) == []


def test_a_rollback_finds_the_old_data() -> None:
    world = configured()
    old = stable(world)
    write_limits(world, "2")
    world.settle()
    world.approve()
    world.settle()
    world.decide("Halt")
    world.settle()
    assert world.weights == {old: 1000}
    assert (world.api.find(CONFIG_MAPS, mounted(world, old)) or {})["data"] == {"max": "1"}


def test_a_missing_configmap_is_named_and_nothing_starts_until_it_is_there() -> None:
    world = OperatorWorld()
    world.release("v1", serving=serving())
    world.settle()
    assert "ConfigMap limits" in told(world)[Reason.CONFIGURATION_MISSING]
    assert "namespace lending" in told(world)[Reason.CONFIGURATION_MISSING]
    assert (world.status.attempts, world.api.of(DEPLOYMENTS)) == (0, [])
    write_limits(world, "1")
    world.settle()
    assert world.status.attempts == 1


def test_a_deleted_original_takes_nothing_from_users() -> None:
    world = configured()
    before, deployments = world.weights, world.api.of(DEPLOYMENTS)
    del world.api.objects[("configmaps", "lending", "limits")]
    world.settle()
    assert Reason.CONFIGURATION_MISSING in told(world)
    assert (world.weights, world.api.of(DEPLOYMENTS)) == (before, deployments)


def test_an_optional_configmap_may_be_absent_and_its_coming_is_a_new_version() -> None:
    world = OperatorWorld()
    world.release("v1", serving=serving(optional=True))
    go_live(world)
    old = stable(world)
    assert mounted(world, old) == f"credit-{old}-none"
    write_limits(world, "1")
    world.settle()
    assert world.status.candidate is not None
    assert mounted(world, old) == f"credit-{old}-none", "running pods do not see it appear"


def test_what_was_kept_for_a_revision_goes_with_it_and_not_before() -> None:
    world = configured()
    write_limits(world, "2")
    world.settle()
    candidate = world.status.candidate
    assert candidate is not None
    name = mounted(world, candidate.revision)
    write_limits(world, "1")
    world.step()
    assert world.api.find(CONFIG_MAPS, name) is not None, "its pods drain"
    world.settle()
    world.pass_time(31)
    world.settle()
    assert world.api.find(CONFIG_MAPS, name) is None
    assert [one["metadata"]["name"] for one in world.api.of(CONTROLLER_REVISIONS)] == [f"credit-{stable(world)}"]
    assert world.api.find(CONFIG_MAPS, mounted(world, stable(world))) is not None


def test_an_edit_between_reading_and_copying_is_decided_on_anew() -> None:
    world = OperatorWorld()
    write_limits(world, "1")
    world.release("v1", serving=serving())
    world.list_all()
    asyncio.run(world.configurations.load(KEY))
    write_limits(world, "2")
    with pytest.raises(Conflict, match="limits was changed"):
        asyncio.run(world.reconciler.reconcile(KEY))
    assert world.api.of(DEPLOYMENTS) == []
    world.settle()
    candidate = world.status.candidate
    assert candidate is not None
    assert (world.api.find(CONFIG_MAPS, mounted(world, candidate.revision)) or {})["data"] == {"max": "2"}


def test_a_configmap_that_somebody_put_in_the_place_of_a_copy_is_not_used() -> None:
    world = configured()
    name = mounted(world, stable(world))
    revision = stable(world)
    again = OperatorWorld()
    write_limits(again, "1")
    again.api.put(CONFIG_MAPS, {"metadata": {"name": name, "namespace": "lending"}, "data": {"max": "unapproved"}})
    again.release("v1", serving=serving())
    again.settle(most=40)
    assert again.api.find(DEPLOYMENTS, f"credit-{revision}") is None
    assert "not Headgate's" in told(again)[Reason.WORKLOAD_REFUSED]


def test_a_copy_that_was_deleted_is_made_again_from_an_unchanged_original() -> None:
    world = configured()
    name = mounted(world, stable(world))
    del world.api.objects[("configmaps", "lending", name)]
    world.settle()
    assert (world.api.find(CONFIG_MAPS, name) or {})["data"] == {"max": "1"}


def test_a_copy_that_cannot_be_made_again_is_told() -> None:
    world = configured()
    name = mounted(world, stable(world))
    write_limits(world, "2")
    world.settle()
    del world.api.objects[("configmaps", "lending", name)]
    world.step()
    world.step()
    assert f"ConfigMap {name}, the copy of limits" in str(world.status.conditions)


# ---- stored manifests


@pytest.mark.parametrize("resource", [DEPLOYMENTS, SERVICES])
def test_what_was_deleted_of_a_live_version_comes_back_though_spec_has_moved_on(resource: Resource) -> None:
    world = configured()
    name = f"credit-{stable(world)}"
    original = world.api.find(resource, name)
    assert original is not None
    write_limits(world, "2")
    world.release("v2", serving=serving(image="v2"))
    world.settle()
    del world.api.objects[(resource.plural, "lending", name)]
    world.settle()
    rebuilt = world.api.find(resource, name)
    assert rebuilt is not None
    assert rebuilt["spec"] == original["spec"]
    assert world.status.candidate_version == "v2"


def test_a_lost_manifest_is_told_and_not_made_up() -> None:
    world = configured()
    name = f"credit-{stable(world)}"
    world.release("v2", serving=serving(image="v2"))
    world.settle()
    for resource in (CONTROLLER_REVISIONS, DEPLOYMENTS):
        del world.api.objects[(resource.plural, "lending", name)]
    world.step()
    world.step()
    assert "its ControllerRevision too" in str(world.status.conditions)
    assert world.api.find(DEPLOYMENTS, name) is None


def test_a_foreign_manifest_is_not_taken_for_ours() -> None:
    world = live()
    name = f"credit-{stable(world)}"
    world.release("v2")
    world.settle()
    manifest = world.api.find(CONTROLLER_REVISIONS, name)
    assert manifest is not None
    world.api.put(CONTROLLER_REVISIONS, {**manifest, "metadata": {"name": name, "namespace": "lending"}})
    del world.api.objects[("deployments", "lending", name)]
    world.settle(most=40)
    assert world.api.find(DEPLOYMENTS, name) is None


def test_the_manifest_holds_the_template_as_applied() -> None:
    world = configured()
    stored = world.api.find(CONTROLLER_REVISIONS, f"credit-{stable(world)}")
    assert stored is not None
    data = stored["data"]
    assert (data["version"], data["port"], data["content"]) == ("v1", 8080, world.status.stable.content)  # type: ignore[union-attr]
    assert data["template"]["spec"]["volumes"][0]["configMap"]["name"] == mounted(world, stable(world))
    assert data["artifact"] == model_spec("v1")["artifact"]


# ---- the copy of an A/A test


@pytest.mark.parametrize("deleted", [False, True])
def test_a_copy_has_the_pods_of_its_original_and_leaves_nothing(deleted: bool) -> None:
    world = configured()
    original = world.api.find(DEPLOYMENTS, f"credit-{stable(world)}")
    world.decide("AATest", target={"revision": stable(world), "attempt": 1})
    world.step()
    world.world_turns()
    candidate = world.status.candidate
    assert candidate is not None
    name = f"credit-{candidate.revision}"
    if deleted:
        del world.api.objects[("deployments", "lending", name)]
    world.settle()
    copy = world.api.find(DEPLOYMENTS, name)
    assert original is not None
    assert copy is not None
    assert copy["spec"]["template"]["spec"] == original["spec"]["template"]["spec"]
    assert mounted(world, candidate.revision) == mounted(world, stable(world))
    assert world.weights == {stable(world): 800, candidate.revision: 200}
    world.decide("Halt")
    world.settle()
    world.pass_time(120)
    world.settle()
    assert set(world.weights) == {stable(world)}
    for resource in (DEPLOYMENTS, SERVICES, CONTROLLER_REVISIONS):
        assert world.api.find(resource, name) is None
    assert world.api.find(CONFIG_MAPS, mounted(world, stable(world))) is not None, "it is the live version's"
    assert world.status.phase == "Live"
