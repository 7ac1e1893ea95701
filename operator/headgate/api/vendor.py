"""A model that somebody else makes: who, how they were evaluated, what they promised, what they announced, and how it answers."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from headgate.api.base import ATOMIC, Count, Digest, Line, Model, RevisionName, StatusModel, Text, Time, rules
from headgate.api.digests import sha256
from headgate.api.quantities import Duration, Margin, Milliseconds, Probability, Unit
from headgate.api.replay import Comparison, GoldenSet, Replay
from headgate.api.vocabulary import VendorCriterion

Day = date
"""A day of the calendar: contracts count in days."""


class Rating(StrEnum):
    """How much risk one answer of the vendor leaves, from 1 (Low) to 4 (Critical)."""

    LOW = "Low"
    MEDIUM = "Medium"
    HIGH = "High"
    CRITICAL = "Critical"

    @property
    def score(self) -> int:
        return list(Rating).index(self) + 1


class Ratings(Model):
    """One rating for each criterion. What is left out is not rated, and never taken for good."""

    training_data: Rating | None = None
    """Whose data it learnt from, and by which right."""
    documentation: Rating | None = None
    """Model card, known limits, intended use."""
    bias_testing: Rating | None = None
    """Tests for differences between groups, and their results."""
    security: Rating | None = None
    """Of the service and of the model itself: access, attacks, supply chain."""
    data_protection: Rating | None = None
    """What happens to the data that is sent to it."""
    performance: Rating | None = None
    """Evidence for accuracy and latency on data like yours."""
    incident_response: Rating | None = None
    """How fast the vendor tells and repairs."""
    change_management: Rating | None = None
    """Notice before the model changes, and the right to defer."""
    continuity: Rating | None = None
    """Of the vendor and of the service: exit, export, transition."""
    liability: Rating | None = None
    """Who pays for harm."""
    compliance: Rating | None = None
    """Support for your duties under the law."""
    audit_rights: Rating | None = None
    """What you may look at."""

    def of(self, criterion: VendorCriterion) -> Rating | None:
        return {
            VendorCriterion.TRAINING_DATA: self.training_data,
            VendorCriterion.DOCUMENTATION: self.documentation,
            VendorCriterion.BIAS_TESTING: self.bias_testing,
            VendorCriterion.SECURITY: self.security,
            VendorCriterion.DATA_PROTECTION: self.data_protection,
            VendorCriterion.PERFORMANCE: self.performance,
            VendorCriterion.INCIDENT_RESPONSE: self.incident_response,
            VendorCriterion.CHANGE_MANAGEMENT: self.change_management,
            VendorCriterion.CONTINUITY: self.continuity,
            VendorCriterion.LIABILITY: self.liability,
            VendorCriterion.COMPLIANCE: self.compliance,
            VendorCriterion.AUDIT_RIGHTS: self.audit_rights,
        }[criterion]


class VendorSla(Model):
    """What the contract promises, literally. Left out, a number is that of the usual contract."""

    accuracy: Probability = Probability(0.85)
    """Share of right answers."""
    p95: Annotated[Milliseconds, Field(json_schema_extra={"default": "200ms"})] = Margin(200, Unit.MILLISECONDS)
    p99: Annotated[Milliseconds, Field(json_schema_extra={"default": "500ms"})] = Margin(500, Unit.MILLISECONDS)
    uptime: Probability = Probability(0.995)
    tolerance: Probability = Probability(0.02)
    """By how much a shortfall must be certain to be one."""
    quarters: Annotated[int, Field(ge=1, le=8)] = 2
    """After so many violated quarters in a row credits are due."""


class Change(StrEnum):
    """What a vendor changes. The contract asks for 60 days of notice before a Material one, and for 48 hours before a Security one."""

    MATERIAL = "Material"
    SECURITY = "Security"


_BACKWARDS = "a change takes effect on the day of its notice or later: effective must not be before date"


class ChangeNotice(Model):
    """A change that the vendor announced."""

    model_config = ConfigDict(json_schema_extra=rules(("self.effective >= self.date", _BACKWARDS)))

    date: Day
    """Of the notice."""
    effective: Day
    """When the change takes effect."""
    what: Annotated[str, Field(min_length=1, max_length=256)]
    kind: Change = Change.MATERIAL
    noticed: Day | None = None
    """When the notice reached you, if later than its date: notice counts from then."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.effective < self.date:
            raise ValueError(_BACKWARDS)
        return self

    @property
    def received(self) -> Day:
        """From when on there was notice."""
        return max(self.date, self.noticed or self.date)


