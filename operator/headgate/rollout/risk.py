"""The risk of a model as its decisions see it: what keeps a version from starting, and what takes one off."""

from headgate.api.gate_status import RiskStatus
from headgate.api.policy import RolloutPolicySpec
from headgate.api.reasons import Reason
from headgate.api.vocabulary import Tier
from headgate.governance.classification import RiskReading, assess
from headgate.rollout.lowering import asked_to_lower, consent_in
from headgate.rollout.snapshot import Problem, Snapshot

_UNREAD = RiskReading(None, ("the spec cannot be read",), classified=False)


def risk_of(snapshot: Snapshot) -> RiskReading:
    """Of the spec as it is now, and of what people say to a tier that it declares below the table's."""
    if snapshot.spec is None:
        return _UNREAD
    reading = assess(snapshot.spec.classification, snapshot.table)
    # Most models declare none, and this is asked many times in one decision.
    asked = asked_to_lower(snapshot) if reading.lowering is not None else None
    return reading if asked is None else assess(snapshot.spec.classification, snapshot.table, consent_in(asked.gate))


def tier_of(snapshot: Snapshot) -> Tier | None:
    """None where no approval helps: unknown, or prohibited."""
    return risk_of(snapshot).tier


def obstacle(snapshot: Snapshot, policy: RolloutPolicySpec | None = None) -> Problem | None:
    """Why the risk lets no version of the model start, under `policy` if one is given; None if it does."""
    return obstacle_in(risk_of(snapshot), policy)


def obstacle_in(risk: RiskReading, policy: RolloutPolicySpec | None = None) -> Problem | None:
    """As `obstacle`, of a risk that is known already."""
    if risk.prohibited:
        return Problem(Reason.PROHIBITED, risk.words)
    if risk.tier is None:
        return Problem(Reason.TIER_UNKNOWN, risk.words)
    if policy is not None and policy.gates.use_case is not None and not risk.classified:
        return Problem(Reason.TIER_UNKNOWN, f"the policy asks for an approved use case, so a declared tier is not enough: {risk.words}")
    return None


def start_obstacle_in(risk: RiskReading, policy: RolloutPolicySpec | None = None) -> Problem | None:
    """As `obstacle_in`, for a version that does not run yet. An understated tier ends nothing that runs: a new table, or the first operator
    that has one, must not take users off versions that were approved at the declared tier."""
    problem = obstacle_in(risk, policy)
    return Problem(Reason.TIER_UNKNOWN, risk.understated) if problem is None and risk.understated else problem


def risk_status(risk: RiskReading) -> RiskStatus:
    """What people see of it."""
    return RiskStatus(
        tier=risk.risk,
        reasons=risk.reasons[:16],
        table_version=risk.table_version,
        controls=risk.controls,
        documents=risk.documents,
    )
