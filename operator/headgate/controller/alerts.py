"""Alerts of Prometheus about models on their way: one question for all of them, an answer for each whose policy heeds alerts."""

import logging
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from headgate.controller.cache import Cache
from headgate.controller.facts import ModelKey
from headgate.controller.judging import Wake
from headgate.controller.observe import UnreadableStatus, parse_status, pinned_policy
from headgate.controller.pacing import paced
from headgate.controller.queue import Priority
from headgate.prometheus.alerts import Named
from headgate.prometheus.client import SourceError
from headgate.rollout.alerts import FRESH, AlertsSeen, FiringAlert, asked_of, fold

log = logging.getLogger(__name__)

SHORTEST = 2.0
"""Seconds between questions, at least: rules are hardly ever evaluated more often."""
_RARELY = 5.0
"""Seconds between looks while no policy heeds alerts."""
_NOTHING = AlertsSeen()


class Source(Protocol):
    """Whom to ask. Raises SourceError."""

    async def firing(self, models: Collection[Named], now: float, /) -> Mapping[Named, tuple[FiringAlert, ...]]: ...


class AlertReader:
    """What was seen, by model. A restart begins anew: Prometheus itself knows since when its alerts fire."""

    def __init__(self, cache: Cache, source: Source, wake: Wake, *, wall: Callable[[], float]) -> None:
        self._cache = cache
        self._source = source
        self._wake = wake
        self._wall = wall
        self._silent = False
        self._seen: dict[ModelKey, AlertsSeen] = {}

    async def run(self, leading: Callable[[], bool]) -> None:
        """Until cancelled. Only the leader asks."""
        await paced("reader of alerts", self.tick, leading)

    async def tick(self) -> float:
        """Ask once about every model whose attempt heeds alerts. Returns the seconds until the next tick is due."""
        intervals = self._asked()
        for key in self._seen.keys() - intervals.keys():
            self.forget(key)
        if not intervals:
            return _RARELY
        now, named = self._wall(), {key: Named(key.namespace, key.name) for key in intervals}
        try:
            answer = await self._source.firing(list(named.values()), now)
        except SourceError as error:
            if not self._silent:
                log.warning("alerts about models cannot be read: %s: %s", error.outage, error)
            self._silent = True
        else:
            self._silent = False
            for key, one in named.items():
                self._take(key, answer[one], now)
        return max(SHORTEST, min(intervals.values()))

    def state(self, key: ModelKey) -> AlertsSeen:
        """What was seen of the model's alerts; nothing as long as no attempt of it heeds them."""
        return self._seen.get(key, _NOTHING)

    def fires(self, key: ModelKey) -> bool:
        """Whether an alert about the model fires: users may have to leave its candidate."""
        return bool(self.state(key).firing)

    def forget(self, key: ModelKey) -> None:
        """The model is gone, or its attempt over."""
        self._seen.pop(key, None)

    def _take(self, key: ModelKey, answered: tuple[FiringAlert, ...], now: float) -> None:
        before = self.state(key)
        after = self._seen[key] = fold(before, answered, now)
        was_known = before.as_of is not None and now - before.as_of <= FRESH
        if not was_known or _labels(before) != _labels(after):
            self._wake(key, Priority.HARM if after.firing else Priority.ROLLOUT)

    def _asked(self) -> dict[ModelKey, float]:
        """The interval of each model whose attempt runs on a policy that heeds alerts."""
        found = {}
        for key in sorted(self._cache.moving & self._cache.models.keys()):
            try:
                policy = pinned_policy(self._cache, key, parse_status(key, self._cache.models[key].status))
            except UnreadableStatus:
                continue
            if policy is not None and asked_of(policy):
                found[key] = float(policy.analysis.interval)
        return found


def _labels(seen: AlertsSeen) -> set[tuple[tuple[str, str], ...]]:
    return {alert.labels for alert in seen.firing}
