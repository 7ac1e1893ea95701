"""Guards on a live version, with a real gateway and a real Prometheus: every request is counted once, and a version that fails is told."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.e2e.conftest import Bed

from demo.kubectl import apply, kubectl, remove
from demo.traffic import Load, Users
from headgate.api.vocabulary import Profile
from headgate.controller.cache import Cache
from headgate.controller.facts import ModelKey
from headgate.controller.queue import Priority
from headgate.controller.watching import Watching
from headgate.evidence.counting.series import NoAnswer
from headgate.kube.resources import AIMODELS, ROLLOUT_POLICIES
from headgate.kube.routes import Slot, WantedRoute
from headgate.kube.routes.gateway import render
from headgate.prometheus.client import PrometheusClient
from headgate.prometheus.profiles import PROFILES, Target
from headgate.prometheus.totals import TotalsSampler

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

KEY, REVISION, HOST = ModelKey("headgate-live-guard", "scorer"), "5f0c2a91", "live-guard.models.example"
STAGES = [{"name": "full", "holdbackPercent": 1, "minDuration": "1m", "maxDuration": "2m"}]
ANALYSIS = {"interval": "1s", "warmup": "1s"}
POLICY = {"metadata": {"name": "watched", "namespace": "policies"}, "spec": {"stages": STAGES, "analysis": ANALYSIS}}
QUERY = "/v1/score?income=42000&debt=9000&requested_amount=12000&late_payments=1&history_months=84"


def serving(**env: str) -> dict[str, Any]:
    container = {
        "name": "model",
        "image": "headgate.local/model-server:dev",
        "imagePullPolicy": "IfNotPresent",
        "env": [{"name": name, "value": value} for name, value in {"VERSION": "v1", **env}.items()],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8080}, "periodSeconds": 1},
    }
    labels = {"app": KEY.name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container], "terminationGracePeriodSeconds": 1}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(), "spec": spec}


def metadata() -> dict[str, str]:
    return {"name": KEY.name, "namespace": KEY.namespace}


def objects() -> Iterator[dict[str, Any]]:
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": KEY.namespace}}
    yield serving(ERROR_RATE="0")
    ports = [{"port": 8080, "targetPort": 8080}]
    yield {"apiVersion": "v1", "kind": "Service", "metadata": metadata(), "spec": {"selector": {"app": KEY.name}, "ports": ports}}
    wanted = WantedRoute(
        name=KEY.name,
        namespace=KEY.namespace,
        owner=None,
        parent_refs=({"name": "public", "namespace": "gateways"},),
        hostnames=(HOST,),
        rules=(),
        slots=(Slot(KEY.name, 8080, 500, REVISION), Slot(KEY.name, 8080, 500, REVISION)),
        mirror=None,
        attempt="1",
    )
    # Without the labels that mark what only the operator may edit.
    yield {**render(wanted), "metadata": metadata()}


def known() -> Cache:
    """The model as the operator would have it in memory: live in both places, for a minute."""
    now = datetime.now(UTC)
    since = (now - timedelta(minutes=1)).isoformat()
    stable = {"revision": REVISION, "version": "v1", "content": "sha256:" + "a" * 64, "liveSince": since}
    slots = [{"revision": REVISION, "weight": weight, "since": since} for weight in (500, 500)]
    status = {"stable": stable, "traffic": {"slots": slots}, "phase": "Live"}
    cache = Cache(policy_namespace="policies", wall=lambda: now)
    cache.put(ROLLOUT_POLICIES, POLICY)
    cache.put(AIMODELS, {"metadata": metadata(), "spec": {"policy": {"name": "watched"}}, "status": status})
    return cache


@pytest.fixture
def served() -> Iterator[None]:
    remove(KEY.namespace)
    apply(*objects())
    kubectl("rollout", "status", "deployment", KEY.name, "-n", KEY.namespace, "--timeout=30s")
    yield
    kubectl("delete", "namespace", KEY.namespace, "--wait=false")


async def until(what: str, true: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + 20
    while not await true():
        assert time.monotonic() < deadline, f"not within 20 s: {what}"
        await asyncio.sleep(0.5)


async def begin(gateway: str, sampler: TotalsSampler) -> None:
    """The gateway counts a place from its first request on. All of these are sampled before the test begins to count."""
    target, sent = Target(*KEY, stable=REVISION), 0

    async def sampled() -> bool:
        nonlocal sent
        answer = await sampler.sample([target], time.time())
        assert not isinstance(answer, NoAnswer), answer
        totals = answer.get(target)
        places = totals.places if totals else {}
        if len(places) < 2:
            # 404: the gateway does not know the route yet.
            sent += (await http.get(gateway + QUERY, headers={"Host": HOST})).status_code != 404
        return len(places) == 2 and sum(sums.requests for sums in places.values()) == sent

    async with httpx.AsyncClient() as http:
        await until("both places are counted", sampled)


def test_every_request_of_a_live_version_is_counted_and_its_failing_is_told_once(bed: Bed, served: None, tmp_path: Path) -> None:
    woken: list[tuple[ModelKey, Priority]] = []

    async def watch() -> None:
        async with PrometheusClient(os.environ["HEADGATE_PROMETHEUS_URL"]) as prometheus:
            sampler = TotalsSampler(prometheus, PROFILES[Profile.ENVOY_GATEWAY])
            await begin(bed.gateway, sampler)
            watching = Watching(known(), {Profile.ENVOY_GATEWAY: sampler}, lambda *woke: woken.append(woke), wall=time.time)

            async def seen() -> tuple[int, int]:
                await watching.tick()
                reading = watching.readings.get(KEY)
                return (reading.guards[0].requests, reading.guards[0].failures) if reading else (-1, -1)

            async def is_seen(requests: int, failures: int) -> bool:
                return await seen() == (requests, failures)

            async def busy() -> bool:
                return (await seen())[0] >= 300

            async def fires() -> bool:
                return await seen() > (0, 0) and watching.fires(KEY)

            await until("a first increment", lambda: is_seen(0, 0))
            with Load(bed.load, bed.gateway + QUERY, [HOST], Users(tmp_path / "requests.jsonl")) as users:
                await until("300 requests are counted", busy)
                assert not watching.fires(KEY)
                assert woken == []
                apply(serving(ERROR_RATE="1"))
                await until("the guard fires", fires)
            failed = sum(count for status, count in users.statuses.items() if status >= 500)
            await until(f"{users.total} requests, {failed} failed", lambda: is_seen(users.total, failed))

    asyncio.run(watch())
    assert woken == [(KEY, Priority.HARM)]
