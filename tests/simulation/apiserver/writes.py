"""Create, replace, patch, apply and delete: from a request to the next stored object."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.simulation.apiserver import managers
from tests.simulation.apiserver.managers import APPLY, UPDATE, ClashError, Manager, Writer
from tests.simulation.apiserver.requests import Request, Response, Target
from tests.simulation.apiserver.schema import pruned, unknown_fields
from tests.simulation.apiserver.shared import completed, merged_with, owned_by_applying, unknown_in, with_spec
from tests.simulation.apiserver.status import (
    MODIFIED,
    Cause,
    RefusedError,
    already_exists,
    apply_conflict,
    bad_request,
    conflict,
    forbidden,
    invalid,
    not_found,
    strict,
    unknown_in_apply,
)
from tests.simulation.apiserver.store import Name, Shelf, Store
from tests.simulation.apiserver.validation import mistakes

from headgate.kube.resources import NAMESPACES, SERVICES, Resource

Object = dict[str, Any]
Admission = Callable[[Request, Object | None, Object | None], "str | RefusedError | None"]
"""Returns why a write is refused (403), or the whole refusal."""

_KEPT = ("uid", "creationTimestamp", "generation", "resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields")
_NAMELESS = "Required value: name or generateName is required"
_PATCH_OPTIONS = Resource("meta.k8s.io", "v1", "", "PatchOptions")
_APPLY = "application/apply-patch+yaml"
_PATCHES = frozenset({"application/merge-patch+json", "application/strategic-merge-patch+json"})


def second(moment: datetime) -> str:
    """The API's Time."""
    return f"{moment.astimezone(UTC).isoformat()[:19]}Z"


