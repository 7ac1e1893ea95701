"""What a model is worth: net present value, internal rate of return, return on investment and payback of a value case."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite

from headgate.api.value_case import Benefit
from headgate.api.value_case import ValueCase as Written

_HALVINGS = 80
_LARGEST_RATE = 1e6


@dataclass(frozen=True, slots=True)
class ValueCase:
    """Amounts in one currency. Development is paid at the beginning, everything else at the end of each year.

    Raises ValueError for amounts that are not finite, for costs below 0, and outside 1 to 50 years or a rate of 0 to 10.
    """

    development: float
    infrastructure: float
    operation: float
    revenue: float
    savings: float
    years: int = 3
    rate: float = 0.10

    def __post_init__(self) -> None:
        costs, benefits = (self.development, self.infrastructure, self.operation), (self.revenue, self.savings)
        if not all(map(isfinite, (*costs, *benefits, self.rate))):
            raise ValueError("an amount is not a finite number")
        if min(costs) < 0.0:
            raise ValueError("costs are written as positive amounts")
        if not 1 <= self.years <= 50 or not 0.0 <= self.rate <= 10.0:
            raise ValueError(f"{self.years} years at a rate of {self.rate:g}: 1 to 50 years, and a rate of 0 to 10, like 0.1")

    @property
    def annual_costs(self) -> float:
        return self.infrastructure + self.operation

    @property
    def annual_benefits(self) -> float:
        return self.revenue + self.savings

    def planned(self, counted: Benefit) -> float:
        """A year, of one benefit or of both."""
        return {Benefit.REVENUE_IMPACT: self.revenue, Benefit.COST_SAVINGS: self.savings, Benefit.ALL: self.annual_benefits}[counted]

    def measured(self, counted: Benefit, per_year: float) -> "ValueCase":
        """The same case with what was measured in place of what was planned; of both benefits together it is not known which made it."""
        if counted is Benefit.COST_SAVINGS:
            return replace(self, savings=per_year)
        return replace(self, revenue=per_year, savings=0.0 if counted is Benefit.ALL else self.savings)

    @property
    def flows(self) -> tuple[float, ...]:
        """At the beginning, and at the end of each year."""
        return (-self.development, *[self.annual_benefits - self.annual_costs] * self.years)


def case_of(written: Written) -> ValueCase:
    """A case as it is written."""
    return ValueCase(
        development=written.development_costs,
        infrastructure=written.infrastructure_per_year,
        operation=written.operation_per_year,
        revenue=written.revenue_impact_per_year,
        savings=written.cost_savings_per_year,
        years=written.years,
        rate=written.discount_rate.fraction,
    )


@dataclass(frozen=True, slots=True)
class Worth:
    """None: there is no such number. `roi` is undiscounted: benefits over all costs, minus 1. `payback` in years, from discounted flows,
    even within a year.
    """

    npv: float
    irr: float | None
    roi: float | None
    payback: float | None
    total_investment: float
    total_benefits: float
    annual_net_benefit: float


def worth(case: ValueCase) -> Worth:
    """Of the whole case."""
    costs = case.development + case.years * case.annual_costs
    benefits = case.years * case.annual_benefits
    return Worth(
        npv=npv(case.flows, case.rate),
        irr=irr(case.flows),
        roi=benefits / costs - 1.0 if costs > 0.0 else None,
        payback=payback(case.flows, case.rate),
        total_investment=costs,
        total_benefits=benefits,
        annual_net_benefit=case.annual_benefits - case.annual_costs,
    )


def npv(flows: Sequence[float], rate: float) -> float:
    """Of flows at the beginning and at the end of each year."""
    return sum(flow / (1.0 + rate) ** year for year, flow in enumerate(flows))


def irr(flows: Sequence[float]) -> float | None:
    """The rate at which the net present value is 0, by bisection. None unless an outlay is followed by returns and no further outlay: only
    then there is one such rate.
    """
    if len(flows) < 2 or flows[0] >= 0.0 or min(flows[1:]) < 0.0 or max(flows[1:]) <= 0.0:
        return None
    low, high = -1.0 + 1e-9, _LARGEST_RATE
    if npv(flows, high) > 0.0:
        return None
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if npv(flows, middle) > 0.0 else (low, middle)
    return high


def payback(flows: Sequence[float], rate: float) -> float | None:
    """Years until the discounted flows have paid the outlay back, flowing evenly within a year. None if they do not."""
    balance = flows[0]
    if balance >= 0.0:
        return 0.0
    for year, flow in enumerate(flows[1:], 1):
        discounted = flow / (1.0 + rate) ** year
        if discounted > 0.0 and balance + discounted >= 0.0:
            return year - 1 + -balance / discounted
        balance += discounted
    return None
