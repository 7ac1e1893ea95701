"""The fields of the kinds, from the same schemas as the CustomResourceDefinitions."""

import json
import re
from collections.abc import Iterator
from typing import Any

from docs.markdown import code, made, table
from headgate.api.base import GROUP, VERSION
from headgate.api.crd import RESOURCES, Resource
from headgate.api.crd_schema import Defaults

Schema = dict[str, Any]

_WRITTEN = {
    "AIModel": "the model's team",
    "RolloutPolicy": "platform and risk team",
    "GovernanceApproval": "one person",
    "TrustStore": "who administers people",
}
_HEADS = ("field", "type", "default", "bounds", "meaning")


def pages() -> dict[str, str]:
    """The text of each page by its name."""
    return {f"{resource.kind.lower()}.md": _page(resource) for resource in RESOURCES}


def _page(resource: Resource) -> str:
    schema = resource.schema(Defaults.LISTED)
    parts = [
        f"{resource.description} `{GROUP}/{VERSION}`, short name `{resource.short}`, written by {_WRITTEN[resource.kind]}.",
        "Fields in **bold** are required where what they belong to is there. `[]` in a path stands for every item of a list, `{}` for every"
        " value of a map. Durations are written like `14d`, `1h30m` or `15s`, and are above zero and at most 3650 days.",
        *_messages(schema),
    ]
    for top in ("spec", "status"):
        if top in schema["properties"]:
            parts += [f"## {top}", *(part for section in _sections(schema["properties"][top], top) for part in section)]
    return made(resource.kind, "operator/headgate/api", *parts)


def _sections(node: Schema, path: str) -> Iterator[list[str]]:
    """One for each object that has fields: its heading, unless it is the outermost one, its meaning, its fields."""
    heading = [f"### {path}"] if "." in path else []
    yield [*heading, _meaning(node), table(_HEADS, _rows(node, path))]
    for name, field in node["properties"].items():
        for inner, place in _objects(field, f"{path}.{name}"):
            yield from _sections(inner, place)


def _objects(field: Schema, path: str) -> Iterator[tuple[Schema, str]]:
    """The object with fields that a field is, or holds, and its path."""
    if field.get("properties"):
        yield field, path
    elif "items" in field:
        yield from _objects(field["items"], f"{path}[]")
    elif isinstance(field.get("additionalProperties"), dict):
        yield from _objects(field["additionalProperties"], f"{path}{{}}")


def _rows(node: Schema, path: str) -> Iterator[tuple[str, ...]]:
    for name, field in node["properties"].items():
        shown = f"**`{name}`**" if name in node.get("required", ()) else f"`{name}`"
        default = code(json.dumps(field["default"], ensure_ascii=False)) if "default" in field else ""
        within = [place for _, place in _objects(field, f"{path}.{name}")]
        kind = f"[{_type(field)}](#{anchor(within[0])})" if within else _type(field)
        # The whole of what an object means stands above its own fields.
        words = _first_sentence(field) if within and within[0] == f"{path}.{name}" else _meaning(field)
        yield shown, kind, default, _bounds(field), words


def anchor(heading: str) -> str:
    """What a heading is linked by, here and on viewers of repositories."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


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
    """Of the field itself and, after a semicolon, of the items of a list. Those of durations are told once, at the top of a page."""
    if field.get("format") == "duration":
        return ""
    found = [", ".join(code(str(value)) for value in field["enum"])] if "enum" in field else []
    for low, high, words in (
        ("minimum", "maximum", ""),
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " items"),
        ("minProperties", "maxProperties", " keys"),
    ):
        if low in field or high in field:
            found.append(_range(field.get(low), field.get(high)) + words)
    if "pattern" in field:
        found.append(code(field["pattern"]))
    items = field.get("items", {})
    of_each = "" if not items or "properties" in items else _bounds(items)
    return "; each: ".join(filter(None, [", ".join(found), of_each]))


def _range(low: float | None, high: float | None) -> str:
    if high is None:
        return f"at least {low}"
    return f"at most {high}" if low is None else f"{low} to {high}"


def _meaning(field: Schema) -> str:
    """Its own words, and what must be so of the whole of it."""
    own = [] if field.get("format") == "duration" else _messages(field)
    return " ".join([field.get("description", ""), *own]).replace("<", "&lt;").strip()


def _first_sentence(field: Schema) -> str:
    words = field.get("description", "").replace("<", "&lt;")
    return words.partition(". ")[0].rstrip(".") + "." if words else ""


def _messages(field: Schema) -> list[str]:
    rules = field.get("x-kubernetes-validations", [])
    return [f"{message[:1].upper()}{message[1:].rstrip('.')}." for message in dict.fromkeys(rule["message"] for rule in rules)]
