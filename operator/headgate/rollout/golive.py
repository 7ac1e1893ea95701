"""The end of a successful attempt: the candidate becomes the stable version."""

from datetime import timedelta

from headgate.api.reasons import Reason
from headgate.api.status import CandidateStatus, PastStatus, StableStatus
from headgate.api.vocabulary import Phase
from headgate.rollout.capacity import firm
from headgate.rollout.draft import Draft
from headgate.rollout.observing import unproven_words
from headgate.rollout.snapshot import Snapshot
from headgate.rollout.withdraw import kept


def go_live(draft: Draft, snapshot: Snapshot, *, rollback_warm: int, rollback_window: int) -> Draft:
    """All users on the candidate; the version before it stays warm for `rollback_warm` seconds and kept for `rollback_window`."""
    candidate, before = draft.candidate, draft.status.stable
    earlier = tuple(past for past in draft.status.past if past.revision != candidate.revision)
    past = earlier if before is None else kept(earlier, _past(before, snapshot, rollback_warm, rollback_window))
    stable = StableStatus(
        revision=candidate.revision,
        version=candidate.version,
        content=candidate.content,
        live_since=snapshot.now,
        replicas=candidate.replicas,
        autoscale=candidate.autoscale,
        subject=_subject(candidate, before),
        tier=candidate.gate.tier if candidate.gate else before.tier if before else None,
        unapproved=bool(candidate.gate and candidate.gate.break_glass),
        would_have=candidate.would_have,
    )
    return draft.with_status(
        phase=Phase.LIVE,
        stable=firm(stable, snapshot),
        candidate=None,
        past=past,
        paused=None,
        failover=None,
        technical_owners=draft.status.technical_owners[-1:],
    ).announce(Reason.LIVE, f"{candidate.version} (revision {candidate.revision}) is live{unproven_words(candidate)}")


def left_live(draft: Draft, snapshot: Snapshot) -> Draft:
    """No version is live any more; the one that was is drained, and kept as long as any earlier one."""
    stable, policy = draft.status.stable, snapshot.policy.spec
    if stable is None:
        return draft
    left = _past(stable, snapshot, 0, policy.rollback_window if policy else 0)
    return draft.with_status(stable=None, past=kept(draft.status.past, left), failover=None)


def _past(stable: StableStatus, snapshot: Snapshot, warm: int, window: int) -> PastStatus:
    return PastStatus(
        revision=stable.revision,
        version=stable.version,
        content=stable.content,
        until=snapshot.now,
        was_live=not stable.unapproved,
        subject=stable.subject,
        replicas=stable.replicas,
        autoscale=stable.autoscale,
        warm_until=snapshot.now + max(snapshot.drain, timedelta(seconds=warm)),
        keep_until=snapshot.now + max(snapshot.drain, timedelta(seconds=window)),
    )


def _subject(candidate: CandidateStatus, before: StableStatus | None) -> str | None:
    """Unchanged content and a restored version rest on what was approved for that content earlier."""
    if candidate.gate is not None:
        return candidate.gate.subject
    return before.subject if before is not None and before.content == candidate.content else candidate.subject
