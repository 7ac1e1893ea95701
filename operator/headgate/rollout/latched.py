"""What people decided, together with what is remembered of decisions whose objects may be gone."""

from datetime import datetime

from headgate.api.approval import GovernanceApprovalSpec
from headgate.api.gate_status import Latch
from headgate.api.status import AIModelStatus
from headgate.governance.approvals import Approval
from headgate.rollout.snapshot import Snapshot
from headgate.rollout.trusting import nobody_knows

_MOST = 32


def standing(snapshot: Snapshot, latches: tuple[Latch, ...]) -> tuple[Approval, ...]:
    """All approvals; what is latched as it was then: its object may be deleted, or its key no longer be trusted. While nobody knows who is
    trusted, rejections that were answered before are left out: the approval that answers them cannot be read."""
    answered = {latch.name for latch in latches if latch.answered} if nobody_knows(snapshot) else set()
    kept = {latch.name: latch for latch in latches if latch.subject is not None and latch.name not in answered}
    present = {a.name for a in snapshot.approvals if a.name not in answered and (a.name not in kept or a.spec.signature is None)}
    left = (approval for approval in snapshot.approvals if approval.name in present)
    return (*left, *(_revived(latch, snapshot) for name, latch in kept.items() if name not in present))


def remembered(latches: tuple[Latch, ...], status: AIModelStatus) -> tuple[Latch, ...]:
    """Those of `latches` for which there is room, oldest first. The newest of each role about a version, a use case or a lowering that
    `status` knows stays before all others: whoever may reject something could push it out with many rejections of anything else."""
    newest = {(latch.subject, latch.role): latch.name for latch in sorted(latches, key=_age)}
    known = _subjects(status)

    def rank(latch: Latch) -> tuple[bool, datetime, str]:
        return latch.subject in known and newest[latch.subject, latch.role] == latch.name, latch.at, latch.name

    return tuple(sorted(sorted(latches, key=rank)[-_MOST:], key=_age))


def _subjects(status: AIModelStatus) -> set[str | None]:
    candidate, stable, use_case, lowering = status.candidate, status.stable, status.use_case, status.tier_lowering
    found = {version.subject for version in (candidate, stable, *status.past) if version is not None}
    found |= {gate.subject for gate in (candidate.gate if candidate else None, use_case, lowering) if gate is not None}
    return (found | {use_case.stands_for if use_case else None}) - {None}


def _age(latch: Latch) -> tuple[datetime, str]:
    return latch.at, latch.name


def _revived(latch: Latch, snapshot: Snapshot) -> Approval:
    spec = GovernanceApprovalSpec.model_construct(
        model=snapshot.name,
        decision=latch.decision,
        role=latch.role,
        subject=latch.subject,
        approver=latch.by,
        rationale=latch.rationale,
    )
    return Approval(name=latch.name, namespace=snapshot.namespace, uid="", created=latch.at, spec=spec, enforced=True)
