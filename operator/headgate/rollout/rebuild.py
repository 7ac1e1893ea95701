"""A status made again from what survived it: Deployments that say what they are, and the route that users are served by.

Weights stay as they are. A candidate is put back into the stage that has its weight, and serves that stage from its beginning: less is
known than before, so nothing is shortened. What moves users upwards needs its approvals and its evidence as ever.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from headgate.api.approval import ApprovalState
from headgate.api.reasons import Reason
from headgate.api.status import AIModelStatus, AttemptKind, AutoscaleStatus, CandidateStatus, PastStatus, StableStatus
from headgate.api.traffic_status import FALLBACK, FailoverStatus, MirrorStatus, SlotStatus, TrafficStatus
from headgate.api.vocabulary import DecisionKind, Phase, StandIn, Tier
from headgate.governance.approvals import Approval
from headgate.rollout.begin import UNPINNED
from headgate.rollout.capacity import bounds_of, firm
from headgate.rollout.decision import Announcement, ApprovalNote
from headgate.rollout.failover import FIRST_PAUSE
from headgate.rollout.outdated import is_outdated, remembering
from headgate.rollout.placing import phase_of, placed_in_stage, placed_late, policy_of
from headgate.rollout.snapshot import RouteState, Snapshot, WorkloadState
from headgate.rollout.survivors import UNKNOWN_CONTENT, Survivors, identity_of, survivors_of
from headgate.rollout.traffic import ALL

_UPWARD = frozenset({DecisionKind.RESUME, DecisionKind.PROMOTE})
"""A Retry names the attempt that it follows, so it cannot act twice."""
_MOST_PAST = 10


def rebuild(snapshot: Snapshot) -> tuple[Snapshot, tuple[Announcement, ...]]:
    """`snapshot` with a status that fits what serves, and what to tell about it. Changes nothing where the status is known."""
    status = snapshot.status
    if not is_lost(status, snapshot.route, snapshot.workloads):
        return placed_late(snapshot), ()
    survivors = survivors_of(snapshot)
    weight = snapshot.route.weights.get(survivors.candidate, 0) if survivors.candidate else 0
    if survivors.stable is None and not weight:
        return _begun_again(snapshot, survivors), ()
    rebuilt = _status(snapshot, survivors)
    words = _words(rebuilt, "the status was lost and is made again")
    if not is_blank(status):
        words = _words(rebuilt, f"the status is an old one (attempt {status.attempts} at most) and is made again")
        rebuilt = remembering(status, rebuilt)
    copy = rebuilt.candidate.policy_copy if rebuilt.candidate else UNPINNED
    told = Announcement(Reason.REBUILT, words, warning=True)
    return replace(snapshot, status=rebuilt, pinned=snapshot.copies.get(copy)), (told,)


def _begun_again(snapshot: Snapshot, survivors: Survivors) -> Snapshot:
    """No version serves anybody: an attempt that had begun does so again, under its own number. After an old status that may be another
    attempt than it knows, so the next one gets a new number."""
    status, attempt = snapshot.status, max(survivors.attempt, snapshot.route.attempt)
    known = {"attempts": max(attempt, 1) - 1 if survivors.candidate else attempt, "blocked": snapshot.route.blocked}
    if not is_blank(status):
        known |= {"attempts": max(attempt, status.attempts), "candidate": None, "paused": None, "failover": None}
    return replace(snapshot, status=status.model_copy(update=known), pinned=None)


def is_lost(status: AIModelStatus, route: RouteState, workloads: Mapping[str, WorkloadState]) -> bool:
    """Whether the status is to be made again from what serves."""
    return is_blank(status) or is_outdated(status, route, workloads)


def is_blank(status: AIModelStatus) -> bool:
    """Nothing was ever decided, or all of it was lost."""
    return not status.attempts and status.stable is None and status.candidate is None


def unserved(snapshot: Snapshot) -> tuple[Snapshot, tuple[Announcement, ...]]:
    """A status from a backup may give users to a candidate although nothing of it is there. Nobody is served by it, so it did nobody
    harm: it starts again from its gate when its pods and those of the stable version are back."""
    status = snapshot.status
    candidate, stable = status.candidate, status.stable
    if candidate is None or candidate.stage is None or snapshot.workload(candidate.revision).exists:
        return snapshot, ()
    if stable is not None and snapshot.workload(stable.revision).exists:
        return snapshot, ()
    waiting = candidate.model_copy(update={"stage": None, "exposed": None})
    status = status.model_copy(update={"candidate": waiting, "phase": Phase.PREPARING, "traffic": TrafficStatus(), "failover": None})
    words = f"neither {candidate.version} nor a stable version has a Deployment: they are made again, and it starts again without traffic"
    return replace(snapshot, status=status), (Announcement(Reason.REBUILT, words, warning=True),)


def _status(snapshot: Snapshot, survivors: Survivors) -> AIModelStatus:
    stable = _stable(snapshot, survivors)
    candidate, failover = _candidate(snapshot, survivors, stable)
    stage = candidate.stage if candidate else None
    phase = Phase.LIVE if candidate is None else Phase.PREPARING
    if candidate is not None and stage is not None:
        phase = phase_of(stage, policy_of(snapshot, candidate.policy_copy), candidate.kind)
    return AIModelStatus(
        phase=phase,
        stable=stable,
        candidate=candidate,
        traffic=_traffic(snapshot, survivors),
        past=_past(snapshot, survivors),
        blocked=snapshot.route.blocked,
        taken_up=tuple(approval.name for approval in (*snapshot.approvals, *snapshot.awaiting) if _is_over(approval))[-64:],
        attempts=max(survivors.attempt, snapshot.route.attempt),
        failover=failover,
    )


def _is_over(approval: Approval) -> bool:
    """What moves users upwards may have acted already, and what was refused was about something else: to decide again is people's."""
    return approval.spec.decision in _UPWARD or approval.state is ApprovalState.REFUSED


