"""An earlier live version on its way back: for how long it is what should happen."""

from datetime import timedelta

from headgate.api.status import AttemptKind, RevisionStatus
from headgate.rollout.draft import Draft
from headgate.rollout.live import PATIENCE
from headgate.rollout.snapshot import Snapshot


def stands(draft: Draft, wanted: RevisionStatus) -> bool:
    """Whether the restored version is still to come back: because the spec names it, or, whatever the spec says, because the version that
    it replaces was taken back. That one was blocked in the moment in which the restore began."""
    candidate = draft.candidate
    return candidate.revision == wanted.revision or any(entry.at >= candidate.started for entry in draft.status.blocked)


def gives_way(draft: Draft, snapshot: Snapshot, wanted: RevisionStatus) -> bool:
    """Whether a restored version was without a ready pod for so long that the spec's may come instead, if that is a third one: an image
    that is gone must not keep a repaired version out for ever. So long is `rollbackWarm`, the time for which pods of an earlier version
    are expected to be there, and a minute at least."""
    candidate, stable, policy = draft.candidate, draft.status.stable, snapshot.policy.spec
    taken_back = {entry.revision for entry in draft.status.blocked}
    third = wanted.revision not in {candidate.revision, stable.revision if stable is not None else "", *taken_back}
    if candidate.kind is not AttemptKind.RESTORE or not third or policy is None or snapshot.clock_step is not None:
        return False
    # A restore that was found after its status was lost is as old as its Deployment.
    began = max([candidate.started, *(entry.at for entry in draft.status.blocked if entry.at >= candidate.started)])
    patience = max(timedelta(seconds=policy.rollback_warm), PATIENCE)
    return snapshot.workload(candidate.revision).ready == 0 and snapshot.now - began >= patience
