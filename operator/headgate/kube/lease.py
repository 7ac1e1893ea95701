"""Leader election on a coordination.k8s.io Lease.

`transition` is pure. Two rules keep two processes from leading at once, whatever their clocks show, as long as no clock runs faster
than another by `duration / renew_deadline` (1.5 by default): a leader stops `renew_deadline` after it *sent* its last successful
renewal; anyone else waits `duration` after it *saw* the record change. Times of day in the record are for people, never compared.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any

from headgate.kube.errors import Conflict, KubeError, NotFound
from headgate.kube.interface import KubeApi, Object
from headgate.kube.labels import FIELD_MANAGER, MANAGED_BY, MANAGED_BY_HEADGATE
from headgate.kube.resources import LEASES

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LeaseSettings:
    """Seconds. Raises ValueError unless duration > renew_deadline > retry_period > 0."""

    duration: int = 15
    renew_deadline: float = 10.0
    retry_period: float = 2.0

    def __post_init__(self) -> None:
        if not self.duration > self.renew_deadline > self.retry_period > 0:
            raise ValueError(f"lease times must be duration > renew_deadline > retry_period > 0, got {self}")


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """What the Lease object says. `holder` is empty after a release. `duration` is what the holder announced, in seconds."""

    holder: str
    duration: float
    transitions: int
    acquire_time: str
    renew_time: str
    resource_version: str


@dataclass(frozen=True, slots=True)
class LeaseView:
    """What one process knows. Times are of its own monotonic clock.

    `observed_at`: when `record` was first seen as it is. `renewed_at`: when the last successful write of this process was sent;
    None while it does not lead.
    """

    record: LeaseRecord | None = None
    observed_at: float = 0.0
    renewed_at: float | None = None


class Step(Enum):
    """What to do next: try to take the lease, try to renew it, wait, or give up leading at once."""

    ACQUIRE = auto()
    RENEW = auto()
    WAIT = auto()
    LOST = auto()


def leads(view: LeaseView, now: float, settings: LeaseSettings) -> bool:
    """Whether this process may still act as the leader at `now`."""
    return view.renewed_at is not None and now - view.renewed_at < settings.renew_deadline


def transition(view: LeaseView, now: float, identity: str, settings: LeaseSettings) -> Step:
    """The next step of the process `identity`, which must be unique to one process for ever."""
    if view.renewed_at is not None:
        held = view.record is not None and view.record.holder == identity
        return Step.RENEW if held and leads(view, now, settings) else Step.LOST
    if view.record is None or view.record.holder in ("", identity):
        return Step.ACQUIRE
    return Step.ACQUIRE if now - view.observed_at >= view.record.duration else Step.WAIT


def observed(view: LeaseView, record: LeaseRecord | None, now: float) -> LeaseView:
    """The view after reading `record`. The expiry clock starts again only if it differs from what was known."""
    changed = record != view.record
    return LeaseView(record, now if changed else view.observed_at, view.renewed_at)


def read_record(lease: Object) -> LeaseRecord:
    """Of a Lease object, whoever wrote it."""
    spec = lease.get("spec") or {}
    return LeaseRecord(
        holder=spec.get("holderIdentity") or "",
        duration=float(spec.get("leaseDurationSeconds") or 0),
        transitions=int(spec.get("leaseTransitions") or 0),
        acquire_time=spec.get("acquireTime") or "",
        renew_time=spec.get("renewTime") or "",
        resource_version=lease["metadata"].get("resourceVersion") or "",
    )


def held_spec(view: LeaseView, identity: str, wall: datetime, settings: LeaseSettings) -> dict[str, Any]:
    """spec of the Lease as `identity` writes it to acquire or renew. leaseTransitions counts changes of holder."""
    record, now = view.record, micro_time(wall)
    renewing = record is not None and record.holder == identity
    transitions = 0 if record is None else record.transitions + (0 if renewing else 1)
    return {
        "holderIdentity": identity,
        "leaseDurationSeconds": settings.duration,
        "leaseTransitions": transitions,
        "acquireTime": record.acquire_time if record is not None and renewing and record.acquire_time else now,
        "renewTime": now,
    }


def micro_time(wall: datetime) -> str:
    """The API's MicroTime: UTC, exactly six decimals."""
    return wall.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(frozen=True, slots=True)
class LeaseName:
    """Which Lease is fought over, and by whom."""

    namespace: str
    name: str
    identity: str


