"""Scenes in which the API server refuses, forgets or forbids."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.scenes import Ground, failed_by_switches, first_versions

from demo.kubectl import apply, kubectl
from faults.proxy import Fault
from faults.site import Site, Status, at_stage, is_back, reasons

STORMS: dict[str, Fault] = {
    "conflicts": {"kind": "status", "status": 409},
    "throttled": {"kind": "status", "status": 429, "retryAfter": 1},
    "broken": {"kind": "status", "status": 500},
    "unanswered": {"kind": "lost"},
}
"""By model: what happens to 30 % of the writes that concern it."""


@dataclass(slots=True)
class Stormy:
    """`broken`: how many writes about each model met its fault."""

    ends: dict[str, Status]
    weights: dict[str, int]
    broken: Counter[str]
    failed: list[dict[str, Any]]


def storms_of_refused_writes(ground: Ground) -> Stormy:
    """For each model one promotion and one rollback, with 30 % of its writes going wrong in its own way."""
    with ground.site("faults-storms") as site:
        site.replicas["one"].start()
        first_versions(site, list(STORMS))
        site.api["one"].break_by(*(fault | {"on": "writes", "share": 0.3, "path": f"/{model}(-|/|$)"} for model, fault in STORMS.items()))
        with ground.users(site, list(STORMS), each=30) as users:
            for model in STORMS:
                site.release(model, "v2")
            site.until(150, "v2 live everywhere", lambda: all(site.live(model, "v2") for model in STORMS))
            for model in STORMS:
                site.release(model, "v3", ERROR_RATE="1")
            site.until(90, "v3 back everywhere", lambda: all(is_back(site.status(model), "v3") for model in STORMS))
        ends = {model: site.status(model) for model in STORMS}
        broken = Counter(model for write in site.api["one"].writes for model in STORMS if write.broken and f"/{model}" in write.path)
        return Stormy(ends, {model: site.weight(model, "v2") for model in STORMS}, broken, failed_by_switches(users))


@dataclass(slots=True)
class Denied:
    """What was seen while admission let nobody write a route. Times in seconds."""

    tries: int = 0
    told: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    weights: list[int] = field(default_factory=list)
    until_off: float = 0.0
    written_by_force: int = 0
    failed: list[dict[str, Any]] = field(default_factory=list)


def admission_denies_the_route(ground: Ground) -> Denied:
    """One version turns bad and one proves good while an admission policy refuses every change of their routes."""
    found = Denied()
    with ground.site("faults-denied", seconds=20) as site:
        site.replicas["one"].start()
        first_versions(site, ["bad", "good"])
        with ground.users(site, ["bad", "good"], each=40) as users:
            site.release("bad", "v2", FAIL_AFTER="22")
            site.release("good", "v2")
            site.until(60, "both in canary", lambda: all(at_stage(site.status(model), "v2") for model in ("bad", "good")))
            with _denial(site):
                before = len(_route_writes(site, "bad"))
                until = time.monotonic() + 45
                while time.monotonic() < until:
                    found.told |= reasons(site.status("bad"))
                    found.held |= reasons(site.status("good"))
                    found.weights.append(site.weight("good", "v2"))
                    time.sleep(1)
                found.tries = len(_route_writes(site, "bad")) - before
            found.until_off = site.until(60, "bad v2 off", lambda: site.weight("bad", "v2") == 0)
            site.until(120, "good v2 live", lambda: site.live("good", "v2"))
        found.failed = failed_by_switches(users)
        return found


def _route_writes(site: Site, model: str) -> list[int]:
    return [write.status for write in site.api["one"].writes if write.path.endswith(f"/httproutes/{model}")]


class _denial:  # noqa: N801  reads as a function
    """A cluster's own admission policy against changes of routes, for as long as the context lasts."""

    def __init__(self, site: Site) -> None:
        self._site, self._name = site, site.namespace

    def __enter__(self) -> None:
        rule = {"apiGroups": ["gateway.networking.k8s.io"], "apiVersions": ["*"], "operations": ["UPDATE"], "resources": ["httproutes"]}
        group = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": self._name}}
        policy = {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": "false", "message": "routes are frozen by the network team"}],
        }
        selector = {"matchLabels": {"kubernetes.io/metadata.name": self._site.namespace}}
        binding = {"policyName": self._name, "validationActions": ["Deny"], "matchResources": {"namespaceSelector": selector}}
        apply(
            group | {"kind": "ValidatingAdmissionPolicy", "spec": policy},
            group | {"kind": "ValidatingAdmissionPolicyBinding", "spec": binding},
        )

    def __exit__(self, *_: object) -> None:
        for kind in ("validatingadmissionpolicybinding", "validatingadmissionpolicy"):
            kubectl("delete", kind, self._name, "--ignore-not-found")