class Writes:
    """`admission` is asked before each one."""

    def __init__(
        self, store: Store, now: Callable[[], datetime], admission: list[Admission], uids: Callable[[], str] | None = None
    ) -> None:
        self._store, self._now, self._admission = store, now, admission
        self._uids = uids or (lambda: _uid(self._made))
        self._made = 0

    def create(self, request: Request, target: Target, shelf: Shelf) -> Response:
        body = self._decoded(request, shelf)
        metadata = body.get("metadata") or {}
        name = metadata.get("name") or self._generated(metadata.get("generateName") or "")
        if not name:
            raise invalid(shelf.kind.resource, "", [Cause("metadata.name", "FieldValueRequired", _NAMELESS)])
        if metadata.get("resourceVersion"):
            raise RefusedError(500, "", "resourceVersion should not be set on objects to be created")
        self._check_namespace(shelf, target.namespace, name)
        body = {**body, "metadata": {**metadata, "name": name, **({"namespace": target.namespace} if target.namespace else {})}}
        if shelf.kind.status:
            body.pop("status", None)
        new = self._made_new(request, shelf, body)
        key = (target.namespace, name)
        if key in shelf.objects:
            leaving = "deletionTimestamp" in shelf.objects[key]["metadata"]
            raise already_exists(shelf.kind.resource, name, leaving=leaving)
        new = managers.created(new, shelf.kind.initial, shelf.kind.node, self._writer(request, shelf, UPDATE))
        return Response(201, new if request.dry_run else self._store.put(shelf, key, new))

    def _made_new(self, request: Request, shelf: Shelf, body: Object) -> Object:
        """Completed, validated and admitted."""
        new = self.completed(shelf, completed(shelf.kind, body, None), None)
        if shelf.kind.resource is NAMESPACES:
            metadata = new["metadata"]
            metadata["labels"] = {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": metadata["name"]}
        if shelf.kind.resource is SERVICES:
            new = self._with_address(new)
        self._validate(shelf, new, None)
        self.admit(request, None, new)
        return new

    def replace(self, request: Request, target: Target, shelf: Shelf) -> Response:
        old = present(target, shelf)
        body = self._decoded(request, shelf)
        check_version(shelf, old, (body.get("metadata") or {}).get("resourceVersion"))
        return self._change(request, target, shelf, old, body)

    def patch(self, request: Request, target: Target, shelf: Shelf) -> Response:
        if request.content_type == _APPLY:
            return self._apply(request, target, shelf)
        if request.content_type not in _PATCHES:
            raise RefusedError(415, "UnsupportedMediaType", f"the body of the request was in an unknown format: {request.content_type}")
        old = present(target, shelf)
        body = _merge_patched(old, request.body)
        check_version(shelf, old, body["metadata"].get("resourceVersion"))
        self._check_strict(request, shelf, body)
        return self._change(request, target, shelf, old, pruned(body, shelf.kind.node))

    def _change(self, request: Request, target: Target, shelf: Shelf, old: Object, body: Object) -> Response:
        new = self._scoped(shelf, target, old, body)
        new = self.completed(shelf, completed(shelf.kind, new, old), old)
        writer = self._writer(request, shelf, UPDATE, target.subresource)
        new = managers.updated(old, new, shelf.kind.node, writer)
        return self._finish(request, target, shelf, old, new)

    def _apply(self, request: Request, target: Target, shelf: Shelf) -> Response:
        kind, old = shelf.kind, shelf.objects.get((target.namespace, target.name))
        self._check_apply(request, target, shelf, old)
        intent = with_spec(kind, request.body)
        unknown = unknown_in(kind, intent)
        if unknown:
            raise unknown_in_apply(kind.resource, f"{target.namespace}/{target.name}", unknown)
        if target.subresource:
            intent = {"metadata": {}, "status": intent.get("status")}
        elif kind.status:
            intent = {key: value for key, value in intent.items() if key != "status"}
        live = old or {"apiVersion": kind.resource.api_version, "kind": kind.resource.kind, "metadata": {}}
        writer = self._writer(request, shelf, APPLY, target.subresource)
        wanted = managers.tracked(intent)
        fields, after = owned_by_applying(kind, wanted), merged_with(kind, managers.tracked(live), wanted)
        try:
            new = managers.applied(live, after, fields, kind.node, writer, force=request.query.get("force") == "true")
        except ClashError as clash:
            raise apply_conflict(clash.clashes) from None
        if old is None:
            return self._create_applied(request, target, shelf, new)
        if new is old:
            return Response(200, old)
        owners = new["metadata"].get("managedFields")
        new = self.completed(shelf, completed(kind, self._scoped(shelf, target, old, new), old), old)
        new["metadata"].pop("managedFields", None)
        if owners:
            new["metadata"]["managedFields"] = owners
        return self._finish(request, target, shelf, old, new)

    def _check_apply(self, request: Request, target: Target, shelf: Shelf, old: Object | None) -> None:
        metadata, resource = request.body.get("metadata") or {}, shelf.kind.resource
        uid = metadata.get("uid")
        if not request.query.get("fieldManager"):
            raise invalid(_PATCH_OPTIONS, "", [Cause("fieldManager", "FieldValueRequired", "Required value: is required for apply patch")])
        if metadata.get("managedFields"):
            raise bad_request("metadata.managedFields must be nil")
        if old is not None:
            check_version(shelf, old, metadata.get("resourceVersion"))
            if uid and uid != old["metadata"]["uid"]:
                mistake = Cause("metadata.uid", "FieldValueInvalid", f'Invalid value: "{uid}": field is immutable')
                raise invalid(resource, target.name, [mistake])
            return
        if target.subresource:
            raise not_found(resource, target.name)
        self._check_namespace(shelf, target.namespace, target.name)
        if uid:
            raise conflict(
                resource, target.name, f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            )

    def _create_applied(self, request: Request, target: Target, shelf: Shelf, new: Object) -> Response:
        metadata = {**new["metadata"], "name": target.name, **({"namespace": target.namespace} if target.namespace else {})}
        fields = metadata.pop("managedFields", None)
        made = self._made_new(request, shelf, {**new, "metadata": metadata})
        if fields:
            made["metadata"]["managedFields"] = fields
        return Response(201, made if request.dry_run else self._store.put(shelf, (target.namespace, target.name), made))

    def _finish(self, request: Request, target: Target, shelf: Shelf, old: Object, new: Object) -> Response:
        self._validate(shelf, new, old)
        self.admit(request, old, new)
        if new == old:
            return Response(200, old)
        if request.dry_run:
            return Response(200, new)
        return Response(200, self.commit(shelf, (target.namespace, target.name), old, new))

    def commit(self, shelf: Shelf, name: Name, old: Object | None, new: Object) -> Object:
        """Store it; an object that only waited for its last finalizer goes."""
        metadata = new["metadata"]
        if old is not None and metadata.get("deletionTimestamp") and not metadata.get("finalizers") and old["metadata"].get("finalizers"):
            self._store.remove(shelf, name, new)
            return new
        return self._store.put(shelf, name, new)

    def completed(self, shelf: Shelf, body: Object, old: Object | None) -> Object:
        """With the metadata that is the server's."""
        resource, mine = shelf.kind.resource, dict(body["metadata"])
        before = old["metadata"] if old is not None else {}
        for key in _KEPT:
            if key in before:
                mine[key] = before[key]
            else:
                mine.pop(key, None)
        if old is None:
            self._made += 1
            mine["uid"] = self._uids()
            mine["creationTimestamp"] = second(self._now())
        if shelf.kind.counted:
            mine["generation"] = before["generation"] + (1 if _counts(shelf, body, old) else 0) if old is not None else 1
        return {**body, "apiVersion": resource.api_version, "kind": resource.kind, "metadata": mine}

    def _scoped(self, shelf: Shelf, target: Target, old: Object, body: Object) -> Object:
        """Of a write to the object everything but the status counts, of one to the status nothing else."""
        if not shelf.kind.status:
            return body
        if target.subresource:
            kept = {**old, "metadata": old["metadata"]}
            managed = body["metadata"].get("managedFields")
            if managed is not None:
                kept["metadata"] = {**old["metadata"], "managedFields": managed}
            if "status" in body:
                kept["status"] = body["status"]
            else:
                kept.pop("status", None)
            return kept
        new = {key: value for key, value in body.items() if key != "status"}
        if "status" in old:
            new["status"] = old["status"]
        return new

    def _decoded(self, request: Request, shelf: Shelf) -> Object:
        self._check_strict(request, shelf, request.body)
        return with_spec(shelf.kind, pruned(request.body, shelf.kind.node))

    def _check_strict(self, request: Request, shelf: Shelf, body: Object) -> None:
        if request.query.get("fieldValidation") == "Strict":
            unknown = unknown_fields(body, shelf.kind.node)
            if unknown:
                raise strict(shelf.kind.resource, unknown)

    def _validate(self, shelf: Shelf, new: Object, old: Object | None) -> None:
        causes = mistakes(shelf.kind, new, old)
        if causes:
            raise invalid(shelf.kind.resource, new["metadata"]["name"], causes)

    def admit(self, request: Request, old: Object | None, new: Object | None) -> None:
        for asked in self._admission:
            refusal = asked(request, old, new)
            if isinstance(refusal, RefusedError):
                raise refusal
            if refusal:
                shelf, name = self._store.shelves, (new or old or {})["metadata"]["name"]
                kind = next(s.kind for s in shelf.values() if s.kind.resource.kind == (new or old or {})["kind"])
                raise forbidden(kind.resource, name, refusal)

    def _check_namespace(self, shelf: Shelf, namespace: str, name: str) -> None:
        if not namespace:
            return
        found = self._store.shelves[NAMESPACES.qualified].objects.get(("", namespace))
        if found is None:
            raise not_found(NAMESPACES, namespace)
        if found["metadata"].get("deletionTimestamp"):
            why = f"unable to create new content in namespace {namespace} because it is being terminated"
            refusal = forbidden(shelf.kind.resource, name, why)
            words = f"namespace {namespace} is being terminated"
            refusal.body["details"]["causes"] = [{"reason": "NamespaceTerminating", "message": words, "field": "metadata.namespace"}]
            raise refusal

    def _writer(self, request: Request, shelf: Shelf, operation: str, subresource: str = "") -> Writer:
        manager = Manager(request.query.get("fieldManager") or "unknown", operation, subresource)
        return Writer(manager, shelf.kind.resource.api_version, second(self._now()))

    def _generated(self, prefix: str) -> str:
        return f"{prefix}{_digest(self._made + 1)[:5]}" if prefix else ""

    def _with_address(self, body: Object) -> Object:
        spec = body["spec"]
        if spec.get("type") == "ExternalName" or spec.get("clusterIP"):
            return body
        address = f"10.96.{self._made // 250 % 250}.{self._made % 250 + 1}"
        return {**body, "spec": {**spec, "clusterIP": address, "clusterIPs": [address]}}


def present(target: Target, shelf: Shelf) -> Object:
    """Raises RefusedError if there is none."""
    found = shelf.objects.get((target.namespace, target.name))
    if found is None:
        raise not_found(shelf.kind.resource, target.name)
    return found


def check_version(shelf: Shelf, old: Object, expected: str | None) -> None:
    """Raises RefusedError if the writer has seen another state of the object."""
    if expected and old["metadata"]["resourceVersion"] != expected:
        raise conflict(shelf.kind.resource, old["metadata"]["name"], MODIFIED)


def _counts(shelf: Shelf, body: Object, old: Object) -> bool:
    """Whether a change makes a new generation."""
    return any(
        body.get(part) != old.get(part)
        if part != "annotations"
        else (body["metadata"].get(part) or {}) != (old["metadata"].get(part) or {})
        for part in shelf.kind.counted
    )


def _merge_patched(old: Any, patch: Any) -> Any:
    """JSON merge patch."""
    if not isinstance(patch, dict):
        return patch
    result = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merge_patched(result.get(key), value) if isinstance(value, dict) else value
    return result


def _uid(number: int) -> str:
    text = _digest(number)
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:32]}"


def _digest(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()
