"""Kubernetes conditions: kstatus' three, and those of Headgate."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from headgate.api.base import Count, StatusModel, Time
from headgate.api.reasons import Reason


class ConditionType(StrEnum):
    """Reconciling, Stalled and TrafficBypass are there only while true, EvidenceSufficient only while false, Observing only where a model
    with a candidate asks for it, UseCaseApproved only where the policy asks for an approved use case, VendorModelUnchanged only where
    the model has a fingerprint."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    SERVING = "Serving"
    APPROVED = "Approved"
    USE_CASE_APPROVED = "UseCaseApproved"
    ANALYSIS_PASSING = "AnalysisPassing"
    EVIDENCE_SUFFICIENT = "EvidenceSufficient"
    OBSERVING = "Observing"
    TRAFFIC_SHIFTED = "TrafficShifted"
    VENDOR_MODEL_UNCHANGED = "VendorModelUnchanged"
    GOVERNANCE_ENFORCED = "GovernanceEnforced"
    TRAFFIC_BYPASS = "TrafficBypass"
    DRIFT_WITHIN_LIMITS = "DriftWithinLimits"
    OVERSIGHT_EFFECTIVE = "OversightEffective"
    VENDOR_WITHIN_SLA = "VendorWithinSLA"


WATCHED = frozenset({ConditionType.DRIFT_WITHIN_LIMITS, ConditionType.OVERSIGHT_EFFECTIVE, ConditionType.VENDOR_WITHIN_SLA})
"""Conditions that `headgate monitor` writes. The operator neither writes nor reads them."""


class Condition(StatusModel):
    """One aspect of the state, for people and for tools that wait."""

    type: ConditionType
    status: Literal["True", "False", "Unknown"]
    reason: Reason
    message: Annotated[str, Field(max_length=1024)] = ""
    observed_generation: Count = 0
    last_transition_time: Time


def condition(before: Condition | None, now: datetime, **wanted: Any) -> Condition:
    """The condition with the fields of `wanted` (all but the transition time) at `now`. `before`: the present one of its type. As long as
    the status of a condition does not change it has its transition time, and one that says the same is the same object."""
    if before is None or before.status != wanted["status"]:
        return Condition(last_transition_time=now, **wanted)
    if all(getattr(before, name) == value for name, value in wanted.items()):
        return before
    return Condition(last_transition_time=before.last_transition_time, **wanted)
