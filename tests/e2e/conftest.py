"""The whole system on the test bed: chart, operator, gateway, Prometheus, pods and users."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo import people
from demo.__main__ import HOST, PATH
from demo.kubectl import apply, kubectl
from demo.release import perform
from demo.traffic import Load, Users
from demo.versions import FIRST

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Bed:
    """What the tests need to know of the cluster."""

    gateway: str
    load: Path
    ctl: Path = ROOT / "hack/cluster/host/ctl.sh"

    def users(self, file: Path) -> Load[Users]:
        return Load(self.load, self.gateway + PATH, [HOST], Users(file))


@pytest.fixture(scope="session")
def bed() -> Bed:
    if "KUBECONFIG" not in os.environ:
        pytest.fail('these tests need the test bed: run `make test`, or eval "$(hack/cluster/env.sh)" after `make cluster-up`')
    load = ROOT / "build/load"
    subprocess.run(
        ["go", "build", "-buildvcs=false", "-o", str(load), "."], cwd=ROOT / "hack/load", check=True, env=os.environ | {"CGO_ENABLED": "0"}
    )
    gateway = subprocess.run([str(ROOT / "hack/cluster/gateway-url.sh")], check=True, capture_output=True, text=True).stdout.strip()
    return Bed(gateway, load)


@pytest.fixture
def first_version_live(bed: Bed) -> None:
    """A fresh model with v1 live and the demo's policies."""
    kubectl("delete", "namespace", people.NAMESPACE, "--ignore-not-found", "--wait=true", "--timeout=150s", timeout=180)
    apply(*people.objects())
    for policy in ("fast", "fast-canary"):
        kubectl("apply", "-f", str(ROOT / f"examples/policies/{policy}.yaml"))
    perform(FIRST, 180, lambda _: None)


@pytest.fixture
def users(bed: Bed, first_version_live: None, tmp_path: Path) -> Iterator[Users]:
    """A hundred requests a second for as long as the test runs."""
    with bed.users(tmp_path / "requests.jsonl") as users:
        yield users
