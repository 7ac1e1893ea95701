"""How a situation speaks with an API server: raw requests, so that refusals are seen as they are."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from tests.simulation.apiserver.requests import OPERATOR

from headgate.kube.resources import Resource

Object = dict[str, Any]

MERGE, APPLY = "application/merge-patch+json", "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True)
class Talk:
    """One conversation, in a namespace of its own."""

    http: httpx.AsyncClient
    namespace: str

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        *,
        content: str = "application/json",
        user: str = OPERATOR,
    ) -> Object:
        """The decoded answer, whatever it is; a watch's is its lines."""
        headers = {"Content-Type": content, "X-Record-User": user}
        response = await self.http.request(method, path, json=body, params=dict(query or {}), headers=headers)
        return response.json() if response.text.startswith("{") and "watch" not in (query or {}) else {}

    async def get(self, resource: Resource, name: str) -> Object:
        return await self.send("GET", self._path(resource, name))

    async def list(self, resource: Resource, **query: str) -> Object:
        return await self.send("GET", self._path(resource), query=query)

    async def watch(self, resource: Resource, **query: str) -> None:
        """For as long as a second, or what `timeoutSeconds` says."""
        await self.send("GET", self._path(resource), query={"watch": "true", "timeoutSeconds": "1", **query})

    async def create(self, resource: Resource, body: Object, *, user: str = OPERATOR, **query: str) -> Object:
        return await self.send("POST", self._path(resource), self._typed(resource, body), {"fieldManager": "test", **query}, user=user)

    async def replace(self, resource: Resource, body: Object, *, manager: str = "test") -> Object:
        return await self.send(
            "PUT", self._path(resource, body["metadata"]["name"]), self._typed(resource, body), {"fieldManager": manager}
        )

    async def merge(
        self, resource: Resource, name: str, patch: Object, *, manager: str = "test", status: bool = False, **query: str
    ) -> Object:
        path = self._path(resource, name, "status" if status else None)
        return await self.send("PATCH", path, patch, {"fieldManager": manager, **query}, content=MERGE)

    async def apply(
        self, resource: Resource, body: Object, *, manager: str = "headgate", force: bool = True, status: bool = False, **query: str
    ) -> Object:
        path = self._path(resource, body["metadata"]["name"], "status" if status else None)
        asked = {"fieldManager": manager, "force": str(force).lower(), **({} if status else {"fieldValidation": "Strict"}), **query}
        return await self.send("PATCH", path, self._typed(resource, body), asked, content=APPLY)

    async def delete(self, resource: Resource, name: str, propagation: str = "Background", **preconditions: str) -> Object:
        options: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        if preconditions:
            options["preconditions"] = preconditions
        return await self.send("DELETE", self._path(resource, name), options)

    def _path(self, resource: Resource, name: str | None = None, subresource: str | None = None) -> str:
        return resource.path(self.namespace if resource.namespaced else None, name, subresource)

    def _typed(self, resource: Resource, body: Object) -> Object:
        metadata = dict(body.get("metadata") or {})
        if resource.namespaced:
            metadata.setdefault("namespace", self.namespace)
        return {**body, "apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata}


Situation = Callable[[Talk], Awaitable[None]]
