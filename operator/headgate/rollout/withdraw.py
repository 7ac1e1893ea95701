"""Taking traffic off a version: one way for all causes."""

from datetime import timedelta

from headgate.api.base import Text
from headgate.api.reasons import Reason
from headgate.api.status import Blocked, CandidateStatus, MirrorStatus, PastStatus, RevisionStatus, SlotStatus, StableStatus, TrafficStatus
from headgate.api.vocabulary import Phase, RollbackCause
from headgate.rollout.draft import Draft
from headgate.rollout.harm import Harm
from headgate.rollout.snapshot import Snapshot

_NOT_BLAMED = {RollbackCause.CANCELLED, RollbackCause.SUPERSEDED}
_KEPT = 10
_TELLS: dict[RollbackCause, Reason] = {RollbackCause.CANCELLED: Reason.CANCELLED, RollbackCause.SUPERSEDED: Reason.SUPERSEDED}


def withdraw(draft: Draft, snapshot: Snapshot, harm: Harm) -> Draft:
    """End the attempt: the candidate at 0 %, its revision blocked unless it is not to blame, its pods kept until they are drained."""
    candidate = draft.candidate
    blocked = draft.status.blocked
    if harm.cause not in _NOT_BLAMED:
        blocked = (*(b for b in blocked if b.revision != candidate.revision), _blocked(candidate, candidate.attempt, snapshot, harm))
    told = f"{candidate.version} (revision {candidate.revision}) lost its traffic: {harm.cause}: {harm.message}"
    return draft.with_status(
        phase=Phase.ROLLING_BACK,
        candidate=None,
        paused=None,
        blocked=blocked[-_KEPT:],
        past=kept(draft.status.past, _drained(candidate, snapshot)),
        traffic=all_to_stable(draft, snapshot),
    ).announce(_TELLS.get(harm.cause, Reason.ROLLED_BACK), told, warning=harm.cause not in _NOT_BLAMED)


def retreat(draft: Draft, snapshot: Snapshot) -> Draft:
    """The candidate to 0 % without ending its attempt: it may come back when what stopped it is over."""
    return draft.with_stage(None).with_status(traffic=all_to_stable(draft, snapshot))


def block_stable(draft: Draft, snapshot: Snapshot, harm: Harm) -> Draft:
    """Remember that the live version must not come back by itself."""
    stable = draft.status.stable
    if stable is None:
        return draft
    entry = _blocked(stable, max(draft.status.attempts, 1), snapshot, harm)
    return draft.with_status(blocked=(*(b for b in draft.status.blocked if b.revision != stable.revision), entry)[-_KEPT:])


def all_to_stable(draft: Draft, snapshot: Snapshot) -> TrafficStatus:
    """Everything to the stable version, nothing mirrored."""
    stable = draft.status.stable
    return TrafficStatus() if stable is None else assign(draft.status.traffic, ((stable.revision, 1000),), None, snapshot)


def assign(
    before: TrafficStatus, weights: tuple[tuple[str, int], ...], mirror: tuple[str, int] | None, snapshot: Snapshot
) -> TrafficStatus:
    """The slots in order (stable first); each remembers since when its revision holds the place."""
    slots = []
    for place, (revision, weight) in enumerate((r, w) for r, w in weights if w > 0):
        held = before.slots[place].since if place < len(before.slots) and before.slots[place].revision == revision else snapshot.now
        slots.append(SlotStatus(revision=revision, weight=weight, since=held))
    copies = None
    if mirror is not None:
        same = before.mirror is not None and before.mirror.revision == mirror[0]
        copies = MirrorStatus(revision=mirror[0], permille=mirror[1], since=before.mirror.since if same and before.mirror else snapshot.now)
    return TrafficStatus(slots=tuple(slots), mirror=copies)


def kept(past: tuple[PastStatus, ...], entry: PastStatus) -> tuple[PastStatus, ...]:
    """`past` with `entry` as the newest; it replaces an older one of the same revision."""
    return (*(p for p in past if p.revision != entry.revision), entry)[-_KEPT:]


def _drained(candidate: CandidateStatus, snapshot: Snapshot) -> PastStatus:
    drain = timedelta(seconds=snapshot.spec.serving.drain if snapshot.spec else 30)
    return PastStatus(
        revision=candidate.revision,
        version=candidate.version,
        content=candidate.content,
        until=snapshot.now,
        was_live=False,
        replicas=candidate.replicas,
        autoscale=candidate.autoscale,
        warm_until=snapshot.now + drain,
        keep_until=snapshot.now + drain,
    )


def _blocked(who: CandidateStatus | StableStatus | RevisionStatus, attempt: int, snapshot: Snapshot, harm: Harm) -> Blocked:
    return Blocked(
        revision=who.revision,
        version=who.version,
        content=who.content,
        attempt=attempt,
        cause=harm.cause,
        at=snapshot.now,
        by=harm.by,
        message=_bounded(harm.message),
        evidence=_bounded(harm.evidence),
    )


def _bounded(text: Text) -> Text:
    return text if len(text) <= 1024 else text[:1021] + "..."
