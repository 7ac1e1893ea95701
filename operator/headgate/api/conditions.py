"""Kubernetes conditions: kstatus' three, and those of Headgate."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from headgate.api.base import Count, StatusModel, Time
from headgate.api.reasons import Reason


class ConditionType(StrEnum):
    """Reconciling and Stalled are there only while true, EvidenceSufficient only while false, Observing only where a model with a candidate
    asks for it."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    SERVING = "Serving"
    APPROVED = "Approved"
    ANALYSIS_PASSING = "AnalysisPassing"
    EVIDENCE_SUFFICIENT = "EvidenceSufficient"
    OBSERVING = "Observing"
    TRAFFIC_SHIFTED = "TrafficShifted"
    GOVERNANCE_ENFORCED = "GovernanceEnforced"


class Condition(StatusModel):
    """One aspect of the state, for people and for tools that wait."""

    type: ConditionType
    status: Literal["True", "False", "Unknown"]
    reason: Reason
    message: Annotated[str, Field(max_length=1024)] = ""
    observed_generation: Count = 0
    last_transition_time: Time


def carry_over(wanted: tuple[Condition, ...], before: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """`wanted` with the earlier transition time wherever the status of a condition did not change."""
    since: dict[tuple[ConditionType, str], datetime] = {(c.type, c.status): c.last_transition_time for c in before}
    return tuple(c.model_copy(update={"last_transition_time": since.get((c.type, c.status), c.last_transition_time)}) for c in wanted)
