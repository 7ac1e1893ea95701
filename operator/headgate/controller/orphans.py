"""Models that were deleted and whose stable version goes on serving: nobody judges a candidate any more, so its users leave it. Also those
that finalizers keep; of them nothing is deleted."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from headgate.api.reasons import Reason
from headgate.api.status import AIModelStatus
from headgate.api.traffic_status import SlotStatus, TrafficStatus
from headgate.controller.cache import Cache
from headgate.controller.facts import ModelKey, owner_of
from headgate.controller.inventory import Owned
from headgate.controller.kinds import Kinds
from headgate.controller.observe import route_of, workloads_of
from headgate.controller.routing import Wanted, plan_route, route_state
from headgate.controller.traffic import TrafficWriter
from headgate.evidence.readings import config_map_name
from headgate.kube.errors import NotFound
from headgate.kube.events import EventRecorder, EventType, Happening, Regarding
from headgate.kube.interface import KubeApi, Object
from headgate.kube.labels import Owner, revision_name
from headgate.kube.resources import AIMODELS, CONFIG_MAPS, CONTROLLER_REVISIONS, DEPLOYMENTS, HTTP_ROUTES, Resource
from headgate.rollout.orphan import Remains, remains_of
from headgate.rollout.traffic import ALL

log = logging.getLogger(__name__)

GRACE = 300.0
"""Seconds for which a model that this process never knew may still be applied: cluster and operator may be starting together."""
_DRAIN = 30.0
"""Seconds between the last request and the end of a version. Its pods have the drain of their own beside it."""
_ASK_AGAIN = 15.0
_FRESH = 5.0
"""Seconds for which it is believed that the kind is there, but for a model seen to go since."""
_GARBAGE_COLLECTION = frozenset({"foregroundDeletion", "orphan"})
"""Finalizers of a deletion that itself deletes what the model owns, or takes its owner away."""


class Orphans:
    """Acts only on models that are known to be deleted: seen to go, or absent from full lists for `grace` seconds, while the kind
    itself is there. What carries an owner reference is left to garbage collection."""

    def __init__(
        self,
        api: KubeApi,
        cache: Cache,
        traffic: TrafficWriter,
        events: EventRecorder,
        kinds: Kinds,
        *,
        wall: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        grace: float = GRACE,
    ) -> None:
        self._api = api
        self._cache = cache
        self._traffic = traffic
        self._events = events
        self._kinds = kinds
        self._wall = wall
        self._monotonic = monotonic
        self._grace = grace
        self._since: dict[ModelKey, float] = {}
        self._quiet: dict[ModelKey, float] = {}
        self.serving: set[ModelKey] = set()
        """Models that are gone and whose stable version serves."""

    def forget(self, key: ModelKey) -> None:
        """The model is there (again), or nothing of it is left."""
        self._since.pop(key, None)
        self._quiet.pop(key, None)
        self.serving.discard(key)

    async def settle(self, key: ModelKey) -> float | None:
        """Do what is due for a model that does not exist. Returns after how many seconds there is more to do. Raises KubeError."""
        owned = self._cache.owned(key)
        if not any(owner == "" for owner in owned.objects.values()):
            self.forget(key)
            return None
        since = self._since.setdefault(key, self._monotonic())
        remains = self._remains(key, owned)
        due = list(self._obsolete(key, owned, remains))
        if not remains.move and not due:
            (self.serving.add if remains.keeper else self.serving.discard)(key)
            return None
        wait = await self._not_yet(key, since)
        if wait is not None:
            return wait
        if remains.move and remains.keeper is not None:
            return await self._move_to_keeper(key, owned, remains.keeper)
        quiet = self._quiet.setdefault(key, self._monotonic())
        if self._monotonic() - quiet < _DRAIN:
            return _DRAIN - (self._monotonic() - quiet)
        for resource, name in due:
            for kind in (CONTROLLER_REVISIONS, resource) if resource is DEPLOYMENTS else (resource,):
                with suppress(NotFound):
                    await self._api.delete(kind, name, key.namespace)
            self._cache.drop(resource, {"metadata": {"name": name, "namespace": key.namespace}})
        log.info("deleted what a deleted model left behind", extra={**_model(key), "objects": [name for _, name in due]})
        return 0.0

    async def unburden(self, key: ModelKey) -> float | None:
        """Take users off the candidate of a model that is being deleted and still there. Returns after how many seconds to try again.

        Nothing is deleted: what the model owns goes with it, and what it leaves behind is settled when it is gone. Raises KubeError.
        """
        model, owned = self._cache.models[key], self._cache.owned(key)
        remains, route = self._remains(key, owned), route_of(owned)
        if not remains.move or remains.keeper is None or route is None:
            return None
        if owner_of(route) and not _GARBAGE_COLLECTION.isdisjoint(model.finalizers):
            # It is at work on this very route.
            return None
        if not await self._kind_is_there(self._since.setdefault(key, self._monotonic())):
            return _ASK_AGAIN
        if not await self._move(key, owned, remains.keeper):
            return _ASK_AGAIN
        held = f"it stays with all that was made for it until its finalizers are gone: {', '.join(model.finalizers)}"
        words = f"the AIModel is being deleted and judged no more: all users go to revision {remains.keeper}; {held}"
        await self._tell(key, Regarding(AIMODELS.api_version, AIMODELS.kind, *key, model.uid), words)
        return None

    def _remains(self, key: ModelKey, owned: Owned) -> Remains:
        return remains_of(workloads_of(owned, self._wall()), route_state(route_of(owned), None, None, key.namespace))

    async def _kind_is_there(self, since: float) -> bool:
        return await self._kinds.present_since(max(since, self._monotonic() - _FRESH))

    async def _not_yet(self, key: ModelKey, since: float) -> float | None:
        """Seconds to wait until the absence of the model means that it was deleted."""
        if AIMODELS.plural not in self._cache.complete:
            return _ASK_AGAIN
        if not await self._kind_is_there(since):
            # Models that went with their kind were not deleted by anybody: they may be applied again as soon as it is back.
            self._cache.deleted.clear()
            self._since.clear()
            self._quiet.clear()
            return _ASK_AGAIN
        if key in self._cache.deleted:
            return None
        left = self._grace - (self._monotonic() - since)
        return left if left > 0 else None

    async def _move_to_keeper(self, key: ModelKey, owned: Owned, keeper: str) -> float:
        uid = _uid(route_of(owned))
        if not await self._move(key, owned, keeper):
            return _ASK_AGAIN
        words = f"the AIModel was deleted: all users go to revision {keeper}, which goes on serving without Headgate"
        await self._tell(key, Regarding(HTTP_ROUTES.api_version, HTTP_ROUTES.kind, *key, uid), words)
        return _DRAIN

    async def _move(self, key: ModelKey, owned: Owned, keeper: str) -> bool:
        """All users to the keeper, whatever the route's version is by now, and in this route only: one that was deleted meanwhile is not to
        be made again. Returns whether they go. Raises Conflict and other KubeErrors."""
        route = route_of(owned)
        seen = route_state(route, None, None, key.namespace)
        traffic = TrafficStatus(slots=(SlotStatus(revision=keeper, weight=ALL, since=self._wall()),))
        wanted = Wanted(key, _owner(key, route), None, traffic, str(seen.attempt), seen.blocked, owned.ports)
        plan = plan_route(wanted, route, AIModelStatus(), AIModelStatus())
        if plan is None:
            return False
        form = {**plan.full, "metadata": {**plan.full["metadata"], "uid": _uid(route)}}
        return await self._traffic.lower(key, replace(plan, full=form, kept=None)) is None

    async def _tell(self, key: ModelKey, regarding: Regarding, words: str) -> None:
        log.warning(words, extra=_model(key))
        await self._events.record(regarding, Happening("Orphan", str(Reason.ORPHANED), words, EventType.WARNING))

    def _obsolete(self, key: ModelKey, owned: Owned, remains: Remains) -> Iterator[tuple[Resource, str]]:
        """What belongs to revisions that serve nobody, and what only rollouts need."""
        gone = tuple(revision_name(key.name, revision) for revision in remains.obsolete)
        rollout = {*owned.copies, config_map_name(key.name)}
        for (resource, name), owner in sorted(owned.objects.items(), key=lambda item: (item[0][0].plural, item[0][1])):
            of_revision = any(name == prefix or name.startswith(f"{prefix}-") for prefix in gone)
            of_rollout = resource is CONFIG_MAPS and name in rollout
            of_nobody = resource is HTTP_ROUTES and remains.keeper is None
            if owner == "" and (of_revision or of_rollout or of_nobody):
                yield resource, name


def _uid(route: Object | None) -> str:
    return str(route["metadata"].get("uid") or "") if route is not None else ""


def _owner(key: ModelKey, route: Object | None) -> Owner | None:
    """Whose deletion takes the route along: that stays as it is."""
    uid = owner_of(route) if route is not None else ""
    return Owner(AIMODELS.api_version, AIMODELS.kind, key.name, uid) if uid else None


def _model(key: ModelKey) -> dict[str, str]:
    return {"namespace": key.namespace, "model": key.name}
