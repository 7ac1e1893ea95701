"""What models' pod templates refer to, read before a model is decided. Digests stay in memory, data never does."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from headgate.api.reasons import Reason
from headgate.controller.cache import Cache
from headgate.controller.facts import Body, ModelFacts, ModelKey
from headgate.controller.secret_hashes import SecretHashes
from headgate.kube.errors import Forbidden, KubeError, NotFound
from headgate.kube.fence import NotLeading
from headgate.kube.interface import KubeApi
from headgate.kube.resources import CONFIG_MAPS, SECRETS, Resource
from headgate.rollout.configuration import ABSENT, Reference, Source, digest_of
from headgate.rollout.snapshot import ConfigurationState, Problem

log = logging.getLogger(__name__)

PERIOD = 20.0
"""Seconds between two looks for edits. Users' own ConfigMaps are not watched: most belong to no model, and some are large."""
_SECRETS_EACH = 15
"""Looks for edits of ConfigMaps for each one of Secrets, which are asked for one by one: the right to list them is one to read all."""
_TRY_AGAIN = 5.0
_AT_ONCE = 8
_KINDS: dict[Source, Resource] = {Source.CONFIG_MAP: CONFIG_MAPS, Source.SECRET: SECRETS}


@dataclass(frozen=True, slots=True)
class _Found:
    """One object as last read. `version` is its resourceVersion, empty if there is none. `read` counts reads, to tell old from new."""

    version: str
    digest: str
    read: int
    problem: Problem | None = None

    def says(self, other: "_Found | None") -> bool:
        """Whether a decision reads the same in both."""
        mine = (bool(self.version), self.digest, self.problem)
        return other is not None and mine == (bool(other.version), other.digest, other.problem)


