"""pydantic's JSON schema of a model as the structural OpenAPI schema that a CustomResourceDefinition takes."""

import json
from collections.abc import Iterator, Mapping
from enum import Enum, auto
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from headgate.api.quantities import Margin

Schema = dict[str, Any]

_REFUSED = ("$ref", "$defs", "anyOf", "oneOf", "allOf", "not", "title", "const", "prefixItems")
_TYPES = frozenset({"object", "array", "string", "integer", "boolean"})
_BOUNDED_FORMATS = frozenset({"date", "date-time", "duration"})
_EMPTY: tuple[object, ...] = (None, [], {}, "")
_DESCRIPTION_LIMIT = 400


class Defaults(Enum):
    """What becomes of a field's default."""

    FILLED = auto()
    """The API server writes it into what it stores; in items of lists it is told alone. GitOps tools compare a list of a custom resource as
    one value: what the API server adds to it would differ from Git for ever, and be applied again and again."""
    LISTED = auto()
    """As a default, everywhere: for documentation."""
    TOLD = auto()
    """It is part of the description alone."""
    LEFT_OUT = auto()


class NotStructuralError(ValueError):
    """The model cannot be published as it is; the message names the field and what it lacks."""


class _AsWritten(GenerateJsonSchema):
    """Defaults in the form in which users write them."""

    def encode_default(self, dft: Any) -> Any:
        return str(dft) if isinstance(dft, Margin) else super().encode_default(dft)


def structural_schema(model: type[BaseModel], defaults: Defaults = Defaults.FILLED) -> Schema:
    """The structural schema of `model`. Rules about fields of items of lists have to say what counts without them. Fields that only the
    operator writes need no defaults.

    Raises NotStructuralError when a field has no bound, no single type, or anything else the API server would refuse.
    """
    source = model.model_json_schema(by_alias=True, mode="validation", schema_generator=_AsWritten)
    schema = _convert(source, source.get("$defs", {}), defaults)
    check_structural(schema, model.__name__)
    return schema


def check_structural(schema: Mapping[str, Any], path: str) -> None:
    """Walks `schema`. Raises NotStructuralError at the first node that is not structural or not bounded."""
    _check_node(schema, path)
    for step, child in _children(schema):
        check_structural(child, f"{path}{step}")


def _convert(node: Schema, definitions: Mapping[str, Schema], defaults: Defaults) -> Schema:
    node = _collapsed(_inlined(node, definitions), definitions)
    converted = {key: value for key, value in node.items() if key not in ("title", "$defs", "default", "description")}
    if isinstance(node.get("additionalProperties"), bool):
        del converted["additionalProperties"]
    if "const" in node:
        converted["enum"] = [converted.pop("const")]
    default = _without_nulls(node.get("default"))
    told = _short(node.get("description", ""))
    if default not in _EMPTY and defaults in (Defaults.FILLED, Defaults.LISTED):
        converted["default"] = default
    if default not in _EMPTY and defaults is Defaults.TOLD:
        told = f"{told} Default: {_as_told(default)}.".lstrip()
    if told:
        converted = {"description": told, **converted}
    if "properties" in node:
        converted["properties"] = {name: _convert(child, definitions, defaults) for name, child in node["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(converted.get(key), dict):
            inside = Defaults.TOLD if key == "items" and defaults is Defaults.FILLED else defaults
            converted[key] = _convert(converted[key], definitions, inside)
    return converted


def _as_told(default: Any) -> str:
    return ", ".join(map(str, default)) if isinstance(default, list) else json.dumps(default).strip('"')


def _inlined(node: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """What stands next to a reference (a default, a field's own description) wins over what it refers to."""
    while "$ref" in node:
        beside = {key: value for key, value in node.items() if key != "$ref"}
        node = definitions[node["$ref"].rpartition("/")[2]] | beside
    return node


def _collapsed(node: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """`X | None` becomes X that may be absent: Kubernetes drops null."""
    branches = [branch for branch in node.get("anyOf", ()) if branch.get("type") != "null"]
    if len(branches) != 1:
        return node
    beside = {key: value for key, value in node.items() if key != "anyOf"}
    return _inlined(branches[0], definitions) | beside


def _without_nulls(value: Any) -> Any:
    """A default as the API server stores it: absent instead of null or empty."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item not in _EMPTY}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _short(description: str) -> str:
    """The whole docstring as running text, cut at a sentence: `kubectl explain` shows it, every release Secret carries it."""
    text = " ".join(description.replace("`", "").split())
    if len(text) <= _DESCRIPTION_LIMIT:
        return text
    return text[:_DESCRIPTION_LIMIT].rpartition(". ")[0] + "."


def _children(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, child in schema.get("properties", {}).items():
        yield f".{name}", child
    if "items" in schema:
        yield "[]", schema["items"]
    if "additionalProperties" in schema:
        yield "{}", schema["additionalProperties"]


def _check_node(schema: Mapping[str, Any], path: str) -> None:
    for word in _REFUSED:
        if word in schema:
            raise NotStructuralError(f"{path}: a structural schema cannot have {word}")
    if schema.get("x-kubernetes-int-or-string"):
        if "type" in schema or "maxLength" not in schema:
            raise NotStructuralError(f"{path}: an int-or-string has no type, and a maxLength")
        return
    kind = schema.get("type")
    if kind not in _TYPES:
        raise NotStructuralError(f"{path}: type {kind!r} is none of {', '.join(sorted(_TYPES))}")
    problem = {"object": _object_problem, "array": _array_problem, "string": _string_problem, "integer": _integer_problem}.get(kind)
    if problem is not None and (found := problem(schema)):
        raise NotStructuralError(f"{path}: {found}")


def _object_problem(schema: Mapping[str, Any]) -> str:
    kinds = [key for key in ("properties", "additionalProperties", "x-kubernetes-preserve-unknown-fields") if key in schema]
    if len(kinds) != 1:
        return "an object has exactly one of properties, additionalProperties and x-kubernetes-preserve-unknown-fields"
    if "additionalProperties" in schema and "maxProperties" not in schema:
        return "a map needs maxProperties"
    unknown = set(schema.get("required", ())) - set(schema.get("properties", ()))
    return f"required names unknown fields: {', '.join(sorted(unknown))}" if unknown else ""


def _array_problem(schema: Mapping[str, Any]) -> str:
    if "items" not in schema or "maxItems" not in schema:
        return "a list needs items and maxItems"
    list_type = schema.get("x-kubernetes-list-type")
    if list_type not in ("atomic", "set", "map"):
        return "a list needs x-kubernetes-list-type"
    items = schema["items"]
    for key in schema.get("x-kubernetes-list-map-keys", ()):
        field = items.get("properties", {}).get(key, {})
        if not field or (key not in items.get("required", ()) and "default" not in field):
            return f"the list's key {key} must be a field of its items that is required or has a default"
    if list_type == "map" and "x-kubernetes-list-map-keys" not in schema:
        return "a list of type map needs x-kubernetes-list-map-keys"
    return ""


def _string_problem(schema: Mapping[str, Any]) -> str:
    if not isinstance(schema.get("default", ""), str):
        return f"the default of a string is one as well, and not {schema['default']}"
    bounded = "maxLength" in schema or "enum" in schema or schema.get("format") in _BOUNDED_FORMATS
    return "" if bounded else "a string needs maxLength, an enum or a bounded format"


def _integer_problem(schema: Mapping[str, Any]) -> str:
    return "" if {"minimum", "maximum"} <= set(schema) else "an integer needs minimum and maximum"
