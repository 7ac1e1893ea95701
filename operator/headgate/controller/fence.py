"""No write without leadership: the one place where it is asked."""

from collections.abc import Callable, Mapping
from typing import Any

from headgate.kube.interface import KubeApi, Listing, Object, Propagation, Subresource
from headgate.kube.resources import Resource


class NotLeading(Exception):  # noqa: N818  a state of this process, not a fault of the request
    """This process does not hold the lease (any more). What was to be written is for the leader to decide."""


class FencedApi:
    """KubeApi whose writes raise NotLeading unless `leading()`. Asked anew before each write: a frozen process finds out at once."""

    def __init__(self, api: KubeApi, leading: Callable[[], bool]) -> None:
        self._api = api
        self._leading = leading

    def _enter(self) -> KubeApi:
        if not self._leading():
            raise NotLeading("this process does not hold the lease")
        return self._api

    async def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object:
        return await self._api.get(resource, name, namespace)

    async def list(self, resource: Resource, namespace: str | None = None, *, labels: str = "", fields: str = "") -> Listing:
        return await self._api.list(resource, namespace, labels=labels, fields=fields)

    async def create(self, resource: Resource, body: Mapping[str, Any], *, field_manager: str, dry_run: bool = False) -> Object:
        return await self._enter().create(resource, body, field_manager=field_manager, dry_run=dry_run)

    async def apply(
        self, resource: Resource, body: Mapping[str, Any], *, field_manager: str, force: bool = False, dry_run: bool = False
    ) -> Object:
        return await self._enter().apply(resource, body, field_manager=field_manager, force=force, dry_run=dry_run)

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
        return await self._enter().patch(resource, name, namespace, body, field_manager=field_manager, subresource=subresource)

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
        return await self._enter().patch_status(
            resource, name, namespace, status, field_manager=field_manager, resource_version=resource_version
        )

    async def delete(
        self, resource: Resource, name: str, namespace: str | None = None, *, uid: str = "", propagation: Propagation = "Background"
    ) -> None:
        await self._enter().delete(resource, name, namespace, uid=uid, propagation=propagation)
