"""Schemas of the kinds the operator uses, as a real API server publishes them, reduced to what the simulated one reads."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

Object = dict[str, Any]

_BUILTIN = (
    ("api/v1", ("Pod", "Service", "ConfigMap", "Namespace", "Secret")),
    ("apis/apps/v1", ("Deployment",)),
    ("apis/coordination.k8s.io/v1", ("Lease",)),
    ("apis/events.k8s.io/v1", ("Event",)),
    ("apis/autoscaling/v2", ("HorizontalPodAutoscaler",)),
)
_DEFINITIONS = (
    *("httproutes.gateway.networking.k8s.io", "gateways.gateway.networking.k8s.io"),
    *("aimodels.headgate.dev", "rolloutpolicies.headgate.dev", "governanceapprovals.headgate.dev"),
)
"""Ours as well: what was recorded was refused and filled in by the definitions of that day."""
_ALSO = ("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",)
_KEPT = frozenset(
    {"type", "format", "required", "enum", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"}
    | {"maxProperties", "default", "$ref", "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type"}
    | {"x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields"}
)


def collect(get: Callable[[str], Object]) -> Object:
    """`get` reads a path of the API server."""
    components: Object = {}
    kinds: dict[str, str] = {}
    for path, wanted in _BUILTIN:
        published = get(f"/openapi/v3/{path}")["components"]["schemas"]
        named = {name: _kind_in(schema, path) for name, schema in published.items()}
        kinds |= {kind: name for name, kind in named.items() if kind in wanted}
        _add(components, published, [*(name for name, kind in named.items() if kind in wanted), *_ALSO])
    return {"kinds": kinds, "components": components, "definitions": {name: _definition(get, name) for name in _DEFINITIONS}}


def _kind_in(schema: Object, path: str) -> str:
    wanted = path.partition("/")[2]
    for entry in schema.get("x-kubernetes-group-version-kind", ()):
        if "/".join(filter(None, (entry["group"], entry["version"]))) == wanted:
            return str(entry["kind"])
    return ""


def _add(components: Object, published: Object, names: list[str]) -> None:
    """With everything that they refer to."""
    while names:
        name = names.pop()
        if name not in components:
            components[name] = _reduced(published[name])
            names += re.findall(r'#/components/schemas/([^"]+)"', json.dumps(components[name]))


def _definition(get: Callable[[str], Object], name: str) -> Object:
    found = get(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}")
    stored = next(version for version in found["spec"]["versions"] if version["name"] in ("v1", "v1alpha1"))
    return _reduced(stored["schema"]["openAPIV3Schema"])


def _reduced(schema: Mapping[str, Any]) -> Object:
    result = {key: value for key, value in schema.items() if key in _KEPT}
    if "properties" in schema:
        result["properties"] = {name: _reduced(part) for name, part in schema["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), Mapping):
            result[key] = _reduced(schema[key])
    if "allOf" in schema:
        result["allOf"] = [_reduced(part) for part in schema["allOf"]]
    return result


def written(document: Object) -> str:
    """One line for each schema, so that a diff shows what changed."""
    parts = []
    for section, entries in document.items():
        lines = [f"{json.dumps(name)}:{json.dumps(entries[name], separators=(',', ':'), sort_keys=True)}" for name in sorted(entries)]
        parts.append(f"{json.dumps(section)}:{{\n" + ",\n".join(lines) + "\n}")
    return "{\n" + ",\n".join(parts) + "\n}\n"
