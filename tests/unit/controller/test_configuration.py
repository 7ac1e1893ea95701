"""ConfigMaps as part of a revision: read before a decision, copied before pods, kept as long as the revision; and stored manifests."""

import asyncio
import base64
from collections.abc import Iterable
from typing import Any

import pytest
from tests.unit.controller.fake_cluster import FakeCluster, Write
from tests.unit.controller.operator_world import KEY, OperatorWorld, live, model_spec

from headgate.api.reasons import Reason
from headgate.controller.cache import Cache
from headgate.controller.configuration import Configurations
from headgate.controller.facts import ModelKey
from headgate.controller.secret_hashes import KEY_SECRET, SecretHashes
from headgate.kube.errors import Conflict, Forbidden, KubeError, Unavailable
from headgate.kube.interface import Listing, Object
from headgate.kube.resources import AIMODELS, CONFIG_MAPS, CONTROLLER_REVISIONS, DEPLOYMENTS, SECRETS, SERVICES, Resource
from headgate.rollout.configuration import Reference, Source

LIMITS = Reference(Source.CONFIG_MAP, "limits")


def serving(*, optional: bool = False, image: str = "v1") -> dict[str, Any]:
    container = {
        "name": "model",
        "image": f"registry.example/credit:{image}",
        "volumeMounts": [{"name": "limits", "mountPath": "/etc/limits"}],
        "envFrom": [{"secretRef": {"name": "token"}}],
    }
    volume = {"name": "limits", "configMap": {"name": "limits"} | ({"optional": True} if optional else {})}
    template = {"spec": {"containers": [container], "volumes": [volume]}}
    return {"deployment": {"replicas": 3, "port": 8080, "template": template}, "drain": "30s"}


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


# ---- reading: few requests, little memory, failures


