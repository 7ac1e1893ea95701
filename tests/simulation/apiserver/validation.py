"""What the API server refuses in an object: against the schemas of custom kinds, and the few rules of its own kinds that users here meet.

CEL rules (x-kubernetes-validations) are not evaluated: where a trace needs one, it is an `admission` function.
"""

import json
from typing import Any

from tests.simulation.apiserver.kinds import Kind
from tests.simulation.apiserver.schema import Node
from tests.simulation.apiserver.status import Cause

from headgate.kube.resources import CONFIG_MAPS, DEPLOYMENTS, SERVICES

Object = dict[str, Any]


def mistakes(kind: Kind, new: Object, old: Object | None) -> list[Cause]:
    """Why `new` may not take the place of `old` (None: be created)."""
    if kind.custom:
        return _schema({key: value for key, value in new.items() if key != "metadata"}, kind.node, "")
    rule = _RULES.get(kind.resource.qualified)
    return rule(new, old) if rule else []


def _schema(value: Any, node: Node, path: str) -> list[Cause]:
    if node.shape == "any" and not node.type:
        return []
    wrong = _type(value, node, path)
    if wrong is not None:
        return [wrong]
    found = _values(value, node, path)
    if isinstance(value, dict):
        for name in node.required:
            if name not in value:
                found.append(Cause(_join(path, name), "FieldValueRequired", "Required value"))
        for name, item in value.items():
            child = node.child(name)
            if child is not None:
                found += _schema(item, child, _join(path, name))
    elif isinstance(value, list) and node.element is not None:
        for index, item in enumerate(value):
            found += _schema(item, node.element, f"{path}[{index}]")
    return found


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


_TYPES = {"object": dict, "array": list, "string": str, "boolean": bool}


def _type(value: Any, node: Node, path: str) -> Cause | None:
    if node.int_or_string or not node.type:
        return None
    if node.type in ("integer", "number"):
        fits = isinstance(value, int | float) and not isinstance(value, bool) and (node.type == "number" or isinstance(value, int))
    else:
        fits = isinstance(value, _TYPES[node.type])
    if fits:
        return None
    told = _type_word(value)
    return Cause(path, "FieldValueTypeInvalid", f'Invalid value: "{told}": {path} in body must be of type {node.type}: "{told}"')


def _type_word(value: Any) -> str:
    for word, kind in _TYPES.items():
        if isinstance(value, kind):
            return word
    return "null" if value is None else "integer" if isinstance(value, int) else "number"


def _values(value: Any, node: Node, path: str) -> list[Cause]:
    found = []
    shown = json.dumps(value) if not isinstance(value, dict | list) else ""
    if node.enum and value not in node.enum:
        known = ", ".join(json.dumps(word) for word in node.enum)
        found.append(Cause(path, "FieldValueNotSupported", f"Unsupported value: {shown}: supported values: {known}"))
    if node.pattern is not None and isinstance(value, str) and not node.pattern.search(value):
        found.append(Cause(path, "FieldValueInvalid", f"Invalid value: {shown}: {path} in body should match '{node.pattern.pattern}'"))
    if node.bounds:
        found += _bounds(value, node.bounds, path, shown)
    return found


def _bounds(value: Any, bounds: dict[str, Any], path: str, shown: str) -> list[Cause]:
    def invalid(what: Any, words: str) -> Cause:
        return Cause(path, "FieldValueInvalid", f"Invalid value: {what}: {path} in body should {words}")

    if isinstance(value, str):
        if len(value) < bounds.get("minLength", 0):
            return [invalid(shown, f"be at least {bounds['minLength']} chars long")]
        if len(value) > bounds.get("maxLength", len(value)):
            return [Cause(path, "FieldValueTooLong", f"Too long: may not be more than {bounds['maxLength']} bytes")]
    elif isinstance(value, list):
        if len(value) < bounds.get("minItems", 0):
            return [invalid(len(value), f"have at least {bounds['minItems']} items")]
        if len(value) > bounds.get("maxItems", len(value)):
            return [Cause(path, "FieldValueTooMany", f"Too many: {len(value)}: must have at most {bounds['maxItems']} items")]
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if value < bounds.get("minimum", value):
            return [invalid(shown, f"be greater than or equal to {bounds['minimum']}")]
        if value > bounds.get("maximum", value):
            return [invalid(shown, f"be less than or equal to {bounds['maximum']}")]
    return []


def _config_map(new: Object, old: Object | None) -> list[Cause]:
    if old is None or not old.get("immutable"):
        return []
    text = "Forbidden: field is immutable when `immutable` is set"
    found = []
    if not new.get("immutable"):
        found.append(Cause("immutable", "FieldValueForbidden", text))
    found += [Cause(name, "FieldValueForbidden", text) for name in ("data", "binaryData") if new.get(name) != old.get(name)]
    return found


def _deployment(new: Object, old: Object | None) -> list[Cause]:
    spec = new.get("spec") or {}
    selector = spec.get("selector")
    template = spec.get("template") or {}
    found = []
    if not selector:
        found.append(Cause("spec.selector", "FieldValueRequired", "Required value"))
    labels = (template.get("metadata") or {}).get("labels") or {}
    wanted = (selector or {}).get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        words = f"Invalid value: {_plain(labels)}: `selector` does not match template `labels`"
        found.append(Cause("spec.template.metadata.labels", "FieldValueInvalid", words))
    containers = (template.get("spec") or {}).get("containers") or []
    if not containers:
        found.append(Cause("spec.template.spec.containers", "FieldValueRequired", "Required value"))
    for index, container in enumerate(containers):
        place = f"spec.template.spec.containers[{index}]"
        found += [Cause(f"{place}.{name}", "FieldValueRequired", "Required value") for name in ("name", "image") if not container.get(name)]
    if old is not None and old["spec"].get("selector") != selector:
        found.append(Cause("spec.selector", "FieldValueInvalid", f"Invalid value: {_plain(selector)}: field is immutable"))
    return found


def _service(new: Object, old: Object | None) -> list[Cause]:
    spec = new.get("spec") or {}
    if not spec.get("ports") and spec.get("clusterIP") != "None":
        return [Cause("spec.ports", "FieldValueRequired", "Required value")]
    found = []
    for index, port in enumerate(spec.get("ports") or ()):
        number = port.get("port") or 0
        if not 1 <= number <= 65535:
            words = f"Invalid value: {number}: must be between 1 and 65535, inclusive"
            found.append(Cause(f"spec.ports[{index}].port", "FieldValueInvalid", words))
    return found


def _plain(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


_RULES = {CONFIG_MAPS.qualified: _config_map, DEPLOYMENTS.qualified: _deployment, SERVICES.qualified: _service}
