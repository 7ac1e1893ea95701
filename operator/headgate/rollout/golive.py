"""The end of a successful attempt: the candidate becomes the stable version."""

from datetime import timedelta

from headgate.api.reasons import Reason
from headgate.api.status import PastStatus, StableStatus
from headgate.api.vocabulary import Phase
from headgate.rollout.draft import Draft
from headgate.rollout.snapshot import Snapshot
from headgate.rollout.withdraw import assign, kept


def go_live(draft: Draft, snapshot: Snapshot, *, rollback_warm: int, rollback_window: int) -> Draft:
    """All users on the candidate; the version before it stays warm for `rollback_warm` seconds and kept for `rollback_window`."""
    candidate, before = draft.candidate, draft.status.stable
    drain = snapshot.spec.serving.drain if snapshot.spec else 30
    past = draft.status.past
    if before is not None:
        left = PastStatus(
            revision=before.revision,
            version=before.version,
            content=before.content,
            until=snapshot.now,
            was_live=True,
            replicas=before.replicas,
            autoscale=before.autoscale,
            warm_until=snapshot.now + timedelta(seconds=max(drain, rollback_warm)),
            keep_until=snapshot.now + timedelta(seconds=max(drain, rollback_window)),
        )
        past = kept(past, left)
    return draft.with_status(
        phase=Phase.LIVE,
        stable=StableStatus(
            revision=candidate.revision,
            version=candidate.version,
            content=candidate.content,
            live_since=snapshot.now,
            replicas=candidate.replicas,
            autoscale=candidate.autoscale,
        ),
        candidate=None,
        past=past,
        paused=None,
        traffic=assign(draft.status.traffic, ((candidate.revision, 1000),), None, snapshot),
    ).announce(Reason.LIVE, f"{candidate.version} (revision {candidate.revision}) is live")
