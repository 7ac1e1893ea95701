"""What `helm test` finds: each thing that can be wrong with a release is told, and nothing is told of one that works."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.unit.controller.fake_cluster import FakeCluster
from tests.unit.controller.operator_world import OperatorWorld

from headgate.api import crd
from headgate.chart.__main__ import pages
from headgate.chart.check import TRIES, Checks, Finding, Release
from headgate.kube.admission import BINDINGS, POLICIES, REQUIRED
from headgate.kube.installed import Installed
from headgate.kube.resources import CUSTOM_RESOURCE_DEFINITIONS, LEASES

LEADS, WAITS = "# TYPE headgate_leader gauge\nheadgate_leader 1.0\n", "headgate_leader 0.0\nheadgate_queue_depth 1.0\n"
RELEASE = Release(
    namespace="headgate-system",
    prefix="headgate",
    definitions=True,
    admission=Installed(),
    leases=("headgate",),
    operator="operator:8080",
    others=("monitor:8080",),
)


@cache
def _definitions() -> tuple[dict[str, Any], ...]:
    return tuple(resource.manifest() for resource in crd.RESOURCES)


class World:
    """A release that works, until a test breaks it. The holder of the lease renews it while time passes."""

    def __init__(self) -> None:
        self.api: FakeCluster = OperatorWorld().api
        self.pages: dict[str, Sequence[str]] = {"operator:8080": (LEADS, WAITS), "monitor:8080": ("headgate_monitor_seconds 1.0",)}
        self.down: str = ""
        self.holder = "headgate-1-abcd"
        self.renews = True
        self.slept = 0
        self.later: Callable[[World], None] = lambda world: None
        for definition in _definitions():
            self.api.put(CUSTOM_RESOURCE_DEFINITIONS, {**definition, "status": {"conditions": [{"type": "Established", "status": "True"}]}})
        self._renew()

    def _renew(self) -> None:
        spec = {"holderIdentity": self.holder, "leaseDurationSeconds": 15, "renewTime": f"2026-03-01T00:00:{self.slept:02}.000000Z"}
        self.api.put(LEASES, {"metadata": {"name": "headgate", "namespace": "headgate-system"}, "spec": spec})

    async def sleep(self, seconds: float) -> None:
        self.slept += 1
        if self.renews:
            self._renew()
        self.later(self)

    async def read(self, address: str) -> Sequence[str]:
        if self.down:
            raise OSError(self.down)
        return self.pages[address]

    def findings(self, release: Release = RELEASE) -> list[Finding]:
        return asyncio.run(Checks(self.api, self.read, self.sleep).run(release))

    def definition(self) -> dict[str, Any]:
        """That of AIModels, to be changed."""
        return self.api.objects[(CUSTOM_RESOURCE_DEFINITIONS.plural, "", "aimodels.headgate.dev")]


def test_a_release_that_works_has_no_fault() -> None:
    found = World().findings()
    assert [finding for finding in found if finding.fault] == []
    assert [finding.what for finding in found] == [
        *(f"{resource.plural}.headgate.dev is served" for resource in crd.RESOURCES),
        "the admission policies deny",
        "the lease headgate is renewed",
        "the operators show metrics, and one leads",
        "monitor:8080 shows metrics",
    ]


def _drop_definition(world: World) -> None:
    del world.api.objects[(CUSTOM_RESOURCE_DEFINITIONS.plural, "", "aimodels.headgate.dev")]


def _age_definition(world: World) -> None:
    del world.definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["serving"]


def _other_version(world: World) -> None:
    world.definition()["spec"]["versions"][0]["name"] = "v1"


def _not_established(world: World) -> None:
    world.definition()["status"] = {}


def _drop_policy(world: World) -> None:
    del world.api.objects[(POLICIES.plural, "", f"headgate-{REQUIRED[0]}")]


def _only_audits(world: World) -> None:
    for binding in world.api.of(BINDINGS):
        binding["spec"]["validationActions"] = ["Audit"]


def _nobody_leads(world: World) -> None:
    world.holder = ""
    world._renew()


def _holder_is_gone(world: World) -> None:
    world.renews = False


def _no_lease(world: World) -> None:
    world.renews = False
    del world.api.objects[(LEASES.plural, "headgate-system", "headgate")]


def _two_lead(world: World) -> None:
    world.pages["operator:8080"] = (LEADS, LEADS)


def _none_leads(world: World) -> None:
    world.pages["operator:8080"] = (WAITS, WAITS)


def _unreachable(world: World) -> None:
    world.down = "http://10.0.0.1:8080/metrics does not answer: timed out"


def _other_page(world: World) -> None:
    world.pages["monitor:8080"] = ("<html>",)


@pytest.mark.parametrize(
    ("breaks", "what", "words"),
    [
        (_drop_definition, "aimodels.headgate.dev", "not installed: set crds.enabled=true"),
        (_age_definition, "aimodels.headgate.dev", "older release, without serving"),
        (_other_version, "aimodels.headgate.dev", "does not serve v1alpha1"),
        (_not_established, "aimodels.headgate.dev", "has not taken it up"),
        (_drop_policy, "the admission policies", "headgate-approvals is missing"),
        (_only_audits, "the admission policies", "no ValidatingAdmissionPolicyBinding denies"),
        (_nobody_leads, "the lease headgate", "nobody holds it"),
        (_holder_is_gone, "the lease headgate", "headgate-1-abcd holds it, and does not renew it"),
        (_no_lease, "the lease headgate", "nobody holds it"),
        (_two_lead, "the operators", "2 of 2 say that they lead"),
        (_none_leads, "the operators", "0 of 2 say that they lead"),
        (_unreachable, "the operators", "does not answer"),
        (_other_page, "monitor:8080", "no metric called headgate_"),
    ],
)
def test_what_is_wrong_is_told(breaks: Callable[[World], None], what: str, words: str) -> None:
    world = World()
    breaks(world)
    faults = [finding for finding in world.findings() if finding.fault]
    assert faults
    assert faults[0].what.startswith(what)
    assert words in faults[0].fault


def test_a_policy_that_the_chart_made_otherwise_is_told() -> None:
    edited = Installed({f"{POLICIES.kind}/headgate-{REQUIRED[0]}": "0" * 64})
    faults = [finding.fault for finding in World().findings(replace(RELEASE, admission=edited)) if finding.fault]
    assert len(faults) == 1
    assert "is not as this release of the chart installs it" in faults[0]


def test_what_is_on_its_way_is_waited_for() -> None:
    world = World()
    _none_leads(world)

    def elected(later: World) -> None:
        if later.slept == TRIES - 1:
            later.pages["operator:8080"] = (WAITS, LEADS)

    world.later = elected
    assert [finding for finding in world.findings() if finding.fault] == []


def test_what_may_not_be_read_is_not_looked_at() -> None:
    world = World()
    _drop_definition(world)
    _drop_policy(world)
    lone = Release("headgate-system", "headgate", definitions=False, admission=None, leases=("headgate",), operator="operator:8080")
    assert [finding.fault for finding in world.findings(lone)] == ["", ""]


class _Metrics(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/metrics" else 404)
        self.end_headers()
        self.wfile.write(LEADS.encode())

    def log_message(self, *_: Any) -> None:
        """Tests are quiet."""


@pytest.fixture
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Metrics)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def test_metrics_are_read_over_http(port: int) -> None:
    assert list(asyncio.run(pages(f"127.0.0.1:{port}"))) == [LEADS]


def test_who_does_not_answer_is_named(port: int) -> None:
    with pytest.raises(OSError, match=r"http://127\.0\.0\.1:1/metrics does not answer"):
        asyncio.run(pages("127.0.0.1:1"))
    with pytest.raises(OSError):
        asyncio.run(pages("nobody.invalid:8080"))


def test_without_a_cluster_it_says_so(tmp_path: Path) -> None:
    # The client reads KUBECONFIG when it is imported.
    command = [sys.executable, "-m", "headgate.chart", "check", "--namespace", "a", "--prefix", "headgate", "--operator", "x:1"]
    environment = {"KUBECONFIG": str(tmp_path / "none"), "PYTHONPATH": ":".join(sys.path), "PATH": os.environ["PATH"]}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2, done.stderr
    assert "KUBECONFIG" in done.stderr
