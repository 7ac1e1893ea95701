"""decide(snapshot) -> Decision: the one place where it is settled what happens to a model next. Pure: no I/O, clock or randomness."""

from datetime import datetime

from headgate.api.reasons import Reason
from headgate.api.status import AttemptKind, RevisionStatus, TrafficStatus
from headgate.api.vocabulary import Phase, RollbackCause
from headgate.governance.approvals import Approval
from headgate.rollout.advance import advance
from headgate.rollout.begin import begin, earlier_live, policy_copy, restore, unused_retry
from headgate.rollout.calendar import closed
from headgate.rollout.decision import Decision
from headgate.rollout.draft import Draft
from headgate.rollout.golive import go_live
from headgate.rollout.harm import Harm, measured, shared_failure
from headgate.rollout.people import INTERVENTIONS, Orders, latch_negatives, latch_of, misfit, orders, refuse, take_up
from headgate.rollout.revisions import revision_of
from headgate.rollout.snapshot import Snapshot
from headgate.rollout.telling import told
from headgate.rollout.withdraw import block_stable, retreat, withdraw
from headgate.rollout.workloads import wanted_workloads

_CLOCK_POLL = 60.0
"""Seconds until it is looked again whether the clock is trusted."""


def decide(snapshot: Snapshot) -> Decision:
    """The complete next status, traffic and workloads of one model.

    Order: harm first, independent of everything else; then people; then whether the spec still asks for the candidate; then the
    candidate's next step. Deciding again on the same Snapshot gives the same Decision.
    """
    asked = orders(snapshot)
    draft = latch_negatives(Draft(snapshot.status), snapshot)
    draft = _stop_harm(draft, snapshot, asked)
    draft = _answer_misfits(draft, snapshot)
    draft = _pause_or_resume(draft, asked)
    draft = _follow_spec(draft, snapshot, asked)
    if draft.status.candidate is not None:
        draft = advance(draft, snapshot, asked)
    if snapshot.refusal is not None:
        draft = draft.held_by(snapshot.refusal.reason, snapshot.refusal.message)
    draft = _forget_past(draft, snapshot)
    if snapshot.configuration.known or draft.status != snapshot.status:
        draft = told(draft, snapshot)
    candidate = draft.status.candidate
    return Decision(
        status=draft.status,
        traffic=_traffic(draft),
        workloads=wanted_workloads(draft, snapshot),
        policy_copy=policy_copy(snapshot, candidate) if candidate else None,
        announcements=draft.announcements,
        approval_notes=draft.notes,
        look_again=_look_again(draft, snapshot),
    )


def _stop_harm(draft: Draft, snapshot: Snapshot, asked: Orders) -> Draft:
    if draft.status.candidate is None:
        return _back_from_live(draft, snapshot, asked)
    ordered = _ordered(draft, asked) or _rejected(draft)
    harm = ordered or _present_harm(snapshot)
    if harm is None:
        return draft
    stop = asked.halt or asked.rollback
    if draft.candidate.kind in (AttemptKind.FIRST, AttemptKind.RESTORE) and draft.status.stable is None and draft.candidate.exposed:
        # Nothing else can answer: taking it off would fail every request instead of some.
        if ordered is not None and stop is not None:
            draft = refuse(draft, stop, "there is no other version and no fallback that could answer instead")
        return draft.held_by(Reason.DEGRADED, f"{harm.message}; it keeps serving because nothing else can")
    if ordered is None and shared_failure(snapshot):
        kept = retreat(draft, snapshot).with_status(phase=Phase.AWAITING_DEPLOYMENT)
        return kept.announce(
            Reason.SHARED_FAILURE, f"both versions fail, so the candidate waits without traffic: {harm.message}", warning=True
        )
    if ordered is not None and stop is not None:
        draft = take_up(draft, stop, f"traffic leaves revision {draft.candidate.revision}")
    return withdraw(draft, snapshot, harm)


def _present_harm(snapshot: Snapshot) -> Harm | None:
    """Measured harm of the present attempt. Evidence of another attempt, or from before a retreat, says nothing about it now."""
    candidate, evidence = snapshot.status.candidate, snapshot.evidence
    if candidate is None or candidate.kind is AttemptKind.RESTORE:
        return None
    if evidence is not None and (evidence.attempt != str(candidate.attempt) or candidate.stage is None):
        snapshot = snapshot.without_evidence()
    return measured(snapshot, snapshot.pinned or snapshot.policy.spec)


def _ordered(draft: Draft, asked: Orders) -> Harm | None:
    for approval, cause in ((asked.halt, RollbackCause.HALT), (asked.rollback, RollbackCause.ROLLBACK)):
        if approval is not None:
            return Harm(cause, f"{approval.spec.approver}: {approval.spec.rationale}", by=approval.spec.approver)
    return None


def _rejected(draft: Draft) -> Harm | None:
    """A Reject or Revoke of what the candidate was approved for, made after the attempt began."""
    candidate = draft.candidate
    subject = candidate.gate.subject if candidate.gate else None
    latch = next((x for x in draft.status.latches if x.subject == subject and subject and x.at >= candidate.started), None)
    if latch is None:
        return None
    return Harm(RollbackCause.REJECTED, f"{latch.decision} by {latch.by} ({latch.role}): {latch.rationale}", by=latch.by)