@dataclass(frozen=True, slots=True)
class Clocks:
    """Where time comes from: seconds that only run forward, the time of day, and a way to let time pass."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random


class Elector:
    """Runs the election. `on_lost` is called once, when leadership is lost; ending the process is the caller's part."""

    def __init__(
        self,
        api: KubeApi,
        lease: LeaseName,
        *,
        on_acquired: Callable[[], None],
        on_lost: Callable[[], None],
        settings: LeaseSettings | None = None,
        clocks: Clocks | None = None,
        remarks: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        """`remarks`: annotations that the holder leaves to its successors with each renewal."""
        self._api = api
        self._lease = lease
        self._on_acquired = on_acquired
        self._on_lost = on_lost
        self._settings = settings or LeaseSettings()
        self._clocks = clocks or Clocks()
        self._remarks = remarks
        self._view = LeaseView()

    @property
    def leading(self) -> bool:
        """To be asked before every write: a process that was frozen sees at once that its time is over."""
        return leads(self._view, self._clocks.monotonic(), self._settings)

    async def run(self) -> None:
        """Stands for election until leadership was won and lost. Cancel it to stop, then `release`."""
        while True:
            step = transition(self._view, self._clocks.monotonic(), self._lease.identity, self._settings)
            if step is Step.LOST:
                self._view = LeaseView()
                log.error("lost the lease", extra={"lease": self._lease.name, "identity": self._lease.identity})
                self._on_lost()
                return
            await self._attempt(step)
            # Jitter keeps standby replicas from asking in step.
            await self._clocks.sleep(self._settings.retry_period * (1 + 0.2 * self._clocks.jitter()))

    async def release(self) -> None:
        """Gives the lease up, so that a standby takes over within one retry period. Call it after the last write. Failures are logged."""
        record = self._view.record
        if not self.leading or record is None:
            return
        self._view = LeaseView()
        spec = {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": micro_time(self._clocks.wall())}
        try:
            await self._patch(spec, record.resource_version)
        except (KubeError, TimeoutError) as error:
            log.warning("could not release the lease: %s", error, extra={"lease": self._lease.name})

    async def _attempt(self, step: Step) -> None:
        """One round towards the API server. Failures are logged; whether they cost the lease is decided by time alone."""
        try:
            async with asyncio.timeout(self._patience()):
                if step is Step.RENEW:
                    await self._write()
                    return
                await self._observe()
                if transition(self._view, self._clocks.monotonic(), self._lease.identity, self._settings) is Step.ACQUIRE:
                    await self._write()
                    log.info("acquired the lease", extra={"lease": self._lease.name, "identity": self._lease.identity})
                    self._on_acquired()
        except (KubeError, TimeoutError) as error:
            log.warning("lease: %s", error or "no answer in time", extra={"lease": self._lease.name})
            if isinstance(error, (Conflict, NotFound)):
                await self._reobserve()

    async def _reobserve(self) -> None:
        """After a conflict the known resourceVersion is dead: without a fresh look a leader could never renew again."""
        try:
            async with asyncio.timeout(self._patience()):
                await self._observe()
        except (KubeError, TimeoutError) as error:
            log.warning("lease: %s", error or "no answer in time", extra={"lease": self._lease.name})

    def _patience(self) -> float:
        """Seconds one round may take. A leader never waits past the moment at which it must stop."""
        if self._view.renewed_at is None:
            return self._settings.renew_deadline
        return max(0.0, self._view.renewed_at + self._settings.renew_deadline - self._clocks.monotonic())

    async def _observe(self) -> None:
        try:
            record = read_record(await self._api.get(LEASES, self._lease.name, self._lease.namespace))
        except NotFound:
            record = None
        self._view = observed(self._view, record, self._clocks.monotonic())

    async def _write(self) -> None:
        sent_at = self._clocks.monotonic()
        record = self._view.record
        spec = held_spec(self._view, self._lease.identity, self._clocks.wall(), self._settings)
        lease = await self._create(spec) if record is None else await self._patch(spec, record.resource_version)
        self._view = LeaseView(read_record(lease), self._clocks.monotonic(), sent_at)

    async def _create(self, spec: dict[str, Any]) -> Object:
        labels, annotations = {MANAGED_BY: MANAGED_BY_HEADGATE}, dict(self._remarks())
        metadata = {"name": self._lease.name, "namespace": self._lease.namespace, "labels": labels, "annotations": annotations}
        return await self._api.create(LEASES, {"metadata": metadata, "spec": spec}, field_manager=FIELD_MANAGER)

    async def _patch(self, spec: dict[str, Any], resource_version: str) -> Object:
        body = {"metadata": {"resourceVersion": resource_version, "annotations": dict(self._remarks())}, "spec": spec}
        return await self._api.patch(LEASES, self._lease.name, self._lease.namespace, body, field_manager=FIELD_MANAGER)
