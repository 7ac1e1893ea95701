"""From the API server into cache and queue: watch events as they come, and full lists for what watches lose."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from headgate.api.vocabulary import DecisionKind
from headgate.controller.cache import WATCHED, Cache
from headgate.controller.facts import Body, ModelKey, is_leaving, name_of
from headgate.controller.queue import Priority, Queue
from headgate.kube.errors import KubeError
from headgate.kube.interface import KubeApi
from headgate.kube.resources import AIMODELS, GATEWAYS, GOVERNANCE_APPROVALS, PODS, Resource

log = logging.getLogger(__name__)

_STOPS = frozenset({DecisionKind.HALT, DecisionKind.ROLLBACK})
_GRACE = 5.0
"""Seconds a watch may lag behind a list before it counts as dead."""
_TRY_AGAIN = 5.0
_BEGUN = 30.0
"""Seconds after the first lists by which the watches have begun: what is deleted in between, no watch tells."""
_GATEWAYS_EACH = 15.0


class Intake:
    """`period`: seconds between two full lists of everything."""

    def __init__(
        self,
        api: KubeApi,
        cache: Cache,
        queue: Queue[ModelKey],
        *,
        namespaces: tuple[str, ...] = (),
        period: float = 300.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._cache = cache
        self._queue = queue
        self._namespaces = namespaces
        self._period = period
        self._monotonic = monotonic
        self.dead: set[str] = set()
        """Kinds (by plural) whose watch was found dead."""
        self._listed_at: dict[str, float] = {}
        self.faults: dict[str, str] = {}
        """Why a kind cannot be listed, by plural."""

    def take(self, resource: Resource, event: Mapping[str, Any]) -> None:
        """One watch event. `type` is None for objects of a watch's first list."""
        body: Body = event["object"]
        change = self._cache.drop if event.get("type") == "DELETED" else self._cache.put
        answered = resource is PODS and self._cache.is_endpoint(body)
        self.dead.discard(resource.plural)
        # Nobody judges the candidate of a deleted model any more, whatever still keeps that.
        ends = resource is AIMODELS and (event.get("type") == "DELETED" or is_leaving(body))
        urgent = _stops(body) if resource is GOVERNANCE_APPROVALS else ends
        changed = change(resource, body)
        # It may have been the last one, and whoever answers instead must not wait behind models that only go on.
        self.enqueue(changed, urgent=urgent or (answered and not self._cache.is_endpoint(body)))

    def enqueue(self, keys: Iterable[ModelKey], *, urgent: bool = False) -> None:
        for key in keys:
            self._queue.add(key, Priority.HARM if urgent else self.rank(key))

    def rank(self, key: ModelKey) -> Priority:
        """Models on the move come before those at rest."""
        return Priority.ROLLOUT if key in self._cache.moving else Priority.STABLE

    @property
    def filled(self) -> bool:
        """Everything that decisions cannot do without was listed once."""
        return all(resource.plural in self._cache.complete for resource, _ in WATCHED)

    @property
    def age(self) -> float:
        """Seconds since the least recent full list; infinite before the first ones."""
        if not self.filled:
            return float("inf")
        return self._monotonic() - min(self._listed_at[resource.plural] for resource, _ in WATCHED)

    async def fill(self) -> None:
        """List everything once, as often as it takes."""
        waiting = list(WATCHED)
        while waiting:
            done = await asyncio.gather(*(self._list(resource, selector) for resource, selector in waiting))
            waiting = [kind for kind, listed in zip(waiting, done, strict=True) if listed is None]
            if waiting:
                await asyncio.sleep(_TRY_AGAIN)

    async def run_gateways(self) -> None:
        """Few, seldom changed, and of use only to name a mistake: listed now and then, and not at all with named namespaces, from which
        one cannot tell which Gateways exist."""
        while True:
            if not self._namespaces:
                await self._list(GATEWAYS, "")
            await asyncio.sleep(_GATEWAYS_EACH)

    async def run(self) -> None:
        """A full list as soon as the watches have begun, then one each period, until cancelled."""
        pause = min(_BEGUN, self._period)
        while True:
            await asyncio.sleep(pause)
            for resource, selector in WATCHED:
                await self._compare(resource, selector)
            pause = self._period

    async def _compare(self, resource: Resource, selector: str) -> None:
        """A watch that does not bring, within some seconds, what a list has already is dead."""
        listed = await self._list(resource, selector, keep=True)
        if listed is None:
            return
        since, items = listed
        if self._cache.behind(resource, items):
            await asyncio.sleep(_GRACE)
            late = self._cache.behind(resource, items)
            if late and not await self._gone(resource, items, late):
                log.error("the watch is dead", extra={"kind": resource.plural, "behind": len(late)})
                self.dead.add(resource.plural)
        self.enqueue(self._cache.replace(resource, items, since))

    async def _gone(self, resource: Resource, items: tuple[Body, ...], late: set[ModelKey]) -> bool:
        """Whether what is missing was deleted since the list: then the watch was right and the list is old."""
        for body in items:
            if name_of(body) in late:
                try:
                    current = await self._api.get(resource, body["metadata"]["name"], body["metadata"].get("namespace"))
                except KubeError:
                    continue
                if current["metadata"].get("uid") == body["metadata"].get("uid"):
                    return False
        return True

    async def _list(self, resource: Resource, selector: str, *, keep: bool = False) -> tuple[int, tuple[Body, ...]] | None:
        """A full list and the cache's state before it; None if it failed. Taken in at once unless `keep`."""
        since = self._cache.sequence
        try:
            parts = [await self._api.list(resource, namespace or None, labels=selector) for namespace in self._namespaces or ("",)]
        except KubeError as error:
            if self.faults.get(resource.plural) != str(error):
                log.error("cannot list %s: %s", resource.plural, error, extra={"kind": resource.plural})
            self.faults[resource.plural] = str(error)
            return None
        self.faults.pop(resource.plural, None)
        self._listed_at[resource.plural] = self._monotonic()
        items: tuple[Body, ...] = tuple(item for part in parts for item in part.items)
        if not keep:
            self.enqueue(self._cache.replace(resource, items, since))
        return since, items


def _stops(body: Body) -> bool:
    return (body.get("spec") or {}).get("decision") in _STOPS
