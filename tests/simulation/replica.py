"""One process of the operator: its parts, its lease, its watches in the place of kopf's, and faults at every await of an adapter."""

import asyncio
import contextvars
from collections.abc import Callable, Mapping
from random import Random
from typing import TYPE_CHECKING, Any, cast

from tests.simulation.apiserver.client import SimulatedApi
from tests.simulation.apiserver.requests import Request, Response
from tests.simulation.clock import FATE, Fate, Watch
from tests.simulation.faults import ApiFault, Call, call_of
from tests.simulation.policies import ENVIRONMENT, MODEL, NAMESPACE, PLATFORM
from tests.simulation.prometheus import Source

from headgate.config import Settings
from headgate.controller.app import Running, begin, give_back
from headgate.controller.cache import WATCHED
from headgate.controller.facts import ModelKey
from headgate.controller.observe import route_of
from headgate.controller.parts import LEASE, Parts
from headgate.kube.errors import KubeError, Throttled
from headgate.kube.interface import KubeApi, Object
from headgate.kube.lease import Clocks, Elector, LeaseName
from headgate.kube.resources import LEASES, Resource
from headgate.kube.wire import Transport
from headgate.prometheus.client import PrometheusClient

if TYPE_CHECKING:
    from tests.simulation.world import World

PERIOD = 25.0
"""Seconds between full lists: in step with the short stages."""
_RECONNECT = 0.5
_QUIET_STREAM = 20.0
"""Seconds after which a stream that brings nothing is opened anew."""
_PROBE = 5.0
_LAST_TASKS = 5.0
"""Seconds that kopf, when it ends, leaves to whatever else runs in its process."""


