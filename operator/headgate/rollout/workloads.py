"""Which revisions must run, and how large."""

from headgate.api.status import AttemptKind, CandidateStatus
from headgate.rollout.capacity import floor_of
from headgate.rollout.decision import WantedWorkload
from headgate.rollout.draft import Draft
from headgate.rollout.snapshot import Snapshot
from headgate.rollout.stages import steps_of


def wanted_workloads(draft: Draft, snapshot: Snapshot) -> tuple[WantedWorkload, ...]:
    """Every revision that must exist, in the order in which they matter. A revision in two roles is listed in the first."""
    status, found = draft.status, dict[str, WantedWorkload]()
    if status.stable is not None:
        found[status.stable.revision] = WantedWorkload(status.stable.revision, "stable", status.stable.replicas, max(status.attempts, 1))
    if status.candidate is not None:
        candidate = status.candidate
        size = _candidate_size(draft, snapshot, candidate)
        found.setdefault(candidate.revision, WantedWorkload(candidate.revision, "candidate", size, candidate.attempt))
    for past in status.past:
        warm = past.warm_until > snapshot.now or snapshot.clock_step is not None or snapshot.route.weights.get(past.revision, 0) > 0
        size = snapshot.workload(past.revision).wanted if warm else 0
        found.setdefault(past.revision, WantedWorkload(past.revision, "previous", size, max(status.attempts, 1)))
    return tuple(found.values())


def _candidate_size(draft: Draft, snapshot: Snapshot, candidate: CandidateStatus) -> int:
    """The floor of the present stage, or of the next one while it is being prepared. A candidate never shrinks on its way up."""
    if candidate.kind in (AttemptKind.FIRST, AttemptKind.RESTORE):
        return candidate.replicas
    present = 1
    if candidate.stage is not None and snapshot.pinned is not None:
        steps = steps_of(snapshot.pinned, candidate.kind)
        ready = snapshot.workload(draft.status.stable.revision).ready if draft.status.stable else 0
        present = floor_of(steps[candidate.stage.index], stable_ready=ready, full=candidate.replicas)
    return min(candidate.replicas, max(present, draft.scale_for or 0, snapshot.workload(candidate.revision).wanted))
