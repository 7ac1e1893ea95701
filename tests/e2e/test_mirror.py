"""A mirror whose target has no endpoint costs users nothing (T14): copies are sent beside the request, and nobody waits for them."""

import time
from collections.abc import Iterator
from statistics import median
from typing import Any

import httpx
import pytest
from tests.e2e.conftest import Bed

from demo.__main__ import PATH
from demo.kubectl import apply, remove
from fleet.model import Model, prepare, statuses
from fleet.policy import policy
from fleet.release import Course, Release

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

NAMESPACE = "mirrored"
MODEL = Model(NAMESPACE, "copied")
PLAIN, MIRRORED = "plain.mirrored.example", "mirrored.mirrored.example"
ROUNDS = 150


@pytest.fixture
def routes() -> Iterator[None]:
    """Two routes to one live version, one of which copies every request to a Service without pods."""
    prepare(NAMESPACE, policy("mirrored", (50,), seconds=6))
    course, until = Course(MODEL, iter([Release("v1", "mirrored")])), time.monotonic() + 120
    course.step({})
    while not course.finished:
        assert time.monotonic() < until, statuses(NAMESPACE)
        time.sleep(0.5)
        course.step(statuses(NAMESPACE)[MODEL.name])
    revision = statuses(NAMESPACE)[MODEL.name]["stable"]["revision"]
    # Routes of others do not lead to the Service of a version; that its pods answer elsewhere as well nobody can forbid.
    answering = {"headgate.dev/model": MODEL.name, "headgate.dev/revision": revision}
    copies = [{"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "nobody", "port": 8080}}}]
    apply(
        _service("nobody", {"app": "nobody"}),
        _service("answering", answering),
        _route("plain", PLAIN, []),
        _route("mirrored", MIRRORED, copies),
    )
    yield
    remove(NAMESPACE)


def _service(name: str, selector: dict[str, str]) -> dict[str, Any]:
    spec = {"selector": selector, "ports": [{"port": 8080}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec}


def _route(name: str, host: str, filters: list[dict[str, Any]]) -> dict[str, Any]:
    rule = {"filters": filters, "backendRefs": [{"name": "answering", "port": 8080}]}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"parentRefs": [{"name": "public", "namespace": "gateways"}], "hostnames": [host], "rules": [rule]},
    }


@pytest.mark.usefixtures("routes")
def test_a_mirror_without_endpoints_delays_and_fails_nobody(bed: Bed) -> None:
    """The two routes in turn, so that the machine's load is the same for both."""
    seconds: dict[str, list[float]] = {PLAIN: [], MIRRORED: []}
    with httpx.Client(base_url=bed.gateway) as users:
        for host in seconds:
            _answered(users, host)
        for _ in range(ROUNDS):
            for host, taken in seconds.items():
                begun = time.perf_counter()
                answer = users.get(PATH, headers={"Host": host})
                taken.append(time.perf_counter() - begun)
                assert answer.status_code == 200
    plain, mirrored = (median(seconds[host]) for host in (PLAIN, MIRRORED))
    print(f"median {1000 * plain:.1f} ms, with copies to nobody {1000 * mirrored:.1f} ms")
    assert mirrored < 1.5 * plain


def _answered(users: httpx.Client, host: str) -> None:
    """The gateway takes a route a moment after it was made."""
    until = time.monotonic() + 30
    while users.get(PATH, headers={"Host": host}).status_code != 200:
        assert time.monotonic() < until, f"{host} is not routed"
        time.sleep(0.1)
