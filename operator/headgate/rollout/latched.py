"""What people decided, together with what is remembered of decisions whose objects may be gone."""

from headgate.api.approval import GovernanceApprovalSpec
from headgate.api.status import Latch
from headgate.governance.approvals import Approval
from headgate.rollout.snapshot import Snapshot
from headgate.rollout.trusting import nobody_knows


def standing(snapshot: Snapshot, latches: tuple[Latch, ...]) -> tuple[Approval, ...]:
    """All approvals; what is latched as it was then: its object may be deleted, or its key no longer be trusted. While nobody knows who is
    trusted, rejections that were answered before are left out: the approval that answers them cannot be read."""
    answered = {latch.name for latch in latches if latch.answered} if nobody_knows(snapshot) else set()
    kept = {latch.name: latch for latch in latches if latch.subject is not None and latch.name not in answered}
    present = {a.name for a in snapshot.approvals if a.name not in answered and (a.name not in kept or a.spec.signature is None)}
    left = (approval for approval in snapshot.approvals if approval.name in present)
    return (*left, *(_revived(latch, snapshot) for name, latch in kept.items() if name not in present))


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
