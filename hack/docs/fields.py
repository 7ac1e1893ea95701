"""The fields of the kinds, from the same schemas as the CustomResourceDefinitions."""

import json
from collections.abc import Iterator
from typing import Any

from docs.markdown import code, made, table
from headgate.api.base import GROUP, VERSION
from headgate.api.crd import RESOURCES, Resource

Schema = dict[str, Any]

_WRITTEN = {"AIModel": "the model's team", "RolloutPolicy": "platform and risk team", "GovernanceApproval": "one person", "TrustStore": "who administers people"}
_HEADS = ("field", "type", "default", "bounds", "meaning")


def pages() -> dict[str, str]:
    """The text of each page by its name."""
    return {f"{resource.kind.lower()}.md": _page(resource) for resource in RESOURCES}


def _page(resource: Resource) -> str:
    schema = resource.schema()
    parts = [
        f"{resource.description} `{GROUP}/{VERSION}`, short name `{resource.short}`, written by {_WRITTEN[resource.kind]}.",
        "Fields in **bold** are required where what they belong to is there. `[]` stands for every item of a list, `{}` for every key of a map."
        " Durations are written like `14d`, `1h30m` or `15s`.",
    ]
    for top, heading in (("spec", "Spec"), ("status", "Status")):
        if top in schema["properties"]:
            node = schema["properties"][top]
            parts += [f"## {heading}", node.get("description", ""), table(_HEADS, _rows(node, top)), *_rules(node, top)]
    parts += _rules({name: value for name, value in schema.items() if name != "properties"}, "the object")
    return made(resource.kind, "operator/headgate/api", *parts)


def _rows(node: Schema, path: str) -> Iterator[tuple[str, ...]]:
    for name, field in node.get("properties", {}).items():
        here = f"{path}.{name}"
        shown = f"**`{here}`**" if name in node.get("required", ()) else f"`{here}`"
        default = code(json.dumps(field["default"], ensure_ascii=False)) if "default" in field else ""
        yield shown, _type(field), default, _bounds(field), _meaning(field)
        yield from _below(field, here)


def _below(field: Schema, path: str) -> Iterator[tuple[str, ...]]:
    if "items" in field:
        yield from _below({"properties": {}} | field["items"], f"{path}[]") if "items" in field["items"] else _rows(field["items"], f"{path}[]")
    elif isinstance(field.get("additionalProperties"), dict):
        yield from _rows(field["additionalProperties"], f"{path}{{}}")
    else:
        yield from _rows(field, path)


def _type(field: Schema) -> str:
    if field.get("x-kubernetes-int-or-string"):
        return "number or string"
    if "items" in field:
        return f"list of {_type(field['items'])}"
    if isinstance(field.get("additionalProperties"), dict):
        return f"map of {_type(field['additionalProperties'])}"
    if field.get("format") in ("duration", "date-time"):
        return {"duration": "duration", "date-time": "time"}[field["format"]]
    return str(field.get("type", "any"))


def _bounds(field: Schema) -> str:
    """Of the field itself and, after a semicolon, of the items of a list."""
    found = [", ".join(code(str(value)) for value in field["enum"])] if "enum" in field else []
    for low, high, words in (
        ("minimum", "maximum", ""),
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " items"),
        ("minProperties", "maxProperties", " keys"),
    ):
        if low in field or high in field:
            found.append(_range(field.get(low), field.get(high)) + words)
    if "pattern" in field and field.get("format") != "duration":
        found.append(code(field["pattern"]))
    items = field.get("items")
    scalar = items is not None and "properties" not in items
    return "; each: ".join(filter(None, [", ".join(found), _bounds(items) if scalar else ""]))


def _range(low: float | None, high: float | None) -> str:
    if high is None:
        return f"at least {low}"
    return f"at most {high}" if low is None else f"{low} to {high}"


def _meaning(field: Schema) -> str:
    """Its own words, or those of its items or values where it has none, and what one sees only by a rule of its own."""
    inner = field.get("items") or field.get("additionalProperties")
    words = field.get("description") or (inner.get("description", "") if isinstance(inner, dict) else "")
    return " ".join([words, *_messages(field)]).replace("<", "&lt;").strip()


def _messages(field: Schema) -> list[str]:
    rules = field.get("x-kubernetes-validations", [])
    return [f"{message[:1].upper()}{message[1:].rstrip('.')}." for message in dict.fromkeys(rule["message"] for rule in rules)]


def _rules(node: Schema, of: str) -> list[str]:
    messages = _messages(node)
    return [f"Of `{of}` as a whole:" if of != "the object" else "Of the object as a whole:", "\n".join(f"* {message}" for message in messages)] if messages else []
