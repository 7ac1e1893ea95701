"""An API server in memory, as far as leases and events need one: names, resourceVersions, merge patches, and failures on demand."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from copy import deepcopy
from typing import Any

from headgate.kube.errors import Conflict, KubeError, NotFound
from headgate.kube.interface import Listing, Object, Propagation, Subresource
from headgate.kube.resources import Resource


class FakeApi:
    """`calls` lists (verb, name) of every request; while `failure` is set each request raises it and changes nothing."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], Object] = {}
        self.calls: list[tuple[str, str]] = []
        self.failure: KubeError | None = None
        self._version = 0

    async def _begin(self, verb: str, name: str) -> None:
        self.calls.append((verb, name))
        # As on a wire, others run before the answer is there.
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure

    def _store(self, key: tuple[str, str, str], body: Object) -> Object:
        self._version += 1
        body["metadata"]["resourceVersion"] = str(self._version)
        self.objects[key] = body
        return deepcopy(body)

    def of(self, resource: Resource) -> list[Object]:
        return [value for (plural, _, _), value in self.objects.items() if plural == resource.plural]

    async def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object:
        await self._begin("get", name)
        try:
            return deepcopy(self.objects[(resource.plural, namespace or "", name)])
        except KeyError:
            raise NotFound(f"{name} not found", status=404) from None

    async def list(self, resource: Resource, namespace: str | None = None, *, labels: str = "", fields: str = "") -> Listing:
        await self._begin("list", resource.plural)
        return Listing(tuple(deepcopy(self.of(resource))), str(self._version))

    async def pages(self, resource: Resource, namespace: str | None = None, *, labels: str = "") -> AsyncIterator[tuple[Object, ...]]:
        """Two objects a page."""
        found = [one for (plural, where, _), one in self.objects.items() if plural == resource.plural and namespace in (None, where)]
        for begin in range(0, max(len(found), 1), 2):
            await self._begin("page", resource.plural)
            yield tuple(deepcopy(found[begin : begin + 2]))

    async def create(self, resource: Resource, body: Mapping[str, Any], *, field_manager: str, dry_run: bool = False) -> Object:
        metadata = body["metadata"]
        await self._begin("create", metadata["name"])
        key = (resource.plural, metadata.get("namespace") or "", metadata["name"])
        if key in self.objects:
            raise Conflict(f"{metadata['name']} already exists", status=409, reason="AlreadyExists")
        return self._store(key, deepcopy(dict(body)))

    async def patch(
        self,
        resource: Resource,
        name: str,
        namespace: str | None,
        body: Mapping[str, Any],
        *,
        field_manager: str,
        subresource: Subresource | None = None,
    ) -> Object:
        await self._begin("patch", name)
        key = (resource.plural, namespace or "", name)
        if key not in self.objects:
            raise NotFound(f"{name} not found", status=404)
        expected = (body.get("metadata") or {}).get("resourceVersion")
        if expected is not None and expected != self.objects[key]["metadata"]["resourceVersion"]:
            raise Conflict("the object has been modified", status=409)
        return self._store(key, _merged(self.objects[key], body))

    async def apply(
        self, resource: Resource, body: Mapping[str, Any], *, field_manager: str, force: bool = False, dry_run: bool = False
    ) -> Object:
        raise NotImplementedError

    async def patch_status(
        self,
        resource: Resource,
        name: str,
        namespace: str | None,
        status: Mapping[str, Any],
        *,
        field_manager: str,
        resource_version: str = "",
    ) -> Object:
        raise NotImplementedError

    async def delete(
        self, resource: Resource, name: str, namespace: str | None = None, *, uid: str = "", propagation: Propagation = "Background"
    ) -> None:
        await self._begin("delete", name)
        del self.objects[(resource.plural, namespace or "", name)]


def _merged(old: Mapping[str, Any], patch: Mapping[str, Any]) -> Object:
    result = deepcopy(dict(old))
    for key, value in patch.items():
        known = result.get(key)
        result[key] = _merged(known, value) if isinstance(value, Mapping) and isinstance(known, Mapping) else deepcopy(value)
    return result
