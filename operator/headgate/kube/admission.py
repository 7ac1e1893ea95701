"""The ValidatingAdmissionPolicies of the chart: which there must be, and what those in a cluster amount to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from headgate.kube.installed import Installed, binding_weakness, policy_weakness
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


def standing(
    policies: Iterable[Mapping[str, Any]],
    bindings: Iterable[Mapping[str, Any]],
    prefix: str,
    installed: Installed | None = None,
) -> Standing:
    """What the policies and bindings of the cluster amount to. Recreated ones prove nothing about the time before. `installed`: what the
    chart made; any difference is a fault. Where it is not known, what plainly weakens them is."""
    made_by_chart = installed or Installed()
    by_name = {policy["metadata"]["name"]: policy for policy in policies}
    bound = [binding for binding in bindings if "Deny" in ((binding.get("spec") or {}).get("validationActions") or ())]
    weak = {binding["metadata"]["name"]: words for binding in bound if (words := binding_weakness(binding, made_by_chart))}
    faults = {short: fault for short in REQUIRED if (fault := _fault(f"{prefix}-{short}", by_name, bound, weak, made_by_chart))}
    problem = f"{'; '.join(faults.values())}: install the chart's admission policies again" if faults else ""
    if APPROVALS in faults:
        return Standing(problem, None)
    approvals = f"{prefix}-{APPROVALS}"
    parts = (by_name[approvals], *(one for one in _bindings_of(approvals, bound) if one["metadata"]["name"] not in weak))
    return Standing(problem, max(map(_made, parts)) + SETTLING, frozenset(map(_seal, parts)))


def _fault(
    name: str,
    policies: Mapping[str, Mapping[str, Any]],
    bound: list[Mapping[str, Any]],
    weak: Mapping[str, str],
    installed: Installed,
) -> str:
    """Why the policy of that name denies nothing, or not always; empty if it does. One binding that is not weakened is enough."""
    policy = policies.get(name)
    if policy is None:
        return f"ValidatingAdmissionPolicy {name} is missing"
    if weakness := policy_weakness(policy, installed):
        return f"ValidatingAdmissionPolicy {name} {weakness}"
    mine = [binding["metadata"]["name"] for binding in _bindings_of(name, bound)]
    if not mine:
        return f"no ValidatingAdmissionPolicyBinding denies by {name}"
    if all(one in weak for one in mine):
        return "; ".join(f"ValidatingAdmissionPolicyBinding {one} {weak[one]}" for one in mine)
    return ""


def _bindings_of(name: str, bindings: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [binding for binding in bindings if binding["spec"].get("policyName") == name]


def _made(thing: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(thing["metadata"]["creationTimestamp"])


def _seal(thing: Mapping[str, Any]) -> tuple[str, int]:
    return thing["metadata"].get("uid") or "", thing["metadata"].get("generation") or 0
