"""What takes a version back beside checks and guards."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from headgate.api.base import ATOMIC, METRIC_NAME, PLACE_LABELS, MetricLabel, Model, rules
from headgate.api.quantities import PointsMargin, Probability
from headgate.api.vocabulary import AlertAction

_METRIC = Annotated[str, Field(pattern=METRIC_NAME, max_length=128)]
_VALUE = Annotated[str, Field(min_length=1, max_length=64)]

_ONE_LABEL = "groupLabel and outcomeLabel must be two labels: one says who was decided about, the other how"
_TAKEN = "groupLabel and outcomeLabel must not be labels by which pods and copies of samples are told apart"
_ANY_ALERT = "write the name or the severity of the alerts that are meant, or both: not every alert is a reason to stop a rollout"
_POINTS = "maxParityDifference must be below 100pp: 100 points forbid nothing"


class Fairness(Model):
    """Take a version back when it is proven to treat a group of people worse than the limits allow, by its own counter of decisions.

    minDisparateImpact: the least ratio of a group's favourable rate to the reference's ("0.8" is the four-fifths rule).
    """

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("self.groupLabel != self.outcomeLabel", _ONE_LABEL),
            ("!has(self.maxParityDifference) || !self.maxParityDifference.matches('^0*[1-9][0-9]{2}')", _POINTS),
            (f"!(self.groupLabel in {list(PLACE_LABELS)}) && !(self.outcomeLabel in {list(PLACE_LABELS)})", _TAKEN),
        )
    )

    min_disparate_impact: Probability
    max_parity_difference: PointsMargin | None = None
    """How many points a group's favourable rate may lie below the reference's."""
    metric: _METRIC = "headgate_decisions_total"
    group_label: MetricLabel = "group"
    outcome_label: MetricLabel = "outcome"
    favourable: Annotated[tuple[_VALUE, ...], Field(min_length=1, max_length=16, json_schema_extra=ATOMIC)] = ("favourable",)
    """Values of the outcome label that are good for the person."""
    reference: _VALUE | None = None
    """The group that others are compared with; the one that is treated best if left out."""
    min_decisions: Annotated[int, Field(ge=10, le=100_000)] = 30
    """Groups with fewer decisions are not judged."""
    required: bool = False
    """Whether a version without these counters, or with too few decisions, must wait."""

    @model_validator(mode="after")
    def _labels(self) -> Self:
        if self.group_label == self.outcome_label:
            raise ValueError(_ONE_LABEL)
        if self.group_label in PLACE_LABELS or self.outcome_label in PLACE_LABELS:
            raise ValueError(_TAKEN)
        if self.max_parity_difference is not None and self.max_parity_difference.fraction >= 1.0:
            raise ValueError(_POINTS)
        return self


class AlertTrigger(Model):
    """Heed firing alerts of Prometheus that name the model, by the labels namespace and model (or headgate_model).

    RollBack takes the candidate to 0 % and blocks its revision, if the alert began after it got its first requests; an older alert holds.
    """

    model_config = ConfigDict(json_schema_extra=rules(("has(self.name) || has(self.severity)", _ANY_ALERT)))

    name: _VALUE | None = None
    """The alert's name; any if left out."""
    severity: _VALUE | None = None
    """The value of its label severity; any if left out."""
    action: AlertAction = AlertAction.HOLD

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.name is None and self.severity is None:
            raise ValueError(_ANY_ALERT)
        return self


class Triggers(Model):
    """What holds a candidate where it is, or takes it to 0 % and blocks its revision."""

    fairness: Fairness | None = None
    alerts: Annotated[tuple[AlertTrigger, ...], Field(min_length=1, max_length=8, json_schema_extra=ATOMIC)] | None = None
    """Of several that an alert fits, RollBack is what counts."""
