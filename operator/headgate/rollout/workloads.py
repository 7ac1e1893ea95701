"""Which revisions must run, and how large."""

from headgate.api.status import AIModelStatus, AttemptKind, CandidateStatus, PastStatus, StableStatus
from headgate.rollout.capacity import floor_of, is_proportional
from headgate.rollout.decision import Role, WantedWorkload
from headgate.rollout.draft import Draft
from headgate.rollout.proportional import need, room
from headgate.rollout.snapshot import Provenance, Snapshot, in_force
from headgate.rollout.stages import steps_of

_Version = StableStatus | CandidateStatus | PastStatus


def wanted_workloads(draft: Draft, snapshot: Snapshot) -> tuple[WantedWorkload, ...]:
    """Every revision that must exist, in the order in which they matter. A revision in two roles is listed in the first."""
    status, found = draft.status, dict[str, WantedWorkload]()
    latest = max(status.attempts, 1)
    if (stable := status.stable) is not None:
        found[stable.revision] = _wanted(stable, "stable", _stable_size(stable, status, snapshot), latest)
    if (candidate := status.candidate) is not None:
        size = _candidate_size(draft, snapshot, candidate)
        found.setdefault(candidate.revision, _wanted(candidate, "candidate", size, candidate.attempt))
    for past in status.past:
        role: Role = "previous" if past.was_live else "withdrawn"
        found.setdefault(past.revision, _wanted(past, role, _past_size(past, status, snapshot), latest))
    return tuple(found.values())


def _wanted(version: _Version, role: Role, size: int, attempt: int) -> WantedWorkload:
    tier = version.tier if isinstance(version, StableStatus) else None
    provenance = Provenance(version.version, version.content, version.subject or "", str(tier or ""))
    copy_of = version.copy_of if isinstance(version, CandidateStatus) else None
    # An autoscaler is disabled at 0 replicas: a cold version has none.
    if version.autoscale is None or size == 0:
        return WantedWorkload(version.revision, role, size, attempt, provenance, copy_of=copy_of)
    most = version.autoscale.max_replicas
    return WantedWorkload(version.revision, role, min(size, most), attempt, provenance, ceiling=most, copy_of=copy_of)


def _stable_size(stable: StableStatus, status: AIModelStatus, snapshot: Snapshot) -> int:
    """It gives nothing back while an attempt lasts: users can return at any moment. Proportional keeps only what its weight needs."""
    if stable.autoscale is not None:
        keeps = status.candidate is not None or stable.firm_until is not None
        return max(stable.replicas if keeps else 0, stable.autoscale.min_replicas)
    if status.candidate is None or not is_proportional(status, snapshot):
        return stable.replicas
    needed = need(stable.replicas, 1000 - status.traffic.weight_of(status.candidate.revision))
    if in_force(status.traffic, snapshot.route):
        return needed
    return max(needed, min(stable.replicas, snapshot.workload(stable.revision).wanted))


def _candidate_size(draft: Draft, snapshot: Snapshot, candidate: CandidateStatus) -> int:
    """The floor of the present stage, or of the next one while it is being prepared.

    A candidate never shrinks on its way up. One that was set back gives its room to the stable version if they share it.
    """
    seen = snapshot.workload(candidate.revision)
    most = candidate.autoscale.max_replicas if candidate.autoscale else candidate.replicas
    keeps = candidate.stage is not None or not is_proportional(draft.status, snapshot)
    reached = min(most, seen.wanted if candidate.autoscale is None else seen.least) if keeps else 0
    if candidate.kind in (AttemptKind.FIRST, AttemptKind.RESTORE, AttemptKind.BASELINE):
        size = candidate.replicas
    else:
        stage = candidate.stage
        step = steps_of(snapshot.pinned, candidate.kind)[stage.index] if stage is not None and snapshot.pinned is not None else None
        size = max(floor_of(step, draft.status, snapshot), draft.scale_for or 0)
    return max(reached, min(size, most, _room(draft.status, snapshot)))


def _room(status: AIModelStatus, snapshot: Snapshot) -> int:
    """Pods the candidate may have. Without limit unless it shares the room of the stable version."""
    stable = status.stable
    if stable is None or not is_proportional(status, snapshot):
        return 1_000_000
    beside = snapshot.workload(stable.revision)
    return room(stable.replicas, max(beside.wanted, beside.present))


def _past_size(past: PastStatus, status: AIModelStatus, snapshot: Snapshot) -> int:
    """As it is while it is warm, then nothing. Proportional takes the room back at once: all but one pod of a version that may return."""
    seen = snapshot.workload(past.revision)
    warm = past.warm_until > snapshot.now or snapshot.clock_step is not None
    size = seen.wanted if warm or snapshot.route.may_serve(past.revision) else 0
    if not is_proportional(status, snapshot) or past.autoscale is not None:
        return size
    returns = past.was_live and status.candidate is None and all(entry.revision != past.revision for entry in status.blocked)
    return min(size, 1 if returns else 0)
