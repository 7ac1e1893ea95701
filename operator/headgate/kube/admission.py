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

_SETTLING = timedelta(seconds=5)
"""API servers take a moment until a new policy binds."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What one look at the cluster found: `problem` in words (empty if all is well), and since when the policy on approvals stands."""

    problem: str
    since: datetime | None


def standing(policies: Iterable[Mapping[str, Any]], bindings: Iterable[Mapping[str, Any]], prefix: str) -> Standing:
    """What the policies and bindings of the cluster amount to. Recreated ones prove nothing about the time before."""
    by_name = {policy["metadata"]["name"]: policy for policy in policies}
    bound = [binding for binding in bindings if "Deny" in ((binding.get("spec") or {}).get("validationActions") or ())]
    faults = []
    for name in (f"{prefix}-{short}" for short in REQUIRED):
        policy = by_name.get(name)
        if policy is None:
            faults.append(f"ValidatingAdmissionPolicy {name} is missing")
        elif (policy.get("spec") or {}).get("failurePolicy", "Fail") != "Fail":
            faults.append(f"ValidatingAdmissionPolicy {name} lets requests pass when it fails")
        elif not _bindings_of(name, bound):
            faults.append(f"no ValidatingAdmissionPolicyBinding denies by {name}")
    if faults:
        return Standing(f"{'; '.join(faults)}: install the chart's admission policies again", None)
    approvals = f"{prefix}-{APPROVALS}"
    ages = [_made(by_name[approvals]), *(_made(binding) for binding in _bindings_of(approvals, bound))]
    return Standing("", max(ages) + _SETTLING)


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
