"""AIModel.status: all that a rollout must not forget. Written only at decisions, at most 16 kB."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from headgate.api.audit import MOST_PENDING, AuditHead, AuditRecord
from headgate.api.base import ATOMIC, AttemptNumber, Count, Digest, Label, Line, ObjectName, RevisionName, StatusModel, Text, Time, list_map
from headgate.api.conditions import Condition
from headgate.api.gate_status import GateStatus, Latch, RiskStatus, TierLoweringStatus, UseCaseStatus
from headgate.api.replay import CopiesStatus, ReplayStatus
from headgate.api.responses import DriftStatus
from headgate.api.traffic_status import FailoverStatus, TrafficStatus, Weight
from headgate.api.vendor import VendorStatus
from headgate.api.vocabulary import AATestOutcome, Mode, Phase, RollbackCause, Tier, Verdict


class AttemptKind(StrEnum):
    """Why a revision moves. Rollout: new content, all stages. Unchanged: same content, short stages, no gate and no shadow.
    First: nothing is live yet. Restore: an earlier live version comes back, at once and without a gate. Baseline: the version pinned in
    the spec comes first in a cluster that knows nothing of the model, without a gate. AATest: a copy of the stable version beside it, for
    a while and without a gate, to see what the judge says of it."""

    ROLLOUT = "Rollout"
    UNCHANGED = "Unchanged"
    FIRST = "First"
    RESTORE = "Restore"
    BASELINE = "Baseline"
    AA_TEST = "AATest"


GATED = (AttemptKind.ROLLOUT, AttemptKind.FIRST)
"""Kinds of attempts that people approve."""


class RevisionStatus(StatusModel):
    """A revision and the content that approvals bind to."""

    revision: RevisionName
    version: Line
    content: Digest


class AutoscaleStatus(StatusModel):
    """The bounds that the spec gave the autoscaler of a revision. Kept, because the spec may speak of another revision by now."""

    min_replicas: Count
    max_replicas: Count


class SizedStatus(RevisionStatus):
    """A revision and how large it is to be."""

    replicas: Count = 1
    autoscale: AutoscaleStatus | None = None
    """With an autoscaler: what it may do. None: the size is fixed."""


class WouldHave(StatusModel):
    """The first time that the judge, in mode Observe, would have taken a version back."""

    cause: RollbackCause
    at: Time
    stage: Annotated[str, Field(max_length=63)] = ""
    message: Text = ""
    """The sentence with the counts."""


class StableStatus(SizedStatus):
    """The version that users get unless a stage says otherwise.

    `replicas`: its fixed size; with an autoscaler the pods that it keeps for the return of all users, which are its minimum during an
    attempt and until `firm_until`: those found when the attempt began, or what the load was seen to need since.
    """

    live_since: Time
    firm_until: Time | None = None
    """Until then its autoscaler keeps its minimum after an attempt: it may still look at a load without the users who came."""
    subject: Digest | None = None
    """What people approved when it went live. A later Reject or Revoke of it concerns the live version."""
    tier: Tier | None = None
    """The risk tier at which it was approved."""
    unapproved: bool = False
    """It got its users by BreakGlass, and a newer version was asked for before its approvals were there."""
    unready_since: Time | None = None
    """Since when none of its pods is ready."""
    would_have: WouldHave | None = None
    """Why it would not be live, had the judge decided about it."""


class StageStatus(StatusModel):
    """The candidate's present stage."""

    index: Count
    name: Label
    entered: Time
    """When the stage was decided."""
    weight: Weight | None = None
    """The candidate's thousandths of the users; None in a status written before this was recorded."""
    mirror: Weight = 0
    """Thousandths of the requests that are copied to it."""
    effective: Time | None = None
    """When the gateway was first seen to have taken the stage's weights. Stage time counts from here."""
    waived_seconds: Count = 0
    """Time that maxDuration does not count: paused, without Prometheus, behind a lapsed gate."""
    waived_since: Time | None = None


