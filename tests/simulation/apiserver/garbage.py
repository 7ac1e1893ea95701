"""What the garbage collector and the namespace controller do, one round at a time."""

from collections.abc import Callable
from typing import Any

from tests.simulation.apiserver.store import Name, Shelf, Store

from headgate.kube.resources import NAMESPACES

Object = dict[str, Any]

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"


def collect(store: Store, now: Callable[[], str]) -> bool:
    """Returns whether anything changed: call it until it does not, for all that follows from one deletion."""
    begun = store.version
    _empty_namespaces(store, now)
    alive = {body["metadata"]["uid"]: (shelf, name, body) for shelf, name, body in store.everything()}
    for shelf, name, body in store.everything():
        references = body["metadata"].get("ownerReferences")
        if references:
            _follow_owners(store, shelf, name, body, alive, now)
    _finish_deletions(store)
    return store.version != begun


def _follow_owners(store: Store, shelf: Shelf, name: Name, body: Object, alive: dict[str, Any], now: Callable[[], str]) -> None:
    """An object without any living owner goes; one whose owner leaves its dependents behind loses the reference."""
    standing, orphaned, waiting = [], False, False
    for reference in body["metadata"]["ownerReferences"]:
        owner = alive.get(reference["uid"])
        if owner is None:
            continue
        finalizers = owner[2]["metadata"].get("finalizers") or () if owner[2]["metadata"].get("deletionTimestamp") else ()
        if ORPHAN in finalizers:
            orphaned = True
        elif FOREGROUND in finalizers:
            waiting = True
        else:
            standing.append(reference)
    if orphaned:
        metadata = {key: value for key, value in body["metadata"].items() if key != "ownerReferences"}
        store.put(shelf, name, {**body, "metadata": {**metadata, **({"ownerReferences": standing} if standing else {})}})
    elif not standing:
        _delete(store, shelf, name, body, now)
    elif waiting:
        return


def _delete(store: Store, shelf: Shelf, name: Name, body: Object, now: Callable[[], str]) -> None:
    metadata = body["metadata"]
    if not metadata.get("finalizers"):
        store.remove(shelf, name)
    elif not metadata.get("deletionTimestamp"):
        store.put(shelf, name, {**body, "metadata": {**metadata, "deletionTimestamp": now(), "deletionGracePeriodSeconds": 0}})


def _finish_deletions(store: Store) -> None:
    """An owner that waited for its dependents goes after the last of them."""
    owned = {r["uid"] for _, _, body in store.everything() for r in body["metadata"].get("ownerReferences") or ()}
    for shelf, name, body in store.everything():
        metadata = body["metadata"]
        finalizers = metadata.get("finalizers") or ()
        if not metadata.get("deletionTimestamp") or metadata["uid"] in owned:
            continue
        rest = [finalizer for finalizer in finalizers if finalizer not in (FOREGROUND, ORPHAN)]
        if len(rest) == len(finalizers):
            continue
        left = {key: value for key, value in metadata.items() if key != "finalizers"}
        last = {**body, "metadata": {**left, **({"finalizers": rest} if rest else {})}}
        if rest:
            store.put(shelf, name, last)
        else:
            store.remove(shelf, name, last)


def _empty_namespaces(store: Store, now: Callable[[], str]) -> None:
    """A namespace that is being deleted takes its objects along, and goes when it is empty."""
    spaces = store.shelves[NAMESPACES.qualified]
    going = {name for (_, name), body in spaces.objects.items() if body["metadata"].get("deletionTimestamp")}
    if not going:
        return
    for shelf, name, body in store.everything():
        if name[0] in going:
            _delete(store, shelf, name, body, now)
    filled = {name[0] for _, name, _ in store.everything()}
    for name in sorted(going - filled):
        store.remove(spaces, ("", name))
