"""Unmanaged AI as metrics: how much of it there is, and whether anybody could tell."""

import logging
from collections import Counter
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Gauge

from headgate.kube.errors import KubeError
from headgate.kube.unmanaged import Sighting, UnmanagedSearch, UnusableSignatures

log = logging.getLogger(__name__)

EACH = 600.0
"""Seconds between two looks."""


class UnmanagedWatch:
    """The last complete answer stands while nobody can look: when that was is a metric of its own."""

    def __init__(self, search: UnmanagedSearch, registry: CollectorRegistry, wall: Callable[[], float]) -> None:
        """`wall`: seconds since the epoch."""
        self._search = search
        self._wall = wall
        self._shown: dict[Gauge, dict[str, int]] = {}
        self._workloads = Gauge(
            "headgate_unmanaged_workloads", "Workloads that use AI and that no AIModel owns.", ["namespace"], registry=registry
        )
        self._egress = Gauge("headgate_unmanaged_egress", "Rules that let pods reach known AI services.", ["namespace"], registry=registry)
        self._unseen = Gauge("headgate_unmanaged_unseen", "Kinds of objects that could not be looked at.", registry=registry)
        self._success = Gauge("headgate_unmanaged_last_success_timestamp_seconds", "When everything was last looked at.", registry=registry)

    async def look(self) -> Sighting | None:
        """None if nobody could look. Never raises for what the API server says."""
        try:
            sighting = await self._search.look()
        except (KubeError, UnusableSignatures) as error:
            log.error("unmanaged AI was not looked for: %s", error)
            return None
        complete = not sighting.unseen
        for gauge, found in ((self._workloads, sighting.workloads), (self._egress, sighting.egress)):
            self._shown[gauge] = _shown(gauge, self._shown.get(gauge, {}), Counter(one.namespace for one in found), complete=complete)
        self._unseen.set(len(sighting.unseen))
        if complete:
            self._success.set(self._wall())
        return sighting


def _shown(gauge: Gauge, before: dict[str, int], now: dict[str, int], *, complete: bool) -> dict[str, int]:
    """Write the gauge. What was not seen because nobody could look has not gone."""
    after = dict(now) if complete else {space: max(before.get(space, 0), now.get(space, 0)) for space in before.keys() | now.keys()}
    for space in before.keys() - after.keys():
        gauge.remove(space)
    for space, count in after.items():
        gauge.labels(space).set(count)
    return after
