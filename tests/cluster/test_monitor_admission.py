"""The monitor's own admission policy on a real API server: it reports about models, and neither decides nor goes around the operator."""

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from tests.cluster.apiserver import Answer, Cluster, User, path_of
from tests.cluster.conftest import RELEASE, SYSTEM
from tests.cluster.test_admission import eventually, refused
from tests.resources import AIMODEL, ROOT

Object = dict[str, Any]
AT = "2026-11-27T04:00:00Z"
LABELS = {"app.kubernetes.io/managed-by": "headgate", "headgate.dev/model": "credit-scorer"}


def _let_it_retrain(on: str) -> None:
    command = ["helm", "upgrade", RELEASE, str(ROOT / "charts/headgate"), "--namespace", SYSTEM, "--reuse-values"]
    settings = ["--set", f"monitor.retraining={on}"]
    done = subprocess.run([*command, *settings], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def monitor(cluster: Cluster, installed: None) -> Iterator[User]:
    """As the chart installs it with monitor.retraining."""
    _let_it_retrain("true")
    yield cluster.service_account(SYSTEM, f"{RELEASE}-monitor")
    _let_it_retrain("false")


@pytest.fixture
def model(cluster: Cluster, namespace: str) -> str:
    """The path of an AIModel with a status."""
    body = {**AIMODEL, "metadata": {"name": "credit-scorer", "namespace": namespace}}
    made = cluster.admin.create(path_of(AIMODEL, namespace), body)
    assert made.accepted, made.message
    path = f"{path_of(AIMODEL, namespace)}/credit-scorer"
    operator = cluster.service_account(SYSTEM, RELEASE)
    written = eventually(lambda: _applied(operator, path, "headgate-status", {"phase": "Pending"}), lambda answer: answer.accepted)
    assert written.accepted, written.message
    return path


def _applied(user: User, path: str, manager: str, status: Object) -> Answer:
    body = {"apiVersion": AIMODEL["apiVersion"], "kind": "AIModel", "metadata": {"name": "credit-scorer"}, "status": status}
    query = f"fieldManager={manager}&force=true"
    return user.ask("PATCH", f"{path}/status?{query}", body, kind="application/apply-patch+yaml")


def condition(kind: str) -> Object:
    return {"type": kind, "status": "True", "reason": "WithinLimits", "message": "", "observedGeneration": 1, "lastTransitionTime": AT}


def test_it_writes_its_conditions_and_leaves_the_rest_of_a_status(cluster: Cluster, monitor: User, model: str) -> None:
    report = {"conditions": [condition("DriftWithinLimits")]}
    written = eventually(lambda: _applied(monitor, model, "headgate-monitor", report), lambda answer: answer.accepted)
    assert written.accepted, written.message
    assert written.body["status"]["phase"] == "Pending"

    others = "and nothing else of it"
    refused(lambda: _applied(monitor, model, "headgate-monitor", {**report, "phase": "Live"}), others)
    refused(lambda: _applied(monitor, model, "headgate-monitor", {"conditions": [condition("GovernanceEnforced")]}), others)
    refused(lambda: _applied(monitor, model, "headgate-monitor", {**report, "attempts": 7}), others)


def test_it_writes_config_maps_of_its_own_names_alone(monitor: User, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"

    def write(name: str) -> Answer:
        return monitor.create(path, {"metadata": {"name": name, "namespace": namespace, "labels": LABELS}, "data": {"a": "b"}})

    made = eventually(lambda: write("credit-scorer-monitoring"), lambda answer: answer.accepted)
    assert made.accepted, made.message
    assert write("credit-scorer-review-mode").accepted
    refused(lambda: write("credit-scorer-evidence"), "and writes no other")
    refused(lambda: write("headgate-freeze"), "and writes no other")


def job(namespace: str, labels: Object, of_pods: Object) -> Object:
    pod = {"containers": [{"name": "train", "image": "example/train:1"}], "restartPolicy": "Never"}
    template = {"metadata": {"labels": of_pods}, "spec": pod}
    return {
        "metadata": {"generateName": "retrain-", "namespace": namespace, "labels": labels},
        "spec": {"template": template, "suspend": True},
    }


def test_it_starts_jobs_for_retraining_that_cannot_pass_for_others(monitor: User, namespace: str) -> None:
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    marked = {**LABELS, "headgate.dev/retraining": "credit-scorer-retrain-0a1b2c3d"}
    made = eventually(lambda: monitor.create(path, job(namespace, marked, {})), lambda answer: answer.accepted)
    assert made.accepted, made.message
    refused(lambda: monitor.create(path, job(namespace, LABELS, {})), "and no others")
    refused(lambda: monitor.create(path, job(namespace, {**marked, "headgate.dev/replay": "x"}, {})), "and no others")
    refused(lambda: monitor.create(path, job(namespace, marked, {"headgate.dev/revision": "0a1b2c3d"})), "headgate.dev/re")
    refused(lambda: monitor.create(path, job(namespace, marked, {"headgate.dev/replay": "x"})), "and no others")


def test_it_makes_nothing_else_that_the_operator_makes(monitor: User, namespace: str) -> None:
    """RBAC alone."""
    service = {"metadata": {"name": "credit-scorer-0a1b2c3d", "labels": LABELS}, "spec": {"ports": [{"port": 80}]}}
    answer = monitor.create(f"/api/v1/namespaces/{namespace}/services", service)
    assert answer.code == 403
    assert "cannot create" in answer.message
