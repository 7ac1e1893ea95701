"""The operator started and stopped: watches, lease, and the tasks that run until the end."""

import asyncio
import logging
import secrets
import signal
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, cast

import kopf

from headgate.config import Settings, kopf_settings
from headgate.controller.handlers import register, selectors
from headgate.controller.parts import LEASE, Parts
from headgate.controller.probes import metric_routes, probe_routes
from headgate.kube.client import KubeClient
from headgate.kube.lease import Elector, LeaseName
from headgate.process import LAST_WRITES, asked_to_stop, end_at_once, in_time
from headgate.prometheus.client import PrometheusClient
from headgate.web import Server

log = logging.getLogger(__name__)

_LAST_LETTERS = 3.0
_QUERY_LIMIT = 10.0


@dataclass(slots=True)
class Running:
    """Tasks that run until the end. The end of any of them is the end of all."""

    tasks: set[asyncio.Task[Any]]

    def start(self, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work, name=name)
        self.tasks.add(task)
        return task

    async def stop(self, *names: str) -> None:
        """Those of these names; all, if none is named."""
        ended = [task for task in self.tasks if not names or task.get_name() in names]
        for task in ended:
            task.cancel()
        await asyncio.gather(*ended, return_exceptions=True)


async def run(settings: Settings) -> int:
    """The operator from start to end. Returns the exit code: 0 after SIGTERM or SIGINT, 1 if a part ended by itself."""
    api = await KubeClient.connect()
    prometheus = PrometheusClient(settings.prometheus_url, timeout=_QUERY_LIMIT)
    elector: Elector | None = None
    acquired, stop = asyncio.Event(), asyncio.Event()
    parts = Parts(settings, api, prometheus, lambda: elector is not None and elector.leading)

    _take_signals(stop)
    elector = Elector(api, _lease(settings), on_acquired=acquired.set, on_lost=end_at_once, remarks=parts.enforcement.remarks)
    servers = [Server(probe_routes(parts.health), settings.probe_port), Server(metric_routes(parts.telemetry), settings.metrics_port)]
    running = Running(set())
    try:
        for server in servers:
            await server.start()
        work = begin(running, parts, elector, acquired, lambda: _watches(settings, parts, stop))
        return await _until(stop, running, acquired, work, parts)
    finally:
        await give_back(running, elector)
        await running.stop()
        for server in servers:
            await server.stop()
        await parts.close(_LAST_LETTERS)
        await prometheus.close()
        await api.close()


def begin(
    running: Running, parts: Parts, elector: Elector, acquired: asyncio.Event, watches: Callable[[], Awaitable[None]]
) -> asyncio.Task[Any]:
    """Start everything. `acquired` is set by the elector. `watches` bring events until they end; they begin when the API server has
    listed everything once. Returns the task of the decisions, the last one to stop."""
    listed, filled, leads = asyncio.Event(), asyncio.Event(), lambda: elector.leading
    running.start("heartbeat", parts.heartbeat.run())
    running.start("lease", _elected(elector, filled))
    running.start("kinds", parts.kinds.run())
    running.start("gateways", parts.intake.run_gateways())
    # kopf ends, and the process with it, if the API server does not answer when it starts.
    running.start("watches", _after(listed, watches))
    running.start("lists", _after(listed, parts.intake.run))
    running.start("bypass", _after(filled, parts.bypass.run))
    running.start("calendar", _after(filled, parts.run_calendar))
    running.start("configuration", _after(filled, parts.configurations.run))
    running.start("enforcement", _after(filled, parts.run_enforcement))
    running.start("judge", _after(filled, lambda: parts.judging.run(leads)))
    running.start("noise", _after(filled, lambda: parts.noise.run(leads)))
    running.start("watch", _after(filled, lambda: parts.watching.run(leads)))
    running.start("alerts", _after(filled, lambda: parts.alerts.run(leads)))
    running.start("audit", parts.audit.run())
    running.start("checkpoints", _after(filled, lambda: parts.checkpoints.run(parts.judging, leads)))
    return running.start("decisions", _decide(parts, listed, filled, acquired))


async def _decide(parts: Parts, listed: asyncio.Event, filled: asyncio.Event, acquired: asyncio.Event) -> None:
    """Fill the cache, wait for the lease, then decide. A standby keeps its cache warm and is ready as soon as it has the lease."""
    await parts.intake.fill()
    listed.set()
    await parts.enforcement.check()
    await parts.freeze.look()
    await parts.table.look()
    await parts.trust.look()
    await parts.literacy.look()
    log.info("ready", extra={"models": len(parts.cache.models), "moving": len(parts.cache.moving)})
    filled.set()
    await acquired.wait()
    parts.telemetry.leader.set(1)
    parts.decide_all()
    await parts.reconciler.run()


async def _elected(elector: Elector, filled: asyncio.Event) -> None:
    """Who cannot decide leaves the lease to another one."""
    await elector.look()
    await filled.wait()
    await elector.run()


async def give_back(running: Running, elector: Elector) -> None:
    """The lease, after the last write: what stands for election could take it again."""
    await running.stop("lease")
    await in_time(elector.release())


async def _after(event: asyncio.Event, work: Callable[[], Awaitable[None]]) -> None:
    await event.wait()
    await work()


async def _watches(settings: Settings, parts: Parts, stop: asyncio.Event) -> None:
    registry = kopf.OperatorRegistry()
    register(registry, parts.intake)
    ready = asyncio.Event()
    waiter = asyncio.create_task(_take_back_signals(ready, stop))
    try:
        await kopf.operator(
            registry=registry,
            settings=kopf_settings(selectors()),
            clusterwide=not settings.kopf_namespaces,
            namespaces=settings.kopf_namespaces,
            standalone=True,
            # Otherwise kopf asks the system for the name of its user, and an image without /etc/passwd has none.
            identity=cast("Any", settings.pod_name),
            ready_flag=ready,
        )
    finally:
        waiter.cancel()


def _take_signals(stop: asyncio.Event) -> None:
    """The first process of a container does not hear what it has no handler for."""
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)


async def _take_back_signals(ready: asyncio.Event, stop: asyncio.Event) -> None:
    """kopf takes the signals when it starts and would stop at once; here decisions that are being written are finished first."""
    await ready.wait()
    _take_signals(stop)


async def _until(stop: asyncio.Event, running: Running, acquired: asyncio.Event, work: asyncio.Task[Any], parts: Parts) -> int:
    if not await asked_to_stop(stop, running.tasks):
        return 1
    parts.queue.close()
    if acquired.is_set():
        log.info("stopping: finishing what is being written")
        await asyncio.wait({work}, timeout=LAST_WRITES)
    return 0


def _lease(settings: Settings) -> LeaseName:
    # A restarted container keeps its pod's name, but is another process.
    return LeaseName(settings.namespace, LEASE, f"{settings.pod_name}-{secrets.token_hex(4)}")
