"""/healthz, /readyz and /metrics over HTTP, answered from memory."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from headgate.controller.intake import Intake
from headgate.controller.kinds import Kinds
from headgate.telemetry import Telemetry
from headgate.web import verdict

log = logging.getLogger(__name__)

BEAT = 0.5
_STILL = 20.0
"""Seconds without a heartbeat after which the event loop is called stuck."""
_MISSED_LISTS = 3


@dataclass(slots=True)
class Heartbeat:
    """Beats as long as the event loop turns, and measures how late it does."""

    monotonic: Callable[[], float]
    telemetry: Telemetry
    last: float = 0.0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self.last = self.monotonic()
            await asyncio.sleep(BEAT)
            self.telemetry.loop_lag.set(max(0.0, self.monotonic() - self.last - BEAT))

    @property
    def age(self) -> float:
        return self.monotonic() - self.last


@dataclass(frozen=True, slots=True)
class Health:
    """What a restart would cure, and whether decisions can be made."""

    intake: Intake
    heartbeat: Heartbeat
    period: float
    """Seconds between full lists."""
    kinds: Kinds

    def faults(self) -> list[str]:
        """Why this process must be restarted; empty if it is alive."""
        found = []
        if self.heartbeat.age > _STILL:
            found.append(f"the event loop has been stuck for {self.heartbeat.age:.0f} s")
        if self.intake.dead:
            found.append(f"dead watches: {', '.join(sorted(self.intake.dead))}")
        if self.intake.filled and self.intake.age > _MISSED_LISTS * self.period:
            found.append(f"no full list for {self.intake.age:.0f} s")
        return found

    def missing(self) -> list[str]:
        """What is not known yet that decisions need; empty if ready."""
        if self.kinds.problem:
            return [self.kinds.problem]
        if self.intake.filled:
            return []
        return [f"{kind}: {words}" for kind, words in sorted(self.intake.faults.items())] or ["the first lists are being read"]


def probe_routes(health: Health) -> dict[str, Callable[[], web.Response]]:
    return {"/healthz": lambda: verdict(health.faults()), "/readyz": lambda: verdict(health.missing())}


def metric_routes(telemetry: Telemetry) -> dict[str, Callable[[], web.Response]]:
    return {"/metrics": lambda: web.Response(body=telemetry.page(), content_type="text/plain", charset="utf-8")}
