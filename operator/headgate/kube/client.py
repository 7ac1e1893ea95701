"""What is asked of an API server over HTTP: verbs, errors and retries. How a request gets there is the wire's matter."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp

from headgate.kube.errors import Gone, KubeError, Throttled, Unavailable, from_response
from headgate.kube.interface import About, Listing, Object, Propagation, Subresource
from headgate.kube.resources import Resource
from headgate.kube.wire import HttpWire, Impersonation, Reply, Transport, Wire

_JSON = "application/json"
_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"
_PARTIAL = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
_PARTIAL_LIST = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
_RETRIED = frozenset({429, 500, 502, 503, 504})


class KubeClient:
    """KubeApi over HTTP.

    429, 5xx and lost connections are retried with jittered exponential pauses (or the server's Retry-After), 409 and every other
    refusal never. A retried request may have taken effect the first time: applies and merge patches are idempotent, a conditional
    one then answers Conflict, a create AlreadyExists.
    """

    def __init__(
        self,
        wire: Wire,
        *,
        transport: Transport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
        permit: Callable[[], None] = lambda: None,
    ) -> None:
        """`jitter` draws from 0..1. `permit`: see `permitted`."""
        self._wire = wire
        self._transport = transport or Transport()
        self._sleep = sleep
        self._jitter = jitter
        self._permit = permit

    @classmethod
    async def connect(
        cls,
        *,
        kubeconfig: str | None = None,
        context: str | None = None,
        impersonation: Impersonation | None = None,
        transport: Transport | None = None,
    ) -> "KubeClient":
        """The service account inside a pod, unless a kubeconfig or context is named; else $KUBECONFIG or ~/.kube/config.

        Raises NotConfigured if none of them is usable.
        """
        transport = transport or Transport()
        wire = await HttpWire.connect(transport, kubeconfig=kubeconfig, context=context, impersonation=impersonation)
        return cls(wire, transport=transport)

    def permitted(self, permit: Callable[[], None]) -> "KubeClient":
        """This client, but with `permit` called before every try of a write: a retry is a write of its own. What it raises goes to
        the caller."""
        return KubeClient(self._wire, transport=self._transport, sleep=self._sleep, jitter=self._jitter, permit=permit)

    async def close(self) -> None:
        await self._wire.close()

    async def __aenter__(self) -> "KubeClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def about(self) -> About:
        """Which version the server is, and what time it has there. The clock is read to the second."""
        reply = await self._answered("GET", "/version", {}, None, _JSON, _JSON)
        return About(str(reply.body.get("gitVersion") or ""), _time_of_day(reply.date))

    async def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object:
        return await self._request("GET", resource.path(namespace, name), accept=_PARTIAL if resource.only_metadata else _JSON)

    async def list(
        self, resource: Resource, namespace: str | None = None, *, labels: str = "", fields: str = "", page: int = 500
    ) -> Listing:
        try:
            return await self._all(resource, namespace, labels, fields, page)
        except Gone:
            # The continue token outlived the server's history: only a new list is consistent.
            return await self._all(resource, namespace, labels, fields, page)

    async def pages(
        self, resource: Resource, namespace: str | None = None, *, labels: str = "", page: int = 200
    ) -> AsyncIterator[tuple[Object, ...]]:
        token = ""
        while True:
            listing, token = await self._page(resource, namespace, {"labelSelector": labels, "limit": str(page), "continue": token})
            yield listing.items
            if not token:
                return

    async def _all(self, resource: Resource, namespace: str | None, labels: str, fields: str, page: int) -> Listing:
        items: list[Object] = []
        token = ""
        while True:
            query = {"labelSelector": labels, "fieldSelector": fields, "limit": str(page), "continue": token}
            listing, token = await self._page(resource, namespace, query)
            items += listing.items
            if not token:
                return Listing(tuple(items), listing.resource_version)

    async def _page(self, resource: Resource, namespace: str | None, query: Mapping[str, str]) -> tuple[Listing, str]:
        """One page, and the token of the next one; empty after the last."""
        answer = await self._request("GET", resource.path(namespace), query, accept=_PARTIAL_LIST if resource.only_metadata else _JSON)
        # Items of a list carry neither, unlike the same object from get or watch.
        items = [{"apiVersion": resource.api_version, "kind": resource.kind, **item} for item in answer.get("items") or ()]
        metadata = answer.get("metadata") or {}
        return Listing(tuple(items), metadata.get("resourceVersion") or ""), metadata.get("continue") or ""

    async def create(self, resource: Resource, body: Mapping[str, Any], *, field_manager: str, dry_run: bool = False) -> Object:
        path = resource.path((body.get("metadata") or {}).get("namespace"))
        query = _write_query(field_manager, dry_run=dry_run, strict=True)
        return await self._request("POST", path, query, _typed(resource, body))

    async def apply(
        self, resource: Resource, body: Mapping[str, Any], *, field_manager: str, force: bool = False, dry_run: bool = False
    ) -> Object:
        metadata = body["metadata"]
        path = resource.path(metadata.get("namespace"), metadata["name"])
        query = _write_query(field_manager, dry_run=dry_run, strict=True) | {"force": "true" if force else "false"}
        return await self._request("PATCH", path, query, _typed(resource, body), _APPLY)

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
        return await self._request("PATCH", resource.path(namespace, name, subresource), _write_query(field_manager), body, _MERGE)

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
        metadata = {"name": name, "namespace": namespace, "resourceVersion": resource_version}
        body = _typed(resource, {"metadata": {key: value for key, value in metadata.items() if value}, "status": status})
        query = _write_query(field_manager) | {"force": "true"}
        return await self._request("PATCH", resource.path(namespace, name, "status"), query, body, _APPLY)

    async def delete(
        self, resource: Resource, name: str, namespace: str | None = None, *, uid: str = "", propagation: Propagation = "Background"
    ) -> None:
        options: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        if uid:
            options["preconditions"] = {"uid": uid}
        await self._request("DELETE", resource.path(namespace, name), None, options)

    async def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content: str = _JSON,
        *,
        accept: str = _JSON,
    ) -> Object:
        for attempt in range(self._transport.retries + 1):
            try:
                return await self._once(method, path, query or {}, body, content, accept)
            except (Throttled, Unavailable) as error:
                pause = self._pause(error, attempt)
                if pause is None:
                    raise
                await self._sleep(pause)
        raise AssertionError("the last attempt either returns or raises")

    def _pause(self, error: KubeError, attempt: int) -> float | None:
        """Seconds to wait before the next try; None if there is to be none."""
        if attempt >= self._transport.retries or (error.status and error.status not in _RETRIED):
            return None
        asked = error.retry_after if isinstance(error, Throttled) else 0.0
        if asked > self._transport.longest_pause:
            return None
        grown: float = min(self._transport.first_pause * 2**attempt, self._transport.longest_pause)
        return asked + grown * (0.5 + self._jitter() / 2)

    async def _once(
        self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None, content: str, accept: str
    ) -> Object:
        return (await self._answered(method, path, query, body, content, accept)).body

    async def _answered(
        self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None, content: str, accept: str
    ) -> Reply:
        if method != "GET":
            self._permit()
        try:
            reply = await self._wire.send(method, path, {key: value for key, value in query.items() if value}, body, content, accept)
        except TimeoutError as error:
            raise Unavailable(f"no answer from {self._wire.host} within {self._transport.request_timeout:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"no connection to {self._wire.host}: {error}") from error
        if 200 <= reply.status < 300:
            return reply
        raise from_response(reply.status, reply.body, reply.text, reply.retry_after)


def _time_of_day(header: str) -> datetime | None:
    try:
        return parsedate_to_datetime(header)
    except ValueError:
        return None


def _typed(resource: Resource, body: Mapping[str, Any]) -> Object:
    return {**body, "apiVersion": resource.api_version, "kind": resource.kind}


def _write_query(field_manager: str, *, dry_run: bool = False, strict: bool = False) -> dict[str, str]:
    # Strict: a misspelt field in a user's pod template is an error that names it, not a field that silently vanishes.
    return {"fieldManager": field_manager, "dryRun": "All" if dry_run else "", "fieldValidation": "Strict" if strict else ""}
