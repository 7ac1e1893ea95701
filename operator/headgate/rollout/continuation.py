"""The approval of a use case ends: it is told in time, and a live model whose use case nobody renews does what the policy says."""

from datetime import datetime, timedelta

from headgate.api.gate_status import UseCaseStatus
from headgate.api.reasons import Reason
from headgate.api.status import AIModelStatus
from headgate.api.vocabulary import OnExpiry, RollbackCause
from headgate.rollout.begin import earlier_live, restore
from headgate.rollout.draft import Draft
from headgate.rollout.harm import Harm
from headgate.rollout.snapshot import Problem, Snapshot
from headgate.rollout.trusting import trust_of
from headgate.rollout.use_case import WARNINGS, due_days, governing
from headgate.rollout.withdraw import block_stable


def watch_continuation(draft: Draft, snapshot: Snapshot) -> Draft:
    """Warn before the approval of the use case ends, and act once when it has. What follows from instants alone waits for the clock,
    and for a trust store and assessments that can be read: nobody knows meanwhile who has renewed it."""
    case = draft.status.use_case
    if case is None or case.stands_for is None or (_unsure(draft, snapshot) and not case.rejected):
        return draft
    if not (case.rejected or (not case.open and case.until is not None and snapshot.now >= case.until)):
        return _warned(draft.with_status(use_case=case.model_copy(update={"lapsed_since": None})), snapshot)
    if case.lapsed_since is not None:
        return draft
    draft = draft.with_status(use_case=case.model_copy(update={"lapsed_since": snapshot.now}))
    reason = Reason.USE_CASE_REJECTED if case.rejected else Reason.CONTINUATION_EXPIRED
    draft = draft.announce(reason, f"the use case is no longer approved: {lapse_words(case)}", warning=True)
    return _rolled_back(draft, snapshot, case)


def _unsure(draft: Draft, snapshot: Snapshot) -> bool:
    return snapshot.clock_step is not None or trust_of(snapshot, governing(draft, snapshot)).unsure


def expired(draft: Draft, snapshot: Snapshot) -> Problem | None:
    """Why the live version should not be live, as far as its use case is concerned."""
    case, policy = draft.status.use_case, governing(draft, snapshot)
    if case is None or case.lapsed_since is None or policy is None:
        return None
    if policy.gates.renewal.on_expiry is OnExpiry.ALERT and not case.rejected:
        return None
    return Problem(Reason.FROZEN, f"no version starts, and users stay where they are: {lapse_words(case)}")


def lapse_words(case: UseCaseStatus) -> str:
    """Why a use case that was approved is so no longer."""
    if case.rejected:
        return case.rejected
    ended = f"its approval ended at {case.until:%Y-%m-%d %H:%M:%S} UTC" if case.until else "its approval ended"
    return f"{ended}: {'; '.join(case.missing)}"


def next_moment(status: AIModelStatus, now: datetime) -> datetime | None:
    """When there is something to tell of the use case next, or a tier that was lowered rises again."""
    case, lowering = status.use_case, status.tier_lowering
    moments = [lowering.until] if lowering is not None and lowering.until is not None else []
    if case is not None and case.until is not None:
        moments += [case.until, *(case.until - timedelta(days=days) for days in WARNINGS)]
    return min((moment for moment in moments if moment > now), default=None)


def _warned(draft: Draft, snapshot: Snapshot) -> Draft:
    case = draft.status.use_case
    assert case is not None
    days = due_days(case, snapshot.now)
    if days is None or case.until is None or (case.warned is not None and case.warned <= days):
        return draft
    draft = draft.with_status(use_case=case.model_copy(update={"warned": days}))
    within = "within a day" if days == 1 else f"within {days} days"
    told = f"the approval of the use case ends {within}, at {case.until:%Y-%m-%d %H:%M} UTC: renew it with"
    return draft.announce(
        Reason.CONTINUATION_DUE, f"{told} `kubectl headgate approve {snapshot.name} --gate Continuation --role ROLE`", warning=True
    )


def _rolled_back(draft: Draft, snapshot: Snapshot, case: UseCaseStatus) -> Draft:
    policy = governing(draft, snapshot)
    if policy is None or policy.gates.renewal.on_expiry is not OnExpiry.ROLLBACK or draft.status.candidate is not None:
        return draft
    earlier = earlier_live(draft, snapshot, None) if draft.status.stable is not None else None
    if earlier is None:
        return draft
    return restore(block_stable(draft, snapshot, Harm(RollbackCause.EXPIRED, lapse_words(case))), snapshot, earlier)
