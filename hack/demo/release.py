"""One release, from `kubectl apply` to its end, with the approvals it needs."""

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from demo.kubectl import ROOT, CommandError, apply, get, headgate
from demo.people import APPROVERS, MODEL, NAMESPACE
from demo.versions import Outcome, Release

MANIFEST = ROOT / "examples/models/credit-scorer.yaml"
_ENDED = {"Live", "RolledBack"}


@dataclass(frozen=True, slots=True)
class Ending:
    """How a release ended, from the AIModel's status."""

    outcome: str
    reason: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Moment:
    """The AIModel as it is now, and its newest numbers."""

    status: dict[str, Any]
    readings: dict[str, Any]


def manifest(release: Release) -> dict[str, Any]:
    """The example's AIModel with this release's version, policy and faults."""
    model: dict[str, Any] = copy.deepcopy(yaml.safe_load(MANIFEST.read_text()))
    model["spec"]["version"] = release.version
    model["spec"]["policy"]["name"] = release.policy
    serving = model["spec"]["serving"]
    if "deployment" in release.serving:
        del serving["deployment"]["replicas"]
    serving.update(release.serving | {"deployment": serving["deployment"] | release.serving.get("deployment", {})})
    container = model["spec"]["serving"]["deployment"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": name, "value": value} for name, value in release.environment.items()]
    return model


def perform(release: Release, deadline: float, seen: Callable[[Moment], None]) -> Ending:
    """Apply the release, approve it where it waits, and watch until it ends. Raises TimeoutError with the last status."""
    apply(manifest(release))
    for moment in _moments(deadline):
        seen(moment)
        status = moment.status
        candidate = status.get("candidate") or {}
        if candidate.get("version") == release.version and status.get("phase") == "AwaitingDeployment":
            _approve(release, status)
        ending = _ending(release, status)
        if ending is not None:
            return ending
    raise TimeoutError(f"{release.version} has not ended within {deadline:.0f} s: {headgate('explain', MODEL, '-n', NAMESPACE)}")


def _moments(deadline: float) -> Iterator[Moment]:
    until = time.monotonic() + deadline
    while time.monotonic() < until:
        model = get("aimodel", MODEL, NAMESPACE) or {}
        yield Moment(model.get("status") or {}, _readings())
        time.sleep(0.5)


def _readings() -> dict[str, Any]:
    found = get("configmap", f"{MODEL}-evidence", NAMESPACE) or {}
    text = (found.get("data") or {}).get("readings.json", "{}")
    readings: dict[str, Any] = yaml.safe_load(text) or {}
    return readings


def _approve(release: Release, status: dict[str, Any]) -> None:
    """Each missing role approves as its own person, through the command line."""
    gate = (status.get("candidate") or {}).get("gate") or {}
    for role, person in APPROVERS.items():
        if any(role in line for line in gate.get("missing", ())):
            try:
                headgate(
                    "approve",
                    MODEL,
                    "-n",
                    NAMESPACE,
                    "--role",
                    role,
                    "--as",
                    person,
                    "--yes",
                    "--rationale",
                    f"{release.version}: {release.what}",
                )
            except CommandError as error:
                if "exists" not in str(error):
                    raise


def _ending(release: Release, status: dict[str, Any]) -> Ending | None:
    if status.get("phase") not in _ENDED:
        return None
    stable = status.get("stable") or {}
    if status["phase"] == "Live" and stable.get("version") == release.version:
        return Ending(Outcome.LIVE, "", "")
    last = (status.get("blocked") or [{}])[-1]
    if status["phase"] == "RolledBack" and last.get("version") == release.version:
        outcome = Outcome.STOPPED_IN_SHADOW if last.get("stage") == "shadow" else Outcome.ROLLED_BACK
        return Ending(outcome, last["cause"], last.get("message", ""))
    return None