def unanswered(stored: AIModelStatus, snapshot: Snapshot) -> tuple[ApprovalNote, ...]:
    """What to tell those whose decision nobody answered before the status was lost. `stored` is what the cluster has, `snapshot` that with
    the status made again."""
    if not is_lost(stored, snapshot.route, snapshot.workloads):
        return ()
    why = "the status was lost before this was answered, and nobody knows any more whether it acted: decide again"
    over = set(snapshot.status.taken_up) - set(stored.taken_up)
    asked = [one for one in (*snapshot.approvals, *snapshot.awaiting) if one.name in over and one.state is None]
    return tuple(ApprovalNote(approval.name, ApprovalState.REFUSED, why) for approval in asked)


def _stable(snapshot: Snapshot, survivors: Survivors) -> StableStatus | None:
    if survivors.stable is None:
        return None
    workload = survivors.found[survivors.stable]
    stable = StableStatus(
        revision=survivors.stable,
        version=identity_of(snapshot, survivors, survivors.stable).version,
        content=identity_of(snapshot, survivors, survivors.stable).content,
        live_since=workload.created or snapshot.now,
        replicas=max(workload.wanted, workload.least, 1),
        autoscale=_bounds(snapshot, workload),
        subject=workload.provenance.subject or None,
        tier=Tier(workload.provenance.tier) if workload.provenance.tier in set(Tier) else None,
    )
    return firm(stable, snapshot)


def _candidate(
    snapshot: Snapshot, survivors: Survivors, stable: StableStatus | None
) -> tuple[CandidateStatus | None, FailoverStatus | None]:
    weights = snapshot.route.weights
    fallback = _failover(snapshot, StandIn.FALLBACK) if weights.get(FALLBACK) else None
    if survivors.candidate is None:
        return None, fallback
    revision, workload = survivors.candidate, survivors.found[survivors.candidate]
    identity = identity_of(snapshot, survivors, revision)
    kind, spec = _kind(snapshot, stable, identity.content), snapshot.spec
    candidate = CandidateStatus(
        revision=revision,
        version=identity.version,
        content=identity.content,
        attempt=max(workload.attempt, 1),
        kind=kind,
        started=workload.created or snapshot.now,
        replicas=max(workload.wanted, spec.serving.deployment.least if spec else 1),
        autoscale=_bounds(snapshot, workload),
        policy=spec.policy.name if spec else "",
        policy_copy=UNPINNED,
        subject=(workload.provenance.subject or None) if kind is AttemptKind.RESTORE else None,
    )
    weight, mirror = weights.get(revision, 0), snapshot.route.mirrored.get(revision, 0)
    if kind is AttemptKind.RESTORE:
        return candidate, fallback
    placed = placed_in_stage(candidate, snapshot, weight, mirror)
    stands_in = stable is not None and weight == ALL and placed.stage is not None and placed.stage.weight != ALL
    return placed, _failover(snapshot, StandIn.CANDIDATE) if stands_in else fallback


