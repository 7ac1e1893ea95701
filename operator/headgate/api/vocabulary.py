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


class Phase(StrEnum):
    """Where a model stands between a new version being asked for and users getting it."""

    PENDING = "Pending"
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


class Profile(StrEnum):
    """Whose counters are read: the gateway's own per version, or the model server's own."""

    ENVOY_GATEWAY = "envoy-gateway"
    HTTP = "http"


class Gate(StrEnum):
    """The points at which people decide."""

    DEPLOYMENT = "Deployment"


class Role(StrEnum):
    """In which capacity a person approves. automated-checks is computed from the shadow verdict, never given by a person."""

    TECHNICAL_VALIDATION = "technical-validation"
    FAIRNESS_AUDIT = "fairness-audit"
    SECURITY_REVIEW = "security-review"
    LEGAL_APPROVAL = "legal-approval"
    EXECUTIVE_SPONSOR = "executive-sponsor"
    AUTOMATED_CHECKS = "automated-checks"


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


class Mode(StrEnum):
    """Whether the judge of evidence decides (Enforce), or only reports what it would have done (Observe)."""

    ENFORCE = "Enforce"
    OBSERVE = "Observe"


class Leave(StrEnum):
    """What a policy lets a model's team choose."""

    ALLOWED = "Allowed"
    FORBIDDEN = "Forbidden"


class RollbackCause(StrEnum):
    """Why traffic was taken off a candidate."""

    GUARD = "Guard"
    POD_GUARD = "PodGuard"
    MISSING_ANSWERS = "MissingAnswers"
    EVIDENCE_ERRORS = "Evidence/errors"
    EVIDENCE_LATENCY = "Evidence/latency"
    EVIDENCE_REJECTIONS = "Evidence/rejections"
    FAIRNESS = "Fairness"
    DEADLINE = "Deadline"
    HALT = "Halt"
    ROLLBACK = "Rollback"
    REJECTED = "Rejected"
    CANCELLED = "Cancelled"
    SUPERSEDED = "Superseded"
