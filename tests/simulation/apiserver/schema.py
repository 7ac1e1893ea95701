"""Schemas of kinds, compiled from OpenAPI: how lists and maps merge, what is unknown, what is filled in, what is refused."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from tests.resources import ROOT

RECORDED = Path(__file__).with_name("schemas.json")
"""Schemas as the test bed's API server publishes them, without descriptions and CEL rules: `python -m tests.simulation.record schemas`."""

_DEDUCED = "any"
_REFERENCE = "#/components/schemas/"


@dataclass(slots=True)
class Node:
    """One place in an object.

    `shape`: scalar, map, list, or any (fields unknown to the schema are kept, and merge by what they are). `fields`: those that the
    schema names; `element`: everything else in a map, or the items of a list. An `atomic` list or map has one owner as a whole. `keys`
    tell the items of an associative list apart; a set has none, but is not atomic.
    """

    shape: str = _DEDUCED
    fields: dict[str, "Node"] = field(default_factory=dict)
    element: "Node | None" = None
    atomic: bool = False
    keys: tuple[str, ...] = ()
    key_defaults: dict[str, Any] = field(default_factory=dict)
    default: Any = None
    type: str = ""
    required: tuple[str, ...] = ()
    enum: tuple[Any, ...] = ()
    pattern: "re.Pattern[str] | None" = None
    bounds: dict[str, Any] = field(default_factory=dict)
    int_or_string: bool = False
    fills: bool = False
    """Whether there is a default in it or below."""
    refuses: bool = False
    """Whether it has rules for a single value."""

    def child(self, name: str) -> "Node | None":
        """Of a map; None if there may be no such field."""
        return self.fields.get(name) or self.element


ANY = Node()
ANY_LIST = Node(shape="list", atomic=True, element=ANY)
ANY_MAP = Node(shape="map", element=ANY)
SCALAR = Node(shape="scalar")


def deduced(node: Node, value: Any) -> Node:
    """What is not described merges by what it is: maps field by field, lists as a whole."""
    if node.shape != _DEDUCED:
        return node
    if isinstance(value, dict):
        return ANY_MAP
    return ANY_LIST if isinstance(value, list) else SCALAR


_BOUNDS = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "maxProperties")


class Compiler:
    """Turns OpenAPI schemas into nodes. `components` holds what `$ref` names."""

    def __init__(self, components: Mapping[str, Any]) -> None:
        self._components = components
        self._known: dict[str, Node] = {}

    def named(self, name: str) -> Node:
        if name not in self._known:
            node = self._known[name] = Node()
            self._fill(node, self._components[name])
        return self._known[name]

    def compile(self, schema: Mapping[str, Any]) -> Node:
        reference = schema.get("$ref") or next((part["$ref"] for part in schema.get("allOf", ()) if "$ref" in part), "")
        if reference:
            return self.named(reference.removeprefix(_REFERENCE))
        node = Node()
        self._fill(node, schema)
        return node

    def _fill(self, node: Node, schema: Mapping[str, Any]) -> None:
        node.type = schema.get("type", "")
        node.default = schema.get("default")
        node.enum = tuple(schema.get("enum", ()))
        node.required = tuple(schema.get("required", ()))
        node.pattern = re.compile(schema["pattern"]) if "pattern" in schema else None
        node.bounds = {name: schema[name] for name in _BOUNDS if name in schema}
        node.refuses = bool(node.enum or node.bounds or node.pattern is not None)
        node.int_or_string = bool(schema.get("x-kubernetes-int-or-string")) or schema.get("format") == "int-or-string"
        if node.type == "array":
            self._fill_list(node, schema)
        elif node.type == "object":
            self._fill_map(node, schema)
        elif node.type or node.int_or_string or not schema.get("x-kubernetes-preserve-unknown-fields"):
            node.shape = "scalar"
        below = [*node.fields.values(), *([node.element] if node.element else [])]
        node.fills = node.default is not None or any(child.fills for child in below)

    def _fill_list(self, node: Node, schema: Mapping[str, Any]) -> None:
        node.shape = "list"
        node.element = self.compile(schema.get("items", {}))
        kind = schema.get("x-kubernetes-list-type", "atomic")
        node.atomic = kind == "atomic"
        if kind == "map":
            node.keys = tuple(sorted(schema["x-kubernetes-list-map-keys"]))
            known = {key: child.default for key, child in node.element.fields.items() if key in node.keys}
            node.key_defaults = {key: value for key, value in known.items() if value is not None}

    def _fill_map(self, node: Node, schema: Mapping[str, Any]) -> None:
        node.shape = "map"
        node.fields = {name: self.compile(part) for name, part in schema.get("properties", {}).items()}
        extra = schema.get("additionalProperties")
        if schema.get("x-kubernetes-preserve-unknown-fields"):
            node.element = ANY
            if not node.fields:
                node.shape = _DEDUCED
        elif isinstance(extra, Mapping):
            node.element = self.compile(extra)
        node.atomic = schema.get("x-kubernetes-map-type") == "atomic" or (node.shape == "map" and not node.fields and node.element is None)