class CountingCluster(FakeCluster):
    """Counts what is read, and may refuse it."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str] = []
        self.unreadable: KubeError | None = None

    async def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object:
        self.reads.append(f"get {'metadata of ' if resource.only_metadata else ''}{resource.plural} {name}")
        if self.unreadable is not None:
            raise self.unreadable
        found = await super().get(resource, name, namespace)
        return {"metadata": found["metadata"]} if resource.only_metadata else found

    async def list(self, resource: Resource, namespace: str | None = None, *, labels: str = "", fields: str = "") -> Listing:
        self.reads.append(f"list {'metadata of ' if resource.only_metadata else ''}{resource.plural} {namespace}")
        return await super().list(resource, namespace, labels=labels, fields=fields)


class Readers:
    """Many models that refer to the same ConfigMap and Secret."""

    def __init__(self, models: int = 3, *, hashed: bool = False) -> None:
        self.api = CountingCluster()
        self.cache = Cache(policy_namespace="platform", wall=lambda: self.api.now)
        self.told: list[ModelKey] = []
        self.news = asyncio.Event()
        hashes = SecretHashes(self.api, "headgate-system") if hashed else None
        self.configurations = Configurations(self.api, self.cache, self._tell, hashes=hashes)
        self.keys = [ModelKey("lending", f"m{number}") for number in range(models)]
        self.api.put(CONFIG_MAPS, {"metadata": {"name": "limits", "namespace": "lending"}, "data": {"max": "1"}})
        self.api.put(SECRETS, {"metadata": {"name": "token", "namespace": "lending"}, "data": {"password": "c2VjcmV0"}})
        for key in self.keys:
            self.apply(key)

    def _tell(self, keys: Iterable[ModelKey]) -> None:
        self.told += sorted(keys)
        self.news.set()

    def apply(self, key: ModelKey, image: str = "v1") -> None:
        body = {"metadata": {"name": key.name, "namespace": key.namespace}, "spec": model_spec("v1", serving=serving(image=image))}
        self.cache.put(AIMODELS, self.api.put(AIMODELS, body))

    async def until_read(self) -> None:
        """As the running operator: everything that was asked for."""
        task = asyncio.create_task(self.configurations.run())
        async with asyncio.timeout(5):
            while not all(self.configurations.state(key).known for key in self.keys):
                await self.news.wait()
                self.news.clear()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_models_are_read_once_told_and_share_what_they_refer_to() -> None:
    readers = Readers(models=50)
    for key in readers.keys:
        assert not readers.configurations.state(key).known
        readers.configurations.ask(key)
    asyncio.run(readers.until_read())
    assert sorted(readers.told) == sorted(readers.keys)
    assert len([read for read in readers.api.reads if read.startswith("get")]) <= 8, "at most as many as ask at once"
    assert not [read for read in readers.api.reads if "secrets" in read], "without hashes Secrets are never read"


def test_a_look_for_edits_asks_for_metadata_once_a_namespace_and_reads_what_changed() -> None:
    readers = Readers()
    for key in readers.keys:
        asyncio.run(readers.configurations.load(key))
    readers.api.reads.clear()
    readers.told.clear()
    asyncio.run(readers.configurations.refresh(secrets=True))
    assert (readers.api.reads, readers.told) == (["list metadata of configmaps lending"], [])
    readers.api.put(CONFIG_MAPS, {"metadata": {"name": "limits", "namespace": "lending"}, "data": {"max": "2"}})
    readers.api.reads.clear()
    asyncio.run(readers.configurations.refresh(secrets=True))
    assert readers.api.reads == ["list metadata of configmaps lending", "get configmaps limits"]
    assert readers.told == readers.keys


def test_a_changed_spec_does_not_rest_on_what_was_read_for_the_earlier_one() -> None:
    readers = Readers(models=1)
    (key,) = readers.keys
    asyncio.run(readers.configurations.load(key))
    before = readers.configurations.state(key).digests[LIMITS]
    # `kubectl apply` of a directory: the ConfigMap, then the AIModel.
    readers.api.put(CONFIG_MAPS, {"metadata": {"name": "limits", "namespace": "lending"}, "data": {"max": "2"}})
    readers.apply(key, image="v2")
    assert not readers.configurations.state(key).known
    readers.configurations.ask(key)
    asyncio.run(readers.until_read())
    assert readers.configurations.state(key).digests[LIMITS] != before


def test_what_may_not_be_read_is_told_with_the_servers_words() -> None:
    readers = Readers(models=1)
    (key,) = readers.keys
    readers.api.unreadable = Forbidden('configmaps "limits" is forbidden', status=403)
    asyncio.run(readers.configurations.load(key))
    problem = readers.configurations.state(key).problem
    assert problem is not None
    assert (problem.reason, 'configmaps "limits" is forbidden' in problem.message) == (Reason.ACCESS_DENIED, True)
    readers.api.unreadable = None
    asyncio.run(readers.configurations.refresh(secrets=False))
    assert readers.configurations.state(key).problem is None


def test_an_api_server_that_does_not_answer_changes_nothing_that_is_known() -> None:
    readers = Readers(models=1)
    (key,) = readers.keys
    asyncio.run(readers.configurations.load(key))
    before = readers.configurations.state(key)
    readers.api.unreadable = Unavailable("down", status=503)
    readers.api.put(CONFIG_MAPS, {"metadata": {"name": "limits", "namespace": "lending"}, "data": {"max": "2"}})
    asyncio.run(readers.configurations.refresh(secrets=True))
    assert readers.configurations.state(key) == before


def test_nothing_is_remembered_of_models_that_are_gone() -> None:
    readers = Readers(models=1)
    (key,) = readers.keys
    asyncio.run(readers.configurations.load(key))
    readers.cache.drop(AIMODELS, {"metadata": {"name": key.name, "namespace": key.namespace}})
    asyncio.run(readers.configurations.refresh(secrets=True))
    assert (readers.configurations._found, readers.configurations._current) == ({}, {})


# ---- Secrets by keyed hash


def test_a_secret_changes_content_only_where_hashes_are_asked_for() -> None:
    readers = Readers(models=1, hashed=True)
    (key,) = readers.keys
    asyncio.run(readers.configurations.load(key))
    token = Reference(Source.SECRET, "token")
    before = readers.configurations.state(key).digests[token]
    assert before.startswith("hmac-sha256:")
    readers.api.reads.clear()
    asyncio.run(readers.configurations.refresh(secrets=True))
    assert "get secrets token" not in readers.api.reads, "an unchanged Secret is asked for its metadata alone"
    readers.api.put(SECRETS, {"metadata": {"name": "token", "namespace": "lending"}, "data": {"password": "b3RoZXI="}})
    asyncio.run(readers.configurations.refresh(secrets=True))
    assert readers.configurations.state(key).digests[token] != before
    assert readers.told == [key, key]


def test_the_hash_needs_the_key_which_is_made_once_and_kept() -> None:
    api = FakeCluster()
    body = {"metadata": {"name": "token", "namespace": "lending"}, "data": {"password": "c2VjcmV0"}}
    first = asyncio.run(SecretHashes(api, "headgate-system").of(body))
    again = asyncio.run(SecretHashes(api, "headgate-system").of(body))
    assert (first == again, [write.name for write in api.writes]) == (True, [KEY_SECRET])
    stored = api.find(SECRETS, KEY_SECRET, "headgate-system")
    assert stored is not None
    assert len(base64.b64decode(stored["data"]["key"])) == 32
    del api.objects[("secrets", "headgate-system", KEY_SECRET)]
    assert asyncio.run(SecretHashes(api, "headgate-system").of(body)) != first
    moved = {**body, "metadata": {"name": "token", "namespace": "claims"}}
    assert asyncio.run(SecretHashes(api, "headgate-system").of(moved)) != asyncio.run(SecretHashes(api, "headgate-system").of(body))


def test_of_two_operators_that_make_a_key_both_use_the_first() -> None:
    api = FakeCluster()
    body = {"metadata": {"name": "token", "namespace": "lending"}, "data": {}}

    def another_was_first(write: Write) -> KubeError | None:
        api.refuse = lambda write: None
        theirs = {
            "metadata": {"name": KEY_SECRET, "namespace": "headgate-system"},
            "data": {"key": base64.b64encode(b"k" * 32).decode()},
        }
        api.put(SECRETS, theirs)
        return Conflict("already exists", status=409, reason="AlreadyExists")

    api.refuse = another_was_first
    mine = asyncio.run(SecretHashes(api, "headgate-system").of(body))
    assert mine == asyncio.run(SecretHashes(api, "headgate-system").of(body))
