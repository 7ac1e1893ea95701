"""The closed vocabularies of the three resources: each word is defined here once, and used by specs, status, metrics and docs."""

from enum import StrEnum


class Tier(StrEnum):
    """How much harm a wrong decision of the model can do. Gates list their roles by tier."""

    LOW = "Low"
    MEDIUM = "Medium"
    HIGH = "High"

    def exceeds(self, other: "Tier") -> bool:
        ranks = list(Tier)
        return ranks.index(self) > ranks.index(other)


class Risk(StrEnum):
    """What the classification of a model comes to: a Tier, or Prohibited, which nobody can approve."""

    LOW = "Low"
    MEDIUM = "Medium"
    HIGH = "High"
    PROHIBITED = "Prohibited"

    @property
    def tier(self) -> Tier | None:
        """None for what is prohibited."""
        return None if self is Risk.PROHIBITED else Tier(self.value)

    @property
    def rank(self) -> int:
        return list(Risk).index(self)


class DecisionType(StrEnum):
    """How far the model decides by itself. HumanInTheLoop: a person makes each decision. HumanOnTheLoop: the model decides, a person
    watches and may step in. Automated: nobody does."""

    AUTOMATED = "Automated"
    HUMAN_ON_THE_LOOP = "HumanOnTheLoop"
    HUMAN_IN_THE_LOOP = "HumanInTheLoop"


class Phase(StrEnum):
    """Where a model stands between a new version being asked for and users getting it."""

    PENDING = "Pending"
    DENIED = "Denied"
    AWAITING_USE_CASE = "AwaitingUseCase"
    PREPARING = "Preparing"
    SHADOW = "Shadow"
    AWAITING_DEPLOYMENT = "AwaitingDeployment"
    CANARY = "Canary"
    FULL = "Full"
    LIVE = "Live"
    FROZEN = "Frozen"
    ROLLING_BACK = "RollingBack"
    ROLLED_BACK = "RolledBack"


class Verdict(StrEnum):
    """What the evidence says of a candidate. Only Pass promotes, only Fail rolls back."""

    PASS = "Pass"
    FAIL = "Fail"
    INCONCLUSIVE = "Inconclusive"
    NO_DATA = "NoData"
    SOURCE_DOWN = "SourceDown"
    NOT_MEASURABLE = "NotMeasurable"


class Metric(StrEnum):
    """What a check or guard looks at."""

    ERRORS = "errors"
    REJECTIONS = "rejections"
    LATENCY = "latency"
    POD_FAILURES = "podFailures"
    VALUE = "value"
    CONVERSIONS = "conversions"


SUMMED = (Metric.VALUE, Metric.CONVERSIONS)
"""What only the model itself can count: a sum and how many answers it is of. A conversion is a value of 0 or 1."""


class Profile(StrEnum):
    """Whose counters are read: the gateway's own per version, or the model server's own."""

    ENVOY_GATEWAY = "envoy-gateway"
    HTTP = "http"


class Gate(StrEnum):
    """The points at which people decide: whether there should be such a model at all, whether this version may have users, from time to
    time whether there should still be such a model, and whether it is less risky than the classification table says."""

    USE_CASE = "UseCase"
    DEPLOYMENT = "Deployment"
    CONTINUATION = "Continuation"
    TIER_LOWERING = "TierLowering"


class OnExpiry(StrEnum):
    """What happens to a live model whose use case is no longer approved. Freeze: no new rollouts. Alert: it is told. Rollback: the earlier
    live version comes back, if one is kept; else as Freeze."""

    FREEZE = "Freeze"
    ALERT = "Alert"
    ROLLBACK = "Rollback"


class LiteracyRule(StrEnum):
    """What it means at a gate that a person's knowledge about AI was assessed as too little, or not at all. Required: their approvals do
    not count. Shown: people see it there."""

    REQUIRED = "Required"
    SHOWN = "Shown"


class Piece(StrEnum):
    """What a policy may require in writing before a gate opens."""

    OWNERS = "Owners"
    """Business, technical and operations owner."""
    REQUIREMENTS = "Requirements"
    """The requirements document with all five sections."""
    LINEAGE = "Lineage"
    """From data to the served artifact, each output the input of the next step."""
    PINNED_IMAGES = "PinnedImages"
    """Every image by digest."""