@cache
def _recorded() -> tuple[Compiler, dict[str, str], dict[str, Any]]:
    document = json.loads(RECORDED.read_text())
    return Compiler(document["components"]), document["kinds"], document["definitions"]


@cache
def metadata_node() -> Node:
    return _recorded()[0].named("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")


@cache
def builtin(kind: str) -> Node:
    """A kind of Kubernetes itself."""
    compiler, names, _ = _recorded()
    return compiler.named(names[kind])


@cache
def definition(name: str) -> Node:
    """A kind of a CustomResourceDefinition as it was recorded, by `plural.group`."""
    return _custom(_recorded()[2][name])


@cache
def own_definition(name: str) -> Node:
    """One of our kinds as this checkout defines it."""
    plural, _, group = name.partition(".")
    document = yaml.load((ROOT / "crds" / f"{group}_{plural}.yaml").read_text(), Loader=_LOADER)
    return _custom(document["spec"]["versions"][0]["schema"]["openAPIV3Schema"])


def _custom(schema: Mapping[str, Any]) -> Node:
    node = Compiler({}).compile(schema)
    node.fields["metadata"] = metadata_node()
    return node


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def unknown_fields(value: Any, node: Node, path: str = "", *, by_key: bool = False) -> list[str]:
    """Paths that the schema does not know. `by_key`: items of associative lists are named by their keys instead of their place."""
    return _unknown(value, node, path, by_key) if _is_strange(value, node) else []


def _is_strange(value: Any, node: Node) -> bool:
    """Whether there is anything in it that the schema does not know."""
    if isinstance(value, dict) and node.shape == "map" and (node.fields or node.element is not None):
        fields, element = node.fields, node.element
        for name, item in value.items():
            child = fields.get(name) or element
            if child is None or (isinstance(item, dict | list) and _is_strange(item, child)):
                return True
    elif isinstance(value, list) and node.shape == "list" and node.element is not None:
        return any(_is_strange(item, node.element) for item in value)
    return False


def _unknown(value: Any, node: Node, path: str, by_key: bool) -> list[str]:
    node = deduced(node, value)
    found: list[str] = []
    if node.shape == "map" and isinstance(value, dict):
        if not node.fields and node.element is None:
            return []
        for name, item in value.items():
            child = node.child(name)
            place = f"{path}.{name}" if path else name
            found += [place] if child is None else _unknown(item, child, place, by_key)
    elif node.shape == "list" and isinstance(value, list) and node.element is not None:
        for index, item in enumerate(value):
            place = _keys(item, node) if by_key and node.keys and isinstance(item, dict) else str(index)
            found += _unknown(item, node.element, f"{path}[{place}]", by_key)
    return found


def _keys(item: Mapping[str, Any], node: Node) -> str:
    return ",".join(f"{key}={json.dumps(item.get(key, node.key_defaults.get(key)))}" for key in node.keys)


def pruned(value: Any, node: Node) -> Any:
    """`value` without what the schema does not know, and without nulls."""
    node = deduced(node, value)
    if node.shape == "map" and isinstance(value, dict):
        if not node.fields and node.element is None:
            return value
        kept = ((name, item, node.child(name)) for name, item in value.items() if item is not None)
        return {name: pruned(item, child) for name, item, child in kept if child is not None}
    if node.shape == "list" and isinstance(value, list) and node.element is not None:
        return [pruned(item, node.element) for item in value]
    return value


def filled(value: Any, node: Node) -> Any:
    """`value` with the schema's defaults."""
    if not node.fills:
        return value
    if node.shape == "map" and isinstance(value, dict):
        result = value
        for name, child in node.fields.items():
            if not child.fills:
                continue
            present = result.get(name)
            new = filled(child.default if present is None else present, child)
            if new is not present and new is not None:
                if result is value:
                    result = dict(value)
                result[name] = new
        if node.element is not None and node.element.fills:
            result = {name: item if name in node.fields else filled(item, node.element) for name, item in result.items()}
        return result
    if node.shape == "list" and isinstance(value, list) and node.element is not None:
        return [filled(item, node.element) for item in value]
    return value