def _kind(snapshot: Snapshot, stable: StableStatus | None, content: str) -> AttemptKind:
    """Beside a stable version that was taken back, the candidate is the one that takes its place."""
    if stable is None:
        return AttemptKind.FIRST
    if any(entry.revision == stable.revision for entry in snapshot.route.blocked):
        return AttemptKind.RESTORE
    return AttemptKind.UNCHANGED if stable.content == content != UNKNOWN_CONTENT else AttemptKind.ROLLOUT


def _bounds(snapshot: Snapshot, workload: WorkloadState) -> AutoscaleStatus | None:
    """Of a version that has an autoscaler: those of the spec, which is what versions of one model usually share."""
    return bounds_of(snapshot.spec) if snapshot.spec is not None and workload.least else None


def _traffic(snapshot: Snapshot, survivors: Survivors) -> TrafficStatus:
    """As the route has it. What it gives to something unknown is the stable version's."""
    weights, mirrored = snapshot.route.weights, snapshot.route.mirrored
    order = [revision for revision in (survivors.stable, survivors.candidate) if revision]
    slots = tuple(SlotStatus(revision=r, weight=weights[r], since=snapshot.now) for r in order if weights.get(r))
    copied = next((r for r in order if mirrored.get(r)), None)
    mirror = MirrorStatus(revision=copied, permille=mirrored[copied], since=snapshot.now) if copied else None
    return TrafficStatus(slots=slots, mirror=mirror)


def _past(snapshot: Snapshot, survivors: Survivors) -> tuple[PastStatus, ...]:
    """Earlier live versions are kept for another whole window: when theirs began is not known."""
    policy, now, drain = snapshot.policy.spec, snapshot.now, snapshot.drain
    kept = []
    for revision, workload in sorted(survivors.found.items(), key=lambda item: item[1].attempt):
        if revision in (survivors.stable, survivors.candidate):
            continue
        identity = identity_of(snapshot, survivors, revision)
        was_live = workload.role in ("previous", "stable")
        window = timedelta(seconds=policy.rollback_window) if policy and was_live else drain
        warm = timedelta(seconds=policy.rollback_warm) if policy and was_live and workload.wanted else drain
        kept.append(
            PastStatus(
                revision=revision,
                version=identity.version,
                content=identity.content,
                subject=workload.provenance.subject or None,
                until=now,
                was_live=was_live,
                replicas=max(workload.wanted, 1),
                autoscale=_bounds(snapshot, workload),
                warm_until=now + warm,
                keep_until=now + max(window, drain),
            )
        )
    return tuple(kept[-_MOST_PAST:])


def _failover(snapshot: Snapshot, to: StandIn) -> FailoverStatus:
    """The way it was found. It ends as any other: when the stable version was tried, or seen to be ready."""
    measured = to is StandIn.FALLBACK
    return FailoverStatus(
        to=to, since=snapshot.now, why="its status was lost meanwhile", measured=measured, retry_at=snapshot.now + FIRST_PAUSE
    )


def _words(status: AIModelStatus, why: str) -> str:
    found = []
    if status.stable is not None:
        found.append(f"{status.stable.version} (revision {status.stable.revision}) is live")
    if status.candidate is not None:
        candidate = status.candidate
        share = status.traffic.weight_of(candidate.revision) / 10
        where = f"in stage {candidate.stage.name}, which begins anew" if candidate.stage else "before its first stage"
        who = f"{candidate.version} (revision {candidate.revision}, attempt {candidate.attempt})"
        found.append(f"{who} has {share:g} % of the users, {where}")
    return f"{why} from Deployments and route: {'; '.join(found)}"
