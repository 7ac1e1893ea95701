"""Autoscalers and the room of one, on a real cluster: sizes while a version rises, and users when it is halted at its last stage."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.conftest import Bed

from demo import people
from demo.kubectl import apply, get, headgate, kubectl, remove
from demo.people import MODEL, NAMESPACE
from demo.release import Moment, perform
from demo.traffic import Users
from demo.versions import Outcome, Release

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

POLICY = {
    "apiVersion": "headgate.dev/v1alpha1",
    "kind": "RolloutPolicy",
    "metadata": {"name": "two-stages", "namespace": "headgate-system"},
    "spec": {
        "stages": [
            {"name": "canary", "trafficPercent": 20, "minDuration": "6s", "maxDuration": "4m"},
            {"name": "full", "holdbackPercent": 1, "minDuration": "6s", "maxDuration": "4m"},
        ],
        "analysis": {"interval": "1s", "warmup": "1s"},
        "rollbackWindow": "1h",
    },
}
AUTOSCALED = {"deployment": {"autoscaling": {"minReplicas": 2, "maxReplicas": 4}}}
SHARED = {"deployment": {"replicas": 3}, "capacity": {"mode": "Proportional"}}


def release(version: str, serving: dict[str, Any], outcome: Outcome) -> Release:
    return Release(version, "like the first", "two-stages", outcome, serving=serving)


@pytest.fixture
def fresh(bed: Bed) -> Iterator[None]:
    """An empty namespace with the approvers' rights, and a policy of two short stages: v1 gets its size from this test's spec."""
    remove(NAMESPACE)
    apply(*people.objects(), POLICY)
    yield
    kubectl("delete", "rolloutpolicy", "two-stages", "-n", "headgate-system", "--ignore-not-found")


class Halted:
    """Promotes the canary, halts at the last stage, and notes the pods wanted of each revision at every look."""

    def __init__(self) -> None:
        self.sizes: list[dict[str, int]] = []
        self.least: list[dict[str, int]] = []
        self.at_halt: dict[str, int] = {}
        self._done: set[str] = set()

    def __call__(self, moment: Moment) -> None:
        self.sizes.append(_numbers("deployments", "replicas"))
        self.least.append(_numbers("horizontalpodautoscalers", "minReplicas"))
        stage = (moment.status.get("candidate") or {}).get("stage") or {}
        if stage.get("effective") and stage["name"] == "canary":
            self._once("promote", "the stages are shown elsewhere")
        if stage.get("effective") and stage["name"] == "full" and self._settled(moment):
            self.at_halt = self.at_halt or self.sizes[-1]
            self._once("halt", "to see who answers")

    def _settled(self, moment: Moment) -> bool:
        """The last stage has its pods, and the stable version no more than it is to keep."""
        return len(self.sizes) > 3 and self.sizes[-1] == self.sizes[-3] and moment.status.get("trafficSummary") == "1/99"

    def _once(self, decision: str, reason: str) -> None:
        if decision not in self._done:
            headgate(decision, MODEL, "-n", NAMESPACE, "--yes", "--reason", reason)
            self._done.add(decision)


def _numbers(kind: str, number: str) -> dict[str, int]:
    found = json.loads(kubectl("get", kind, "-n", NAMESPACE, "-o", "json"))["items"]
    return {one["metadata"]["labels"]["headgate.dev/revision"]: one["spec"][number] for one in found}


def _revision(version: str) -> str:
    status = (get("aimodel", MODEL, NAMESPACE) or {})["status"]
    known = [status.get("stable") or {}, *status.get("blocked", ())]
    return str(next(entry["revision"] for entry in known if entry.get("version") == version))


def halt_at_the_last_stage(bed: Bed, version: str, serving: dict[str, Any], tmp_path: Path) -> tuple[Halted, Users]:
    """`version` beside v1, which is made live first."""
    perform(release("v1", serving, Outcome.LIVE), 120, lambda _: None)
    halted = Halted()
    with bed.users(tmp_path / "requests.jsonl") as users:
        ending = perform(release(version, serving, Outcome.ROLLED_BACK), 240, halted)
        assert (ending.outcome, ending.reason) == (Outcome.ROLLED_BACK, "Halt")
        kubectl("wait", "deployments", "-n", NAMESPACE, "-l", "headgate.dev/role=stable", "--for=condition=Available", "--timeout=60s")
    assert users.total > 0
    return halted, users


def test_in_the_room_of_one_users_come_back_to_a_single_pod_and_none_is_failed(bed: Bed, fresh: None, tmp_path: Path) -> None:
    halted, users = halt_at_the_last_stage(bed, "v2", SHARED, tmp_path)
    good, bad = _revision("v1"), _revision("v2")
    print(f"sizes at the halt {halted.at_halt}; {users.total} requests, statuses {dict(users.statuses)}")
    assert halted.at_halt == {good: 1, bad: 3}
    assert max(sum(sizes.values()) for sizes in halted.sizes) <= 4
    assert users.by_switches(set()) == 0
    assert _numbers("deployments", "replicas")[good] == 3


def test_an_autoscaler_has_the_floor_as_its_minimum_before_the_weight_rises(bed: Bed, fresh: None, tmp_path: Path) -> None:
    halted, users = halt_at_the_last_stage(bed, "v3", AUTOSCALED, tmp_path)
    good, bad = _revision("v1"), _revision("v3")
    print(f"sizes at the halt {halted.at_halt}; {users.total} requests, statuses {dict(users.statuses)}")
    # Without metrics an autoscaler keeps its bounds and no more. The stable version's minimum is what it had.
    had = halted.at_halt[good]
    assert had >= 2
    assert halted.at_halt[bad] == had
    assert halted.least[-1][good] == had
    assert users.by_switches(set()) == 0
    deployment = json.loads(kubectl("get", "deployment", f"{MODEL}-{good}", "-n", NAMESPACE, "-o", "json", "--show-managed-fields"))
    assert deployment["spec"]["replicas"] == had, "made with one pod, and enlarged by the autoscaler"
    owners = [m["manager"] for m in deployment["metadata"]["managedFields"] if "f:replicas" in m["fieldsV1"].get("f:spec", {})]
    assert "headgate" not in owners
