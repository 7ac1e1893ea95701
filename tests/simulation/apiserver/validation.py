"""What the API server refuses in an object: against the schemas of custom kinds, and the few rules of its own kinds that users here meet.

CEL rules (x-kubernetes-validations) are not evaluated: where a trace needs one, it is an `admission` function.
"""

import json
from collections.abc import Sequence
from typing import Any

from tests.simulation.apiserver.kinds import Kind
from tests.simulation.apiserver.schema import Node
from tests.simulation.apiserver.shared import Spec
from tests.simulation.apiserver.status import Cause

from headgate.kube.resources import CONFIG_MAPS, DEPLOYMENTS, SERVICES

Object = dict[str, Any]

_BLOCKING = frozenset({"FieldValueRequired", "FieldValueTypeInvalid", "FieldValueNotSupported", "FieldValueTooLong", "FieldValueTooMany"})
"""Mistakes after which the real server evaluates no CEL rules."""
_UNCHECKED = (
    "Invalid value: null: some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation"
)


def mistakes(kind: Kind, new: Object, old: Object | None) -> list[Cause]:
    """Why `new` may not take the place of `old` (None: be created). What was there before is not held against it."""
    owners = _owners(new["metadata"].get("ownerReferences") or ())
    if not kind.custom:
        rule = _RULES.get(kind.resource.qualified)
        return [*owners, *(rule(new, old) if rule else ())]
    found = [*owners]
    found += [Cause(name, "FieldValueRequired", "Required value") for name in kind.node.required if name not in new]
    for name, value in new.items():
        child = kind.node.fields.get(name)
        if child is None or name == "metadata" or (old is not None and value is old.get(name)):
            continue
        if isinstance(value, Spec):
            if value.causes is None:
                value.causes = _schema(value, child, name, None)
            found += value.causes if old is None or not value.causes else _schema(value, child, name, old.get(name))
        else:
            found += _schema(value, child, name, old.get(name) if old is not None else None)
    if any(cause.type in _BLOCKING for cause in found):
        found.append(Cause("<nil>", "FieldValueInvalid", _UNCHECKED))
    return found


def _fits(value: Any, node: Node) -> bool:
    """Whether there is nothing to refuse in it."""
    if node.shape == "any" and not node.type:
        return True
    if _type(value, node, "") is not None or (node.refuses and _values(value, node, "")):
        return False
    if isinstance(value, dict):
        return all(name in value for name in node.required) and all(
            child is None or _fits(item, child) for name, item in value.items() for child in (node.fields.get(name) or node.element,)
        )
    if isinstance(value, list) and node.element is not None:
        return all(_fits(item, node.element) for item in value)
    return True


def _schema(value: Any, node: Node, path: str, old: Any) -> list[Cause]:
    return [] if _fits(value, node) else _mistakes(value, node, path, old)


def _mistakes(value: Any, node: Node, path: str, old: Any) -> list[Cause]:
    if value == old or (node.shape == "any" and not node.type):
        return []
    wrong = _type(value, node, path)
    if wrong is not None:
        return [wrong]
    found = _values(value, node, path)
    if isinstance(value, dict):
        found += [Cause(_join(path, name), "FieldValueRequired", "Required value") for name in node.required if name not in value]
        known = old if isinstance(old, dict) else {}
        for name, item in value.items():
            child = node.child(name)
            if child is not None:
                found += _mistakes(item, child, _join(path, name), known.get(name))
    elif isinstance(value, list) and node.element is not None:
        for index, item in enumerate(value):
            found += _mistakes(item, node.element, f"{path}[{index}]", None)
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
    if node.enum and value not in node.enum:
        known = ", ".join(json.dumps(word) for word in node.enum)
        found.append(Cause(path, "FieldValueNotSupported", f"Unsupported value: {json.dumps(value)}: supported values: {known}"))
    if node.pattern is not None and isinstance(value, str) and not node.pattern.search(value):
        words = f"Invalid value: {json.dumps(value)}: {path} in body should match '{node.pattern.pattern}'"
        found.append(Cause(path, "FieldValueInvalid", words))
    if node.bounds:
        found += _bounds(value, node.bounds, path)
    return found


def _bounds(value: Any, bounds: dict[str, Any], path: str) -> list[Cause]:
    def invalid(what: Any, words: str) -> Cause:
        return Cause(path, "FieldValueInvalid", f"Invalid value: {what}: {path} in body should {words}")

    if isinstance(value, str):
        if len(value) < bounds.get("minLength", 0):
            return [invalid(json.dumps(value), f"be at least {bounds['minLength']} chars long")]
        if len(value) > bounds.get("maxLength", len(value)):
            return [Cause(path, "FieldValueTooLong", f"Too long: may not be more than {bounds['maxLength']} bytes")]
    elif isinstance(value, list):
        if len(value) < bounds.get("minItems", 0):
            return [invalid(len(value), f"have at least {bounds['minItems']} items")]
        if len(value) > bounds.get("maxItems", len(value)):
            return [Cause(path, "FieldValueTooMany", f"Too many: {len(value)}: must have at most {bounds['maxItems']} items")]
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if value < bounds.get("minimum", value):
            return [invalid(json.dumps(value), f"be greater than or equal to {bounds['minimum']}")]
        if value > bounds.get("maximum", value):
            return [invalid(json.dumps(value), f"be less than or equal to {bounds['maximum']}")]
    return []


_REFERENCE = ("apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion")


def _owners(references: Sequence[Object]) -> list[Cause]:
    controllers = [reference for reference in references if reference.get("controller")]
    if len(controllers) < 2:
        return []
    shown = json.dumps([{key: ref[key] for key in _REFERENCE if key in ref} for ref in references], separators=(",", ":"))
    first, second = (f"{reference['kind']}/{reference['name']}" for reference in controllers[:2])
    words = f'Only one reference can have Controller set to true. Found "true" in references for {first} and {second}'
    return [Cause("metadata.ownerReferences", "FieldValueInvalid", f"Invalid value: {shown}: {words}")]


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
        if len(spec["ports"]) > 1 and not port.get("name"):
            found.append(Cause(f"spec.ports[{index}].name", "FieldValueRequired", "Required value"))
        for name in ("port", "targetPort"):
            number = port.get(name)
            if isinstance(number, int) and not 1 <= number <= 65535:
                words = f"Invalid value: {number}: must be between 1 and 65535, inclusive"
                found.append(Cause(f"spec.ports[{index}].{name}", "FieldValueInvalid", words))
    return found


def _plain(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


_RULES = {CONFIG_MAPS.qualified: _config_map, DEPLOYMENTS.qualified: _deployment, SERVICES.qualified: _service}
