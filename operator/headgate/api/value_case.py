"""What a model is meant to be worth: the amounts that its team and its business owner have agreed on."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from headgate.api.base import Model
from headgate.api.quantities import Margin, Rate, Unit

_MOST = 1_000_000_000_000_000
Cost = Annotated[int, Field(strict=True, ge=0, le=_MOST)]
Amount = Annotated[int, Field(strict=True, ge=-_MOST, le=_MOST)]


class Benefit(StrEnum):
    """One of a value case's benefits, or both of them."""

    REVENUE_IMPACT = "RevenueImpact"
    COST_SAVINGS = "CostSavings"
    ALL = "All"


class ValueCase(Model):
    """In whole units of one currency. Development is paid at the beginning, everything else at the end of each year. It is no content of a
    version and nothing that people approve: corrected numbers are no release, and end no approval."""

    development_costs: Cost
    infrastructure_per_year: Cost
    operation_per_year: Cost
    revenue_impact_per_year: Amount
    cost_savings_per_year: Amount
    years: Annotated[int, Field(ge=1, le=50)] = 3
    discount_rate: Rate = Margin(10, Unit.RELATIVE)
    """A year."""
    counted: Benefit = Benefit.ALL
    """Which of the benefits spec.monitoring.value counts, in the currency of the case. It is planned there too, unless plannedPerYear says
    otherwise."""
