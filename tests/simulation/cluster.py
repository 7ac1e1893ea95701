"""The simulated API server, and word of every change for the controllers and checks around it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.simulation.apiserver.requests import Request
from tests.simulation.apiserver.server import ApiServer, Watch
from tests.simulation.apiserver.store import Name, Shelf

from headgate.kube.resources import Resource

Object = dict[str, Any]


class Cluster(ApiServer):
    """`changed(plural, old, new)` is called after each write, whoever made it."""

    def __init__(self, now: Callable[[], datetime], changed: Callable[[str, Object | None, Object | None], None]) -> None:
        self.changed = changed
        super().__init__(now)
        put, remove = self._store.put, self._store.remove

        def tell_put(shelf: Shelf, name: Name, new: Object) -> Object:
            old = shelf.objects.get(name)
            stored = put(shelf, name, new)
            self.changed(shelf.kind.resource.plural, old, stored)
            return stored

        def tell_remove(shelf: Shelf, name: Name, last: Object | None = None) -> Object:
            gone = remove(shelf, name, last)
            self.changed(shelf.kind.resource.plural, gone, None)
            return gone

        self._store.put, self._store.remove = tell_put, tell_remove  # type: ignore[method-assign]

    def open_watch(self, resource: Resource, selector: str, version: str) -> Watch:
        opened = self.watch(
            Request("GET", resource.path(), {"labelSelector": selector, "resourceVersion": version, "allowWatchBookmarks": "true"})
        )
        assert isinstance(opened, Watch)
        return opened
