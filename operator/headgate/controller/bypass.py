"""Routes that other people made, looked at now and then: which of them lead around a model's own route."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from headgate.controller.cache import Cache
from headgate.controller.facts import ModelKey
from headgate.kube.errors import KubeError
from headgate.kube.interface import KubeApi, Object
from headgate.kube.labels import MANAGED_BY, MANAGED_BY_HEADGATE, model_of
from headgate.kube.resources import HTTP_ROUTES
from headgate.rollout.bypass import ForeignRoute, ForeignRoutes, paths_of

log = logging.getLogger(__name__)

_EACH = 15.0
"""Seconds between two looks."""
_AT_ONCE = 500
"""Models looked through before others have their turn."""


class Bypass:
    """The present answer; when the API server cannot be asked, the last one stands."""

    def __init__(self, api: KubeApi, cache: Cache, enqueue: Callable[[set[ModelKey]], None], *, namespaces: tuple[str, ...] = ()) -> None:
        """`namespaces`: those that are watched, all of them if empty."""
        self._api = api
        self._cache = cache
        self._enqueue = enqueue
        self._namespaces = namespaces
        self.foreign = ForeignRoutes()

    async def run(self) -> None:
        """Until cancelled. Models that are concerned by a change are decided anew."""
        while True:
            self._enqueue(await self.look())
            await asyncio.sleep(_EACH)

    async def look(self) -> set[ModelKey]:
        """The models about which there may be something else to say now."""
        try:
            selector = f"{MANAGED_BY}!={MANAGED_BY_HEADGATE}"
            listed = [await self._api.list(HTTP_ROUTES, namespace or None, labels=selector) for namespace in self._namespaces or ("",)]
        except KubeError as error:
            log.warning("routes of others could not be looked at: %s", error)
            return set()
        before, self.foreign = self.foreign, ForeignRoutes.of(read(body) for body in chain.from_iterable(part.items for part in listed))
        hosts = _changed(before.by_host, self.foreign.by_host)
        services = _changed(before.by_service, self.foreign.by_service)
        found = {key for namespace, service in services if (key := ModelKey(namespace, model_of(service))) in self._cache.models}
        return found | await self._on(hosts) if hosts else found

    async def _on(self, hosts: set[str]) -> set[ModelKey]:
        """Models whose spec names one of the hosts. Specs are not parsed for this: naming one elsewhere costs a decision, no more."""
        named = tuple(f'"{host}"'.encode() for host in hosts if host)
        found = set()
        for number, (key, facts) in enumerate(list(self._cache.models.items())):
            if number % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)
            if any(host in facts.spec for host in named) or ("" in hosts and b'"hostnames"' not in facts.spec):
                found.add(key)
        return found


def read(body: Object) -> ForeignRoute:
    """One HTTPRoute."""
    metadata, spec = body["metadata"], body.get("spec") or {}
    namespace: str = metadata["namespace"]
    rules: Sequence[Mapping[str, Any]] = spec.get("rules") or ({},)
    return ForeignRoute(
        namespace,
        metadata["name"],
        tuple(spec.get("hostnames") or ()),
        frozenset((ref.get("namespace") or namespace, ref["name"]) for ref in spec.get("parentRefs") or ()),
        tuple(path for rule in rules for path in paths_of(rule.get("matches") or ())),
        frozenset((ref.get("namespace") or namespace, ref["name"]) for ref in _services(rules)),
    )


def _services(rules: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    """Where requests are sent or copied to."""
    for rule in rules:
        backends = list(rule.get("backendRefs") or ())
        for part in (rule, *backends):
            backends += [one["requestMirror"]["backendRef"] for one in part.get("filters") or () if one.get("requestMirror")]
        yield from (ref for ref in backends if ref.get("kind", "Service") == "Service")


def _changed(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> set[Any]:
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
