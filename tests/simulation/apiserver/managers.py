"""Who owns which field: managedFields kept by applies and by every other write."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from tests.simulation.apiserver.fields import (
    MEMBER,
    FieldSet,
    difference,
    intersection,
    paths,
    union,
    with_named_members,
)
from tests.simulation.apiserver.merge import Object, compare, fields_of, merged, without
from tests.simulation.apiserver.schema import Node

APPLY, UPDATE = "Apply", "Update"

_UNOWNED = frozenset(
    {"name", "namespace", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "managedFields"}
    | {"resourceVersion", "selfLink", "uid"}
)
"""Metadata that belongs to the server."""


class Manager(NamedTuple):
    """One line of managedFields: `operation` tells an applier from everybody else of the same name."""

    name: str
    operation: str
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Owned:
    """What a manager has. `time`: when that last changed."""

    api_version: str
    time: str
    fields: FieldSet


Managers = dict[Manager, Owned]


@dataclass(frozen=True, slots=True)
class Clash:
    """A field that an applier wants otherwise than its owner has it."""

    manager: Manager
    api_version: str
    time: str
    path: str


class ClashError(Exception):
    """An apply without force that would take fields away from others."""

    def __init__(self, clashes: list[Clash]) -> None:
        super().__init__(clashes)
        self.clashes = clashes


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes, when, in which version of the kind."""

    manager: Manager
    api_version: str
    time: str


def owners(body: Mapping[str, Any]) -> Managers:
    """As the object's managedFields say."""
    return {
        Manager(entry["manager"], entry["operation"], entry.get("subresource", "")): Owned(
            entry["apiVersion"], entry["time"], entry["fieldsV1"]
        )
        for entry in body["metadata"].get("managedFields") or ()
    }


def written(managers: Managers) -> list[Object]:
    """managedFields as objects carry them: appliers first, then by time."""
    order = sorted(
        managers.items(), key=lambda item: (item[0].operation, item[1].time, item[0].name, item[1].api_version, item[0].subresource)
    )
    return [
        {
            "manager": manager.name,
            "operation": manager.operation,
            "apiVersion": owned.api_version,
            "time": owned.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": owned.fields,
            **({"subresource": manager.subresource} if manager.subresource else {}),
        }
        for manager, owned in order
    ]


def tracked(body: Mapping[str, Any]) -> Object:
    """The part of an object that has owners."""
    kept = {key: value for key, value in body.items() if key not in ("apiVersion", "kind")}
    metadata = {key: value for key, value in (body.get("metadata") or {}).items() if key not in _UNOWNED}
    kept["metadata"] = metadata
    return kept


def applied(live: Object, intent: Object, node: Node, writer: Writer, *, force: bool) -> Object:
    """`live` after the manager's complete intent: what it had before and leaves out now goes, unless somebody else has it.

    Raises ClashError.
    """
    managers = owners(live)
    mine, before, wanted = writer.manager, tracked(live), tracked(intent)
    last = managers.get(mine)
    fields = fields_of(wanted, node) or MEMBER
    after = merged(before, wanted, node)
    if last is not None and last.fields != fields:
        held = fields
        for manager, owned in managers.items():
            if manager != mine:
                held = union(held, owned.fields)
        gone = difference(with_named_members(last.fields, node), with_named_members(held, node))
        if gone:
            after = without(after, gone, node) or {}
            after.setdefault("metadata", {})
    _take_over(managers, mine, before, after, node, force=force)
    if fields:
        managers[mine] = Owned(writer.api_version, writer.time, fields)
    else:
        managers.pop(mine, None)
    return _with(live, after, managers, last, writer)


def updated(live: Object | None, new: Object, node: Node, writer: Writer) -> Object:
    """`new` in the place of `live`: the writer owns what it changed."""
    managers = owners(live) if live is not None else {}
    before = tracked(live) if live is not None else {"metadata": {}}
    after = tracked(new)
    comparison = _take_over(managers, writer.manager, before, after, node, force=True)
    last = managers.get(writer.manager)
    mine = last.fields if last else MEMBER
    taken = union(difference(mine, comparison.removed), comparison.changed)
    if taken:
        changed = bool(comparison.changed) or last is None
        managers[writer.manager] = Owned(writer.api_version, writer.time if changed else last.time if last else "", taken)
    else:
        managers.pop(writer.manager, None)
    return {**new, "metadata": {**new["metadata"], "managedFields": written(managers)}}


def _take_over(managers: Managers, mine: Manager, before: Object, after: Object, node: Node, *, force: bool) -> Any:
    """Others lose what was changed or removed. Raises ClashError if they may not."""
    comparison = compare(before, after, node)
    if not comparison.changed and not comparison.removed:
        return comparison
    clashes: list[Clash] = []
    for manager, owned in list(managers.items()):
        if manager == mine:
            continue
        lost = intersection(owned.fields, comparison.changed) if comparison.changed else MEMBER
        if lost and not force:
            clashes += [Clash(manager, owned.api_version, owned.time, path) for path in paths(lost)]
        rest = difference(difference(owned.fields, lost), comparison.removed)
        if rest != owned.fields:
            if rest:
                managers[manager] = Owned(owned.api_version, owned.time, rest)
            else:
                del managers[manager]
    if clashes:
        raise ClashError(clashes)
    return comparison


def _with(live: Object, after: Object, managers: Managers, last: Owned | None, writer: Writer) -> Object:
    """The whole object again. An apply that changes nothing leaves the time of the last one."""
    metadata = {key: value for key, value in live["metadata"].items() if key in _UNOWNED} | (after.get("metadata") or {})
    result = {"apiVersion": live["apiVersion"], "kind": live["kind"], **after, "metadata": metadata}
    if last is not None and (mine := managers.get(writer.manager)) is not None:
        quiet = {**managers, writer.manager: Owned(mine.api_version, last.time, mine.fields)}
        metadata["managedFields"] = written(quiet)
        if result == live:
            return live
    metadata["managedFields"] = written(managers)
    return result
