"""Drift: from where on a distance is one, and gauges of products that measure it already."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from headgate.api.base import ATOMIC, METRIC_NAME, MetricLabel, Model, rules
from headgate.api.quantities import Duration, Probability

ORDER_OF_LIMITS = "drifting must not be above violated"


class DistanceLimits(Model):
    """From where on a distance is Drifting, and Violated; each inclusive."""

    model_config = ConfigDict(json_schema_extra=rules(("double(self.drifting) <= double(self.violated)", ORDER_OF_LIMITS)))

    drifting: Probability = Probability(0.1)
    violated: Probability = Probability(0.2)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.drifting > self.violated:
            raise ValueError(ORDER_OF_LIMITS)
        return self


class DriftProfile(StrEnum):
    """Whose gauges they are. TrustyAI and the monitoring service of Evidently (up to 0.6) have names of their own. NannyML writes to files
    and databases and exports none: whoever brings its results to Prometheus chooses the names, as for Custom."""

    TRUSTYAI = "TrustyAI"
    EVIDENTLY = "Evidently"
    NANNYML = "NannyML"
    CUSTOM = "Custom"


class GaugeReads(StrEnum):
    """What the number is. PValue: small where something drifts. Distance: large where something drifts."""

    P_VALUE = "PValue"
    DISTANCE = "Distance"


_NAMELESS = "profiles NannyML and Custom have no names of their own: give metrics, modelLabel and featureLabel"
_NO_LIMITS = "limits are for distances: a p-value is held against monitoring.alpha of the policy"


class DriftGauges(Model):
    """Drift that another product measures, read from its gauges in the model's namespace, in addition to what `features` count."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "self.profile in ['TrustyAI', 'Evidently'] || "
                "(has(self.metrics) && size(self.metrics) > 0 && has(self.modelLabel) && has(self.featureLabel))",
                _NAMELESS,
            ),
            ("!has(self.limits) || self.reads == 'Distance'", _NO_LIMITS),
        )
    )

    profile: DriftProfile
    reads: GaugeReads
    """One product gives both under one name: TrustyAI's Java service a p-value, its Python service the statistic."""
    metrics: Annotated[
        tuple[Annotated[str, Field(pattern=METRIC_NAME, max_length=120)], ...], Field(max_length=8, json_schema_extra=ATOMIC)
    ] = ()
    """Left out: those of the profile."""
    model_label: MetricLabel | None = None
    """Names the model. Left out: that of the profile."""
    model: Annotated[str, Field(min_length=1, max_length=253)] | None = None
    """What it is called there. Left out: the name of the AIModel."""
    feature_label: MetricLabel | None = None
    """Names the feature. Left out: that of the profile."""
    revision_label: MetricLabel | None = None
    """Names the revision, where the gauges tell revisions apart: those of the live one count. Left out: all count."""
    limits: DistanceLimits | None = None
    """Of a distance. Left out: those of the policy."""
    max_age: Duration = Duration(86_400)
    """How often it changes, at the least. One that stands still for longer is never within its limits: nobody may be computing it."""

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        named = self.metrics and self.model_label and self.feature_label
        if self.profile in (DriftProfile.NANNYML, DriftProfile.CUSTOM) and not named:
            raise ValueError(_NAMELESS)
        if self.limits is not None and self.reads is not GaugeReads.DISTANCE:
            raise ValueError(_NO_LIMITS)
        return self
