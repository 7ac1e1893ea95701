"""GovernanceApproval: one identified, immutable, expiring decision of one person about one exact subject."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from headgate.api.base import (
    ATOMIC,
    AttemptNumber,
    Count,
    Digest,
    Line,
    Model,
    ModelName,
    RevisionName,
    StatusModel,
    Text,
    Time,
    User,
    rules,
)
from headgate.api.vocabulary import GATE_DECISIONS, DecisionKind, Gate, Role


class EvidenceItem(Model):
    """A document the decision rests on, by digest."""

    type: Line
    uri: Text
    digest: Digest | None = None


class Target(Model):
    """What an intervention is about: one attempt to release one revision."""

    revision: RevisionName
    attempt: AttemptNumber


_GATE_KINDS = "['Approve', 'Reject', 'Revoke']"


class GovernanceApprovalSpec(Model):
    """What one person decided. Cannot be changed afterwards: decide again instead."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("self == oldSelf", "a decision cannot be changed: make a new GovernanceApproval instead"),
            (
                f"self.decision in {_GATE_KINDS} ? has(self.gate) && has(self.role) && has(self.subject)"
                " : !has(self.gate) && !has(self.role) && !has(self.subject)",
                "Approve, Reject and Revoke need gate, role and subject; the other decisions take none of them",
            ),
            (
                f"(self.decision in {_GATE_KINDS}) != has(self.target)",
                "interventions like Halt and Promote need target {revision, attempt}; Approve, Reject and Revoke take none",
            ),
            ("!has(self.toRevision) || self.decision == 'Rollback'", "toRevision goes with decision Rollback only"),
            (
                "!has(self.role) || self.role != 'automated-checks'",
                "automated-checks is computed from the shadow verdict, never approved by a person",
            ),
            ("self.decision != 'Approve' || has(self.expiresAt)", "an Approve needs expiresAt: an approval without end is none"),
        )
    )

    model: ModelName
    decision: DecisionKind
    gate: Gate | None = None
    role: Role | None = None
    subject: Digest | None = None
    target: Target | None = None
    to_revision: RevisionName | None = None
    approver: User
    rationale: Annotated[str, Field(min_length=1, max_length=2048)]
    evidence: Annotated[tuple[EvidenceItem, ...], Field(max_length=16, json_schema_extra=ATOMIC)] = ()
    expires_at: Time | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        gated = self.decision in GATE_DECISIONS
        given = {field is not None for field in (self.gate, self.role, self.subject)}
        if given != {gated} or gated == (self.target is not None):
            raise ValueError(
                "Approve, Reject and Revoke need gate, role and subject; the other decisions need target {revision, attempt} instead"
            )
        if self.to_revision is not None and self.decision is not DecisionKind.ROLLBACK:
            raise ValueError("toRevision goes with decision Rollback only")
        if self.role is Role.AUTOMATED_CHECKS:
            raise ValueError("automated-checks is computed from the shadow verdict, never approved by a person")
        if self.decision is DecisionKind.APPROVE and self.expires_at is None:
            raise ValueError("an Approve needs expiresAt: an approval without end is none")
        return self


class ApprovalState(StrEnum):
    """What became of a decision."""

    COUNTED = "Counted"
    NOT_COUNTED = "NotCounted"
    TAKEN_UP = "TakenUp"
    REFUSED = "Refused"


class GovernanceApprovalStatus(StatusModel):
    """Written by the operator: whether the decision counts, and if not, why."""

    state: ApprovalState | None = None
    message: Text = ""
    observed_generation: Count = 0
