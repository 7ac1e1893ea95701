"""Status, operator, definitions, model lost, each in the middle of a canary: users keep their answers. At last the cluster is lost."""

import json
import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cluster.apiserver import HEADGATE, Cluster
from tests.e2e.installing import SYSTEM, install

from demo import people
from demo.kubectl import ROOT, apply, get, headgate, kubectl, remove, run
from demo.people import MODEL, NAMESPACE
from demo.release import Moment, manifest, perform
from demo.traffic import Users
from demo.versions import RELEASES, Release

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

KINDS = ("aimodels", "rolloutpolicies", "governanceapprovals")
SLOW = Release("v2", "behaves like v1, in a canary that lasts", "lifecycle", RELEASES["v2"].outcome)


Object = dict[str, Any]


class InCanaryError(Exception):
    """The release has come as far as it is needed."""


def weights() -> dict[str, int]:
    route = get("httproute", MODEL, NAMESPACE) or {}
    found = Counter[str]()
    for ref in (route.get("spec") or {}).get("rules", [{}])[0].get("backendRefs", ()):
        found[ref["name"].removeprefix(f"{MODEL}-")] += ref["weight"]
    return dict(found)


def status() -> dict[str, Any]:
    found: dict[str, Any] = (get("aimodel", MODEL, NAMESPACE) or {}).get("status") or {}
    return found


