"""What the rest of Headgate asks of an API server. KubeClient answers it over HTTP; tests and simulations stand in for it."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from headgate.kube.resources import Resource

Object = dict[str, Any]
"""One API object as decoded JSON."""

Subresource = Literal["status"]
Propagation = Literal["Background", "Foreground", "Orphan"]


@dataclass(frozen=True, slots=True)
class Listing:
    """All objects of one list, however many pages it took, and the resourceVersion to watch from."""

    items: tuple[Object, ...]
    resource_version: str


@dataclass(frozen=True, slots=True)
class About:
    """What an API server says of itself: its version, like v1.36.3, and its time of day, None where it did not say."""

    version: str
    date: datetime | None


class KubeApi(Protocol):
    """Every method raises a KubeError subclass. Bodies and answers are plain JSON; apiVersion and kind of bodies are filled in."""

    async def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object: ...

    async def list(self, resource: Resource, namespace: str | None = None, *, labels: str = "", fields: str = "") -> Listing:
        """`labels` and `fields` are selectors in the API's own syntax. Without namespace: all namespaces."""
        ...

    async def create(self, resource: Resource, body: Mapping[str, Any], *, field_manager: str, dry_run: bool = False) -> Object:
        """Conflict with reason AlreadyExists if the name is taken, which includes a retry of a create whose answer was lost."""
        ...

    async def apply(
        self, resource: Resource, body: Mapping[str, Any], *, field_manager: str, force: bool = False, dry_run: bool = False
    ) -> Object:
        """Server-side apply of the complete intent of one manager. A metadata.resourceVersion in the body makes it conditional."""
        ...

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
        """JSON merge patch. A metadata.resourceVersion in the body makes it conditional."""
        ...

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
        """Server-side apply of the complete status: what this manager set before and leaves out now is removed."""
        ...

    async def delete(
        self, resource: Resource, name: str, namespace: str | None = None, *, uid: str = "", propagation: Propagation = "Background"
    ) -> None:
        """With `uid`, Conflict if the name now belongs to another object. NotFound if there is none."""
        ...


class PagedApi(KubeApi, Protocol):
    """For whoever looks at more objects than should be in memory at once."""

    def pages(self, resource: Resource, namespace: str | None = None, *, labels: str = "") -> AsyncIterator[tuple[Object, ...]]:
        """All objects that `labels` selects, a page at a time. Without namespace: all namespaces. Gone if the caller took so long that the
        server no longer knows the list: begin again."""
        ...


class InformedApi(PagedApi, Protocol):
    """For whoever also asks an API server about itself."""

    async def about(self) -> About: ...
