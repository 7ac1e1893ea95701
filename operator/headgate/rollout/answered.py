"""Which rejections were answered by a later approval, remembered for the time in which nobody can read who is trusted."""

from datetime import timedelta

from headgate.api.aimodel import AIModelSpec
from headgate.api.gate_status import Latch
from headgate.api.vocabulary import DecisionKind, Gate, Tier
from headgate.governance.approvals import Approval, Matter, why_not
from headgate.rollout.draft import Draft
from headgate.rollout.latched import standing
from headgate.rollout.owners import technical_owners
from headgate.rollout.risk import tier_of
from headgate.rollout.snapshot import Snapshot
from headgate.rollout.trusting import nobody_knows, trust_of
from headgate.rollout.use_case import governing


def note_answered(draft: Draft, snapshot: Snapshot) -> Draft:
    """Say of each latched Reject and Revoke whether it is answered, as long as that is certain.

    While the trust store cannot be read no approval counts, so every rejection would stand again, and take versions off that people had
    agreed on since. What was established last governs then: nothing is answered meanwhile, and nothing stands anew but a new rejection.
    """
    spec = snapshot.spec
    if nobody_knows(snapshot) or not snapshot.approvals_known or spec is None:
        return draft
    known = standing(snapshot, draft.status.latches)
    latches = tuple(_noted(latch, known, draft, snapshot, spec) for latch in draft.status.latches)
    return draft if latches == draft.status.latches else draft.with_status(latches=latches)


def _noted(latch: Latch, known: tuple[Approval, ...], draft: Draft, snapshot: Snapshot, spec: AIModelSpec) -> Latch:
    found = latch.subject is not None and any(_answers(one, latch, known, draft, snapshot, spec) for one in known)
    return latch if latch.answered == found else latch.model_copy(update={"answered": found})


def _answers(approval: Approval, latch: Latch, known: tuple[Approval, ...], draft: Draft, snapshot: Snapshot, spec: AIModelSpec) -> bool:
    given = approval.spec
    if given.decision is not DecisionKind.APPROVE or (given.role, given.subject) != (latch.role, latch.subject) or given.gate is None:
        return False
    if approval.made <= latch.at or not _long_enough(approval, draft, snapshot):
        return False
    matter = Matter(
        gate=given.gate,
        tier=tier_of(snapshot) or Tier.HIGH,
        subject=given.subject or "",
        technical_owners=technical_owners(draft.status, spec),
        now=snapshot.now,
        trust=trust_of(snapshot, governing(draft, snapshot)),
    )
    return not why_not(approval, known, matter)


def _long_enough(approval: Approval, draft: Draft, snapshot: Snapshot) -> bool:
    """An approval of a use case counts no longer than the policy says, one of Continuation only for what was approved before."""
    case, policy = draft.status.use_case, governing(draft, snapshot)
    if approval.spec.gate in (Gate.DEPLOYMENT, Gate.TIER_LOWERING):
        return True
    if approval.spec.gate is Gate.CONTINUATION and (case is None or case.stands_for != approval.spec.subject):
        return False
    validity = policy.gates.renewal.validity.of(tier_of(snapshot) or Tier.HIGH) if policy is not None else 0
    return snapshot.now < approval.made + timedelta(seconds=validity)
