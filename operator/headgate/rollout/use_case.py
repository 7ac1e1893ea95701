"""Whether people agree that there is such a model at all. Read at every decision; asked before anything starts."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from headgate.api.aimodel import AIModelSpec
from headgate.api.approval import ApprovalState
from headgate.api.base import line
from headgate.api.gate_status import UseCaseStatus
from headgate.api.policy import RolloutPolicySpec
from headgate.api.reasons import Reason
from headgate.api.vocabulary import GATE_DECISIONS, DecisionKind, Gate, OnExpiry, Tier
from headgate.governance.approvals import Approval
from headgate.governance.dossier import use_case_lacks
from headgate.governance.gates import GateReading
from headgate.governance.standing import UseCaseMatter, read_standing, rejection_of_use_case
from headgate.governance.subjects import subject_of, use_case_statement
from headgate.governance.vendor_evaluation import on_conditions, vendor_lacks, vendor_reading
from headgate.rollout.draft import Draft
from headgate.rollout.latched import standing
from headgate.rollout.owners import technical_owners
from headgate.rollout.risk import obstacle, tier_of
from headgate.rollout.snapshot import Snapshot
from headgate.rollout.trusting import trust_of

WARNINGS = (30, 7, 1)
"""Days before the end at which it is told."""
_ABOUT = (Gate.USE_CASE, Gate.CONTINUATION)


def governing(draft: Draft, snapshot: Snapshot) -> RolloutPolicySpec | None:
    """The policy whose word counts for the use case: the one that the candidate runs on if it names the gate, else the present one."""
    pinned = snapshot.pinned if draft.status.candidate is not None else None
    return pinned if pinned is not None and pinned.gates.use_case is not None else snapshot.policy.spec


def note_use_case(draft: Draft, snapshot: Snapshot) -> Draft:
    """Read the UseCase gate into the status. What was approved before is remembered: a live model rests on it until it ends."""
    policy, before = governing(draft, snapshot), draft.status.use_case
    if snapshot.spec is None or policy is None or not (snapshot.approvals_known and trust_of(snapshot, policy).known):
        return draft
    if policy.gates.use_case is None:
        return _not_asked(draft, snapshot)
    tier, unclear = tier_of(snapshot), obstacle(snapshot, policy)
    if unclear is not None:
        shut = {"open": False, "counted": (), "missing": (line(unclear.message),)}
        return draft.with_status(use_case=before.model_copy(update=shut)) if before is not None else draft
    assert tier is not None, "an unknown tier is an obstacle"
    matter = _matter(snapshot, snapshot.spec, policy, tier, before)
    approvals = standing(snapshot, draft.status.latches)
    reading, until = read_standing(matter, approvals, snapshot.now)
    known = (matter.subject, before.stands_for if before else None)
    rejected = "" if reading.open else rejection_of_use_case(known, matter, approvals, snapshot.now)
    is_open = reading.open and not snapshot.governance_problem
    missing = reading.missing if not snapshot.governance_problem else (line(snapshot.governance_problem), *reading.missing)
    case = UseCaseStatus(
        subject=matter.subject,
        environment=snapshot.environment,
        tier=tier,
        required=tuple(policy.gates.use_case.of(tier)),
        missing=missing[:16],
        counted=reading.counted[:16],
        open=is_open,
        lapsed_since=before.lapsed_since if before else None,
        stands_for=matter.subject if is_open else before.stands_for if before else None,
        until=before.until if before else None,
        warned=before.warned if before else None,
        rejected=line(rejected),
    )
    if is_open and until is not None:
        case = _extended(case, before, until, snapshot.now)
    return _told(draft.with_status(use_case=case), before, reading, snapshot)


def due_days(case: UseCaseStatus, now: datetime) -> int | None:
    """The fewest days of WARNINGS within which the approval ends; None if it ends later, or never stood."""
    if case.until is None or now >= case.until:
        return None
    return min((days for days in WARNINGS if case.until - now <= timedelta(days=days)), default=None)


def unmet(draft: Draft, policy: RolloutPolicySpec) -> str:
    """Why the use case keeps versions under `policy` from starting, and from rising, in words; empty if it does not."""
    case = draft.status.use_case
    if policy.gates.use_case is None:
        return ""
    if case is None:
        return "the list of approvals is being read"
    only_told = policy.gates.renewal.on_expiry is OnExpiry.ALERT and case.stands_for == case.subject
    if case.open or (case.lapsed_since is not None and only_told and not case.rejected):
        return ""
    return "; ".join(case.missing) or case.rejected


def _extended(case: UseCaseStatus, before: UseCaseStatus | None, until: datetime, now: datetime) -> UseCaseStatus:
    """The end moves outwards only: neither a shorter validity in the policy nor a deleted approval ends what stands already."""
    if before is not None and before.stands_for == case.subject and before.until is not None and before.until >= until:
        return case
    extended = case.model_copy(update={"until": until})
    # What ends soon because it was given for a short time is no news.
    return extended.model_copy(update={"warned": due_days(extended, now)})


def _matter(snapshot: Snapshot, spec: AIModelSpec, policy: RolloutPolicySpec, tier: Tier, before: UseCaseStatus | None) -> UseCaseMatter:
    assert policy.gates.use_case is not None
    statement = use_case_statement(
        environment=snapshot.environment,
        namespace=snapshot.namespace,
        name=snapshot.name,
        classification=spec.classification,
        requirements=spec.requirements,
        vendor=spec.vendor,
        tier=tier,
    )
    subject, vendor = subject_of(statement), vendor_reading(spec, policy)
    return UseCaseMatter(
        subject=subject,
        tier=tier,
        required=policy.gates.use_case.of(tier),
        validity=timedelta(seconds=policy.gates.renewal.validity.of(tier)),
        technical_owners=technical_owners(snapshot.status, spec),
        trust=trust_of(snapshot, policy),
        lacking=(*use_case_lacks(spec, policy.gates.dossier_of(tier)), *(vendor_lacks(vendor) if vendor is not None else ())),
        conditional=on_conditions(vendor) if vendor is not None else "",
        renewed=before is not None and before.stands_for == subject,
    )


def _told(draft: Draft, before: UseCaseStatus | None, reading: GateReading, snapshot: Snapshot) -> Draft:
    case = draft.status.use_case
    for approval in _decisions(snapshot.approvals):
        if approval.name in reading.counted_names:
            draft = draft.note(approval.name, ApprovalState.COUNTED, f"counts as {approval.spec.role}")
        elif approval.name in reading.not_counted:
            draft = _void(draft, approval, snapshot, reading.not_counted[approval.name])
    if case is not None and case.open and (before is None or not before.open):
        draft = draft.announce(Reason.APPROVED, f"the UseCase gate is open: {', '.join(case.counted)}")
    return draft


def _not_asked(draft: Draft, snapshot: Snapshot) -> Draft:
    for approval in _decisions(snapshot.approvals):
        if approval.spec.decision is DecisionKind.APPROVE:
            draft = _void(draft, approval, snapshot, "the model's policy asks for no approved use case")
    return draft if draft.status.use_case is None else draft.with_status(use_case=None)


def _void(draft: Draft, approval: Approval, snapshot: Snapshot, why: str) -> Draft:
    unverified = approval.unverified(snapshot.trust)
    return draft.note(approval.name, ApprovalState.UNVERIFIED if unverified else ApprovalState.NOT_COUNTED, unverified or why)


def _decisions(approvals: Sequence[Approval]) -> list[Approval]:
    return [approval for approval in approvals if approval.spec.gate in _ABOUT and approval.spec.decision in GATE_DECISIONS]
