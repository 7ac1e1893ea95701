"""Delete: at once, or begun and finished by others."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.simulation.apiserver.requests import Request, Response, Target
from tests.simulation.apiserver.status import another, details_of
from tests.simulation.apiserver.store import Shelf, Store
from tests.simulation.apiserver.writes import check_version, present, second

from headgate.kube.resources import NAMESPACES, PODS, SERVICES

Object = dict[str, Any]


class Deletes:
    """`admit` refuses by raising."""

    def __init__(self, store: Store, now: Callable[[], datetime], admit: Callable[[Request, Object | None, Object | None], None]) -> None:
        self._store, self._now, self._admit = store, now, admit

    def delete(self, request: Request, target: Target, shelf: Shelf) -> Response:
        old = present(target, shelf)
        resource, options = shelf.kind.resource, request.body or {}
        uid = (options.get("preconditions") or {}).get("uid")
        if uid and uid != old["metadata"]["uid"]:
            raise another(resource, target.name, uid, old["metadata"]["uid"])
        check_version(shelf, old, (options.get("preconditions") or {}).get("resourceVersion"))
        self._admit(request, old, None)
        key = (target.namespace, target.name)
        last = self._leaving(shelf, old, options)
        if request.dry_run or last is not None:
            body = last or old
            return Response(200, body if request.dry_run or body == old else self._store.put(shelf, key, body))
        gone = self._store.remove(shelf, key)
        if resource is SERVICES:
            return Response(200, gone)
        details = {**details_of(resource, target.name), "uid": old["metadata"]["uid"]}
        return Response(200, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})

    def _leaving(self, shelf: Shelf, old: Object, options: Object) -> Object | None:
        """The object with its deletion begun, if it cannot go at once."""
        metadata = dict(old["metadata"])
        finalizers = list(metadata.get("finalizers") or ())
        added = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}.get(options.get("propagationPolicy") or "")
        if added and added not in finalizers:
            finalizers.append(added)
        grace = 0
        if shelf.kind.resource is PODS and (old.get("spec") or {}).get("nodeName"):
            asked = options.get("gracePeriodSeconds")
            grace = int(old["spec"].get("terminationGracePeriodSeconds", 30) if asked is None else asked)
        if not finalizers and not grace and shelf.kind.resource is not NAMESPACES:
            return None
        if metadata.get("deletionTimestamp"):
            return old
        metadata["deletionTimestamp"] = second(self._now())
        if shelf.kind.resource is not NAMESPACES:
            metadata["deletionGracePeriodSeconds"] = grace
        if finalizers:
            metadata["finalizers"] = finalizers
        if metadata.get("generation"):
            metadata["generation"] += 1
        last = {**old, "metadata": metadata}
        if shelf.kind.resource is NAMESPACES:
            last["status"] = {**(old.get("status") or {}), "phase": "Terminating"}
        return last
