"""A value case as planned, beside what of it was measured: as a table, and for programs."""

from dataclasses import asdict, dataclass
from typing import Any

import typer
from pydantic.alias_generators import to_camel
from rich.table import Table

from headgate.api.value_case import Benefit, ValueCase
from headgate.cli.monitoring.stored import Results, figures
from headgate.cli.screen import screen
from headgate.monitoring.inservice.assessment import Kind
from headgate.monitoring.value import Worth, case_of, worth

_ROWS = {
    "npv": "net present value",
    "irr": "internal rate of return",
    "roi": "return on investment",
    "payback": "payback, discounted",
    "total_investment": "all costs",
    "total_benefits": "all benefits",
    "annual_net_benefit": "net benefit a year",
}
_COSTS = ("developmentCosts", "infrastructurePerYear", "operationPerYear")
_REVENUE, _SAVINGS = "revenueImpactPerYear", "costSavingsPerYear"
_AS_PLANNED = {Benefit.ALL: _COSTS, Benefit.REVENUE_IMPACT: (*_COSTS, _SAVINGS), Benefit.COST_SAVINGS: (*_COSTS, _REVENUE)}


@dataclass(frozen=True, slots=True)
class Compared:
    """`as_planned`: the fields that were not measured. `ends`: the worth at both ends of the interval of what was measured, where it has
    one. `source`: where the measured side comes from, or why there is none."""

    planned: Worth
    measured: Worth | None = None
    as_planned: tuple[str, ...] = ()
    ends: tuple[Worth, Worth] | None = None
    source: str = ""

    def document(self) -> dict[str, Any]:
        """For JSON; null for what does not exist."""
        return {
            "planned": _figures(self.planned),
            "measured": None if self.measured is None else _figures(self.measured),
            "asPlanned": None if self.measured is None else list(self.as_planned),
            "interval": None if self.ends is None else [_figures(end) for end in self.ends],
            "source": self.source or None,
        }


def in_service(case: ValueCase, results: Results | None) -> Compared:
    """The case of a model beside what `headgate monitor` stored of its live version."""
    own = case_of(case)
    planned = worth(own)
    if results is None:
        return Compared(planned, source="headgate monitor has stored nothing about this model, or you may not read its ConfigMap")
    told = next((result for kind, _, result in figures(results) if kind == Kind.VALUE), None)
    if told is None:
        return Compared(planned, source="no value is counted of this model: say in spec.monitoring.value which summary counts it")
    if told.value is None or told.interval is None:
        return Compared(planned, source=told.why)
    measured, low, high = (worth(own.measured(case.counted, number)) for number in (told.value, *told.interval))
    source = f"{told.why}; revision {results['revision']}, as of {results['at']}"
    return Compared(planned, measured, _AS_PLANNED[case.counted], (low, high), source)


def print_worth(compared: Compared) -> None:
    """A column for each side, and a line on what the measured one rests on."""
    columns = {"PLANNED": compared.planned}
    if compared.measured is not None:
        columns["MEASURED"] = compared.measured
    if compared.ends is not None:
        columns |= dict(zip(("95 % FROM", "TO"), compared.ends, strict=True))
    table = Table(box=None, header_style="bold")
    table.add_column("")
    for title in columns:
        table.add_column(title, justify="right")
    for name, words in _ROWS.items():
        table.add_row(words, *(_written(name, getattr(one, name)) for one in columns.values()))
    screen().print(table)
    if compared.source:
        typer.echo(compared.source if compared.measured is not None else f"not measured: {compared.source}")
    if compared.measured is not None and compared.as_planned:
        typer.echo(f"not measured, and taken as planned: {', '.join(compared.as_planned)}")


def _figures(found: Worth) -> dict[str, Any]:
    return {to_camel(name): number for name, number in asdict(found).items()}


def _written(name: str, number: float | None) -> str:
    if number is None:
        return "never" if name == "payback" else "none"
    if name in ("irr", "roi"):
        return f"{100 * number:.1f} %"
    return f"{number:.1f} years" if name == "payback" else f"{number:,.0f}"