class Replica:
    """`start` makes a new process with an empty memory. It is alive until it is killed or ends itself."""

    def __init__(self, world: "World", name: str, rng: Random, *, period: float = PERIOD) -> None:
        self.world, self.name, self.rng, self._period = world, name, rng, period
        self.fate = Fate(alive=False)
        self.watch = Watch(world.loop, boot=rng.uniform(10, 1000))
        self.identity = ""
        self.elector: Elector | None = None
        self.parts: Parts | None = None
        self.context = contextvars.copy_context()
        self._lives = 0
        self.ending = False
        self.tasks: set[asyncio.Task[Any]] = set()
        self._past: list[tuple[Fate, set[asyncio.Task[Any]]]] = []

    @property
    def up(self) -> bool:
        return self.fate.alive and not self.fate.frozen

    @property
    def leading(self) -> bool:
        """By its own judgement."""
        return self.fate.alive and self.elector is not None and self.elector.leading

    def start(self) -> None:
        self._lives += 1
        self.identity = f"{self.name}-{self._lives}"
        self.fate, self.tasks, self.ending = Fate(), set(), False
        self._past.append((self.fate, self.tasks))
        self.context = contextvars.Context()
        self.context.run(FATE.set, self.fate)
        self.context.run(self._begin)
        self.world.say(f"{self.identity} starts")

    def kill(self, why: str) -> None:
        """As SIGKILL does: not one step more."""
        if self.fate.alive:
            self.fate.alive = False
            self.world.say(f"{self.identity} dies: {why}")
            self.world.disturb()
            self.world.later(self.rng.uniform(0.5, 6.0), self._start_again, self._lives)

    def end(self, why: str) -> None:
        """As the process ends when kopf does: no watch brings anything any more, what is under way goes on for a moment, and the lease is
        given back if that can be."""
        if self.fate.alive and not self.ending:
            self.ending = True
            self.world.say(f"{self.identity} ends: {why}")
            self.world.disturb(_LAST_TASKS)
            task = asyncio.get_running_loop().create_task(self._end(why), name="end", context=self.context)
            self.tasks.add(task)

    async def _end(self, why: str) -> None:
        await asyncio.sleep(self.rng.uniform(0.0, _LAST_TASKS))
        assert self.elector is not None
        await give_back(Running(self.tasks), self.elector)
        self.kill(why)

    def freeze(self, seconds: float) -> None:
        """As SIGSTOP and SIGCONT do."""
        if self.up:
            self.fate.frozen = True
            self.world.say(f"{self.identity} is frozen for {seconds:.1f} s")
            self.world.disturb(seconds)
            self.world.later(seconds, self._thaw, self._lives)

    async def close(self) -> None:
        """The trace is over: what died or was frozen is woken to be put away."""
        for fate, tasks in self._past:
            self.world.loop.thaw(fate)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _start_again(self, life: int) -> None:
        if life == self._lives and not self.world.over:
            self.start()

    def knows(self, route: Object | None) -> bool:
        """Whether its cache has the route as it is: that a watch is dead is noticed late."""
        mine = route_of(self.parts.cache.owned(ModelKey(NAMESPACE, MODEL))) if self.parts is not None else None
        return route is None or (mine is not None and mine["metadata"]["resourceVersion"] == route["metadata"]["resourceVersion"])

    def _thaw(self, life: int) -> None:
        if life == self._lives and self.fate.alive and self.fate.frozen:
            self.world.say(f"{self.identity} goes on")
            self.world.loop.thaw(self.fate)

    def _begin(self) -> None:
        world, watch = self.world, self.watch
        jitter = self.rng.random
        clocks = Clocks(monotonic=watch.monotonic, wall=watch.wall, jitter=jitter)
        wire = Wire(self)
        api = SimulatedApi(world.server, before=wire.before, after=wire.after, jitter=jitter)
        source = Source(world.prometheus, world.now, self._source_fault)
        settings = Settings(
            namespace=PLATFORM, policy_namespace=PLATFORM, prometheus_url="http://prometheus", environment=ENVIRONMENT, pod_name=self.name
        )
        acquired = asyncio.Event()
        lease = LeaseName(PLATFORM, LEASE, self.identity)
        elector: Elector | None = None

        def leading() -> bool:
            """Of this life."""
            return elector is not None and elector.leading

        parts = self.parts = Parts(settings, api, cast("PrometheusClient", source), leading, clocks, period=self._period)
        elector = self.elector = Elector(
            api,
            lease,
            on_acquired=acquired.set,
            on_lost=lambda: self.kill("the lease is lost"),
            clocks=clocks,
            remarks=parts.enforcement.remarks,
        )
        running = Running(self.tasks)

        async def watches() -> None:
            for resource, selector in WATCHED:
                Stream(self, api, resource, selector).open()
            await asyncio.Event().wait()

        begin(running, parts, elector, acquired, watches)
        for task in self.tasks:
            task.add_done_callback(self._ended)
        running.start("probe", self._probe())

    def _ended(self, task: asyncio.Task[Any]) -> None:
        if self.world.over or not self.fate.alive or (self.ending and task.cancelled()):
            return
        error = None if task.cancelled() else task.exception()
        self.world.checks.part_ended(task.get_name(), error)
        self.kill(f"{task.get_name()} ended by itself")

    async def _probe(self) -> None:
        """What the kubelet does with /healthz."""
        failed = 0
        while True:
            await asyncio.sleep(_PROBE)
            failed = failed + 1 if self.parts is not None and self.parts.health.faults() else 0
            if failed >= 3:
                self.kill(f"its probe failed: {self.parts and self.parts.health.faults()}")

    async def _source_fault(self) -> str:
        world = self.world
        kind = world.faults.source(world.now())
        if kind:
            world.say(f"{self.identity}: Prometheus: {kind}")
            world.disturb(10.0 if kind == "timeout" else 1.0)
        await asyncio.sleep(10.0 if kind == "timeout" else world.faults.usual() if kind != "slow" else self.rng.uniform(0.3, 4.0))
        return "" if kind == "slow" else kind


