"""What AIModel.status keeps of gates and people: what each gate waits for, the risk that it follows from, and decisions that stand."""

from typing import Annotated

from pydantic import Field

from headgate.api.base import ATOMIC, Count, Digest, Line, ObjectName, StatusModel, Time
from headgate.api.vocabulary import DecisionKind, Mode, Risk, Role, Tier


class GateState(StatusModel):
    """What a gate waits for."""

    subject: Digest
    environment: Line = ""
    """Part of the subject: an approval given in another environment does not count here."""
    tier: Tier
    required: Annotated[tuple[Role, ...], Field(max_length=64, json_schema_extra=ATOMIC)] = ()
    """A role of which several persons must approve is there as often."""
    missing: Annotated[tuple[Line, ...], Field(max_length=16, json_schema_extra=ATOMIC)] = ()
    counted: Annotated[tuple[Line, ...], Field(max_length=16, json_schema_extra=ATOMIC)] = ()
    open: bool = False
    lapsed_since: Time | None = None


class GateStatus(GateState):
    """The Deployment gate of a candidate."""

    break_glass: Line = ""
    """Who opened it although approvals are missing, and until when."""
    mode: Mode = Mode.ENFORCE
    """Part of the subject where it is Observe."""
    replay: Digest | None = None
    """Of spec.serving.replay. Part of the subject where the policy asks for a replay."""


class UseCaseStatus(GateState):
    """The UseCase gate, and how long its approval stands. `lapsed_since`: since when a use case that was approved is so no longer."""

    stands_for: Digest | None = None
    """The subject that was approved last; another one than `subject` once classification, tier or requirements changed."""
    until: Time | None = None
    """When the approval of `stands_for` ends unless it is renewed."""
    warned: Count | None = None
    """For how many days before the end it was last said that it comes."""
    rejected: Line = ""
    """Which rejection stands."""


class TierLoweringStatus(GateState):
    """The gate TierLowering: of a model that declares a tier below the table's. `tier` is the table's, at which approvals are counted."""

    declared: Tier
    """The tier that counts while the gate is open."""
    until: Time | None = None
    """When the approval that opens it ends."""


class RiskStatus(StatusModel):
    """What the classification comes to, and what follows from that."""

    tier: Risk | None = None
    """None as long as it is not known: `reasons` say what is missing."""
    reasons: Annotated[tuple[Line, ...], Field(max_length=16, json_schema_extra=ATOMIC)] = ()
    table_version: Annotated[str, Field(max_length=63)] = ""
    """Of the table that was used; empty if none was, because the tier was declared."""
    controls: Annotated[tuple[Line, ...], Field(max_length=16, json_schema_extra=ATOMIC)] = ()
    documents: Annotated[tuple[Line, ...], Field(max_length=16, json_schema_extra=ATOMIC)] = ()


class Latch(StatusModel):
    """A negative decision, kept although its object may be deleted. Only a later named decision lifts it."""

    decision: DecisionKind
    name: ObjectName
    by: Line
    at: Time
    attempt: Count = 0
    subject: Digest | None = None
    role: Role | None = None
    rationale: Annotated[str, Field(max_length=256)] = ""
    answered: bool = False
    """Its role approved the subject again later. Governs while nobody can read who is trusted."""
