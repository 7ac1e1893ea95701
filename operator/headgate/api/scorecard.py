"""A scorecard of a live model: which figures score what, from figures that are measured and from what people state once a quarter."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from headgate.api.base import Line, Model, each_once, list_map, rules
from headgate.api.replay import Decimal


class Dimension(StrEnum):
    """What a scorecard speaks of."""

    TECHNICAL = "Technical"
    BUSINESS = "Business"
    RISK = "Risk"
    ADOPTION = "Adoption"


class Watch(StrEnum):
    """What `headgate monitor` watches."""

    DRIFT = "Drift"
    PERFORMANCE = "Performance"
    OVERSIGHT = "Oversight"
    VENDOR = "Vendor"
    FAIRNESS = "Fairness"
    VALUE = "Value"


class WatchedFigure(Model):
    """A figure as `kubectl headgate monitoring` names it."""

    watch: Watch
    statistic: Annotated[str, Field(pattern=r"^[A-Za-z0-9]+$", min_length=1, max_length=63)]
    """Like loss, overrideRate, latencyP95 or valuePerYear."""
    of: Line = ""
    """The feature, segment or group. Left out where there is one such figure only."""


class Stated(Model):
    """A figure that nothing counts, like satisfaction. It holds for 92 days."""

    value: Decimal
    as_of: date
    """The day it was found out."""


_ONE_SOURCE = "give figure (that the monitor measures) or stated (by people), and not both"
_ANCHORS = "bad and good must differ"


class ScorecardIndicator(Model):
    """Scores 0 at bad and 1 at good, linearly between and no further; either may be the larger one."""

    model_config = ConfigDict(
        json_schema_extra=rules(("has(self.figure) != has(self.stated)", _ONE_SOURCE), ("double(self.bad) != double(self.good)", _ANCHORS))
    )

    name: Annotated[str, Field(min_length=1, max_length=100)]
    """Where it is one of spec.requirements.successMetrics, the name of that."""
    dimension: Dimension
    bad: Decimal
    good: Decimal
    weight: Annotated[int, Field(ge=1, le=100)] = 1
    """Within its dimension."""
    figure: WatchedFigure | None = None
    stated: Stated | None = None

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if (self.figure is None) is (self.stated is None):
            raise ValueError(_ONE_SOURCE)
        if float(self.bad) == float(self.good):
            raise ValueError(_ANCHORS)
        return self


class Scorecard(Model):
    """Technical, business, risk and adoption, each the weighted mean of its indicators, and the whole of them."""

    indicators: Annotated[
        tuple[ScorecardIndicator, ...], Field(min_length=1, max_length=32, json_schema_extra=list_map("name")), each_once("name")
    ]
