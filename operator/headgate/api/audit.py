"""What the audit keeps of a decision. A record waits in status until it is stored as an entry of the model's chain."""

from typing import Annotated

from pydantic import Field

from headgate.api.base import ATOMIC, Count, Digest, Line, RevisionName, StatusModel, Text, Time
from headgate.api.vocabulary import Metric, Verdict

MOST_PENDING = 16


class MeasuredCheck(StatusModel):
    """One check as the judge had counted it when the decision was made."""

    metric: Metric
    verdict: Verdict
    candidate_events: Count = 0
    candidate_requests: Count = 0
    stable_events: Count = 0
    stable_requests: Count = 0


class Measured(StatusModel):
    """What a decision rests on: which counters were asked for, over which time, and what they said."""

    verdict: Verdict
    query: Annotated[str, Field(max_length=2048)] = ""
    """The selector of the counters, as PromQL, narrowed to this model."""
    since: Time | None = None
    """When the attempt began: counts are those of one attempt."""
    until: Time | None = None
    """Time of the newest sample."""
    checks: Annotated[tuple[MeasuredCheck, ...], Field(max_length=8, json_schema_extra=ATOMIC)] = ()


class TrafficRecord(StatusModel):
    """Who got how many thousandths of the users before and after, and of how many requests the candidate gets copies since."""

    before: Annotated[dict[str, Count], Field(max_length=4)]
    after: Annotated[dict[str, Count], Field(max_length=4)]
    mirrored: Annotated[dict[str, Count], Field(max_length=1)]


class AuditRecord(StatusModel):
    """One thing that was decided. `what` is a Reason or a DecisionKind, or one of the words that only the audit has."""

    time: Time
    attempt: Count = 0
    what: Line
    why: Text = ""
    by: Line
    """The person who decided, or `headgate`."""
    approval: Annotated[str, Field(max_length=253)] = ""
    """Name of the GovernanceApproval by which a person decided."""
    version: Line = ""
    revision: RevisionName | None = None
    subject: Digest | None = None
    stage: Annotated[str, Field(max_length=63)] = ""
    traffic: TrafficRecord | None = None
    measured: Measured | None = None


class AuditHead(StatusModel):
    """The newest stored entry of the model's chain."""

    sequence: Count
    hash: Digest
    segment: Count
    """Number of the segment that holds it."""