class CandidateStatus(SizedStatus):
    """The version on its way. `replicas`: wanted at full traffic; with an autoscaler its minimum once it is live."""

    attempt: AttemptNumber
    kind: AttemptKind
    started: Time
    policy: Line
    subject: Digest | None = None
    """What people approved when it was live before: of a restored version."""
    copy_of: RevisionName | None = None
    """The stable revision that it is a copy of, in an A/A test."""
    policy_copy: ObjectName
    """The immutable ConfigMap with the policy this attempt runs on."""
    stage: StageStatus | None = None
    gate: GateStatus | None = None
    shadow_passed: bool = False
    replay: ReplayStatus | None = None
    """Where the policy's shadow stage asks for one."""
    copies: CopiesStatus | None = None
    """Of the last shadow stage that ended; None where the metrics cannot tell."""
    exposed: Time | None = None
    """When the first user request could have reached it."""
    inconclusive_accepted: Annotated[tuple[Label, ...], Field(max_length=12, json_schema_extra=ATOMIC)] = ()
    """Stages ended by Promote without proof."""
    mode: Mode = Mode.ENFORCE
    """Observe as long as evidence decides nothing about it."""
    observed_only: Annotated[tuple[Label, ...], Field(max_length=12, json_schema_extra=ATOMIC)] = ()
    """Stages that ended without proof because of mode Observe."""
    would_have: WouldHave | None = None
    verdict: Verdict = Verdict.NO_DATA
    unresolved: Text = ""
    """Where latency buckets are too coarse for a check, and which bounds to add; as found when the bounds were chosen."""
    doubt: Text = ""
    """What could not be decided in time at the traffic there was when the attempt began; empty if all could, or nothing was known."""


class PastStatus(SizedStatus):
    """A version that was live, or lost its traffic, and is kept for a while. `replicas`: what it comes back with."""

    subject: Digest | None = None
    """What people approved when it went live."""
    until: Time
    """When it lost its traffic."""
    was_live: bool
    keep_until: Time
    """From then on it is deleted."""
    warm_until: Time
    """From then on it is kept at zero replicas."""


class Blocked(RevisionStatus):
    """A version that was taken back. It gets no traffic until a Retry."""

    attempt: AttemptNumber
    stage: Annotated[str, Field(max_length=63)] = ""
    """The stage it was in; empty if in none."""
    cause: RollbackCause
    at: Time
    by: Line = ""
    message: Text = ""
    evidence: Text = ""


class AATestStatus(StatusModel):
    """The last A/A test: which version was set against a copy of itself, and what came of it. No `outcome`: it is under way."""

    attempt: AttemptNumber
    revision: RevisionName
    version: Line
    by: Line
    started: Time
    ended: Time | None = None
    outcome: AATestOutcome | None = None
    stage: Annotated[str, Field(max_length=63)] = ""
    """The stage in which it ended."""
    cause: RollbackCause | None = None
    message: Text = ""


class AIModelStatus(StatusModel):
    """The state of one model. `decide` returns the whole next one."""

    observed_generation: Count = 0
    phase: Phase = Phase.PENDING
    phase_since: Time | None = None
    """None in a status written before this was recorded."""
    live: Line = ""
    candidate_version: Line = ""
    stage: Line = ""
    traffic_summary: Line = ""
    verdict: Line = ""
    tier: Line = ""
    risk_tier: RiskStatus | None = None
    tier_lowering: TierLoweringStatus | None = None
    """None for a model that declares no tier below the table's."""
    use_case: UseCaseStatus | None = None
    vendor: VendorStatus | None = None
    stable: StableStatus | None = None
    candidate: CandidateStatus | None = None
    traffic: TrafficStatus = TrafficStatus()
    failover: FailoverStatus | None = None
    past: Annotated[tuple[PastStatus, ...], Field(max_length=10, json_schema_extra=list_map("revision"))] = ()
    blocked: Annotated[tuple[Blocked, ...], Field(max_length=10, json_schema_extra=ATOMIC)] = ()
    latches: Annotated[tuple[Latch, ...], Field(max_length=32, json_schema_extra=ATOMIC)] = ()
    technical_owners: Annotated[tuple[Line, ...], Field(max_length=8, json_schema_extra=ATOMIC)] = ()
    """Who was technical owner since the last version went live, the present one last. None of them reviews the next version."""
    taken_up: Annotated[tuple[ObjectName, ...], Field(max_length=64, json_schema_extra=ATOMIC)] = ()
    """Interventions already acted upon, newest last."""
    attempts: Count = 0
    """Attempts of this model so far: the newest attempt's number."""
    retries: Annotated[dict[str, Count], Field(max_length=10, default_factory=dict)]
    """Retries used, by revision."""
    paused: Latch | None = None
    aa_test: AATestStatus | None = None
    drift: DriftStatus | None = None
    drift_heard: Time | None = None
    """Up to which word of `drift` the operator has told people and done what was asked."""
    audit: AuditHead | None = None
    """Up to which entry the model's audit chain was seen to be stored."""
    pending_audit: Annotated[tuple[AuditRecord, ...], Field(max_length=MOST_PENDING, json_schema_extra=ATOMIC)] = ()
    """Decisions that are not known to be stored in the chain yet."""
    omitted_audit: Count = 0
    """Decisions that found no room in `pendingAudit` while nothing could be stored: the chain tells their number."""
    conditions: Annotated[tuple[Condition, ...], Field(max_length=16, json_schema_extra=list_map("type"))] = ()
