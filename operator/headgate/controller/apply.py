"""Decision -> cluster. Idempotent: killed after any write, the next pass does the rest.

Users leave a bad version first, before anything is recorded. Users reach a new version last, after it is recorded that they will, and
stored in the audit, so that no restart can find them on a version that nobody knows of.
"""

from dataclasses import dataclass

from headgate.api.status import AIModelStatus
from headgate.controller.announcing import Announcer
from headgate.controller.audit import AuditTrail
from headgate.controller.cache import Cache
from headgate.controller.capacity import CapacityWriter
from headgate.controller.facts import ModelKey
from headgate.controller.observe import Observation, route_of
from headgate.controller.ownership import OwnershipWriter
from headgate.controller.replays import ReplayWriter
from headgate.controller.routing import RoutePlan, Wanted, plan_route
from headgate.controller.traffic import TrafficWriter
from headgate.kube.errors import Conflict
from headgate.kube.interface import KubeApi, Object
from headgate.kube.labels import STATUS_MANAGER
from headgate.kube.resources import AIMODELS
from headgate.rollout.decision import Decision
from headgate.rollout.snapshot import Problem


@dataclass(frozen=True, slots=True)
class Outcome:
    """`refusal`: what the API server will not take, for the next Snapshot; `replay_refusal` likewise, of a comparison of answers alone.
    `changed`: something was decided that was not before. `harmed`: the refusal keeps users on a version that they must leave.
    `unanswered`: people wait for what became of their decisions."""

    refusal: Problem | None = None
    changed: bool = False
    harmed: bool = False
    replay_refusal: str = ""
    unanswered: bool = False


class Applier:
    """Makes the cluster match a decision, writing only what differs.

    Raises Conflict when something else was there than what was decided on (observe again), and the KubeErrors that time may cure.
    """

    def __init__(
        self,
        api: KubeApi,
        cache: Cache,
        traffic: TrafficWriter,
        capacity: CapacityWriter,
        ownership: OwnershipWriter,
        announcer: Announcer,
        replays: ReplayWriter,
        audit: AuditTrail,
    ) -> None:
        self._api = api
        self._cache = cache
        self._traffic = traffic
        self._capacity = capacity
        self._ownership = ownership
        self._announcer = announcer
        self._replays = replays
        self._audit = audit
        self._settled: dict[ModelKey, tuple[Object, Wanted]] = {}
        """Routes that say what is wanted, with what that is: most decisions change neither."""

    async def apply(self, seen: Observation, decision: Decision) -> Outcome:
        attempts = decision.status.attempts
        plan = self._plan(seen, decision, seen.route, attempts)
        refusal: Problem | None = None
        harmed = False
        if plan is not None and plan.lowers:
            # Nothing may be awaited before this. A route that knows an attempt before the status does would make that an old one.
            recorded = max(seen.snapshot.status.attempts, seen.snapshot.route.attempt)
            refusal = await self._traffic.lower(seen.key, self._plan(seen, decision, seen.route, recorded) or plan)
            harmed = refusal is not None
            plan = None if refusal else self._plan(seen, decision, self._route(seen), attempts)
        await self._capacity.make_room(seen, decision)
        copied: Problem | None = None
        if decision.policy_copy is not None:
            copied = await self._capacity.copy_policy(seen, decision.policy_copy, seen.owning(decision))
        grown = await self._capacity.grow(seen, decision) or copied
        changed = await self._record(seen, decision.status)
        audited = self._audit.stored(seen.key, decision.status)
        if plan is not None and not plan.lowers and (audited or not plan.raises):
            refusal = await self._traffic.follow(seen.key, plan) or refusal
        await self._capacity.shrink(seen, decision)
        if changed:
            await self._announcer.tell(seen, decision)
        unanswered = await self._announcer.answer(seen, decision.approval_notes)
        await self._ownership.settle(seen.key, seen.owning(decision))
        # After everything that users depend on.
        replay_refusal = await self._replays.settle(seen, decision)
        return Outcome(refusal or grown, changed, harmed, replay_refusal, unanswered)

    def forget(self, key: ModelKey) -> None:
        """The model is gone, and so is what was remembered of it."""
        self._traffic.forget(key)
        self._settled.pop(key, None)
        self._audit.forget(key)

    def _plan(self, seen: Observation, decision: Decision, route: Object | None, attempt: int) -> RoutePlan | None:
        if decision.traffic is None:
            return None
        ports = dict(self._cache.owned(seen.key).ports)
        status = decision.status
        wanted = Wanted(seen.key, seen.owning(decision), seen.snapshot.spec, decision.traffic, str(attempt), status.blocked, ports)
        settled = self._settled.get(seen.key)
        if settled is not None and settled[0] is route and settled[1] == wanted:
            return None
        plan = plan_route(wanted, route, seen.snapshot.status, decision.status)
        if plan is None and route is not None:
            self._settled[seen.key] = route, wanted
        else:
            self._settled.pop(seen.key, None)
        return plan

    def _route(self, seen: Observation) -> Object | None:
        """The route after our own write."""
        return route_of(self._cache.owned(seen.key))

    async def _record(self, seen: Observation, status: AIModelStatus) -> bool:
        if status == seen.snapshot.status:
            return False
        name, namespace = seen.key.name, seen.key.namespace
        # What the monitor writes stays the monitor's: applied by two, it could take nothing back.
        document = status.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"drift"})
        try:
            written = await self._api.patch_status(
                AIMODELS, name, namespace, document, field_manager=STATUS_MANAGER, resource_version=seen.resource_version
            )
        except Conflict:
            # If the watch is slow to bring the newer object, this does.
            self._cache.put(AIMODELS, await self._api.get(AIMODELS, name, namespace))
            raise
        self._cache.put(AIMODELS, written)
        return True
