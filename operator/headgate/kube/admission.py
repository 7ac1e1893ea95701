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
"""The ValidatingAdmissionPolicies of the chart without which gates stay closed, without the prefix of its release."""
MONITOR = "monitor"
"""One more where the chart runs the monitor: the others let the monitor's account pass, and this one says what it may write."""
OPTIONAL = ("freezes", "trust-stores")
"""Those whose lack closes no gate: who may freeze, and which trust store there is, is then a matter of RBAC alone."""

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
    found = AdmissionPolicies(policies, bindings, prefix, installed or Installed())
    faults = {short: fault for short in required(prefix, found.installed) if (fault := found.fault(short))}
    problem = f"{'; '.join(faults.values())}: install the chart's admission policies again" if faults else ""
    if APPROVALS in faults:
        return Standing(problem, None)
    parts = found.parts(APPROVALS)
    return Standing(problem, max(map(_made, parts)) + SETTLING, frozenset(map(_seal, parts)))


def required(prefix: str, installed: Installed) -> tuple[str, ...]:
    """The policies without which gates stay closed, in this release."""
    monitored = f"{POLICIES.kind}/{prefix}-{MONITOR}" in installed.digests
    return (*REQUIRED, MONITOR) if monitored else REQUIRED


class AdmissionPolicies:
    """The policies of a release as they are in a cluster, with what binds them."""

    def __init__(
        self, policies: Iterable[Mapping[str, Any]], bindings: Iterable[Mapping[str, Any]], prefix: str, installed: Installed
    ) -> None:
        self.installed = installed
        self._prefix = prefix
        self._by_name = {policy["metadata"]["name"]: policy for policy in policies}
        self._bound = [binding for binding in bindings if "Deny" in ((binding.get("spec") or {}).get("validationActions") or ())]
        self._weak = {binding["metadata"]["name"]: words for binding in self._bound if (words := binding_weakness(binding, installed))}

    def fault(self, short: str) -> str:
        """Why the policy of that name denies nothing, or not always; empty if it does. One binding that is not weakened is enough."""
        name = f"{self._prefix}-{short}"
        policy = self._by_name.get(name)
        if policy is None:
            return f"ValidatingAdmissionPolicy {name} is missing"
        if weakness := policy_weakness(policy, self.installed):
            return f"ValidatingAdmissionPolicy {name} {weakness}"
        mine = [binding["metadata"]["name"] for binding in self._bindings_of(name)]
        if not mine:
            return f"no ValidatingAdmissionPolicyBinding denies by {name}"
        if all(one in self._weak for one in mine):
            return "; ".join(f"ValidatingAdmissionPolicyBinding {one} {self._weak[one]}" for one in mine)
        return ""

    def parts(self, short: str) -> tuple[Mapping[str, Any], ...]:
        """A policy that has no fault, and the bindings that make it deny."""
        name = f"{self._prefix}-{short}"
        return (self._by_name[name], *(one for one in self._bindings_of(name) if one["metadata"]["name"] not in self._weak))

    def _bindings_of(self, name: str) -> list[Mapping[str, Any]]:
        return [binding for binding in self._bound if binding["spec"].get("policyName") == name]


def _made(thing: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(thing["metadata"]["creationTimestamp"])


def _seal(thing: Mapping[str, Any]) -> tuple[str, int]:
    return thing["metadata"].get("uid") or "", thing["metadata"].get("generation") or 0
