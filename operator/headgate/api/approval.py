"""GovernanceApproval: one identified, immutable, expiring decision of one person about one exact subject."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from headgate.api.base import (
    ATOMIC,
    SIGNATURE,
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


class Signature(Model):
    """Proof of who decided, for a decision that comes through Git: Ed25519 over the canonical JSON of the statement of version 1."""

    statement_version: Annotated[int, Field(ge=1, le=1)] = 1
    environment: Line
    """For which cluster it was signed: the operator of another one does not count it."""
    key: Digest
    """Which public key of the trust store verifies it: SHA-256 of its SubjectPublicKeyInfo."""
    signed_at: Time
    value: Annotated[str, Field(pattern=SIGNATURE, max_length=88)]
    """64 bytes in base64."""


_GATE_KINDS = "['Approve', 'Reject', 'Revoke']"
_LEGAL_LOWERS = f"only the role {Role.LEGAL_APPROVAL} decides at the gate {Gate.TIER_LOWERING}"


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
                "Approve, Reject and Revoke take no target; the other decisions need target {revision, attempt}",
            ),
            (
                f"!has(self.gate) || self.gate != '{Gate.TIER_LOWERING}' || self.role == '{Role.LEGAL_APPROVAL}'",
                _LEGAL_LOWERS,
            ),
            ("!has(self.toRevision) || self.decision == 'Rollback'", "toRevision goes with decision Rollback only"),
            (
                "!has(self.role) || self.role != 'automated-checks'",
                "automated-checks is computed from the shadow verdict, never approved by a person",
            ),
            (
                "!(self.decision in ['Approve', 'BreakGlass']) || has(self.expiresAt)",
                "Approve and BreakGlass need expiresAt: an approval without end is none",
            ),
            (
                "!has(self.conditions) || self.conditions.size() == 0 || self.decision == 'Approve'",
                "conditions go with decision Approve only",
            ),
            (
                f"!has(self.onBehalfOf) && !has(self.signature) || self.decision in {_GATE_KINDS}",
                "onBehalfOf and signature go with Approve, Reject and Revoke only: whoever steps in does so in person",
            ),
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
    on_behalf_of: User | None = None
    """Whose place the approver takes, by a delegation of the trust store. Both count as one person for separated duties."""
    rationale: Annotated[str, Field(min_length=1, max_length=2048)]
    conditions: Annotated[tuple[Line, ...], Field(max_length=8, json_schema_extra=ATOMIC)] = ()
    """On what the approval rests, in words: shown wherever it counts. Nobody checks them but people."""
    evidence: Annotated[tuple[EvidenceItem, ...], Field(max_length=16, json_schema_extra=ATOMIC)] = ()
    expires_at: Time | None = None
    signature: Signature | None = None
    """Without it, admission must have seen the approver make the object. With it, nothing counts before it is verified."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        gated = self.decision in GATE_DECISIONS
        given = {field is not None for field in (self.gate, self.role, self.subject)}
        if given != {gated} or gated == (self.target is not None):
            raise ValueError(
                "Approve, Reject and Revoke need gate, role and subject; the other decisions need target {revision, attempt} instead"
            )
        if self.gate is Gate.TIER_LOWERING and self.role is not Role.LEGAL_APPROVAL:
            raise ValueError(_LEGAL_LOWERS)
        if self.to_revision is not None and self.decision is not DecisionKind.ROLLBACK:
            raise ValueError("toRevision goes with decision Rollback only")
        if self.role is Role.AUTOMATED_CHECKS:
            raise ValueError("automated-checks is computed from the shadow verdict, never approved by a person")
        if self.decision in (DecisionKind.APPROVE, DecisionKind.BREAK_GLASS) and self.expires_at is None:
            raise ValueError("Approve and BreakGlass need expiresAt: an approval without end is none")
        if self.conditions and self.decision is not DecisionKind.APPROVE:
            raise ValueError("conditions go with decision Approve only")
        if not gated and (self.on_behalf_of is not None or self.signature is not None):
            raise ValueError("onBehalfOf and signature go with Approve, Reject and Revoke only: whoever steps in does so in person")
        return self


class ApprovalState(StrEnum):
    """What became of a decision."""

    COUNTED = "Counted"
    NOT_COUNTED = "NotCounted"
    TAKEN_UP = "TakenUp"
    REFUSED = "Refused"
    UNVERIFIED = "Unverified"
    """It carries a signature that the trust store does not confirm: without effect until it does."""
    UNPROVEN = "Unproven"
    """It was made while nothing proved who makes it: it never counts, whatever later looks and later processes see."""


class GovernanceApprovalStatus(StatusModel):
    """Written by the operator: whether the decision counts, and if not, why."""

    state: ApprovalState | None = None
    message: Text = ""
    observed_generation: Count = 0