_UNPINNED = "probes.digest is required: without it, another file could pass for the answers that the vendor gave"
_TOO_OFTEN = "interval must be 10m or longer: a run may take that long until it is given up"


class Fingerprint(Model):
    """Requests with the answers that the vendor's model gave when it was approved. They are sent again and again to the live version; other
    answers mean that the model behind it is another one."""

    model_config = ConfigDict(
        json_schema_extra=rules(("has(self.probes.digest)", _UNPINNED), ("self.interval >= duration('10m')", _TOO_OFTEN))
    )

    probes: GoldenSet
    """Like a golden set; each line has `answer`, the answer as it was. `kubectl headgate fingerprint` records it."""
    path: Annotated[str, Field(pattern=r"^/[^\s]*$", max_length=1024)] = "/"
    """Of requests that name none."""
    compare: Annotated[tuple[Comparison, ...], Field(min_length=1, max_length=8, json_schema_extra=ATOMIC)]
    """What of the answers stays the same as long as the model does, and how exactly."""
    interval: Duration = Duration(3600)
    request_timeout: Duration = Duration(10)

    @model_validator(mode="after")
    def _pinned(self) -> Self:
        if self.probes.digest is None:
            raise ValueError(_UNPINNED)
        if self.interval < 600:
            raise ValueError(_TOO_OFTEN)
        return self

    @property
    def asked(self) -> Replay:
        """The comparison with the recorded answers."""
        return Replay(golden_set=self.probes, path=self.path, compare=self.compare, request_timeout=self.request_timeout)

    @property
    def digest(self) -> str:
        """Of what is asked, and not of how often."""
        return sha256({"fingerprint": self.asked.digest})


class Vendor(Model):
    """The model, or what answers for it, is somebody else's."""

    name: Annotated[str, Field(min_length=1, max_length=128)]
    product: Annotated[str, Field(min_length=1, max_length=128)]
    evaluation: Ratings | None = None
    """Part of what the UseCase gate is about."""
    sla: VendorSla = VendorSla()
    change_notices: Annotated[tuple[ChangeNotice, ...], Field(max_length=32, json_schema_extra=ATOMIC)] = ()
    fingerprint: Fingerprint | None = None


class Recommendation(StrEnum):
    """What the evaluation comes to."""

    APPROVED = "APPROVED"
    WITH_CONDITIONS = "WITH_CONDITIONS"
    REQUIRES_REMEDIATION = "REQUIRES_REMEDIATION"
    REJECTED = "REJECTED"


class FingerprintState(StrEnum):
    """What the last answers to the probes say."""

    AS_EXPECTED = "AsExpected"
    ANNOUNCED_CHANGE = "AnnouncedChange"
    UNANNOUNCED_CHANGE = "UnannouncedChange"


class FingerprintStatus(StatusModel):
    """The last answers to the probes. `state` is None before there are some."""

    asked: Digest
    """Of spec.vendor.fingerprint as it was asked."""
    revision: RevisionName
    state: FingerprintState | None = None
    since: Time
    """Since when it is so."""
    unchanged_since: Time | None = None
    """Since when the answers had been as expected before they changed."""
    requests: Count = 0
    alike: Count = 0
    message: Text = ""
    problem: Text = ""
    """Why the newest run gave no result; the state is that of the one before."""


class NoticeStatus(StatusModel):
    """How much notice was given of a change, against what the contract asks for."""

    what: Line
    effective: Day
    given: Line
    agreed: Line
    late: bool = False
    deferrable_until: Day | None = None


class VendorStatus(StatusModel):
    """What is known of the vendor's model."""

    recommendation: Recommendation | None = None
    score: Annotated[str, Field(max_length=8)] = ""
    """Weighted, 1.00 to 4.00; empty if something is not rated."""
    reasons: Annotated[tuple[Line, ...], Field(max_length=16, json_schema_extra=ATOMIC)] = ()
    notices: Annotated[tuple[NoticeStatus, ...], Field(max_length=8, json_schema_extra=ATOMIC)] = ()
    """The newest eight."""
    fingerprint: FingerprintStatus | None = None
