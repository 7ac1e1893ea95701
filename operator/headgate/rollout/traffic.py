"""Who gets which share of the users: follows from stage and failover, and from nothing else."""

from headgate.api.status import AIModelStatus
from headgate.api.traffic_status import FallbackStatus, MirrorStatus, SlotStatus, TrafficStatus
from headgate.api.vocabulary import StandIn
from headgate.rollout.draft import Draft
from headgate.rollout.snapshot import Snapshot

ALL = 1000
TRIAL_WEIGHT = 100
"""Thousandths for a version that is tried again after it could not answer."""

_Share = tuple[str, int]


def is_routed(status: AIModelStatus, snapshot: Snapshot) -> bool:
    """From the first attempt on there is a route; before, there is nothing to route to. Who died between route and status left one as
    well."""
    return bool(status.attempts) or status.stable is not None or snapshot.route.exists


def traffic_of(draft: Draft, snapshot: Snapshot) -> TrafficStatus:
    """The slots in order (stable first, then candidate); each remembers since when its revision holds the place."""
    before, failover = snapshot.status.traffic, draft.status.failover
    if failover is None:
        slots, mirror = _slots(before, _shares(draft, before), snapshot), _mirror(draft, before, snapshot)
        same = slots == before.slots and mirror == before.mirror and before.fallback is None
        return before if same else TrafficStatus(slots=slots, mirror=mirror)
    if failover.to is StandIn.CANDIDATE:
        return TrafficStatus(slots=_slots(before, ((draft.candidate.revision, ALL),), snapshot))
    stable = draft.status.stable
    tried = ((stable.revision, TRIAL_WEIGHT),) if stable is not None and failover.trial is not None else ()
    slots = _slots(before, tried, snapshot)
    return TrafficStatus(slots=slots, fallback=_fallback(before, snapshot, ALL - sum(slot.weight for slot in slots)))


def _shares(draft: Draft, before: TrafficStatus) -> tuple[_Share, ...]:
    stable, candidate = draft.status.stable, draft.status.candidate
    stage = candidate.stage if candidate else None
    if candidate is None or stage is None:
        return ((stable.revision, ALL),) if stable else ()
    weight = before.weight_of(candidate.revision) if stage.weight is None else stage.weight
    return (*(((stable.revision, ALL - weight),) if stable else ()), (candidate.revision, weight))


def _slots(before: TrafficStatus, shares: tuple[_Share, ...], snapshot: Snapshot) -> tuple[SlotStatus, ...]:
    slots = []
    for place, (revision, weight) in enumerate(share for share in shares if share[1] > 0):
        held = before.slots[place] if place < len(before.slots) and before.slots[place].revision == revision else None
        if held is not None and held.weight == weight:
            slots.append(held)
        else:
            slots.append(SlotStatus(revision=revision, weight=weight, since=held.since if held else snapshot.now))
    return tuple(slots)


def _mirror(draft: Draft, before: TrafficStatus, snapshot: Snapshot) -> MirrorStatus | None:
    candidate = draft.status.candidate
    if candidate is None or candidate.stage is None or not candidate.stage.mirror:
        return None
    same = before.mirror if before.mirror is not None and before.mirror.revision == candidate.revision else None
    return MirrorStatus(revision=candidate.revision, permille=candidate.stage.mirror, since=same.since if same else snapshot.now)


def _fallback(before: TrafficStatus, snapshot: Snapshot, weight: int) -> FallbackStatus | None:
    """As the spec says; as before while the spec cannot be read."""
    wanted = snapshot.spec.serving.fallback if snapshot.spec else None
    if wanted is not None:
        return FallbackStatus(service=wanted.service, port=wanted.port, weight=weight)
    return before.fallback.model_copy(update={"weight": weight}) if before.fallback else None
