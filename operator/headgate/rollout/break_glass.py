"""Two persons open the gate of one attempt for at most a day, before its approvals are there. It goes live only with them."""

from datetime import datetime, timedelta

from headgate.api.approval import ApprovalState
from headgate.api.vocabulary import DecisionKind, Tier
from headgate.governance.approvals import Approval
from headgate.rollout.draft import Draft
from headgate.rollout.snapshot import Snapshot

LONGEST = timedelta(hours=24)
_PERSONS = 2


def broken(draft: Draft, snapshot: Snapshot, tier: Tier, barred: str) -> tuple[Draft, str]:
    """Who opened the candidate's gate and until when, in words; empty if nobody did. Each BreakGlass is told what comes of it.

    `barred`: what else than approvals keeps the gate closed, which nobody breaks; empty if nothing does.
    """
    lasting: dict[str, Approval] = {}
    for approval in snapshot.approvals:
        if approval.spec.decision is not DecisionKind.BREAK_GLASS:
            continue
        why = _why_not(approval, draft, snapshot, tier) or (f"it stands in for approvals alone: {barred}" if barred else "")
        if why:
            draft = draft.note(approval.name, ApprovalState.NOT_COUNTED, why)
            continue
        who = snapshot.trust.identity(approval.spec.approver)
        if who not in lasting or _until(approval) > _until(lasting[who]):
            lasting[who] = approval
    chosen = sorted(lasting.values(), key=_until, reverse=True)[:_PERSONS]
    enough = len(chosen) == _PERSONS
    for approval in chosen:
        told = f"the gate is open until {_until(chosen[-1]):%Y-%m-%d %H:%M} UTC" if enough else "a second person has to break the glass too"
        draft = draft.note(approval.name, ApprovalState.COUNTED if enough else ApprovalState.NOT_COUNTED, told)
    return draft, _words(chosen) if enough else ""


def _why_not(approval: Approval, draft: Draft, snapshot: Snapshot, tier: Tier) -> str:
    target, candidate = approval.spec.target, draft.candidate
    if target is None or (target.revision, target.attempt) != (candidate.revision, candidate.attempt):
        about = f"revision {target.revision} attempt {target.attempt}" if target else "nothing"
        return f"it is about {about}; now there is revision {candidate.revision} attempt {candidate.attempt}"
    if not approval.enforced:
        return "it was made while the admission policies were not in force, so nothing proves who made it"
    if snapshot.now >= _until(approval):
        return f"it ended at {_until(approval):%Y-%m-%d %H:%M} UTC"
    return snapshot.trust.not_entitled(approval.spec, tier=tier, made=approval.latest, now=snapshot.now)


def _until(approval: Approval) -> datetime:
    longest = approval.created + LONGEST
    return min(approval.spec.expires_at or longest, longest)


def _words(chosen: list[Approval]) -> str:
    who = " and ".join(f'{a.spec.approver} ("{a.spec.rationale[:60]}")' for a in sorted(chosen, key=lambda a: (a.created, a.name)))
    return f"break-glass until {_until(chosen[-1]):%Y-%m-%d %H:%M} UTC by {who}"[:256]
