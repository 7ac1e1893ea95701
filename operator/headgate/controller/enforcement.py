"""Are the admission policies in force that prove who decided, and that nobody goes around the operator? While not, gates stay closed."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from headgate.kube.errors import Forbidden, KubeError, NotFound
from headgate.kube.interface import KubeApi
from headgate.kube.resources import Resource

log = logging.getLogger(__name__)

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
class Proof:
    """When the policy about approvals was in force: since `since` (None: never), but for `gaps`."""

    since: datetime | None = None
    gaps: tuple[tuple[datetime, datetime], ...] = ()

    def covers(self, moment: datetime) -> bool:
        """Whether the author of an approval made at `moment` is proven."""
        return self.since is not None and moment > self.since and not any(begin <= moment <= end for begin, end in self.gaps)


@dataclass(frozen=True, slots=True)
class Standing:
    """What one look at the cluster found: `problem` in words (empty if all is well), and since when the policy on approvals stands."""

    problem: str
    since: datetime | None


class Enforcement:
    """The present answer. `problem` is not empty until the first look has found everything."""

    def __init__(self, api: KubeApi, wall: Callable[[], datetime], *, prefix: str = "headgate") -> None:
        self._api = api
        self._prefix = prefix
        self._wall = wall
        self.problem = "it has not been checked yet whether the admission policies are in force"
        self.proof = Proof()
        self._well_at: datetime | None = None
        self._in_gap = False

    async def check(self) -> bool:
        """Look at the cluster. Returns whether the answer changed. When the API server cannot be asked, the last answer stands."""
        before = self.problem, self.proof
        try:
            policies, bindings = await self._api.list(POLICIES), await self._api.list(BINDINGS)
        except (Forbidden, NotFound) as error:
            self._take(Standing(f"Headgate cannot see whether the admission policies are in force: {error}", None))
        except KubeError as error:
            log.warning("the admission policies could not be checked: %s", error)
        else:
            self._take(standing(policies.items, bindings.items, self._prefix))
        return before != (self.problem, self.proof)

    def _take(self, found: Standing) -> None:
        now = self._wall()
        self.problem = found.problem
        if found.problem:
            self._in_gap = True
            return
        proof = replace(self.proof, since=found.since)
        if self._in_gap and self._well_at is not None:
            # It was missing for some part of this time, and nobody knows for which.
            proof = replace(proof, gaps=(*proof.gaps, (self._well_at, now)))
        self._in_gap, self._well_at, self.proof = False, now, proof


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


def _bindings_of(name: str, bindings: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [binding for binding in bindings if binding["spec"].get("policyName") == name]


def _made(thing: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(thing["metadata"]["creationTimestamp"])
