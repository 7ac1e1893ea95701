"""Refusals as the API server words them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.simulation.apiserver.managers import UPDATE, Clash

from headgate.kube.resources import Resource

Object = dict[str, Any]


class RefusedError(Exception):
    """A request is answered with a Status of failure."""

    headers: Mapping[str, str] = {}

    def __init__(
        self, code: int, reason: str, message: str, details: Object | None = None, *, metadata: Object | None = None, plain: bool = False
    ) -> None:
        """`plain`: the answer is the message alone, without a Status around it."""
        super().__init__(message)
        self.code = code
        self.body: Any = message
        if not plain:
            self.body = self._status(reason, message, details, metadata)

    def _status(self, reason: str, message: str, details: Object | None, metadata: Object | None) -> Object:
        body: Object = {"kind": "Status", "apiVersion": "v1", "metadata": metadata or {}, "status": "Failure", "message": message}
        if reason:
            body["reason"] = reason
        if details:
            body["details"] = details
        body["code"] = self.code
        return body


@dataclass(frozen=True, slots=True)
class Cause:
    """One mistake in an object. `type`: required, invalid, unsupported, too_long ... as the API's FieldValue words."""

    field: str
    type: str
    message: str


def details_of(resource: Resource, name: str, *, kind: str = "") -> Object:
    group = {"group": resource.group} if resource.group else {}
    return {**({"name": name} if name else {}), **group, "kind": kind or resource.plural}


def not_found(resource: Resource, name: str) -> RefusedError:
    return RefusedError(404, "NotFound", f'{resource.qualified} "{name}" not found', details_of(resource, name))


def already_exists(resource: Resource, name: str) -> RefusedError:
    return RefusedError(409, "AlreadyExists", f'{resource.qualified} "{name}" already exists', details_of(resource, name))


def conflict(resource: Resource, name: str, why: str) -> RefusedError:
    message = f'Operation cannot be fulfilled on {resource.qualified} "{name}": {why}'
    return RefusedError(409, "Conflict", message, details_of(resource, name))


MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def forbidden(resource: Resource, name: str, why: str) -> RefusedError:
    quoted = f' "{name}"' if name else ""
    return RefusedError(403, "Forbidden", f"{resource.qualified}{quoted} is forbidden: {why}", details_of(resource, name))


def bad_request(message: str) -> RefusedError:
    return RefusedError(400, "BadRequest", message)


def strict(resource: Resource, unknown: Iterable[str]) -> RefusedError:
    words = ", ".join(f'unknown field "{path}"' for path in unknown)
    kind = resource.kind
    article = f'{kind} in version "{resource.version}" cannot be handled as a {kind}'
    return bad_request(f"{article}: strict decoding error: {words}")


_WORDS = {
    "FieldValueRequired": "Required value",
    "FieldValueInvalid": "Invalid value",
    "FieldValueNotSupported": "Unsupported value",
    "FieldValueTooLong": "Too long",
    "FieldValueTooMany": "Too many",
    "FieldValueForbidden": "Forbidden",
    "FieldValueTypeInvalid": "Invalid value",
    "FieldValueDuplicate": "Duplicate value",
}


def invalid(resource: Resource, name: str, causes: list[Cause]) -> RefusedError:
    words = [f"{cause.field}: {cause.message}" for cause in causes]
    text = words[0] if len(words) == 1 else f"[{', '.join(words)}]"
    qualified = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    message = f'{qualified} "{name}" is invalid: {text}'
    details = details_of(resource, name, kind=resource.kind)
    details["causes"] = [{"reason": cause.type, "message": cause.message, "field": cause.field} for cause in causes]
    return RefusedError(422, "Invalid", message, details)


def unknown_in_apply(resource: Resource, body: Mapping[str, Any], unknown: list[str]) -> RefusedError:
    metadata = body["metadata"]
    where = f"{metadata.get('namespace') or ''}/{metadata['name']}"
    first = "errors:\n" + "\n".join(f"  .{path}: field not declared in schema" for path in unknown)
    if len(unknown) == 1:
        first = f".{unknown[0]}: field not declared in schema"
    message = f"failed to create typed patch object ({where}; {resource.api_version}, Kind={resource.kind}): {first}"
    return RefusedError(500, "", message)


def apply_conflict(clashes: list[Clash]) -> RefusedError:
    causes = [{"reason": "FieldManagerConflict", "message": f"conflict with {_who(clash)}", "field": clash.path} for clash in clashes]
    if len(clashes) == 1:
        message = f"Apply failed with 1 conflict: conflict with {_who(clashes[0])}: {clashes[0].path}"
    else:
        by_manager: dict[str, list[str]] = {}
        for clash in clashes:
            by_manager.setdefault(_who(clash), []).append(clash.path)
        parts = [f"conflicts with {who}:\n" + "\n".join(f"- {path}" for path in places) for who, places in sorted(by_manager.items())]
        message = f"Apply failed with {len(clashes)} conflicts: " + "\n".join(parts)
    return RefusedError(409, "Conflict", message, {"causes": causes})


def _who(clash: Clash) -> str:
    text = f'"{clash.manager.name}"'
    if clash.manager.subresource:
        text += f' with subresource "{clash.manager.subresource}"'
    return f"{text} using {clash.api_version}" if clash.manager.operation == UPDATE else text
