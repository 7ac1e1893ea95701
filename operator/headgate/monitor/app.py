"""The monitor started and stopped: lease, rounds, probes and metrics."""

import asyncio
import logging
import secrets
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web

from headgate.config import Settings
from headgate.kube.client import KubeClient
from headgate.kube.errors import KubeError
from headgate.kube.fence import NotLeading, fenced
from headgate.kube.interface import KubeApi
from headgate.kube.lease import Elector, LeaseName
from headgate.kube.unmanaged import UnmanagedSearch
from headgate.monitor.metrics import MonitorMetrics
from headgate.monitor.models import ServingModel
from headgate.monitor.responding import Responding, Wanted
from headgate.monitor.retraining import Retrainer, post_nothing
from headgate.monitor.rounds import Rounds
from headgate.monitor.rounds import Settings as RoundSettings
from headgate.monitor.unmanaged import EACH, UnmanagedWatch
from headgate.named_secrets import NamedSecrets
from headgate.notices.delivery import Delivery
from headgate.notices.http import Poster
from headgate.notices.smtp import Mailer
from headgate.process import asked_to_stop, end_at_once, in_time
from headgate.prometheus.asking import Asker
from headgate.prometheus.client import PrometheusClient
from headgate.web import Server, verdict

log = logging.getLogger(__name__)

LEASE = "headgate-monitor"
_QUERY_LIMIT = 60.0
"""Seconds. Questions about all models at once may take long, and nobody waits for them."""
_LARGEST_ANSWER = 32 * 2**20
"""Bytes: twice what a part of ten thousand models answers. Sorted out it takes several times as much of the memory that the chart gives."""
_BEAT = 1.0
_STILL = 30.0
_MISSED_ROUNDS = 3
_IDLE = 1.0


@dataclass(slots=True)
class Health:
    """Times of the monotonic clock. `done`: when a round last went through, or this process began to lead."""

    period: float
    monotonic: Callable[[], float] = time.monotonic
    beat: float = 0.0
    done: float | None = None
    problem: str = "the first round is still to come"

    def faults(self) -> list[str]:
        """Why this process must be restarted; empty if it is alive."""
        still = self.monotonic() - self.beat
        return [f"the event loop has been stuck for {still:.0f} s"] if still > _STILL else []

    def missing(self) -> list[str]:
        """Why models are not watched; empty if they are, or if another process does."""
        if self.done is None or self.monotonic() - self.done < _MISSED_ROUNDS * self.period:
            return []
        return [f"no round went through for {self.monotonic() - self.done:.0f} s: {self.problem}"]

    async def run(self) -> None:
        """Beat as long as the event loop turns."""
        while True:
            self.beat = self.monotonic()
            await asyncio.sleep(_BEAT)


async def run(settings: Settings) -> int:
    """The monitor from start to end. Returns the exit code: 0 after SIGTERM or SIGINT, 1 if a part ended by itself."""
    api = await KubeClient.connect()
    prometheus = PrometheusClient(settings.prometheus_url, timeout=_QUERY_LIMIT, most=_LARGEST_ANSWER)
    metrics, health, acquired = MonitorMetrics(), Health(float(settings.monitor_interval)), asyncio.Event()

    def lead() -> None:
        metrics.leader.set(1)
        health.done = health.monotonic()
        acquired.set()

    # A restarted container keeps its pod's name, but is another process.
    lease = LeaseName(settings.namespace, LEASE, f"{settings.pod_name}-{secrets.token_hex(4)}")
    elector = Elector(api, lease, on_acquired=lead, on_lost=end_at_once)
    poster = Poster()
    rounds = composed(settings, fenced(api, lambda: elector.leading), prometheus, metrics, poster)
    unmanaged = UnmanagedWatch(UnmanagedSearch(api, settings.namespace), metrics.registry, time.time)
    servers = _servers(settings, metrics, health)
    tasks: set[asyncio.Task[None]] = set()
    try:
        for server in servers:
            await server.start()
        for name, work in (
            ("heartbeat", health.run()),
            ("lease", elector.run()),
            ("rounds", _watch(rounds, health, acquired)),
            *((("unmanaged", _search(unmanaged, acquired)),) if settings.search_unmanaged else ()),
        ):
            tasks.add(asyncio.create_task(work, name=name))
        return await _until_stopped(tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await in_time(elector.release())
        for server in servers:
            await server.stop()
        await poster.close()
        await prometheus.close()
        await api.close()


def composed(settings: Settings, api: KubeClient, prometheus: PrometheusClient, metrics: MonitorMetrics, poster: Poster) -> Rounds:
    """The rounds with all that they need."""
    asker = Asker(prometheus, lambda template, result: metrics.queries.labels(template, result).inc())
    responder = Responding(api, retrainer_of(settings, api, poster), wanted_of, lambda: datetime.now(UTC))
    wanted = RoundSettings(settings.policy_namespace, float(settings.monitor_interval), settings.watch_namespaces)
    return Rounds(api, asker, responder, metrics, wanted, wall=time.time)


def retrainer_of(settings: Settings, api: KubeApi, poster: Poster) -> Retrainer:
    """Who asks for new versions. The chart's switch for notifications holds for what the monitor sends as well."""
    secrets_of = NamedSecrets(api, settings.policy_namespace, settings.notices)
    post = Delivery(secrets_of.read, poster, Mailer()).post_event if settings.notices.enabled else post_nothing
    return Retrainer(api, post, settings.environment)


def wanted_of(model: ServingModel) -> Wanted:
    """What model and policy say is to be done about drift."""
    receivers = model.policy.notifications if model.policy is not None else None
    return Wanted(model.table, model.monitoring.retraining if model.monitoring is not None else None, receivers or ())


def _servers(settings: Settings, metrics: MonitorMetrics, health: Health) -> list[Server]:
    probes = {"/healthz": lambda: verdict(health.faults()), "/readyz": lambda: verdict(health.missing())}
    page = {"/metrics": lambda: web.Response(body=metrics.page(), content_type="text/plain", charset="utf-8")}
    return [Server(probes, settings.probe_port), Server(page, settings.metrics_port)]


async def _watch(rounds: Rounds, health: Health, acquired: asyncio.Event) -> None:
    """One round after the other. One that fails is logged; the next one comes."""
    await acquired.wait()
    while True:
        try:
            await rounds.round()
            health.done = health.monotonic()
        except (KubeError, NotLeading) as error:
            health.problem = str(error)
            log.warning("a round failed: %s", error)
        except Exception:
            health.problem = "a fault of the monitor: see its log"
            log.exception("a round failed; the next one comes")
        await asyncio.sleep(max(_IDLE, rounds.due))


async def _search(unmanaged: UnmanagedWatch, acquired: asyncio.Event) -> None:
    await acquired.wait()
    while True:
        await unmanaged.look()
        await asyncio.sleep(EACH)


async def _until_stopped(tasks: set[asyncio.Task[None]]) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if not await asked_to_stop(stop, tasks):
        return 1
    log.info("stopping")
    return 0
