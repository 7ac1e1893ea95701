"""An API server in memory, at the level of HTTP requests. Deterministic: time comes from outside, uids from a counter.

It knows the kinds of `kinds.py`. Authentication and authorisation are not part of it, nor CEL; `admission` stands for policies.
"""

import base64
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from tests.simulation.apiserver import garbage
from tests.simulation.apiserver.deletes import Deletes
from tests.simulation.apiserver.kinds import Kinds, kinds
from tests.simulation.apiserver.managers import UPDATE, Manager, Writer, created, updated
from tests.simulation.apiserver.requests import VERSION, Request, Response, Target, target_of
from tests.simulation.apiserver.selectors import matcher
from tests.simulation.apiserver.status import RefusedError, bad_request, not_found
from tests.simulation.apiserver.store import Asked, OpenWatch, RefusedWatch, Shelf, Store, Watch
from tests.simulation.apiserver.writes import Admission, Writes, second

from headgate.kube.resources import NAMESPACES, Resource

__all__ = ["ApiServer", "Request", "Response", "Watch"]

Object = dict[str, Any]

_PAGES_KEPT = 64
_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue "
    "parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token "
    "results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and "
    "now may show up in the list."
)


class ApiServer:
    """`history`: changes of each kind that a watch can still ask for. `known`: its kinds, those of this checkout by default."""

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        history: int = 1000,
        uids: Callable[[], str] | None = None,
        known: Kinds | None = None,
    ) -> None:
        self._now = now
        self._store = Store(known or kinds(), history)
        self.admission: list[Admission] = []
        """Asked in turn before every write that came by `handle`: request, old object (None: create), new object (None: delete)."""
        self._writes = Writes(self._store, now, self.admission, uids)
        self._deletes = Deletes(self._store, now, self._writes.admit)
        self._pages: OrderedDict[str, tuple[int, list[Object]]] = OrderedDict()
        for name in ("default", "kube-system"):
            self.put(NAMESPACES, {"metadata": {"name": name}})

    @property
    def resource_version(self) -> int:
        """Of the last write."""
        return self._store.version

    def handle(self, request: Request) -> Response:
        """Every verb but watch."""
        if request.path == VERSION:
            return Response(200, {"gitVersion": "v1.36.3"}, {"Date": format_datetime(self._now().astimezone(UTC), usegmt=True)})
        try:
            target, shelf = self._target(request.path)
            return self._answer(request, target, shelf)
        except RefusedError as refusal:
            return Response(refusal.code, refusal.body, refusal.headers)

    def watch(self, request: Request) -> Watch:
        """One that is refused is ended at once by an ERROR event, where the real server answers with the error itself."""
        try:
            target, shelf = self._target(request.path)
            query = request.query
            version = query.get("resourceVersion") or "0"
            if not version.isdigit():
                raise bad_request(f'strconv.ParseUint: parsing "{version}": invalid syntax')
            asked = Asked(
                matches=matcher(query.get("labelSelector", ""), _by_name(target, query), target.namespace),
                since=int(version),
                bookmarks=query.get("allowWatchBookmarks") == "true",
                timeout=float(query.get("timeoutSeconds") or 0),
            )
        except RefusedError as refusal:
            return RefusedWatch(refusal.body)
        return OpenWatch(self._store, shelf, asked, self._now)

    def compact(self) -> None:
        """History before now is gone: older positions of watches and pages of lists are answered 410."""
        self._store.compact()

    def collect_garbage(self) -> bool:
        """One round of the garbage collector and the namespace controller. Returns whether it changed anything."""
        return garbage.collect(self._store, self._stamp)

    # What other actors of the simulated world do. They may leave out all but metadata.name.

    def find(self, resource: Resource, name: str, namespace: str = "") -> Object | None:
        return self._store.shelves[resource.qualified].objects.get((namespace, name))

    def of(self, resource: Resource) -> list[Object]:
        """All objects of a kind by namespace and name."""
        return [body for _, body in sorted(self._store.shelves[resource.qualified].objects.items())]

    def put(self, resource: Resource, body: Object, *, manager: str = "world") -> Object:
        """Create or replace, as another manager with every right: no admission, no validation, no defaults. `body` is the server's then.

        Metadata that belongs to the server is kept; a change of status alone counts as one of the subresource.
        """
        shelf = self._store.shelves[resource.qualified]
        metadata = body["metadata"]
        name = metadata.get("namespace") or "", metadata["name"]
        old = shelf.objects.get(name)
        new = self._writes.completed(shelf, body, old)
        if old is not None and {**new, "metadata": {**new["metadata"], "managedFields": old["metadata"].get("managedFields")}} == old:
            return old
        apart = shelf.kind.status and old is not None and new.get("status") != old.get("status")
        writer = Writer(Manager(manager, UPDATE, "status" if apart else ""), resource.api_version, self._stamp())
        node, empty = shelf.kind.node, shelf.kind.initial
        new = updated(old, new, node, writer) if old is not None else created(new, empty, node, writer)
        return self._writes.commit(shelf, name, old, new)

    def remove(self, resource: Resource, name: str, namespace: str = "") -> None:
        """Gone at once, finalizers or not. Nothing happens if it is not there."""
        shelf = self._store.shelves[resource.qualified]
        if (namespace, name) in shelf.objects:
            self._store.remove(shelf, (namespace, name))

    def restore(self, resource: Resource, body: Object) -> None:
        """Put an object exactly as it was on another server, resourceVersion and all. Its version must be higher than any here."""
        self.advance(int(body["metadata"]["resourceVersion"]) - 1)
        metadata = body["metadata"]
        name = metadata.get("namespace") or "", metadata["name"]
        self._store.put(self._store.shelves[resource.qualified], name, {**body, "metadata": dict(metadata)})

    def advance(self, version: int) -> None:
        """Writes elsewhere have used up the versions up to this one."""
        self._store.version = max(self._store.version, version)

    def _target(self, path: str) -> tuple[Target, Shelf]:
        target = target_of(path)
        shelf = self._store.shelves.get(target.kind) if target else None
        if target is None or shelf is None or target.version != shelf.kind.resource.version:
            raise self._no_such_kind(target)
        if target.subresource and not (target.subresource == "status" and shelf.kind.status):
            raise self._no_such_kind(target)
        return target, shelf

    def _no_such_kind(self, target: Target | None) -> RefusedError:
        """Groups of the server's own answer with a Status, unknown and custom ones in plain words."""
        own = {shelf.kind.resource.group for shelf in self._store.shelves.values() if not shelf.kind.custom}
        if target is None or target.kind.partition(".")[2] not in own:
            return RefusedError(404, "", "404 page not found\n", plain=True)
        return RefusedError(404, "NotFound", "the server could not find the requested resource", {})

    def _answer(self, request: Request, target: Target, shelf: Shelf) -> Response:
        method = request.method
        if method == "GET":
            return self._get(target, shelf) if target.name else self._list(request, target, shelf)
        if method == "POST" and not target.name:
            return self._writes.create(request, target, shelf)
        if method == "PATCH" and target.name:
            return self._writes.patch(request, target, shelf)
        if method == "PUT" and target.name:
            return self._writes.replace(request, target, shelf)
        if method == "DELETE" and target.name:
            return self._deletes.delete(request, target, shelf)
        raise RefusedError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")

    def _get(self, target: Target, shelf: Shelf) -> Response:
        found = shelf.objects.get((target.namespace, target.name))
        if found is None:
            raise not_found(shelf.kind.resource, target.name)
        return Response(200, found)

    def _list(self, request: Request, target: Target, shelf: Shelf) -> Response:
        query = request.query
        limit, token = int(query.get("limit") or 0), query.get("continue") or ""
        if token:
            version, items = self._page(token)
        else:
            matches = matcher(query.get("labelSelector", ""), query.get("fieldSelector", ""), target.namespace)
            version = self._store.version
            items = [body for _, body in sorted(shelf.objects.items()) if matches(body)]
        metadata: Object = {"resourceVersion": str(version), **({"continue": ""} if shelf.kind.custom else {})}
        if limit and len(items) > limit:
            metadata["continue"] = self._keep(version, items, limit)
            if not query.get("labelSelector") and not query.get("fieldSelector"):
                metadata["remainingItemCount"] = len(items) - limit
            items = items[:limit]
        resource = shelf.kind.resource
        if not shelf.kind.custom:
            items = [{key: value for key, value in body.items() if key not in ("apiVersion", "kind")} for body in items]
        return Response(200, {"kind": f"{resource.kind}List", "apiVersion": resource.api_version, "metadata": metadata, "items": items})

    def _page(self, token: str) -> tuple[int, list[Object]]:
        found = self._pages.get(token)
        if found is None or found[0] < self._store.compacted:
            raise RefusedError(410, "Expired", _EXPIRED, metadata={"continue": token})
        return found

    def _keep(self, version: int, items: list[Object], limit: int) -> str:
        """The rest of a list, as it was at its beginning."""
        last = items[limit - 1]["metadata"]
        start = f"{last.get('namespace', '')}/{last['name']}\0"
        token = base64.urlsafe_b64encode(json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": start}).encode()).decode().rstrip("=")
        self._pages[token] = version, items[limit:]
        if len(self._pages) > _PAGES_KEPT:
            self._pages.popitem(last=False)
        return token

    def _stamp(self) -> str:
        return second(self._now())


def _by_name(target: Target, query: Mapping[str, str]) -> str:
    """A watch on one object is one with a selector."""
    fields = query.get("fieldSelector", "")
    return ",".join(filter(None, [fields, f"metadata.name={target.name}" if target.name else ""]))
