"""Structured merge: which fields an object sets, what a change touches, and how an applied intent joins an object."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.simulation.apiserver.fields import MEMBER, SELF, FieldSet, item_key
from tests.simulation.apiserver.schema import Node, deduced

Object = dict[str, Any]


def fields_of(value: Any, node: Node) -> FieldSet | None:
    """What someone who applies `value` owns in it: MEMBER for the value as a whole, None for nothing."""
    node = deduced(node, value)
    if value is None or node.shape == "scalar" or node.atomic:
        return MEMBER
    found: FieldSet = {}
    if node.shape == "list":
        element = node.element
        assert element is not None
        for item in value:
            inner = fields_of(item, element)
            found[item_key(item, node)] = {SELF: MEMBER, **inner} if inner else MEMBER
        return found or None
    fields, element = node.fields, node.element
    for name, item in value.items():
        child = fields.get(name) or element
        if child is None:
            continue
        inner = MEMBER if child.atomic or child.shape == "scalar" or item is None or item == {} else fields_of(item, child)
        if inner is None:
            continue
        found["f:" + name] = {SELF: MEMBER, **inner} if inner and name not in node.fields else inner
    return found or None


def all_below(value: Any, node: Node) -> FieldSet:
    """Every place in `value`, those in between as well."""
    node = deduced(node, value)
    if value is None or node.shape == "scalar" or node.atomic or not value:
        return MEMBER
    if node.shape == "list":
        assert node.element is not None
        return {SELF: MEMBER, **{item_key(item, node): all_below(item, node.element) for item in value}}
    below = ((name, item, node.child(name)) for name, item in value.items())
    return {SELF: MEMBER, **{"f:" + name: all_below(item, child) for name, item, child in below if child is not None}}


@dataclass(frozen=True, slots=True)
class Comparison:
    """`changed`: added or modified."""

    removed: FieldSet
    changed: FieldSet


_SAME = Comparison(MEMBER, MEMBER)
_ABSENT = object()


def compare(old: Any, new: Any, node: Node) -> Comparison:
    """Of two maps, or of two values of one associative list."""
    if old == new:
        return _SAME
    removed: FieldSet = {}
    changed: FieldSet = {}
    if node.shape == "list":
        _compare_children(_by_key(old, node), _by_key(new, node), lambda _: node.element, "", removed, changed)
    else:
        _compare_children(old, new, node.child, "f:", removed, changed)
    return Comparison(removed, changed)


def _by_key(items: list[Any], node: Node) -> dict[str, Any]:
    return {item_key(item, node): item for item in items}


def _compare_children(
    old: Mapping[str, Any], new: Mapping[str, Any], child_of: Any, prefix: str, removed: FieldSet, changed: FieldSet
) -> None:
    """`prefix` and a child's name are its key in a field set."""
    for name, mine in old.items():
        theirs = new.get(name, _ABSENT)
        if mine is theirs or (mine == theirs and type(mine) is type(theirs)):
            continue
        child = child_of(name)
        if child is None:
            continue
        key = prefix + name
        if theirs is _ABSENT:
            removed[key] = all_below(mine, child)
            continue
        if theirs is None and isinstance(mine, dict | list):
            theirs = type(mine)()
        inner = deduced(child, mine)
        granular = not inner.atomic and (
            (inner.shape == "map" and isinstance(mine, dict) and isinstance(theirs, dict))
            or (inner.shape == "list" and isinstance(mine, list) and isinstance(theirs, list))
        )
        if not granular:
            changed[key] = MEMBER
            continue
        found = compare(mine, theirs, inner)
        if found.removed:
            removed[key] = found.removed
        if found.changed:
            changed[key] = found.changed
    for name, theirs in new.items():
        if name not in old:
            child = child_of(name)
            if child is not None:
                changed[prefix + name] = all_below(theirs, child)


def merged(live: Any, intent: Any, node: Node) -> Any:
    """`live` with everything that `intent` sets; a null in the intent takes the field away."""
    if live is None:
        return without_nulls(intent, node)
    node = deduced(node, intent)
    if node.shape == "scalar" or node.atomic:
        return intent
    if node.shape == "list":
        return _merged_list(live, intent, node) if isinstance(live, list) and isinstance(intent, list) else intent
    if not isinstance(live, dict) or not isinstance(intent, dict):
        return intent
    result = dict(live)
    fields, element = node.fields, node.element
    for name, item in intent.items():
        child = fields.get(name) or element
        if item is None:
            result.pop(name, None)
        elif child is not None:
            present = result.get(name)
            result[name] = item if present == item and type(present) is type(item) else merged(present, item, child)
    return result


def without_nulls(value: Any, node: Node) -> Any:
    node = deduced(node, value)
    if isinstance(value, dict) and not node.atomic:
        return {name: without_nulls(item, node.child(name) or node) for name, item in value.items() if item is not None}
    if isinstance(value, list) and node.element is not None and not node.atomic:
        return [without_nulls(item, node.element) for item in value]
    return value


def _merged_list(live: list[Any], intent: list[Any], node: Node) -> list[Any]:
    """The order is that of the intent; items of others keep their place before the first item that they stood before."""
    assert node.element is not None
    mine, theirs = _by_key(live, node), _by_key(intent, node)
    shared = [key for key in theirs if key in mine]
    result: list[Any] = []
    done: set[str] = set()
    live_keys, intent_keys = list(mine), list(theirs)
    left = right = 0

    def take(key: str) -> None:
        done.add(key)
        result.append(merged(mine.get(key), theirs[key], node.element))  # type: ignore[arg-type]
        if shared and shared[0] == key:
            del shared[0]

    while left < len(live_keys) or right < len(intent_keys):
        if left < len(live_keys) and right < len(intent_keys):
            key = live_keys[left]
            if key == intent_keys[right]:
                take(key)
                left, right = left + 1, right + 1
                continue
            if key in theirs and shared and shared[0] != key:
                left += 1
                continue
        if left < len(live_keys):
            key = live_keys[left]
            if key not in theirs:
                result.append(mine[key])
                left += 1
                continue
            if key in done:
                left += 1
        if right < len(intent_keys):
            take(intent_keys[right])
            right += 1
    return result


def without(value: Any, fields: FieldSet, node: Node) -> Any:
    """`value` without the members of `fields` and everything below them. Null stands for a list or map of which nothing is left: it
    is not the same as one that was taken away itself."""
    node = deduced(node, value)
    if node.shape == "scalar" or node.atomic or not value:
        return value
    if node.shape == "list":
        assert node.element is not None
        kept = []
        for item in value:
            below = fields.get(item_key(item, node))
            if below is None:
                kept.append(item)
            elif below and SELF not in below:
                kept.append(without(item, below, node.element))
        return kept or None
    result: Object = {}
    for name, item in value.items():
        below = fields.get("f:" + name)
        if below is None:
            result[name] = item
        elif below and SELF not in below:
            child = node.child(name)
            result[name] = without(item, below, child) if child is not None else item
    return result or None
