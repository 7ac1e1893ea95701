"""Whether a use case is approved, and for how long: first by approvals of the gate UseCase, later renewed by those of Continuation."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from headgate.api.vocabulary import DecisionKind, Gate, Tier
from headgate.governance.approvals import Approval, Matter, standing_rejections
from headgate.governance.gates import AutomatedChecks, GateReading, evaluate
from headgate.governance.trust import Trust

_NOT_ASKED = AutomatedChecks(passed=False, reason="says nothing of a use case")


@dataclass(frozen=True, slots=True)
class UseCaseMatter:
    """What a use case is, and what its approval takes. `validity`: for how long one approval stands at most. `renewed`: it was approved
    before, so that a Continuation counts; the right to continue is none to begin."""

    subject: str
    tier: Tier
    required: Sequence[str]
    validity: timedelta
    technical_owners: tuple[str, ...]
    trust: Trust
    lacking: Sequence[str] = ()
    conditional: str = ""
    """What is missing as long as no approval carries conditions."""
    renewed: bool = False


def read_standing(matter: UseCaseMatter, approvals: Sequence[Approval], now: datetime) -> tuple[GateReading, datetime | None]:
    """The gate at `now`, and when it closes if nothing is decided any more; None where it is not open."""
    known = tuple(_as_one_gate(approvals, matter))

    def at(moment: datetime) -> GateReading:
        return evaluate(
            required=matter.required,
            tier=matter.tier,
            subject=matter.subject,
            approvals=known,
            technical_owners=matter.technical_owners,
            now=moment,
            automated=_NOT_ASKED,
            trust=matter.trust,
            gate=Gate.USE_CASE,
            lacking=matter.lacking,
            conditional=matter.conditional,
        )

    reading = at(now)
    return reading, _end(reading, at, now) if reading.open else None


def rejection_of_use_case(subjects: Iterable[str | None], matter: UseCaseMatter, approvals: Sequence[Approval], now: datetime) -> str:
    """Which Reject or Revoke stands against one of `subjects`, in words; empty if none does."""
    known = tuple(_as_one_gate(approvals, matter))
    for subject in dict.fromkeys(one for one in subjects if one):
        asked = Matter(Gate.USE_CASE, matter.tier, subject, matter.technical_owners, now, matter.trust)
        for negative in standing_rejections(known, asked):
            spec = negative.spec
            return f'{spec.decision} by {spec.approver} ({spec.role}): "{spec.rationale[:80]}"'
    return ""


def _end(reading: GateReading, at: Callable[[datetime], GateReading], now: datetime) -> datetime:
    """Others may fill a role when the one that fills it now ends. Each step passes the end of an approval, so there are few."""
    until = now
    while reading.open and reading.until is not None and reading.until > until:
        until = reading.until
        reading = at(until)
    return until


def _as_one_gate(approvals: Sequence[Approval], matter: UseCaseMatter) -> Iterable[Approval]:
    """Decisions of the gate Continuation as if they were of UseCase, and no approval longer than `validity`. A rejection at either gate
    is one of the use case; an approval at Continuation counts only for what was approved before."""
    for given in approvals:
        if given.unverified(matter.trust):
            yield given
            continue
        approval = _as_in_person(given)
        spec = approval.spec
        approves = spec.decision is DecisionKind.APPROVE
        if spec.gate is Gate.CONTINUATION and (matter.renewed or not approves):
            spec = spec.model_copy(update={"gate": Gate.USE_CASE})
        if spec.gate is Gate.USE_CASE and approves and spec.expires_at is not None:
            spec = spec.model_copy(update={"expires_at": min(spec.expires_at, approval.created + matter.validity)})
        yield approval if spec is approval.spec else replace(approval, spec=spec)


def _as_in_person(approval: Approval) -> Approval:
    """A verified decision without its signature, which covers the gate and the end that are read into it. An Approve stays as old as it."""
    if approval.spec.signature is None:
        return approval
    approves = approval.spec.decision is DecisionKind.APPROVE
    spec = approval.spec.model_copy(update={"signature": None})
    return replace(approval, spec=spec, created=approval.made if approves else approval.created, enforced=True)