class Role(StrEnum):
    """In which capacity a person approves. automated-checks is computed from the shadow verdict, never given by a person."""

    TECHNICAL_VALIDATION = "technical-validation"
    FAIRNESS_AUDIT = "fairness-audit"
    SECURITY_REVIEW = "security-review"
    LEGAL_APPROVAL = "legal-approval"
    EXECUTIVE_SPONSOR = "executive-sponsor"
    BUSINESS_OWNER = "business-owner"
    RISK_REVIEW = "risk-review"
    AUTOMATED_CHECKS = "automated-checks"


class VendorCriterion(StrEnum):
    """What the vendor of a model is evaluated by: how it was built, how it is run, and what the contract says."""

    TRAINING_DATA = "trainingData"
    DOCUMENTATION = "documentation"
    BIAS_TESTING = "biasTesting"
    SECURITY = "security"
    DATA_PROTECTION = "dataProtection"
    PERFORMANCE = "performance"
    INCIDENT_RESPONSE = "incidentResponse"
    CHANGE_MANAGEMENT = "changeManagement"
    CONTINUITY = "continuity"
    LIABILITY = "liability"
    COMPLIANCE = "compliance"
    AUDIT_RIGHTS = "auditRights"


class DecisionKind(StrEnum):
    """What a person decides in a GovernanceApproval. The first three concern a gate, the others one attempt of one revision."""

    APPROVE = "Approve"
    REJECT = "Reject"
    REVOKE = "Revoke"
    HALT = "Halt"
    ROLLBACK = "Rollback"
    PAUSE = "Pause"
    RESUME = "Resume"
    PROMOTE = "Promote"
    RETRY = "Retry"
    AA_TEST = "AATest"
    BREAK_GLASS = "BreakGlass"


GATE_DECISIONS = frozenset({DecisionKind.APPROVE, DecisionKind.REJECT, DecisionKind.REVOKE})


class StandIn(StrEnum):
    """Who answers users while the stable version cannot."""

    CANDIDATE = "Candidate"
    FALLBACK = "Fallback"


class OnDeadline(StrEnum):
    """What happens to a candidate whose stage ran out of time without proof of being good."""

    ROLLBACK = "Rollback"
    HOLD = "Hold"
    ASK_PROMOTE = "AskPromote"


class AlertAction(StrEnum):
    """What a firing alert does to a candidate: it does not rise, or it loses its traffic."""

    HOLD = "Hold"
    ROLL_BACK = "RollBack"


class Mode(StrEnum):
    """Whether the judge of evidence decides (Enforce), or only reports what it would have done (Observe)."""

    ENFORCE = "Enforce"
    OBSERVE = "Observe"


class Leave(StrEnum):
    """What a policy lets a model's team choose."""

    ALLOWED = "Allowed"
    FORBIDDEN = "Forbidden"


class AATestOutcome(StrEnum):
    """How an A/A test ended. Passed: every stage was proven good. Alarm: a rollout of this version would have been taken back.
    Undecided: a stage ran out of time. Stopped: by people, or because the model needed something else."""

    PASSED = "Passed"
    ALARM = "Alarm"
    UNDECIDED = "Undecided"
    STOPPED = "Stopped"


class RollbackCause(StrEnum):
    """Why traffic was taken off a candidate."""

    GUARD = "Guard"
    POD_GUARD = "PodGuard"
    MISSING_ANSWERS = "MissingAnswers"
    EVIDENCE_ERRORS = "Evidence/errors"
    EVIDENCE_LATENCY = "Evidence/latency"
    EVIDENCE_REJECTIONS = "Evidence/rejections"
    EVIDENCE_VALUE = "Evidence/value"
    EVIDENCE_CONVERSIONS = "Evidence/conversions"
    FAIRNESS = "Fairness"
    ALERT = "Alert"
    DEADLINE = "Deadline"
    HALT = "Halt"
    ROLLBACK = "Rollback"
    REJECTED = "Rejected"
    CANCELLED = "Cancelled"
    SUPERSEDED = "Superseded"
    TEST_OVER = "TestOver"
    PROHIBITED = "Prohibited"
    EXPIRED = "Expired"
    DRIFT = "Drift"
