"""Routes and Services that other people made, looked at now and then: which of them lead around a model's own route."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any

from headgate.controller.cache import Cache
from headgate.controller.facts import ModelKey
from headgate.controller.workload_facts import label_set
from headgate.kube.errors import KubeError
from headgate.kube.interface import Object, PagedApi
from headgate.kube.labels import MANAGED_BY, MANAGED_BY_HEADGATE, MODEL, model_of
from headgate.kube.resources import HTTP_ROUTES, SERVICES, Resource
from headgate.rollout.bypass import ForeignRoute, ForeignService, WaysAround, paths_of

log = logging.getLogger(__name__)

_EACH = 15.0
"""Seconds between two looks."""
_SERVICES_EACH = 4
"""Of so many looks one is at Services too: there are many, and few of them change."""
_OTHERS = (f"{MANAGED_BY}!={MANAGED_BY_HEADGATE}", f"{MANAGED_BY}={MANAGED_BY_HEADGATE},!{MODEL}")
"""Label selectors. Anybody may write one of the two labels; admission protects what has both."""
_AT_ONCE = 500
"""Models looked through for a host before others have their turn."""
_AT_ONCE_BY_PODS = 50
"""Likewise, for Services that select their pods."""


class Bypass:
    """The present answer; when the API server cannot be asked, the last one stands."""

    def __init__(self, api: PagedApi, cache: Cache, enqueue: Callable[[set[ModelKey]], None], *, namespaces: tuple[str, ...] = ()) -> None:
        """`namespaces`: those that are watched, all of them if empty."""
        self._api = api
        self._cache = cache
        self._enqueue = enqueue
        self._namespaces = namespaces
        self.ways = WaysAround()
        self._services: tuple[ForeignService, ...] = ()

    async def run(self) -> None:
        """Until cancelled. Models that are concerned by a change are decided anew."""
        while True:
            await self.read_services()
            for _ in range(_SERVICES_EACH):
                self._enqueue(await self.look())
                await asyncio.sleep(_EACH)

    async def read_services(self) -> None:
        """For the looks to come: those of namespaces that have models."""
        spaces = {key.namespace for key in self._cache.models}
        try:
            self._services = tuple([read_service(body) async for body in self._others(SERVICES) if body["metadata"]["namespace"] in spaces])
        except KubeError as error:
            log.warning("Services of others could not be looked at: %s", error)

    async def look(self) -> set[ModelKey]:
        """The models about which there may be something else to say now."""
        try:
            routes = [read(body) async for body in self._others(HTTP_ROUTES)]
        except KubeError as error:
            log.warning("routes of others could not be looked at: %s", error)
            return set()
        before, self.ways = self.ways, WaysAround.of(routes, self._services)
        hosts = _changed(before.by_host, self.ways.by_host)
        services = _changed(before.by_service, self.ways.by_service)
        found = {key for namespace, service in services if (key := ModelKey(namespace, model_of(service))) in self._cache.models}
        if hosts:
            found |= await self._on(hosts)
        spaces = _changed(before.by_namespace, self.ways.by_namespace)
        return found | await self._selected_by(_differing(before, self.ways, spaces)) if spaces else found

    async def _others(self, resource: Resource) -> AsyncIterator[Object]:
        """What Headgate did not make, page by page: nothing else of it is kept than what is read."""
        for namespace in self._namespaces or ("",):
            for selector in _OTHERS:
                async for page in self._api.pages(resource, namespace or None, labels=selector):
                    for body in page:
                        yield body

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

    async def _selected_by(self, services: Mapping[str, Iterable[ForeignService]]) -> set[ModelKey]:
        """Models with a pod that one of the Services selects; these are by namespace."""
        found = set()
        for number, key in enumerate([key for key in self._cache.models if key.namespace in services]):
            if number % _AT_ONCE_BY_PODS == _AT_ONCE_BY_PODS - 1:
                await asyncio.sleep(0)
            pods = {pod.labels for pod in self._cache.owned(key).pods.values()}
            if any(service.selector <= labels for service in services[key.namespace] for labels in pods):
                found.add(key)
        return found


def read_service(body: Object) -> ForeignService:
    """One Service. Its type or its addresses alone may let requests in."""
    metadata, spec = body["metadata"], body.get("spec") or {}
    kind = spec.get("type") or "ClusterIP"
    by_address = "it has externalIPs" if spec.get("externalIPs") else ""
    entrance = f"it is of type {kind}" if kind in ("NodePort", "LoadBalancer") else by_address
    return ForeignService(metadata["namespace"], metadata["name"], label_set(spec.get("selector") or {}), entrance)


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


def _differing(before: WaysAround, after: WaysAround, namespaces: Iterable[str]) -> dict[str, set[ForeignService]]:
    return {space: set(before.by_namespace.get(space, ())) ^ set(after.by_namespace.get(space, ())) for space in namespaces}


def _changed(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> set[Any]:
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
