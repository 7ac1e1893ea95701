"""Taking traffic off a version: one way for all causes."""

from headgate.api.base import Text
from headgate.api.reasons import Reason
from headgate.api.status import Blocked, CandidateStatus, PastStatus, RevisionStatus, StableStatus
from headgate.api.traffic_status import FailoverStatus
from headgate.api.vocabulary import AATestOutcome, Phase, RollbackCause, StandIn
from headgate.rollout.aa_result import ended, is_test, result_words
from headgate.rollout.capacity import firm
from headgate.rollout.draft import Draft
from headgate.rollout.harm import Harm
from headgate.rollout.snapshot import Snapshot

_NOT_BLAMED = {RollbackCause.CANCELLED, RollbackCause.SUPERSEDED}
_KEPT = 10
_TELLS: dict[RollbackCause, Reason] = {
    RollbackCause.CANCELLED: Reason.CANCELLED,
    RollbackCause.SUPERSEDED: Reason.SUPERSEDED,
}


def withdraw(draft: Draft, snapshot: Snapshot, harm: Harm) -> Draft:
    """End the attempt: the candidate at 0 %, its revision blocked unless it is not to blame, its pods kept until they are drained."""
    candidate, stable = draft.candidate, draft.status.stable
    left = draft.with_status(
        phase=Phase.ROLLING_BACK,
        stable=None if stable is None else firm(stable, snapshot),
        candidate=None,
        paused=None,
        past=kept(draft.status.past, _left(draft, snapshot, harm)),
        failover=_without_candidate(draft.status.failover),
    )
    if is_test(candidate):
        return _tested(left, candidate, snapshot, harm)
    blocked = draft.status.blocked
    if harm.cause not in _NOT_BLAMED:
        blocked = (*(b for b in blocked if b.revision != candidate.revision), _blocked(candidate, candidate.attempt, snapshot, harm))
    told = f"{candidate.version} (revision {candidate.revision}) lost its traffic: {harm.cause}: {harm.message}"
    warning = harm.cause not in _NOT_BLAMED
    return left.with_status(blocked=blocked[-_KEPT:]).announce(_TELLS.get(harm.cause, Reason.ROLLED_BACK), told, warning=warning)


def _tested(left: Draft, candidate: CandidateStatus, snapshot: Snapshot, harm: Harm) -> Draft:
    """Nobody can ask for a copy again, so there is nothing to block: what came of the test is all that is kept."""
    if left.status.aa_test is None:
        return left
    test = ended(left.status.aa_test, candidate, harm, snapshot.now, bounded(harm.message))
    warning = test.outcome is AATestOutcome.ALARM
    return left.with_status(aa_test=test).announce(Reason.AA_TEST_ENDED, result_words(test), warning=warning)


def retreat(draft: Draft) -> Draft:
    """The candidate to 0 % without ending its attempt: it may come back when what stopped it is over."""
    return draft.with_stage(None).with_status(phase=Phase.AWAITING_DEPLOYMENT, failover=_without_candidate(draft.status.failover))


def _without_candidate(failover: FailoverStatus | None) -> FailoverStatus | None:
    """A candidate that is withdrawn stands in for nobody."""
    return failover if failover is not None and failover.to is StandIn.FALLBACK else None


def block_stable(draft: Draft, snapshot: Snapshot, harm: Harm) -> Draft:
    """Remember that the live version must not come back by itself."""
    stable = draft.status.stable
    if stable is None:
        return draft
    entry = _blocked(stable, max(draft.status.attempts, 1), snapshot, harm)
    return draft.with_status(blocked=(*(b for b in draft.status.blocked if b.revision != stable.revision), entry)[-_KEPT:])


def kept(past: tuple[PastStatus, ...], entry: PastStatus) -> tuple[PastStatus, ...]:
    """`past` with `entry` as the newest; it replaces an older one of the same revision."""
    return (*(p for p in past if p.revision != entry.revision), entry)[-_KEPT:]


def _left(draft: Draft, snapshot: Snapshot, harm: Harm) -> PastStatus:
    """What is kept of the candidate. One that was coming back and is not to blame can be gone back to for as long as before."""
    candidate, drained = draft.candidate, _drained(draft.candidate, snapshot)
    earlier = next((past for past in draft.status.past if past.revision == candidate.revision and past.was_live), None)
    if earlier is None or harm.cause not in _NOT_BLAMED:
        return drained
    ends = {"warm_until": max(earlier.warm_until, drained.warm_until), "keep_until": max(earlier.keep_until, drained.keep_until)}
    return earlier.model_copy(update=ends)


def _drained(candidate: CandidateStatus, snapshot: Snapshot) -> PastStatus:
    return PastStatus(
        revision=candidate.revision,
        version=candidate.version,
        content=candidate.content,
        until=snapshot.now,
        was_live=False,
        replicas=candidate.replicas,
        autoscale=candidate.autoscale,
        warm_until=snapshot.now + snapshot.drain,
        keep_until=snapshot.now + snapshot.drain,
    )


def _blocked(who: CandidateStatus | StableStatus | RevisionStatus, attempt: int, snapshot: Snapshot, harm: Harm) -> Blocked:
    return Blocked(
        revision=who.revision,
        version=who.version,
        content=who.content,
        attempt=attempt,
        stage=who.stage.name if isinstance(who, CandidateStatus) and who.stage is not None else "",
        cause=harm.cause,
        at=snapshot.now,
        by=harm.by,
        message=bounded(harm.message),
        evidence=bounded(harm.evidence),
    )


def bounded(text: str) -> Text:
    """`text`, cut to what a status field holds."""
    return text if len(text) <= 1024 else text[:1021] + "..."
