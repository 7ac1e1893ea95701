"""What people decided: negative decisions latch, interventions are taken up once."""

from dataclasses import dataclass
from datetime import timedelta

from headgate.api.approval import ApprovalState
from headgate.api.gate_status import Latch
from headgate.api.reasons import Reason
from headgate.api.status import GATED, AIModelStatus, CandidateStatus, PastStatus, StableStatus
from headgate.api.vocabulary import DecisionKind, Gate, Tier
from headgate.governance.approvals import NEGATIVE, Approval, Matter, standing_rejections
from headgate.rollout.draft import Draft
from headgate.rollout.latched import remembered, standing
from headgate.rollout.owners import technical_owners
from headgate.rollout.risk import tier_of
from headgate.rollout.snapshot import Snapshot
from headgate.rollout.trusting import trust_of

TAKE_UP_WITHIN = timedelta(hours=24)
INTERVENTIONS = (
    DecisionKind.HALT,
    DecisionKind.ROLLBACK,
    DecisionKind.PAUSE,
    DecisionKind.RESUME,
    DecisionKind.RETRY,
    DecisionKind.PROMOTE,
    DecisionKind.AA_TEST,
)
"""Decisions about one attempt. At equal times the earlier one listed, the safer, wins."""
UNQUESTIONED = NEGATIVE | {DecisionKind.HALT, DecisionKind.ROLLBACK, DecisionKind.PAUSE}
"""Doubt about who stops something stops it all the same, and at once. All others move users towards a candidate, or may: their author must
be certain."""
_STOPS = (DecisionKind.HALT, DecisionKind.ROLLBACK)
_MOST_TAKEN_UP = 64


@dataclass(frozen=True, slots=True)
class Orders:
    """Interventions that ask for something now, at most one of each kind: the oldest not yet taken up. Pauses and Resumes answer each
    other: all of them, oldest first."""

    halt: Approval | None = None
    rollback: Approval | None = None
    retry: Approval | None = None
    promote: Approval | None = None
    aatest: Approval | None = None
    pauses: tuple[Approval, ...] = ()


def orders(snapshot: Snapshot) -> Orders:
    """The interventions that fit the present attempt and are neither taken up nor too old."""
    taken_up, pauses, found = snapshot.status.taken_up, list[Approval](), dict[str, Approval]()
    for approval in sorted(snapshot.approvals, key=_safer_first):
        kind = approval.spec.decision
        if kind not in INTERVENTIONS or misfit(approval, snapshot) or approval.name in taken_up:
            continue
        if kind in (DecisionKind.PAUSE, DecisionKind.RESUME):
            pauses.append(approval)
        else:
            found.setdefault(kind.value.lower(), approval)
    return Orders(**found, pauses=tuple(pauses))


def stopped_since(retry: Approval, snapshot: Snapshot) -> Approval | None:
    """The Halt or Rollback of the same attempt that is no older than `retry`. A Retry waits until its author is certain, a Halt does not:
    the later decision may be taken up first."""
    later = (
        approval
        for approval in snapshot.approvals
        if approval.spec.decision in _STOPS and approval.spec.target == retry.spec.target and approval.created >= retry.created
    )
    return next(later, None)


def misfit(approval: Approval, snapshot: Snapshot) -> str:
    """Why an intervention does not apply here and now, in words; empty when it does."""
    target, status = approval.spec.target, snapshot.status
    if target is None:
        return "it names no revision and attempt"
    if not approval.enforced and approval.spec.decision not in UNQUESTIONED:
        return "it was made while the admission policies were not in force, so its author is not certain"
    if snapshot.now - approval.created > TAKE_UP_WITHIN:
        return "it is older than 24 hours: decide again"
    fitting = _targets(status, approval.spec.decision)
    if (target.revision, target.attempt) not in fitting:
        present = ", ".join(f"revision {revision} attempt {attempt}" for revision, attempt in sorted(fitting))
        return f"it is about revision {target.revision} attempt {target.attempt}; now there is {present or 'nothing to decide on'}"
    return ""


def _targets(status: AIModelStatus, decision: DecisionKind) -> set[tuple[str, int]]:
    """What an intervention may name: the candidate or the stable version; a Retry the candidate or one that was taken back.

    A second Halt of a version that was taken back meanwhile must not stop the one that is live, and a Retry of the live one must not wait
    to lift a Halt.
    """
    if status.candidate:
        found = {(status.candidate.revision, status.candidate.attempt)}
    elif status.stable and decision is not DecisionKind.RETRY:
        found = {(status.stable.revision, max(status.attempts, 1))}
    else:
        found = set()
    return found | {(entry.revision, entry.attempt) for entry in status.blocked} if decision is DecisionKind.RETRY else found


def _safer_first(approval: Approval) -> tuple[float, int, str]:
    kind = approval.spec.decision
    rank = INTERVENTIONS.index(kind) if kind in INTERVENTIONS else len(INTERVENTIONS)
    return approval.created.timestamp(), rank, approval.name