class Stream:
    """One kind's watch, as kopf keeps it: a list, then events, and from the start again when the stream ends or is too old. Any other
    error ends kopf, and the process with it."""

    def __init__(self, replica: Replica, api: KubeApi, resource: Resource, selector: str) -> None:
        self._replica, self._api, self._resource, self._selector = replica, api, resource, selector
        self._world, self._life = replica.world, replica.fate
        self._watch: Any = None
        self._not_before = 0.0
        self._deaf = False

    def open(self) -> None:
        task = asyncio.create_task(self._open(), name=f"watch {self._resource.plural}")
        self._replica.tasks.add(task)
        task.add_done_callback(self._replica.tasks.discard)

    async def _open(self) -> None:
        while True:
            try:
                listed = await self._api.list(self._resource, labels=self._selector)
                break
            except KubeError as error:
                if error.status and not isinstance(error, Throttled):
                    self._replica.end(f"kopf cannot list {self._resource.plural}: {error}")
                    return
                await asyncio.sleep(_RECONNECT)
        for body in listed.items:
            self._take({"type": None, "object": body})
        self._deaf = False
        self._watch = self._world.server.open_watch(self._resource, self._selector, listed.resource_version)
        self._world.streams[(self._replica.name, self._resource.plural)] = self
        self.poll()

    def poll(self) -> None:
        """Something was written, by whomever: bring on the way what is new."""
        if self._watch is None or not self._life.alive:
            return
        for event in self._watch.take():
            if not self._deaf:
                self._send(event)

    def _send(self, event: Mapping[str, Any]) -> None:
        world = self._world
        fault = world.faults.watch(world.now())
        delay = world.faults.usual()
        if fault:
            world.say(f"{self._replica.identity}: watch of {self._resource.plural}: {fault}")
            world.disturb(PERIOD + 10 if fault == "drop" else _QUIET_STREAM + 2 if fault == "hang-up" else 5.0)
        if fault == "drop":
            return
        if fault == "hang-up":
            self._deaf = True
            self._call(_QUIET_STREAM, self._again)
            return
        if fault in ("gone", "error"):
            code = 410 if fault == "gone" else 500
            event = {"type": "ERROR", "object": {"kind": "Status", "code": code, "message": fault}}
        if fault == "delay":
            delay = self._replica.rng.uniform(0.2, 4.0)
        # A stream keeps its order.
        self._not_before = max(self._not_before, world.now() + delay)
        self._call(self._not_before - world.now(), self._receive, event)
        if fault == "duplicate":
            self._call(self._not_before - world.now(), self._receive, event)

    def _call(self, seconds: float, work: Callable[..., None], *args: Any) -> None:
        self._world.loop.call_later(seconds, work, *args, context=self._replica.context if self._life is self._replica.fate else None)

    def _receive(self, event: Mapping[str, Any]) -> None:
        if self._life is not self._replica.fate:
            return
        if event["type"] == "ERROR" and event["object"]["code"] != 410:
            self._replica.end(f"kopf's watch of {self._resource.plural} met {event['object']['code']}")
        elif event["type"] == "ERROR":
            self._again()
        elif event["type"] != "BOOKMARK":
            self._take(event)

    def _again(self) -> None:
        if self._watch is not None and self._life is self._replica.fate:
            self._watch.stop()
            self._watch = None
            self._call(_RECONNECT, self.open)

    def _take(self, event: Mapping[str, Any]) -> None:
        if self._replica.ending:
            return
        parts = self._replica.parts
        assert parts is not None
        parts.intake.take(self._resource, event)


_PATIENCE = Transport().request_timeout


class Wire:
    """Between one process and the API server: each try of a request may meet a fault before the server sees it, or after."""

    def __init__(self, replica: Replica) -> None:
        self._replica, self._world = replica, replica.world
        self._pending: dict[int, ApiFault] = {}

    async def before(self, request: Request) -> Response | None:
        world, replica = self._world, self._replica
        began = world.now()
        call = call_of(request.method, request.path, request.content_type)
        if world.over:
            raise asyncio.CancelledError
        if call.writes:
            world.checks.write_begins(replica, call)
        fault = world.faults.api(call, world.now())
        await asyncio.sleep(world.faults.usual())
        if fault is not None:
            world.say(f"{replica.identity}: {call}: {fault.kind}")
            if fault.arrives[1]:
                world.later(replica.rng.uniform(*fault.arrives), self._arrive, request, call)
            if fault.takes_effect:
                self._pending[id(request)] = fault
            else:
                answer = await self._suffer(call, fault)
                if answer is not None:
                    return answer
        if world.now() - began < _PATIENCE:
            # Later the client has given up, and nobody asks the server.
            world.writer = replica, call
        return None

    def _arrive(self, request: Request, call: Call) -> None:
        """A request that outlived its process, or its process's patience."""
        world = self._world
        if not world.over:
            world.say(f"{self._replica.identity}: {call} arrives late")
            world.writer = self._replica, call
            if world.server.handle(request).status < 300 and call.plural == LEASES.plural:
                # Whoever waits for the lease of a dead leader waits from now on.
                world.disturb()
            world.writer = None

    async def after(self, request: Request, response: Response) -> Response:
        world = self._world
        if world.writer is not None and response.status >= 300 and world.writer[1].writes:
            world.say(f"{self._replica.identity}: {world.writer[1]}: {response.status} {response.body.get('message')}")
        world.writer = None
        fault = self._pending.pop(id(request), None)
        if fault is None:
            return response
        return await self._suffer(call_of(request.method, request.path, request.content_type), fault) or response

    async def _suffer(self, call: Call, fault: ApiFault) -> Response | None:
        world, replica = self._world, self._replica
        seconds = world.faults.between(fault.delay)
        world.disturb(seconds + 7.0)
        if fault.fate == "crash":
            replica.kill(f"in {call}")
        elif fault.fate == "freeze":
            replica.freeze(replica.rng.choice((1.0, 5.0, 12.0, 25.0)))
        await asyncio.sleep(seconds)
        if fault.lost:
            raise ConnectionResetError("connection reset by peer")
        return fault.answer
