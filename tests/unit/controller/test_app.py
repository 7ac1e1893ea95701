"""The start of the operator while the API server is away or has not everything, and its end."""

import asyncio
import os
import signal
import socket
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx
import kopf
import pytest
from tests.simulation.apiserver.client import SimulatedApi
from tests.simulation.apiserver.requests import Request, Response
from tests.simulation.apiserver.server import ApiServer
from tests.simulation.clock import EPOCH, run
from tests.simulation.prepared import furnish
from tests.unit.controller.operator_world import POLICY
from tests.unit.controller.test_parts import SETTINGS, nothing

from headgate.config import Settings, kopf_settings
from headgate.controller import app
from headgate.controller.parts import LEASE, Parts
from headgate.kube.client import KubeClient
from headgate.kube.lease import Clocks, Elector, LeaseName
from headgate.kube.resources import GOVERNANCE_APPROVALS
from headgate.process import LAST_WRITES
from headgate.prometheus.client import PrometheusClient

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: away
contexts: [{{name: away, context: {{cluster: away, user: nobody}}}}]
clusters: [{{name: away, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
users: [{{name: nobody, user: {{token: none}}}}]
"""
TRIES = 4


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Of a cluster at whose address nobody answers. kopf tries as often as ever, but without pauses."""
    nobody, probes, metrics = (_free() for _ in range(3))
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(KUBECONFIG.format(port=nobody))
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    monkeypatch.setattr(KubeClient, "connect", partial(KubeClient.connect, kubeconfig=str(kubeconfig)))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)

    def hurried(selectors: dict[tuple[str, str], str]) -> kopf.OperatorSettings:
        made = kopf_settings(selectors)
        made.networking.error_backoffs = (0.0,) * TRIES
        return made

    monkeypatch.setattr(app, "kopf_settings", hurried)
    away = f"http://127.0.0.1:{nobody}"
    return Settings("headgate-system", "headgate-system", away, "test", "headgate-a", probe_port=probes, metrics_port=metrics)


def _free() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_a_process_that_starts_without_an_api_server_waits_for_it_and_ends_when_asked(settings: Settings) -> None:
    """kopf gives up after some tries. The kubelet would start the process again, each time after a longer pause."""

    async def scene() -> float:
        process = asyncio.create_task(app.run(settings))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.probe_port}", timeout=60) as kubelet:
            while "pods: no connection to" not in await _unready(kubelet):
                assert not process.done(), f"it ends by itself with {process.result()}"
                await asyncio.sleep(0.1)
            assert (await kubelet.get("/healthz")).text == "ok"
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL, "nobody would hear it, or it would end these tests"
        os.kill(os.getpid(), signal.SIGTERM)
        began = time.monotonic()
        assert await process == 0
        return time.monotonic() - began

    assert asyncio.run(scene()) < LAST_WRITES, "there is nothing to finish"


async def _unready(kubelet: httpx.AsyncClient) -> str:
    """What /readyz says; empty while nobody answers there."""
    try:
        answer = await kubelet.get("/readyz")
    except httpx.ConnectError:
        return ""
    assert answer.status_code == 503
    return answer.text


class Api(SimulatedApi):
    """Of a server that is `away`, or does not know the kind that it `lacks`."""

    def __init__(self) -> None:
        now = asyncio.get_running_loop().time
        server = ApiServer(lambda: datetime.fromtimestamp(EPOCH + now(), UTC))
        furnish(server, "standard", POLICY)
        super().__init__(server, before=self._before)
        self.away, self.lacks = False, ""

    async def _before(self, request: Request) -> Response | None:
        if self.away:
            raise ConnectionRefusedError("nobody listens")
        missing = self.lacks and request.path.endswith(f"/{self.lacks}")
        return Response(404, {"kind": "Status", "message": "the server could not find the requested resource"}) if missing else None


class Started:
    """A process on a virtual clock. `watches`: when they began."""

    def __init__(self, api: Api) -> None:
        now, acquired = asyncio.get_running_loop().time, asyncio.Event()
        clocks = Clocks(monotonic=now, wall=lambda: datetime.fromtimestamp(EPOCH + now(), UTC))
        prometheus = PrometheusClient(SETTINGS.prometheus_url, transport=httpx.MockTransport(nothing))
        self.parts = Parts(SETTINGS, api, prometheus, lambda: self.elector.leading, clocks)
        name = LeaseName(SETTINGS.namespace, LEASE, "one")
        self.elector = Elector(api, name, on_acquired=acquired.set, on_lost=lambda: None, clocks=clocks)
        self.watches: list[float] = []
        self._running = app.Running(set())

        async def watches() -> None:
            self.watches.append(now())
            await asyncio.Event().wait()

        app.begin(self._running, self.parts, self.elector, acquired, watches)

    @property
    def told(self) -> float | None:
        return self.parts.telemetry.registry.get_sample_value("headgate_leader")

    @property
    def ended(self) -> list[str]:
        return [task.get_name() for task in self._running.tasks if task.done()]

    async def stop(self) -> None:
        await self._running.stop()
        await self.parts.close(0.0)


def test_watches_begin_once_everything_was_listed() -> None:
    async def scene() -> None:
        api = Api()
        api.away = True
        process = Started(api)
        await asyncio.sleep(600)
        assert process.ended == []
        assert process.parts.health.faults() == []
        assert process.watches == []
        api.away = False
        await asyncio.sleep(6)
        assert len(process.watches) == 1
        api.away = True
        await asyncio.sleep(60)
        assert len(process.watches) == 1
        await process.stop()

    run(scene())


def test_who_cannot_decide_leaves_the_lease_to_others_and_is_not_told_as_the_leader() -> None:
    """Whoever is woken when nobody leads is to be woken by this as well."""

    async def scene() -> None:
        api = Api()
        api.lacks = GOVERNANCE_APPROVALS.plural
        process = Started(api)
        await asyncio.sleep(30)
        assert not process.elector.leading
        assert process.told == 0
        api.lacks = ""
        await asyncio.sleep(6)
        assert process.elector.leading
        assert process.told == 1
        await process.stop()

    run(scene())
