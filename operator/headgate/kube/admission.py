"""The ValidatingAdmissionPolicies of the chart: which there must be, and what those in a cluster amount to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from headgate.kube.resources import Resource

POLICIES = Resource("admissionregistration.k8s.io", "v1", "validatingadmissionpolicies", "ValidatingAdmissionPolicy", namespaced=False)
BINDINGS = Resource(
    "admissionregistration.k8s.io", "v1", "validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding", namespaced=False
)

APPROVALS = "approvals"
REQUIRED = (APPROVALS, "models", "managed-objects", "audit", "status", "pods", "pod-templates", "replays", "routes")
"""The ValidatingAdmissionPolicies of the chart, without the prefix of its release."""

SETTLING = timedelta(seconds=5)
"""API servers take a moment until a new policy binds."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What one look at the cluster found: `problem` in words (empty if all is well), and since when the policy on approvals stands."""

    problem: str
    since: datetime | None
    """None while that policy is not in force, whatever the others are."""
    seals: frozenset[tuple[str, int]] = frozenset()
    """uid and generation of that policy and of what binds it: another one has another uid, and one that was edited another generation."""


def standing(policies: Iterable[Mapping[str, Any]], bindings: Iterable[Mapping[str, Any]], prefix: str) -> Standing:
    """What the policies and bindings of the cluster amount to. Recreated ones prove nothing about the time before."""
    by_name = {policy["metadata"]["name"]: policy for policy in policies}
    bound = [binding for binding in bindings if "Deny" in ((binding.get("spec") or {}).get("validationActions") or ())]
    faults = {short: fault for short in REQUIRED if (fault := _fault(f"{prefix}-{short}", by_name, bound))}
    problem = f"{'; '.join(faults.values())}: install the chart's admission policies again" if faults else ""
    if APPROVALS in faults:
        return Standing(problem, None)
    approvals = f"{prefix}-{APPROVALS}"
    parts = (by_name[approvals], *_bindings_of(approvals, bound))
    return Standing(problem, max(map(_made, parts)) + SETTLING, frozenset(map(_seal, parts)))


def _fault(name: str, policies: Mapping[str, Mapping[str, Any]], bound: list[Mapping[str, Any]]) -> str:
    """Why the policy of that name denies nothing, or not always; empty if it does."""
    policy = policies.get(name)
    if policy is None:
        return f"ValidatingAdmissionPolicy {name} is missing"
    if (policy.get("spec") or {}).get("failurePolicy", "Fail") != "Fail":
        return f"ValidatingAdmissionPolicy {name} lets requests pass when it fails"
    return "" if _bindings_of(name, bound) else f"no ValidatingAdmissionPolicyBinding denies by {name}"


def narrowed(policies: Iterable[Mapping[str, Any]], bindings: Iterable[Mapping[str, Any]], prefix: str) -> tuple[str, ...]:
    """Where a policy of the chart, or what binds it, was changed to leave something out, in words. The chart's own leave out nothing."""
    names = {f"{prefix}-{short}" for short in REQUIRED}
    found = [
        f"ValidatingAdmissionPolicy {policy['metadata']['name']} has {field}"
        for policy in policies
        if policy["metadata"]["name"] in names
        for field in _exclusions((policy.get("spec") or {}).get("matchConstraints"))
        # What a policy is about may be told by labels.
        if field != "objectSelector"
    ]
    for binding in bindings:
        spec = binding.get("spec") or {}
        if spec.get("policyName") in names:
            found += [
                f"ValidatingAdmissionPolicyBinding {binding['metadata']['name']} has {f}" for f in _exclusions(spec.get("matchResources"))
            ]
    return tuple(found)


def _exclusions(constraints: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The fields that leave something out. Selectors are there, and empty, wherever nobody wrote one."""
    given = constraints or {}
    return tuple(field for field in ("excludeResourceRules", "namespaceSelector", "objectSelector") if given.get(field))


def _bindings_of(name: str, bindings: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [binding for binding in bindings if binding["spec"].get("policyName") == name]


def _made(thing: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(thing["metadata"]["creationTimestamp"])


def _seal(thing: Mapping[str, Any]) -> tuple[str, int]:
    return thing["metadata"].get("uid") or "", thing["metadata"].get("generation") or 0
