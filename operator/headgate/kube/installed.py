"""Whether an admission policy, or what binds it, is still what the chart installed. Pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_CHANGED = "is not as this release of the chart installs it"
_RULES = ("resourceRules", "excludeResourceRules")
_NARROWING = ("excludeResourceRules", "namespaceSelector", "objectSelector")
_DEFAULTS: dict[str, Any] = {"matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}}
"""What the API server writes into constraints that say nothing of it. The chart never writes it."""
_ESCAPED = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}
"""As Go writes JSON for web pages."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What the chart of this release made: by kind and name, the SHA-256 of each spec as JSON with sorted keys. Empty where nobody says,
    because the operator was not started by the chart."""

    digests: Mapping[str, str] = field(default_factory=dict)

    def made(self, kind: str, body: Mapping[str, Any]) -> bool | None:
        """Whether an object of the cluster is what the chart made; None where nobody says."""
        expected = self.digests.get(f"{kind}/{body['metadata']['name']}")
        return None if expected is None else expected in _digests(body.get("spec") or {})


def read_installed(text: str) -> Installed:
    """As the chart writes it: a JSON object of "kind/name": digest, or nothing. Raises ValueError."""
    if not text:
        return Installed()
    found = json.loads(text)
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ValueError("it is no JSON object of digests")
    return Installed(found)


def policy_weakness(policy: Mapping[str, Any], installed: Installed) -> str:
    """Why a policy does not deny all that the chart's denies, in words; empty if it does."""
    spec, made = policy.get("spec") or {}, installed.made("ValidatingAdmissionPolicy", policy)
    if made:
        return ""
    if spec.get("failurePolicy", "Fail") != "Fail":
        return "lets requests pass when it fails"
    if not spec.get("validations"):
        return "has no validations"
    # What a policy is about may be told by labels: without the chart's word, objectSelector says nothing.
    narrowed = [name for name in _NARROWING if (spec.get("matchConstraints") or {}).get(name) and name != "objectSelector"]
    if narrowed:
        return f"has {' and '.join(narrowed)}"
    return _CHANGED if made is False else ""


def binding_weakness(binding: Mapping[str, Any], installed: Installed) -> str:
    """Why a binding does not bind wherever the chart's does, in words; empty if it does."""
    spec, made = binding.get("spec") or {}, installed.made("ValidatingAdmissionPolicyBinding", binding)
    if made:
        return ""
    narrowed = [name for name in ("resourceRules", *_NARROWING) if (spec.get("matchResources") or {}).get(name)]
    if narrowed:
        return f"has {' and '.join(narrowed)}"
    return _CHANGED if made is False else ""


def _digests(spec: Mapping[str, Any]) -> set[str]:
    """Of the spec without what the API server filled in; with and without the escapes of Go, which are Helm's to choose."""
    text = json.dumps(_as_written(spec), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return {hashlib.sha256(one.encode()).hexdigest() for one in (text, text.translate(_ESCAPED))}


def _as_written(spec: Mapping[str, Any]) -> dict[str, Any]:
    written = dict(spec)
    for name in ("matchConstraints", "matchResources"):
        if written.get(name) is not None:
            written[name] = _constraints(written[name])
    return written


def _constraints(given: Mapping[str, Any]) -> dict[str, Any]:
    said = {name: value for name, value in given.items() if name not in _DEFAULTS or value != _DEFAULTS[name]}
    for name in _RULES:
        if name in said:
            said[name] = [{key: value for key, value in rule.items() if (key, value) != ("scope", "*")} for rule in said[name]]
    return said
