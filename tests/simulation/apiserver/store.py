"""Objects by kind and name, the history of their changes, and watches on it."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol, runtime_checkable

from tests.simulation.apiserver.kinds import Kind, Kinds
from tests.simulation.apiserver.selectors import Matcher

Object = dict[str, Any]
Name = tuple[str, str]
"""Namespace (empty for none) and name."""


class Change(NamedTuple):
    """`old` is None for a new object; `new` is None for a deletion, and `old` then carries the deletion's resourceVersion."""

    version: int
    old: Object | None
    new: Object | None


@dataclass(slots=True)
class Shelf:
    """The objects of one kind. `dropped`: how many of its changes are history no more; `forgotten`: the last of these."""

    kind: Kind
    objects: dict[Name, Object] = field(default_factory=dict)
    changes: deque[Change] = field(default_factory=deque)
    dropped: int = 0
    forgotten: int = 0


class Store:
    """Nothing that is stored is ever changed: every write puts a new object in the place of the old one."""

    def __init__(self, known: Kinds, history: int) -> None:
        self.version = 1
        self.compacted = 0
        self.shelves = {name: Shelf(kind) for name, kind in known.items()}
        self._history = history

    def put(self, shelf: Shelf, name: Name, new: Object) -> Object:
        """`new` gets the next resourceVersion; it and its metadata must be new mappings."""
        self.version += 1
        new["metadata"]["resourceVersion"] = str(self.version)
        self._remember(shelf, Change(self.version, shelf.objects.get(name), new))
        shelf.objects[name] = new
        return new

    def remove(self, shelf: Shelf, name: Name, last: Object | None = None) -> Object:
        """`last`: the object's final state, if it is not the stored one."""
        self.version += 1
        old = last or shelf.objects[name]
        old = {**old, "metadata": {**old["metadata"], "resourceVersion": str(self.version)}}
        del shelf.objects[name]
        self._remember(shelf, Change(self.version, old, None))
        return old

    def _remember(self, shelf: Shelf, change: Change) -> None:
        shelf.changes.append(change)
        if len(shelf.changes) > self._history:
            shelf.forgotten = shelf.changes.popleft().version
            shelf.dropped += 1

    def compact(self) -> None:
        """Nothing before now can be asked for any more."""
        self.compacted = self.version
        for shelf in self.shelves.values():
            shelf.dropped += len(shelf.changes)
            shelf.changes.clear()
            shelf.forgotten = self.version

    def everything(self) -> Iterator[tuple[Shelf, Name, Object]]:
        for shelf in self.shelves.values():
            for name, body in list(shelf.objects.items()):
                yield shelf, name, body


Event = dict[str, Any]
_BOOKMARK_EACH = 60.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What a watch shall bring. `since`: a resourceVersion, 0 for the present state first. `timeout` in seconds, 0 for none."""

    matches: Matcher
    since: int
    bookmarks: bool
    timeout: float


@runtime_checkable
class Watch(Protocol):
    """A stream of one kind's changes. It ends with an ERROR event, or without one after its timeout."""

    open: bool

    def take(self) -> list[Event]:
        """Events since the last call."""
        ...

    def stop(self) -> None:
        """The client has gone."""
        ...


class RefusedWatch:
    """Says why, once."""

    open = False

    def __init__(self, status: Any) -> None:
        self._events: list[Event] = [{"type": "ERROR", "object": status}]

    def take(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def stop(self) -> None:
        """It has never begun."""


class OpenWatch:
    """A Watch on the store."""

    def __init__(self, store: Store, shelf: Shelf, asked: Asked, now: Callable[[], datetime]) -> None:
        self._store, self._shelf, self._asked, self._now = store, shelf, asked, now
        self._begun = self._marked = now()
        self._first: list[Event] = []
        self.open = True
        self._next = shelf.dropped + len(shelf.changes)
        if asked.since == 0:
            self._first = self._present()
        elif asked.since < shelf.forgotten:
            self._first = [_too_old(asked.since, store.version)]
            self.open = False
        else:
            self._next -= sum(1 for change in shelf.changes if change.version > asked.since)

    def take(self) -> list[Event]:
        events, self._first = self._first, []
        if not self.open:
            return events
        shelf = self._shelf
        if self._next < shelf.dropped:
            self.open = False
            return [*events, _too_old(0, self._store.version)]
        end = shelf.dropped + len(shelf.changes)
        if self._next < end:
            for index in range(self._next - shelf.dropped, len(shelf.changes)):
                event = self._seen(shelf.changes[index])
                if event is not None:
                    events.append(event)
            self._next = end
        self._pass_time(events)
        return events

    def stop(self) -> None:
        self.open = False

    def _present(self) -> list[Event]:
        items = sorted(self._shelf.objects.items())
        return [{"type": "ADDED", "object": body} for _, body in items if self._asked.matches(body)]

    def _seen(self, change: Change) -> Event | None:
        """As somebody sees it who knows only what the selectors let through."""
        matches = self._asked.matches
        before = change.old is not None and matches(change.old)
        if change.new is not None and matches(change.new):
            return {"type": "MODIFIED" if before else "ADDED", "object": change.new}
        if not before or change.old is None:
            return None
        metadata = {**change.old["metadata"], "resourceVersion": str(change.version)}
        return {"type": "DELETED", "object": {**change.old, "metadata": metadata}}

    def _pass_time(self, events: list[Event]) -> None:
        now = self._now()
        if self._asked.bookmarks and (now - self._marked).total_seconds() >= _BOOKMARK_EACH:
            self._marked = now
            events.append(self._bookmark())
        if self._asked.timeout and (now - self._begun).total_seconds() >= self._asked.timeout:
            self.open = False

    def _bookmark(self) -> Event:
        resource = self._shelf.kind.resource
        metadata: Object = {"resourceVersion": str(self._store.version), "creationTimestamp": None}
        return {"type": "BOOKMARK", "object": {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata}}


def _too_old(since: int, now: int) -> Event:
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "Expired", "code": 410}
    return {"type": "ERROR", "object": {**status, "message": f"too old resource version: {since} ({now})"}}