def until(holds: Callable[[], bool], seconds: float, what: str) -> float:
    """Seconds it took."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if holds():
            return time.monotonic() - began
        time.sleep(0.3)
    raise AssertionError(f"not within {seconds:.0f} s: {what}; weights {weights()}, status {json.dumps(status())[:1500]}")


def in_canary() -> None:
    """Release v2 and approve it, until it has its users."""

    def seen(moment: Moment) -> None:
        if (moment.status.get("candidate") or {}).get("version") == SLOW.version and moment.status.get("phase") == "Canary":
            raise InCanaryError

    with pytest.raises(InCanaryError):
        perform(SLOW, 120, seen)
    until(lambda: ((status()["candidate"].get("stage") or {}).get("effective")) is not None, 20, "the gateway serves the canary")


@pytest.fixture
def baseline(users: Users) -> Object:
    """The live version, as `headgate pin` says it before another one is released."""
    patch: Object = yaml.safe_load(headgate("pin", MODEL, "-n", NAMESPACE))
    pinned: Object = patch["spec"]["serving"]["baseline"]
    return pinned


@pytest.fixture
def canary(users: Users, baseline: Object) -> Users:
    _make_policy()
    in_canary()
    return users


def _make_policy() -> None:
    """fast-canary, with a first stage that outlasts the test."""
    kubectl("apply", "-f", str(ROOT / "examples/policies/fast-canary.yaml"))
    policy = json.loads(kubectl("get", "rolloutpolicy", "fast-canary", "-n", "headgate-system", "-o", "json"))
    policy["spec"]["stages"][0] |= {"minDuration": "20m", "maxDuration": "40m"}
    policy["spec"]["lapseGrace"] = "20m"
    apply(
        {key: policy[key] for key in ("apiVersion", "kind", "spec")} | {"metadata": {"name": "lifecycle", "namespace": "headgate-system"}}
    )


def nobody_failed(users: Users) -> None:
    users.read()
    assert users.total > 500
    assert users.by_switches(set()) == 0, users.unexplained[:5]


@dataclass(frozen=True)
class Before:
    """How it was when the canary had its users."""

    status: dict[str, Any]
    shares: dict[str, int]

    @property
    def stable(self) -> str:
        return str(self.status["stable"]["revision"])

    @property
    def candidate(self) -> str:
        return str(self.status["candidate"]["revision"])

    def goes_on(self, *, attempt: bool = True) -> bool:
        """In the same stage of the same attempt, with the same shares."""
        now = status()
        same = (now.get("candidate") or {}).get("attempt") == self.status["candidate"]["attempt"] or not attempt
        return same and weights() == self.shares and now.get("stage") == "canary" and now["stable"]["revision"] == self.stable


def test_whatever_is_lost_in_a_canary_users_keep_their_answers(canary: Users, baseline: Object) -> None:
    """The status, the operator, the definitions, the AIModel with and without its status, at last the AIModel for good; then all of it,
    and the cluster is made from Git."""
    before = Before(status(), weights())
    assert before.shares == {before.stable: 800, before.candidate: 200}
    _the_status_is_lost(before)
    _the_operator_is_uninstalled(before)
    _the_model_is_restored_with_its_status(before)
    _the_definitions_are_lost(before)
    _the_model_is_deleted(before)
    nobody_failed(canary)
    _all_is_made_from_git(before, baseline)


def _the_status_is_lost(before: Before) -> None:
    _as_the_operator([{"op": "remove", "path": "/status"}])
    until(before.goes_on, 20, "the status is made again")
    assert status()["attempts"] == before.status["attempts"]
    told = ("get", "events.events.k8s.io", "-n", NAMESPACE, "-o", "jsonpath={.items[*].reason}")
    until(lambda: "Rebuilt" in kubectl(*told), 10, "it is told")


def _the_operator_is_uninstalled(before: Before) -> None:
    run("helm", "uninstall", "headgate", "-n", SYSTEM, "--wait", "--timeout", "90s", timeout=120)
    assert before.goes_on(), "definitions and models stay"
    install()
    # The role went before the pods did, so the Lease was not given back and has to run out.
    until(_is_led, 30, "a new operator leads")
    until(lambda: not status()["candidate"]["gate"]["open"], 10, "new admission policies prove nothing about approvals from before")
    assert before.goes_on()


def _the_model_is_restored_with_its_status(before: Before) -> None:
    """From a backup, into a cluster where everything else is still there."""
    model = get("aimodel", MODEL, NAMESPACE) or {}
    kubectl("scale", "-n", SYSTEM, "deployment/headgate", "--replicas=0")
    kubectl("wait", "-n", SYSTEM, "--for=delete", "pod", "-l", "app.kubernetes.io/name=headgate", "--timeout=60s", timeout=70)
    kubectl("delete", "aimodel", MODEL, "-n", NAMESPACE, "--wait=true")
    apply(manifest(SLOW))
    _as_the_operator([{"op": "add", "path": "/status", "value": model["status"]}])
    kubectl("scale", "-n", SYSTEM, "deployment/headgate", "--replicas=2")
    until(_is_led, 60, "an operator leads")
    until(before.goes_on, 20, "it goes on")


def _the_definitions_are_lost(before: Before) -> None:
    """And with them every AIModel, policy and approval, under an operator that watches them."""
    kubectl("delete", "crd", *(f"{kind}.headgate.dev" for kind in KINDS), "--timeout=60s", timeout=90)
    until(lambda: _ready_operators() == 0, 60, "no operator is ready")
    assert weights() == before.shares
    install()
    until(_is_led, 60, "a new operator leads")
    _make_policy()
    apply(manifest(SLOW))
    until(before.goes_on, 30, "it goes on where it was")


def _the_model_is_deleted(before: Before) -> None:
    kubectl("delete", "aimodel", MODEL, "-n", NAMESPACE, "--wait=true")
    took = until(lambda: weights() == {before.stable: 1000}, 10, "users of the candidate are with the stable version")
    print(f"users left the candidate {took:.1f} s after its model was deleted")
    until(lambda: get("deployment", f"{MODEL}-{before.candidate}", NAMESPACE) is None, 60, "the candidate is gone")
    assert get("deployment", f"{MODEL}-{before.stable}", NAMESPACE) is not None
    assert get("service", f"{MODEL}-{before.stable}", NAMESPACE) is not None

    apply(manifest(SLOW))
    until(lambda: (status().get("stable") or {}).get("revision") == before.stable, 20, "the stable version is known again")
    assert status()["stable"]["version"] == "v1"
    until(lambda: (status().get("candidate") or {}).get("attempt") == before.status["attempts"] + 1, 20, "a new attempt")
    assert weights()[before.stable] >= 800


def _all_is_made_from_git(before: Before, baseline: Object) -> None:
    """Which holds the version that was on its way, and, pinned, the one that was live."""
    remove(NAMESPACE)
    committed = manifest(SLOW)
    committed["spec"]["serving"]["baseline"] = baseline
    apply(*people.objects(), committed)
    # What was refused while the namespace went is tried again after a minute.
    until(lambda: (status().get("stable") or {}).get("revision") == before.stable, 120, "the baseline is live")
    until(lambda: weights() == {before.stable: 1000}, 10, "and its route was written after that")
    until(lambda: status().get("candidateVersion") == SLOW.version, 30, "the version that was on its way begins anew")
    assert before.candidate not in weights()


def _ready_operators() -> int:
    return int(kubectl("get", "deployment", "headgate", "-n", SYSTEM, "-o", "jsonpath={.status.readyReplicas}") or 0)


def _is_led() -> bool:
    """By a pod that is there."""
    lease = get("lease", "headgate", "headgate-system") or {}
    pods = kubectl(
        "get", "pods", "-n", "headgate-system", "-l", "app.kubernetes.io/name=headgate", "-o", "jsonpath={.items[*].metadata.name}"
    )
    holder = (lease.get("spec") or {}).get("holderIdentity") or ""
    return any(holder.startswith(pod) for pod in pods.split())


def _as_the_operator(patch: Any) -> None:
    """A change of the status, as after a restore. Only the operator may write it, so this is done in its name; kubectl would read it
    first, which the operator has no need to."""
    cluster = Cluster(Path(os.environ["KUBECONFIG"]))
    path = f"{HEADGATE}/namespaces/{NAMESPACE}/aimodels/{MODEL}/status"
    try:
        answer = cluster.service_account(SYSTEM, "headgate").ask("PATCH", path, patch, kind="application/json-patch+json")
    finally:
        cluster.close()
    assert answer.accepted, answer.message
