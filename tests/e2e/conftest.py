"""The whole system on the test bed: chart, operator, gateway, Prometheus, pods and users."""

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.scenes import Ground

from demo import people
from demo.__main__ import HOST, PATH
from demo.kubectl import apply, kubectl, remove
from demo.release import perform
from demo.traffic import Load, Users
from demo.versions import FIRST
from gitops.repository import Repository

# A failed assert of a scene shows what it compared, as one in the test itself does.
_SCENES = ("attacked", "attacks_decisions", "attacks_surroundings", "events_changes", "events_decisions", "events_failures", "events_sizes")
pytest.register_assert_rewrite(*(f"tests.e2e.{name}" for name in _SCENES))

ROOT = Path(__file__).resolve().parents[2]
_AT_ONCE = 4
"""Scenes. With more, two cores are too slow for what they measure."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What looks back on all other tests comes after them."""
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)


@dataclass(frozen=True)
class Bed:
    """What the tests need to know of the cluster."""

    gateway: str
    load: Path
    ctl: Path = ROOT / "hack/cluster/host/ctl.sh"

    def users(self, file: Path) -> Load[Users]:
        return Load(self.load, self.gateway + PATH, [HOST], Users(file))


def built(command: str) -> Path:
    """The binary of a Go command under hack/."""
    binary = ROOT / "build" / command
    line = ["go", "build", "-buildvcs=false", "-o", str(binary), "."]
    subprocess.run(line, cwd=ROOT / "hack" / command, check=True, env=os.environ | {"CGO_ENABLED": "0"})
    return binary


@pytest.fixture(scope="session")
def bed() -> Bed:
    if "KUBECONFIG" not in os.environ:
        pytest.fail('these tests need the test bed: run `make test`, or eval "$(hack/cluster/env.sh)" after `make cluster-up`')
    load = built("load")
    gateway = subprocess.run([str(ROOT / "hack/cluster/gateway-url.sh")], check=True, capture_output=True, text=True).stdout.strip()
    return Bed(gateway, load)


@pytest.fixture
def first_version_live(bed: Bed) -> None:
    """A fresh model with v1 live and the demo's policies."""
    _begin()


@pytest.fixture(scope="module")
def model_to_ask_about(bed: Bed) -> None:
    """The same, once for all tests of a module: none of them may change it."""
    _begin()


def _begin() -> None:
    remove(people.NAMESPACE)
    apply(*people.objects())
    for policy in ("fast", "fast-canary"):
        kubectl("apply", "-f", str(ROOT / f"examples/policies/{policy}.yaml"))
    perform(FIRST, 180, lambda _: None)


@pytest.fixture
def users(bed: Bed, first_version_live: None, tmp_path: Path) -> Iterator[Users]:
    """A hundred requests a second for as long as the test runs."""
    with bed.users(tmp_path / "requests.jsonl") as users:
        yield users


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    """Empty, and served over HTTP."""
    with Repository(tmp_path / "git", built("gitserver")) as repository:
        yield repository


@pytest.fixture(scope="module")
def ground(bed: Bed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """The test bed without the chart's operator, which would decide about the models of every other one."""
    operator = ("-n", "headgate-system", "deployment/headgate")
    replicas = kubectl("get", *operator, "-o", "jsonpath={.spec.replicas}")
    kubectl("scale", *operator, "--replicas=0")
    kubectl("wait", "-n", "headgate-system", "--for=delete", "pod", "-l", "app.kubernetes.io/name=headgate", "--timeout=60s", timeout=70)
    yield Ground(bed.gateway, os.environ["HEADGATE_PROMETHEUS_URL"], bed.load, built("faultproxy"), tmp_path_factory.mktemp("faults"))
    kubectl("scale", *operator, f"--replicas={replicas}")
    kubectl("rollout", "status", *operator, "--timeout=120s", timeout=130)


@pytest.fixture(scope="module")
def playing(request: pytest.FixtureRequest, ground: Ground) -> Iterator[dict[object, Future[Any]]]:
    """All scenes of the module's chosen tests, side by side: each takes a minute or more, most of it waiting."""
    marks = [item.get_closest_marker("scene") for item in request.session.items if item.path == request.path]
    scenes = dict.fromkeys(mark.kwargs["play"] for mark in marks if mark is not None)
    with ThreadPoolExecutor(_AT_ONCE) as stage:
        yield {scene: stage.submit(scene, ground) for scene in scenes}


@pytest.fixture
def outcome(request: pytest.FixtureRequest, playing: dict[object, Future[Any]]) -> Any:
    """What the scene that the test is marked with came to."""
    mark = request.node.get_closest_marker("scene")
    return playing[mark.kwargs["play"]].result()
