"""What is watched of a live model: what it sees and says, how well it does, who looks at its decisions, and by which rules."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from headgate.api.base import ATOMIC, METRIC_NAME, PLACE_LABELS, Digest, MetricLabel, Model, ObjectName, each_once, list_map, rules
from headgate.api.drift import ORDER_OF_LIMITS, DistanceLimits, DriftGauges
from headgate.api.quantities import Duration, Margin, PointsMargin, Probability, Unit
from headgate.api.responses import DriftResponses
from headgate.api.retraining import Retraining
from headgate.api.scorecard import Scorecard

FEATURE_LABEL = "feature"
"""Where a counter carries this label, only the series whose label is the feature's name count for it."""
PREDICTIONS = "predictions"
"""The name that the model's own answers have among features."""

_METRIC = Annotated[str, Field(pattern=METRIC_NAME, max_length=120)]
_NAME = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$", min_length=1, max_length=63)]
_VALUE = Annotated[str, Field(min_length=1, max_length=64)]
_VALUES = Annotated[tuple[_VALUE, ...], Field(min_length=1, max_length=16, json_schema_extra=ATOMIC)]

_ONE_KIND = "give histogram (for numbers) or counter (for categories), and not both"
_TAKEN = "label must not be one by which pods, features or buckets are told apart"
_NOT_LABELS = (*PLACE_LABELS, FEATURE_LABEL, "le")


class Watched(Model):
    """One distribution, by a metric that the model's pods export. histogram: its name without `_bucket`. counter: with one series for each
    value of `label`."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("has(self.histogram) != has(self.counter)", _ONE_KIND), (f"!has(self.label) || !(self.label in {list(_NOT_LABELS)})", _TAKEN)
        )
    )

    histogram: _METRIC | None = None
    counter: _METRIC | None = None
    label: MetricLabel = "value"

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.histogram is None) is (self.counter is None):
            raise ValueError(_ONE_KIND)
        if self.label in _NOT_LABELS:
            raise ValueError(_TAKEN)
        return self


class Feature(Watched):
    """One input of the model."""

    name: _NAME


class Reference(Model):
    """What the distributions should look like: a ConfigMap of the model's namespace, written by `kubectl headgate reference`, and the
    digest of what it holds. It does not move."""

    config_map: ObjectName
    digest: Digest


class PinnedBaseline(Model):
    """The share of cases that went well when the model was approved, and of how many labels. Without labels it is a promise."""

    share: Probability
    labels: Annotated[int, Field(ge=1, le=2_147_483_647)] | None = None


class Performance(Model):
    """How often the model was right, by a counter of cases whose truth is known by now."""

    counter: _METRIC = "headgate_labelled_total"
    label: MetricLabel = "correct"
    good: _VALUES = ("true",)
    """Values of the label that count as right."""
    baseline: PinnedBaseline
    label_lag: Duration = Duration(86_400)
    """How long after a decision its truth is known: a day's labels are about decisions of so long before."""
    recent_days: Annotated[int, Field(ge=1, le=28)] = 7
    """The loss is that of so many last days."""
    segment: MetricLabel | None = None
    """A label that tells segments of users apart, each compared with the same baseline."""


class WorthWatched(Model):
    """What its answers are worth, by a summary of the model (`_sum` and `_count`), beside what was planned."""

    summary: _METRIC = "headgate_value"
    planned_per_year: Annotated[int, Field(ge=1, le=1_000_000_000_000)] | None = None
    """In the unit of the summary."""


class Monitoring(Model):
    """What `headgate monitor` watches of the live version."""

    interval: Duration = Duration(300)
    """How often it is judged, at the least."""
    window: Duration = Duration(86_400)
    """What is compared with the reference: the last day, or so. Shorter than a day it will find the time of day."""
    reference: Reference | None = None
    features: Annotated[tuple[Feature, ...], Field(max_length=50, json_schema_extra=list_map("name")), each_once("name")] = ()
    predictions: Watched | None = None
    drift_gauges: DriftGauges | None = None
    performance: Performance | None = None
    value: WorthWatched | None = None
    scorecard: Scorecard | None = None
    """Scored at each look, from 0 to 1."""
    retraining: Retraining | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if any(feature.name == PREDICTIONS for feature in self.features):
            raise ValueError(f"a feature cannot be called {PREDICTIONS}: that name is the model's answers'")
        return self


class Reviewers(StrEnum):
    """Aggregated: nobody is told apart. Hashed: by a hash of the label, to see how many change nothing; it is data about staff."""

    AGGREGATED = "Aggregated"
    HASHED = "Hashed"


class Oversight(Model):
    """Whether people who review its decisions do so, by counters of the application that they work with."""

    reviews: _METRIC = "headgate_human_review_total"
    outcome_label: MetricLabel = "outcome"
    changed: _VALUES = ("changed",)
    """Values of the outcome that say the reviewer decided otherwise."""
    reviewer_label: MetricLabel = "reviewer"
    reviewers: Reviewers = Reviewers.AGGREGATED
    seeded: _METRIC = "headgate_review_seeded_total"
    """Errors that were put among the cases, by outcome."""
    found: _VALUES = ("found",)
    routed: _METRIC = "headgate_review_routed_total"
    """Cases, by who decides."""
    route_label: MetricLabel = "route"
    automatic: _VALUES = ("automatic",)
    """Routes of cases that nobody looks at, and"""
    audited: _VALUES = ("audit",)
    """of those that were drawn for a look although the model decided them."""
    window_days: Annotated[int, Field(ge=7, le=91)] = 28
    min_override_rate: Probability = Probability(0.02)
    min_audit_share: Probability = Probability(0.05)
    min_seeded_found: Probability = Probability(0.8)


class LossLimits(Model):
    """The same for points lost of the pinned baseline."""

    drifting: PointsMargin = Margin(3, Unit.POINTS)
    violated: PointsMargin = Margin(5, Unit.POINTS)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.drifting.value > self.violated.value:
            raise ValueError(ORDER_OF_LIMITS)
        return self


class MonitoringRules(Model):
    """By which limits live models are watched. alpha: the expected share of false ones among what is called drifting."""

    alpha: Probability = Probability(0.05)
    drift: DistanceLimits = DistanceLimits()
    loss: LossLimits = LossLimits()
    fairness_days: Annotated[int, Field(ge=1, le=91)] = 28
    """Decisions of so many last days are looked at for triggers.fairness, where the policy has it."""
    responses: DriftResponses | None = None
    """What follows. Left out: the usual table."""
