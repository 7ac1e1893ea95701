"""Specs that are worked out once: simulations write the same few thousand times.

A spec never changes once it is stored, so what the schema says about it can be kept with it.
"""

import json
from collections import OrderedDict
from typing import Any

from tests.simulation.apiserver.fields import FieldSet
from tests.simulation.apiserver.kinds import Kind
from tests.simulation.apiserver.merge import fields_of, merged
from tests.simulation.apiserver.schema import filled, unknown_fields
from tests.simulation.apiserver.status import Cause

Object = dict[str, Any]

_KEPT = 4096


class Spec(dict[str, Any]):
    """The spec of some kind with what is known of it. None: not worked out yet."""

    __slots__ = ("causes", "fields", "joined", "unknown", "whole")

    def __init__(self, value: Object) -> None:
        super().__init__(value)
        self.unknown: list[str] | None = None
        self.fields: FieldSet | None = None
        self.whole: Spec | None = None
        self.causes: list[Cause] | None = None
        self.joined: tuple[Object, Spec] | None = None


_specs: OrderedDict[tuple[int, str], Spec] = OrderedDict()
_seen: dict[tuple[int, int], tuple[Object, Spec]] = {}
"""By identity, for as long as the mapping itself is kept here: a client that sends the same again is spared the spelling out."""


def spec_of(kind: Kind, value: Object) -> Spec:
    """The one Spec that says what `value` says."""
    if isinstance(value, Spec):
        return value
    known = _seen.get((id(kind.node), id(value)))
    if known is not None and known[0] is value:
        return known[1]
    key = id(kind.node), json.dumps(value)
    found = _specs.get(key)
    if found is None:
        found = _specs[key] = Spec(value)
        if len(_specs) > _KEPT:
            _specs.popitem(last=False)
    if len(_seen) >= _KEPT:
        _seen.clear()
    _seen[id(kind.node), id(value)] = value, found
    return found


def with_spec(kind: Kind, body: Object) -> Object:
    """`body` with a Spec for its spec, if it has one."""
    spec = body.get("spec")
    return {**body, "spec": spec_of(kind, spec)} if isinstance(spec, dict) else body


def unknown_in(kind: Kind, body: Object) -> list[str]:
    """Paths that the schema does not know, as applies are told of them."""
    spec = body.get("spec")
    if not isinstance(spec, Spec):
        return unknown_fields(body, kind.node, by_key=True)
    if spec.unknown is None:
        spec.unknown = unknown_fields({"spec": spec}, kind.node, by_key=True)
    rest = {key: value for key, value in body.items() if key != "spec"}
    return [*unknown_fields(rest, kind.node, by_key=True), *spec.unknown]


def owned_by_applying(kind: Kind, tracked: Object) -> FieldSet:
    """What an applier of this object owns."""
    spec = tracked.get("spec")
    if not tracked["metadata"]:
        tracked = {key: value for key, value in tracked.items() if key != "metadata"}
    if not isinstance(spec, Spec):
        return fields_of(tracked, kind.node) or {}
    if spec.fields is None:
        spec.fields = fields_of({"spec": spec}, kind.node) or {}
    rest = fields_of({key: value for key, value in tracked.items() if key != "spec"}, kind.node) or {}
    return {**rest, **spec.fields}


def merged_with(kind: Kind, live: Object, intent: Object) -> Object:
    """Of two objects; see merge.merged."""
    spec, wanted = live.get("spec"), intent.get("spec")
    if not isinstance(spec, Spec) or not isinstance(wanted, Spec):
        return dict(merged(live, intent, kind.node))
    if wanted.joined is None or wanted.joined[0] is not spec:
        wanted.joined = spec, spec_of(kind, merged(spec, wanted, kind.node.fields["spec"]))
    rest = merged(live, {key: value for key, value in intent.items() if key != "spec"}, kind.node)
    return {**rest, "spec": wanted.joined[1]}


def completed(kind: Kind, body: Object, old: Object | None) -> Object:
    """`body` with all defaults. What stands in `old` as well has them already."""
    result: Object = {}
    for key, value in {**kind.initial, **body}.items():
        child = kind.node.child(key)
        if child is None or not isinstance(value, dict) or key == "metadata" or (old is not None and value is old.get(key)):
            result[key] = value
        elif key == "spec":
            result[key] = _whole(kind, spec_of(kind, value))
        else:
            result[key] = filled(value, child)
    return result


def _whole(kind: Kind, spec: Spec) -> Spec:
    if spec.whole is None:
        new = kind.complete(spec) if not kind.custom else filled(spec, kind.node.fields["spec"])
        spec.whole = spec_of(kind, new)
        spec.whole.whole = spec.whole
    return spec.whole