def _back_from_live(draft: Draft, snapshot: Snapshot, asked: Orders) -> Draft:
    """Halt or Rollback of a live version: the earlier one comes back."""
    order = asked.halt or asked.rollback
    if order is None or draft.status.stable is None:
        return draft
    goal = order.spec.to_revision
    earlier = earlier_live(draft, snapshot, goal)
    if earlier is None:
        which = f"revision {goal}" if goal else "an earlier version"
        return refuse(draft, order, f"{which} is not kept any more, was never live, or is blocked; nothing else can answer")
    cause = RollbackCause.HALT if asked.halt else RollbackCause.ROLLBACK
    harm = Harm(cause, f"{order.spec.approver}: {order.spec.rationale}", by=order.spec.approver)
    draft = take_up(draft, order, f"{earlier.version} (revision {earlier.revision}) comes back")
    return restore(block_stable(draft, snapshot, harm), snapshot, earlier)


def _answer_misfits(draft: Draft, snapshot: Snapshot) -> Draft:
    """Each intervention that cannot apply is told why, once."""
    for approval in snapshot.approvals:
        if approval.spec.decision in INTERVENTIONS and approval.name not in draft.status.taken_up:
            why = misfit(approval, snapshot)
            if why:
                draft = refuse(draft, approval, why)
    return draft


def _pause_or_resume(draft: Draft, asked: Orders) -> Draft:
    if asked.pause is not None:
        draft = _on_candidate(draft, asked.pause, "upward steps stop until Resume", paused=latch_of(asked.pause))
    if asked.resume is not None:
        draft = _on_candidate(draft, asked.resume, "upward steps go on", paused=None)
    return draft


def _on_candidate(draft: Draft, approval: Approval, words: str, **fields: object) -> Draft:
    if draft.status.candidate is None:
        return refuse(draft, approval, "no rollout is under way")
    return take_up(draft, approval, words).with_status(**fields)


def _follow_spec(draft: Draft, snapshot: Snapshot, asked: Orders) -> Draft:
    """Make sure that the candidate is the version the spec asks for."""
    if snapshot.spec is None:
        return draft.held_by(Reason.INVALID_SPEC, snapshot.invalid, stalled=True)
    if snapshot.configuration.problem is not None:
        missing = snapshot.configuration.problem
        return draft.held_by(missing.reason, missing.message, stalled=True)
    if not snapshot.configuration.known:
        return draft
    wanted = revision_of(snapshot.spec, snapshot.configuration.digests)
    candidate = draft.status.candidate
    if candidate is not None and candidate.kind is not AttemptKind.RESTORE and candidate.revision != wanted.revision:
        draft = _replaced(draft, snapshot, wanted)
        candidate = None
    if candidate is not None:
        return unused_retry(draft, asked, f"attempt {candidate.attempt} is under way")
    if asked.promote is not None:
        draft = refuse(draft, asked.promote, "no rollout is under way")
    return begin(draft, snapshot, asked, wanted)


def _replaced(draft: Draft, snapshot: Snapshot, wanted: RevisionStatus) -> Draft:
    stable = draft.status.stable
    if stable is not None and stable.revision == wanted.revision:
        return withdraw(draft, snapshot, Harm(RollbackCause.CANCELLED, "the spec asks for the stable version again"))
    if stable is None and draft.candidate.exposed:
        # The first version already serves: it becomes what the next one is compared with.
        return go_live(draft, snapshot, rollback_warm=0, rollback_window=0)
    return withdraw(draft, snapshot, Harm(RollbackCause.SUPERSEDED, f"the spec asks for {wanted.version} (revision {wanted.revision}) now"))


def _forget_past(draft: Draft, snapshot: Snapshot) -> Draft:
    remaining = tuple(past for past in draft.status.past if past.keep_until > snapshot.now or snapshot.clock_step is not None)
    return draft if remaining == draft.status.past else draft.with_status(past=remaining)


def _traffic(draft: Draft) -> TrafficStatus | None:
    """The route is Headgate's from the first attempt on; before, there is nothing to route to."""
    started = draft.status.candidate is not None or draft.status.stable is not None
    return draft.status.traffic if started else None


def _look_again(draft: Draft, snapshot: Snapshot) -> float | None:
    moments: list[datetime] = [moment for past in draft.status.past for moment in (past.warm_until, past.keep_until)]
    seconds = [(moment - snapshot.now).total_seconds() for moment in moments if moment > snapshot.now]
    if draft.status.candidate is not None or draft.status.phase is Phase.ROLLING_BACK:
        policy = snapshot.pinned or snapshot.policy.spec
        seconds.append(float(policy.analysis.interval if policy else 15))
        opening = closed(snapshot.calendar, snapshot.now)
        if opening is not None and opening.until is not None:
            seconds.append((opening.until - snapshot.now).total_seconds())
    if snapshot.clock_step is not None:
        seconds.append(_CLOCK_POLL)
    return min(seconds, default=None)
