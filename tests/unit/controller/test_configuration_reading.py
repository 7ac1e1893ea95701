"""Reading what specs refer to: few requests, little memory, and Secrets by keyed hash."""

import asyncio
import base64
from collections.abc import Iterable

from tests.unit.controller.fake_cluster import FakeCluster, Write
from tests.unit.controller.operator_world import model_spec, serving

from headgate.api.reasons import Reason
from headgate.controller.cache import Cache
from headgate.controller.configuration import Configurations
from headgate.controller.facts import ModelKey
from headgate.controller.secret_hashes import KEY_SECRET, SecretHashes
from headgate.kube.errors import Conflict, Forbidden, KubeError, Unavailable
from headgate.kube.interface import Listing, Object
from headgate.kube.resources import AIMODELS, CONFIG_MAPS, SECRETS, Resource
from headgate.rollout.configuration import Reference, Source

LIMITS = Reference(Source.CONFIG_MAP, "limits")


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
