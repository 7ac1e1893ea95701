"""Sets of fields, as managedFields spell them: nested mappings, `{"f:spec": {"f:replicas": {}}}`.

A key with an empty mapping is a member; a key with others below is one only if `.` is among them. Sets are shared and never changed.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tests.simulation.apiserver.schema import Node

FieldSet = dict[str, Any]

MEMBER: FieldSet = {}
SELF = "."


def union(one: FieldSet, other: FieldSet) -> FieldSet:
    if not one or one == other:
        return other
    result = dict(one)
    for key, below in other.items():
        mine = result.get(key)
        result[key] = below if mine is None else _joined(mine, below)
    return result


def _joined(one: FieldSet, other: FieldSet) -> FieldSet:
    if one == other:
        return one
    return union(one or {SELF: MEMBER}, other or {SELF: MEMBER})


def difference(one: FieldSet, other: FieldSet) -> FieldSet:
    """Members of `one` that are not members of `other`."""
    if not other:
        return one
    result: FieldSet = {}
    for key, below in one.items():
        theirs = other.get(key)
        if theirs is None:
            result[key] = below
        elif not below:
            if theirs and SELF not in theirs:
                result[key] = below
        else:
            rest = difference(below, theirs or {SELF: MEMBER})
            if rest:
                result[key] = _trimmed(rest)
    return result


def intersection(one: FieldSet, other: FieldSet) -> FieldSet:
    if one == other:
        return one
    result: FieldSet = {}
    for key, below in one.items():
        theirs = other.get(key)
        if theirs is None:
            continue
        both = intersection(below or {SELF: MEMBER}, theirs or {SELF: MEMBER})
        if both:
            result[key] = _trimmed(both)
    return result


def _trimmed(below: FieldSet) -> FieldSet:
    return MEMBER if len(below) == 1 and SELF in below else below


def with_named_members(fields: FieldSet, node: Node) -> FieldSet:
    """Fields that the schema names are members as soon as something below them is: they go when nobody names them any more."""
    result: FieldSet = {}
    for key, below in fields.items():
        if not below:
            result[key] = below
            continue
        child = _below(node, key)
        if child is None:
            result[key] = below
            continue
        inner = with_named_members(below, child)
        named = key.startswith("f:") and key[2:] in node.fields
        result[key] = {SELF: MEMBER, **inner} if named else inner
    return result


def _below(node: Node, key: str) -> Node | None:
    if key.startswith("f:"):
        return node.child(key[2:])
    return node.element


def item_key(item: Any, node: Node) -> str:
    """How an item of an associative list or a set is named in a field set."""
    if not node.keys:
        return f"v:{_plain(item)}"
    if not isinstance(item, Mapping):
        return f"v:{_plain(item)}"
    defaults = node.key_defaults
    return _key(node.keys, tuple(item[key] if key in item else defaults.get(key) for key in node.keys))


@lru_cache(maxsize=4096, typed=True)
def _key(names: tuple[str, ...], values: tuple[Any, ...]) -> str:
    return f"k:{_plain(dict(zip(names, values, strict=True)))}"


def _plain(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def paths(fields: FieldSet, prefix: str = "") -> list[str]:
    """Members as conflicts spell them: `.spec.template.spec.containers[name="model"].image`."""
    found = []
    for key, below in fields.items():
        if key == SELF:
            continue
        place = prefix + _spelt(key)
        if not below or SELF in below:
            found.append(place)
        found += paths(below, place)
    return sorted(found) if not prefix else found


def _spelt(key: str) -> str:
    if key.startswith("f:"):
        return f".{key[2:]}"
    if key.startswith("k:"):
        return "[" + ",".join(f"{name}={_plain(value)}" for name, value in json.loads(key[2:]).items()) + "]"
    return f"[={key[2:]}]"
