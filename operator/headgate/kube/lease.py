"""Leader election on a coordination.k8s.io Lease, by the rules of `lease_record`."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from headgate.kube.errors import Conflict, KubeError, NotFound
from headgate.kube.interface import KubeApi, Object
from headgate.kube.labels import FIELD_MANAGER, MANAGED_BY, MANAGED_BY_HEADGATE
from headgate.kube.lease_record import (
    TERM,
    LeaseRecord,
    LeaseSettings,
    LeaseView,
    Step,
    held_spec,
    leads,
    micro_time,
    observed,
    read_record,
    transition,
)
from headgate.kube.resources import LEASES

log = logging.getLogger(__name__)


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

    async def look(self) -> None:
        """Notes who leads: if that one is dead, its term runs from now on, also while nobody stands for election. Failures are logged."""
        try:
            async with asyncio.timeout(self._patience()):
                await self._observe()
        except (KubeError, TimeoutError) as error:
            log.warning("lease: %s", error or "no answer in time", extra={"lease": self._lease.name})

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
            await self._patch(spec, record)
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
                # The known resourceVersion is dead: without a fresh look a leader could never renew again.
                await self.look()

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
        lease = await self._create(spec) if record is None else await self._patch(spec, record)
        self._view = LeaseView(read_record(lease), self._clocks.monotonic(), sent_at)

    async def _create(self, spec: dict[str, Any]) -> Object:
        labels, annotations = {MANAGED_BY: MANAGED_BY_HEADGATE}, self._annotations(spec, remarked=False)
        metadata = {"name": self._lease.name, "namespace": self._lease.namespace, "labels": labels, "annotations": annotations}
        return await self._api.create(LEASES, {"metadata": metadata, "spec": spec}, field_manager=FIELD_MANAGER)

    async def _patch(self, spec: dict[str, Any], record: LeaseRecord) -> Object:
        annotations = self._annotations(spec, remarked=record.remarked)
        body = {"metadata": {"resourceVersion": record.resource_version, "annotations": annotations}, "spec": spec}
        return await self._api.patch(LEASES, self._lease.name, self._lease.namespace, body, field_manager=FIELD_MANAGER)

    def _annotations(self, spec: Mapping[str, Any], *, remarked: bool) -> dict[str, str]:
        """Who has nothing to remark yet passes on what was up to date, and nothing else."""
        remarks = dict(self._remarks())
        if "leaseTransitions" in spec and (remarks or remarked):
            remarks[TERM] = str(spec["leaseTransitions"])
        return remarks