def take_up(draft: Draft, approval: Approval, told: str) -> Draft:
    """Mark an intervention as acted upon, so that it acts once."""
    taken = (*draft.status.taken_up, approval.name)[-_MOST_TAKEN_UP:]
    note = f"{approval.spec.decision} by {approval.spec.approver}: {told}"
    return (
        draft.with_status(taken_up=taken)
        .note(approval.name, ApprovalState.TAKEN_UP, told)
        .announce(Reason.INTERVENTION_TAKEN_UP, f'{note} ("{approval.spec.rationale[:200]}")')
    )


def refuse(draft: Draft, approval: Approval, why: str) -> Draft:
    """Say why an intervention has no effect, and do not look at it again."""
    taken = (*draft.status.taken_up, approval.name)[-_MOST_TAKEN_UP:]
    return (
        draft.with_status(taken_up=taken)
        .note(approval.name, ApprovalState.REFUSED, why)
        .announce(Reason.INTERVENTION_REFUSED, f"{approval.spec.decision} by {approval.spec.approver} has no effect: {why}", warning=True)
    )


def refuse_if_asked(draft: Draft, order: Approval | None, why: str) -> Draft:
    """`refuse` for what may not have been asked for."""
    return draft if order is None else refuse(draft, order, why)


def latch_of(approval: Approval) -> Latch:
    """What is kept of a negative decision after its object is gone."""
    spec = approval.spec
    return Latch(
        decision=spec.decision,
        name=approval.name,
        by=spec.approver,
        at=approval.created,
        attempt=spec.target.attempt if spec.target else 0,
        subject=spec.subject,
        role=spec.role,
        rationale=spec.rationale[:256],
    )


def latch_negatives(draft: Draft, snapshot: Snapshot) -> Draft:
    """Copy each Reject and Revoke to status when first seen, also one whose author is not certain: doubt closes a gate. One whose signature
    does not verify is nobody's. With the attempt that is under way then: no clock says whether it is about that one."""
    known, candidate = {latch.name for latch in draft.status.latches}, draft.status.candidate
    fresh = tuple(
        latch_of(approval).model_copy(update={"attempt": candidate.attempt if candidate else 0})
        for approval in sorted(snapshot.approvals, key=lambda a: (a.created, a.name))
        if approval.spec.decision in NEGATIVE and approval.name not in known and not approval.unverified(snapshot.trust)
    )
    # What found no room must not push others out at the next look.
    kept = remembered((*draft.status.latches, *fresh), draft.status)
    fresh = tuple(latch for latch in fresh if latch in kept)
    if not fresh:
        return draft
    for latch in fresh:
        draft = draft.note(latch.name, ApprovalState.TAKEN_UP, f"{latch.decision} stands until {latch.role} approves again")
    return draft.with_status(latches=kept)


def tell_authorship(draft: Draft, snapshot: Snapshot) -> Draft:
    """Why decisions do not count whose author is not certain, or not yet. Looks take a moment, so who waits is told only when one could not
    be made. Interventions are answered where they are asked for."""
    waiting = snapshot.awaiting if snapshot.admission_unseen else ()
    for approval in (one for one in waiting if one.name not in draft.status.taken_up):
        draft = draft.note(approval.name, None, "it waits until it is seen that the admission policies were in force when it was made")
    for approval in snapshot.approvals:
        asked = approval.spec.decision in UNQUESTIONED or approval.spec.decision in INTERVENTIONS
        if not (asked or approval.enforced or approval.spec.signature):
            words = "it was made while the admission policies were not in force, so nothing proves who made it: decide again"
            draft = draft.note(approval.name, ApprovalState.UNPROVEN, words)
    return draft


def answer_unasked(draft: Draft, snapshot: Snapshot) -> Draft:
    """Nobody's decision stays without an answer, also where nothing asks for one: each is told once."""
    for name, why in snapshot.unreadable.items():
        draft = draft.note(name, ApprovalState.NOT_COUNTED, f"it cannot be read: {why}")
    candidate = draft.status.candidate
    asked = candidate is not None and candidate.kind in GATED
    noted = {note.name for note in draft.notes}
    for approval in snapshot.approvals if snapshot.trust.known and not asked else ():
        if approval.state is not None or approval.name in noted or approval.spec.decision in INTERVENTIONS:
            continue
        unverified = approval.unverified(snapshot.trust)
        if unverified:
            draft = draft.note(approval.name, ApprovalState.UNVERIFIED, unverified)
        elif approval.spec.gate in (Gate.DEPLOYMENT, None):
            draft = draft.note(approval.name, ApprovalState.NOT_COUNTED, "no version of the model waits for it now")
    return draft


def rejection_of(draft: Draft, snapshot: Snapshot, version: StableStatus | PastStatus | CandidateStatus) -> Approval | None:
    """The Reject or Revoke that stands against what a version was approved for. None if nothing is known to have been approved."""
    if version.subject is None or snapshot.spec is None:
        return None
    matter = Matter(
        gate=Gate.DEPLOYMENT,
        # An approval that answers a rejection counts for the shortest time where the tier is not known.
        tier=tier_of(snapshot) or Tier.HIGH,
        subject=version.subject,
        technical_owners=technical_owners(draft.status, snapshot.spec),
        now=snapshot.now,
        trust=trust_of(snapshot, snapshot.pinned or snapshot.policy.spec),
    )
    return next(iter(standing_rejections(standing(snapshot, draft.status.latches), matter)), None)