class Configurations:
    """Reads objects by name, each once for all models that wait for it, and finds edits by their resourceVersion.

    `changed` is told which models to decide again. Without `hashes` Secrets count by name and are never read.
    """

    def __init__(
        self,
        api: KubeApi,
        cache: Cache,
        changed: Callable[[Iterable[ModelKey]], None],
        *,
        hashes: SecretHashes | None = None,
        period: float = PERIOD,
    ) -> None:
        self._api = api
        self._cache = cache
        self._changed = changed
        self._hashes = hashes
        self._period = period
        self._found: dict[tuple[str, Reference], _Found] = {}
        self._current: dict[ModelKey, tuple[str, int]] = {}
        self._asked: dict[ModelKey, int] = {}
        self._reads = 0
        self._wake = asyncio.Event()

    def state(self, key: ModelKey) -> ConfigurationState:
        """Reads memory only."""
        model = self._cache.models.get(key)
        named = self._named(model)
        if model is None or not named:
            return ConfigurationState()
        if self._current.get(key) != (model.uid, model.generation):
            return ConfigurationState(known=False)
        found = {reference: self._found[(key.namespace, reference)] for reference in named}
        problem = next((one.problem for one in found.values() if one.problem), None)
        missing = [str(reference) for reference, required in named.items() if required and not found[reference].version]
        if problem is None and missing:
            which = ", ".join(missing[:5])
            message = f"the pod template refers to {which}: not in namespace {key.namespace}. Create it there, or mark it optional"
            problem = Problem(Reason.CONFIGURATION_MISSING, message)
        return ConfigurationState({reference: one.digest for reference, one in found.items()}, problem)

    def ask(self, key: ModelKey) -> None:
        """See to it that what the present spec refers to is read; the model is decided again then. A spec that was just applied may
        come with edited ConfigMaps: what was read for an earlier one does not count."""
        model = self._cache.models.get(key)
        if model is not None and self._named(model) and self._current.get(key) != (model.uid, model.generation):
            self._asked.setdefault(key, self._reads)
            self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(self._answer())
            group.create_task(self._look_for_edits())

    async def load(self, key: ModelKey, since: int | None = None) -> None:
        """Read what the model refers to, unless it was read after `since` already. Raises KubeError, and NotLeading."""
        model = self._cache.models.get(key)
        if model is None:
            return
        for reference in self._named(model):
            known = self._found.get((key.namespace, reference))
            if known is None or since is None or known.read <= since:
                await self._read(key.namespace, reference)
        self._current[key] = (model.uid, model.generation)
        self._changed([key])

    async def fetch(self, namespace: str, name: str) -> Body | None:
        """A ConfigMap with its data as it is now; None if there is none. Later decisions rest on it. Raises KubeError."""
        self._reads += 1
        began, found = self._reads, (namespace, Reference(Source.CONFIG_MAP, name))
        try:
            body = await self._api.get(CONFIG_MAPS, name, namespace)
        except NotFound:
            self._found[found] = _Found("", ABSENT, began)
            return None
        self._found[found] = _Found(body["metadata"].get("resourceVersion") or "", digest_of(body), began)
        return body

    async def refresh(self, *, secrets: bool) -> None:
        """Look once for edits, and forget what nobody refers to any more."""
        users = self._users()
        used = {(namespace, reference) for namespace, named in users.items() for reference in named}
        self._found = {what: found for what, found in self._found.items() if what in used}
        self._current = {key: seen for key, seen in self._current.items() if key in self._cache.models}
        for namespace, named in users.items():
            try:
                for reference in await self._edited(namespace, named, secrets=secrets):
                    if await self._read(namespace, reference):
                        self._changed(named[reference])
            except (KubeError, NotLeading) as error:
                log.warning("edits of configuration were not looked for: %s", error, extra={"namespace": namespace})

    def _named(self, model: ModelFacts | None) -> dict[Reference, bool]:
        named = model.references if model is not None else ()
        return {reference: required for reference, required in named if self._hashes or reference.source is Source.CONFIG_MAP}

    def _users(self) -> dict[str, dict[Reference, set[ModelKey]]]:
        """By namespace, what is referred to and by whom. Models that were never read are asked for: a standby is ready to take over."""
        users: dict[str, dict[Reference, set[ModelKey]]] = defaultdict(lambda: defaultdict(set))
        for key, model in self._cache.models.items():
            for reference in self._named(model):
                users[key.namespace][reference].add(key)
            if key not in self._current:
                self.ask(key)
        return users

    async def _answer(self) -> None:
        while True:
            if not self._asked:
                self._wake.clear()
                await self._wake.wait()
                continue
            key = next(iter(self._asked))
            since = self._asked.pop(key)
            try:
                await self.load(key, since)
            except (KubeError, NotLeading) as error:
                log.warning("its configuration cannot be read yet: %s", error, extra={"model": "/".join(key)})
                asyncio.get_running_loop().call_later(_TRY_AGAIN, self.ask, key)

    async def _look_for_edits(self) -> None:
        number = 0
        while True:
            await self.refresh(secrets=number % _SECRETS_EACH == 0)
            number += 1
            await asyncio.sleep(self._period)

    async def _edited(self, namespace: str, named: Iterable[Reference], *, secrets: bool) -> list[Reference]:
        """What has another resourceVersion than when it was read. Metadata alone is asked for: the data may be large, or secret."""
        known = {one: self._found[(namespace, one)] for one in named if (namespace, one) in self._found}
        config_maps = [one for one in known if one.source is Source.CONFIG_MAP]
        versions = await self._versions(namespace, config_maps) if config_maps else {}
        if secrets:
            asked = [one for one in known if one.source is Source.SECRET]
            versions |= {one: await self._secret_version(namespace, one.name) for one in asked}
        return [one for one, version in versions.items() if known[one].version != version]

    async def _versions(self, namespace: str, named: Iterable[Reference]) -> dict[Reference, str]:
        listing = await self._api.list(CONFIG_MAPS.metadata, namespace)
        there = {body["metadata"]["name"]: body["metadata"].get("resourceVersion") or "" for body in listing.items}
        return {one: there.get(one.name, "") for one in named}

    async def _secret_version(self, namespace: str, name: str) -> str:
        try:
            body = await self._api.get(SECRETS.metadata, name, namespace)
        except NotFound:
            return ""
        except Forbidden:
            return _UNREADABLE
        return body["metadata"].get("resourceVersion") or ""

    async def _read(self, namespace: str, reference: Reference) -> bool:
        """Whether it says something else than before."""
        what = (namespace, reference)
        before = self._found.get(what)
        try:
            if reference.source is Source.CONFIG_MAP:
                await self.fetch(namespace, reference.name)
            else:
                self._found[what] = await self._read_secret(namespace, reference.name)
        except Forbidden as error:
            message = f"Headgate may not read {reference}: {error.message}. Grant it to the operator's service account"
            self._found[what] = _Found(_UNREADABLE, ABSENT, self._reads, Problem(Reason.ACCESS_DENIED, message[:1000]))
        return not self._found[what].says(before)

    async def _read_secret(self, namespace: str, name: str) -> _Found:
        assert self._hashes is not None
        self._reads += 1
        began = self._reads
        try:
            body = await self._api.get(SECRETS, name, namespace)
        except NotFound:
            return _Found("", ABSENT, began)
        return _Found(body["metadata"].get("resourceVersion") or "", await self._hashes.of(body), began)


_UNREADABLE = "unreadable"
"""In place of a resourceVersion."""
