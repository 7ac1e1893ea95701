"""The status lost, the operator uninstalled, the model deleted, each in the middle of a canary: users keep their answers."""

import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cluster.apiserver import HEADGATE, Cluster
from tests.e2e.conftest import ROOT

from demo.kubectl import apply, get, kubectl, run
from demo.people import MODEL, NAMESPACE
from demo.release import Moment, manifest, perform
from demo.traffic import Users
from demo.versions import RELEASES, Release

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

SLOW = Release("v2", "behaves like v1, in a canary that lasts", "lifecycle", RELEASES["v2"].outcome)


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
def canary(users: Users) -> Users:
    """fast-canary, with a first stage that outlasts the test."""
    policy = json.loads(kubectl("get", "rolloutpolicy", "fast-canary", "-n", "headgate-system", "-o", "json"))
    policy["spec"]["stages"][0] |= {"minDuration": "20m", "maxDuration": "40m"}
    policy["spec"]["lapseGrace"] = "20m"
    apply(
        {key: policy[key] for key in ("apiVersion", "kind", "spec")} | {"metadata": {"name": "lifecycle", "namespace": "headgate-system"}}
    )
    in_canary()
    return users


def nobody_failed(users: Users) -> None:
    users.read()
    assert users.total > 500
    assert users.by_switches(set()) == 0, users.unexplained[:5]


def test_lost_status_uninstalled_operator_and_deleted_model_in_canary(canary: Users) -> None:
    before, shares = status(), weights()
    stable, candidate = before["stable"]["revision"], before["candidate"]["revision"]
    assert shares == {stable: 800, candidate: 200}

    _lose_status()
    until(lambda: bool(status().get("candidate")), 20, "the status is made again")
    after = status()
    assert (weights(), after["stage"], after["attempts"]) == (shares, "canary", before["attempts"])
    assert after["candidate"]["attempt"] == before["candidate"]["attempt"]
    told = ("get", "events.events.k8s.io", "-n", NAMESPACE, "-o", "jsonpath={.items[*].reason}")
    until(lambda: "Rebuilt" in kubectl(*told), 10, "it is told")

    run("helm", "uninstall", "headgate", "-n", "headgate-system", "--wait", "--timeout", "90s", timeout=120)
    assert weights() == shares
    kept = status()
    assert (kept["phase"], kept["attempts"]) == ("Canary", before["attempts"]), "definitions and models stay"
    subprocess.run([str(ROOT / "hack/cluster/install.sh")], check=True, env=os.environ, timeout=300, capture_output=True)
    # The role went before the pods did, so the Lease was not given back and has to run out.
    until(_is_led, 30, "a new operator leads")
    until(lambda: not status()["candidate"]["gate"]["open"], 10, "new admission policies prove nothing about approvals from before")
    assert weights() == shares
    assert status()["candidate"]["attempt"] == before["candidate"]["attempt"]

    kubectl("delete", "aimodel", MODEL, "-n", NAMESPACE, "--wait=true")
    took = until(lambda: weights() == {stable: 1000}, 10, "users of the candidate are with the stable version")
    print(f"users left the candidate {took:.1f} s after its model was deleted")
    until(lambda: get("deployment", f"{MODEL}-{candidate}", NAMESPACE) is None, 60, "the candidate is gone")
    assert get("deployment", f"{MODEL}-{stable}", NAMESPACE) is not None
    assert get("service", f"{MODEL}-{stable}", NAMESPACE) is not None

    apply(manifest(SLOW))
    until(lambda: (status().get("stable") or {}).get("revision") == stable, 20, "the stable version is known again")
    assert status()["stable"]["version"] == "v1"
    until(lambda: (status().get("candidate") or {}).get("attempt") == before["attempts"] + 1, 20, "a new attempt")
    assert weights()[stable] >= 800
    nobody_failed(canary)


def _is_led() -> bool:
    """By a pod that is there."""
    lease = get("lease", "headgate", "headgate-system") or {}
    pods = kubectl(
        "get", "pods", "-n", "headgate-system", "-l", "app.kubernetes.io/name=headgate", "-o", "jsonpath={.items[*].metadata.name}"
    )
    holder = (lease.get("spec") or {}).get("holderIdentity") or ""
    return any(holder.startswith(pod) for pod in pods.split())


def _lose_status() -> None:
    """As after a restore without status. Only the operator may write it, so this is done in its name; kubectl would read it first, which
    the operator has no need to."""
    cluster = Cluster(Path(os.environ["KUBECONFIG"]))
    path = f"{HEADGATE}/namespaces/{NAMESPACE}/aimodels/{MODEL}/status"
    blank: Any = [{"op": "remove", "path": "/status"}]
    try:
        answer = cluster.service_account("headgate-system", "headgate").ask("PATCH", path, blank, kind="application/json-patch+json")
    finally:
        cluster.close()
    assert answer.accepted, answer.message
