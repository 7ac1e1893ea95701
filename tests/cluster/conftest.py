"""The API server of the test bed with Headgate's definitions and policies, and a fresh namespace for each test."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from tests.cluster.apiserver import HEADGATE, Cluster
from tests.resources import HALT, ROOT, changed

RELEASE, SYSTEM = "headgate", "headgate-system"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(scope="session")
def kubeconfig() -> Path:
    path = os.environ.get("KUBECONFIG", "")
    if not path:
        pytest.fail('cluster tests need a cluster: run `make cluster-up`, then `eval "$(hack/cluster/env.sh)"`, which sets KUBECONFIG')
    return Path(path)


@pytest.fixture(scope="session")
def cluster(kubeconfig: Path) -> Iterator[Cluster]:
    cluster = Cluster(kubeconfig)
    yield cluster
    cluster.close()


@pytest.fixture(scope="session")
def installed(cluster: Cluster) -> None:
    """The chart of this checkout. A release that is there keeps its values, so that a running operator goes on running."""
    command = [
        "helm",
        "upgrade",
        "--install",
        RELEASE,
        str(ROOT / "charts/headgate"),
        "--namespace",
        SYSTEM,
        "--create-namespace",
        "--take-ownership",
    ]
    there = subprocess.run(["helm", "status", RELEASE, "--namespace", SYSTEM], capture_output=True, timeout=60, check=False)
    values = ["--reuse-values"] if there.returncode == 0 else ["--set", "environment=testbed", "--set", "image.tag=dev"]
    done = subprocess.run([*command, *values], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    _wait_until_enforced(cluster)


def _wait_until_enforced(cluster: Cluster) -> None:
    """Policies take effect a moment after they are made: ask for the impossible until it is refused for the right reason."""
    impossible = changed(HALT, (("approver",), "nobody"))
    impossible["metadata"] = {"generateName": "probe-", "namespace": "default"}
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        answer = cluster.admin.create(f"{HEADGATE}/namespaces/default/governanceapprovals", impossible, dry=True)
        if "ValidatingAdmissionPolicy" in answer.message:
            return
        time.sleep(0.5)
    pytest.fail(f"the admission policies do not take effect: {answer.message or 'the probe was accepted'}")


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    with _fresh_namespace(cluster) as name:
        yield name


@pytest.fixture
def other_namespace(cluster: Cluster) -> Iterator[str]:
    with _fresh_namespace(cluster) as name:
        yield name


@contextmanager
def _fresh_namespace(cluster: Cluster) -> Iterator[str]:
    name = f"headgate-test-{uuid4().hex[:8]}"
    made = cluster.admin.create("/api/v1/namespaces", {"metadata": {"name": name}})
    assert made.accepted, made.message
    try:
        yield name
    finally:
        cluster.admin.delete(f"/api/v1/namespaces/{name}")
