"""A tier that a model declares below the table's: it counts while the legal role agrees to it, and not a moment longer."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from headgate.api.approval import ApprovalState
from headgate.api.gate_status import TierLoweringStatus
from headgate.api.reasons import Reason
from headgate.api.vocabulary import GATE_DECISIONS, Gate, Role
from headgate.governance.approvals import short
from headgate.governance.classification import Consent, Lowering, assess
from headgate.governance.gates import AutomatedChecks, GateReading, evaluate
from headgate.governance.subjects import subject_of, tier_lowering_statement
from headgate.rollout.draft import Draft
from headgate.rollout.latched import standing
from headgate.rollout.owners import technical_owners
from headgate.rollout.snapshot import Snapshot
from headgate.rollout.trusting import trust_of

_NOTHING_TO_LOWER = "the model declares no tier below the table's, or its risk is not known"
_NOT_ASKED = AutomatedChecks(passed=False, reason="says nothing of a tier")


@dataclass(frozen=True, slots=True)
class AskedToLower:
    """The gate TierLowering now, and how each decision about it was read."""

    gate: TierLoweringStatus
    reading: GateReading


def asked_to_lower(snapshot: Snapshot) -> AskedToLower | None:
    """None where no tier below the table's is declared.

    Approvals are counted at the table's tier: whoever agrees to Low for what may be High is held to what High asks of approvers, and their
    word ends as soon. While it cannot be told whose approvals count, the gate stays as it was known last, up to the end that was known;
    a rejection closes it all the same. Otherwise a restart would take users off every model whose tier is lowered.
    """
    spec = snapshot.spec
    lowering = assess(spec.classification, snapshot.table).lowering if spec is not None else None
    if spec is None or lowering is None:
        return None
    subject, required = _subject(snapshot, lowering), (Role.LEGAL_APPROVAL,)
    before = _open_before(subject, snapshot)
    reading = evaluate(
        required=required,
        tier=lowering.table,
        subject=subject,
        approvals=standing(snapshot, snapshot.status.latches),
        technical_owners=technical_owners(snapshot.status, spec),
        now=_moment(before, snapshot),
        automated=_NOT_ASKED,
        trust=trust_of(snapshot, snapshot.pinned or snapshot.policy.spec),
        gate=Gate.TIER_LOWERING,
    )
    if before is not None and not (reading.open or reading.rejected) and _untold(before, snapshot):
        return AskedToLower(before, reading)
    gate = TierLoweringStatus(
        subject=subject,
        environment=snapshot.environment,
        tier=lowering.table,
        declared=lowering.declared,
        required=required,
        missing=reading.missing[:16],
        counted=reading.counted[:16],
        open=reading.open,
        until=reading.until if reading.open else None,
    )
    return AskedToLower(gate, reading)


def consent_in(gate: TierLoweringStatus) -> Consent:
    """What the gate says, in words for people who know nothing of it."""
    if gate.open:
        return Consent(True, "; ".join(gate.counted))
    what = f"{Role.LEGAL_APPROVAL} of subject {short(gate.subject)} at the gate {Gate.TIER_LOWERING}"
    return Consent(False, f"{what} ({'; '.join(gate.missing)})")


def note_lowering(draft: Draft, snapshot: Snapshot) -> Draft:
    """Write the gate down, and tell what became of each decision about it."""
    if snapshot.spec is None or not snapshot.approvals_known or not trust_of(snapshot, snapshot.pinned or snapshot.policy.spec).known:
        return draft
    before, asked = draft.status.tier_lowering, asked_to_lower(snapshot)
    draft = _noted(draft, snapshot, asked.reading if asked is not None else None)
    gate = asked.gate if asked is not None else None
    draft = draft if gate == before else draft.with_status(tier_lowering=gate)
    if gate is not None and gate.open and not (before is not None and before.open):
        told = f"tier {gate.declared} counts instead of the table's {gate.tier}: {', '.join(gate.counted)}"
        return draft.announce(Reason.APPROVED, told)
    if before is not None and before.open and not (gate is not None and gate.open):
        why = "; ".join(gate.missing) if gate is not None else _NOTHING_TO_LOWER
        return draft.announce(Reason.APPROVAL_LAPSED, f"tier {before.declared} does not count any more: {why}", warning=True)
    return draft


def _subject(snapshot: Snapshot, lowering: Lowering) -> str:
    assert snapshot.spec is not None
    statement = tier_lowering_statement(
        environment=snapshot.environment,
        namespace=snapshot.namespace,
        name=snapshot.name,
        classification=snapshot.spec.classification,
        requirements=snapshot.spec.requirements,
        vendor=snapshot.spec.vendor,
        table_tier=lowering.table,
        declared=lowering.declared,
    )
    return subject_of(statement)


def _open_before(subject: str, snapshot: Snapshot) -> TierLoweringStatus | None:
    before = snapshot.status.tier_lowering
    return before if before is not None and before.open and before.until is not None and before.subject == subject else None


def _moment(before: TierLoweringStatus | None, snapshot: Snapshot) -> datetime:
    """A clock that cannot be trusted ends nothing: as long as it is not, the last instant before the known end is the latest."""
    if snapshot.clock_step is None or before is None or before.until is None:
        return snapshot.now
    return min(snapshot.now, before.until - timedelta(microseconds=1))


def _untold(before: TierLoweringStatus, snapshot: Snapshot) -> bool:
    """Whether it cannot be told at present if the approval that opened the gate still counts."""
    assert before.until is not None, "it was open"
    trust = trust_of(snapshot, snapshot.pinned or snapshot.policy.spec)
    awaited = any(one.spec.subject == before.subject for one in snapshot.awaiting)
    return _moment(before, snapshot) < before.until and (trust.unsure or awaited or not snapshot.approvals_known)


def _noted(draft: Draft, snapshot: Snapshot, reading: GateReading | None) -> Draft:
    for approval in snapshot.approvals:
        spec, name = approval.spec, approval.name
        if spec.gate is not Gate.TIER_LOWERING or spec.decision not in GATE_DECISIONS:
            continue
        if reading is None:
            why: str | None = _NOTHING_TO_LOWER
        else:
            why = reading.not_counted.get(name)
        if reading is not None and name in reading.counted_names:
            draft = draft.note(name, ApprovalState.COUNTED, f"counts as {spec.role}")
        elif why is not None:
            unverified = approval.unverified(snapshot.trust)
            draft = draft.note(name, ApprovalState.UNVERIFIED if unverified else ApprovalState.NOT_COUNTED, unverified or why)
    return draft
