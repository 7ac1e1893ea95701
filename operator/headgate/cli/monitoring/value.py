"""`headgate value`: what a model was meant to be worth, beside what it is measured to be."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from rich.table import Table

from headgate.cli.monitoring.verdicts import JSON, printed
from headgate.cli.monitoring.written import document
from headgate.cli.options import OUTPUT, Format
from headgate.cli.screen import screen
from headgate.monitoring.value import ValueCase, Worth, worth

FILE = Annotated[Path, typer.Argument(exists=True, dir_okay=False, metavar="FILE", help="YAML with the value case.")]

_Amount = Annotated[float, Field(allow_inf_nan=False, strict=True, ge=-1e15, le=1e15)]
_Cost = Annotated[float, Field(allow_inf_nan=False, strict=True, ge=0, le=1e15)]


class _Case(BaseModel):
    """`valueCase` as it is written."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    development_costs: _Cost
    infrastructure_per_year: _Cost
    operation_per_year: _Cost
    revenue_impact_per_year: _Amount
    cost_savings_per_year: _Amount
    years: Annotated[int, Field(ge=1, le=50)] = 3
    discount_rate: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] = 0.10


class _Measured(BaseModel):
    """What of it has been measured; the rest is as planned."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    development_costs: _Cost | None = None
    infrastructure_per_year: _Cost | None = None
    operation_per_year: _Cost | None = None
    revenue_impact_per_year: _Amount | None = None
    cost_savings_per_year: _Amount | None = None


class _Document(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)

    value_case: _Case
    measured: _Measured | None = None


_ROWS = {
    "npv": "net present value",
    "irr": "internal rate of return",
    "roi": "return on investment",
    "payback": "payback, discounted",
    "total_investment": "all costs",
    "total_benefits": "all benefits",
    "annual_net_benefit": "net benefit a year",
}


def value(file: FILE, output: OUTPUT = Format.TEXT, as_json: JSON = False) -> None:
    """Compute net present value, internal rate of return, return on investment and payback of a value case.

    With `measured` beside `valueCase` both are shown. What was not measured is as planned, and named.
    """
    written = document(file, _Document)
    planned = worth(_case(written.value_case))
    measured, assumed = None, list[str]()
    if written.measured is not None:
        found = written.measured.model_dump(exclude_none=True)
        measured = worth(_case(written.value_case.model_copy(update=found)))
        assumed = [to_camel(name) for name in _Measured.model_fields if name not in found]
    told = {"planned": _figures(planned), "measured": measured and _figures(measured), "asPlanned": assumed if measured else None}
    if printed(told, output, as_json=as_json):
        return
    _print(planned, measured)
    if measured and assumed:
        typer.echo(f"not measured, and taken as planned: {', '.join(assumed)}")


def _case(case: _Case) -> ValueCase:
    return ValueCase(
        development=case.development_costs,
        infrastructure=case.infrastructure_per_year,
        operation=case.operation_per_year,
        revenue=case.revenue_impact_per_year,
        savings=case.cost_savings_per_year,
        years=case.years,
        rate=case.discount_rate,
    )


def _figures(found: Worth) -> dict[str, Any]:
    return {to_camel(name): number for name, number in asdict(found).items()}


def _print(planned: Worth, measured: Worth | None) -> None:
    table = Table(box=None, header_style="bold")
    table.add_column("")
    for title in ("PLANNED", *(["MEASURED"] if measured else [])):
        table.add_column(title, justify="right")
    for name, words in _ROWS.items():
        cells = [_written(name, getattr(one, name)) for one in (planned, measured) if one is not None]
        table.add_row(words, *cells)
    screen().print(table)


def _written(name: str, number: float | None) -> str:
    if number is None:
        return "never" if name == "payback" else "none"
    if name in ("irr", "roi"):
        return f"{100 * number:.1f} %"
    return f"{number:.1f} years" if name == "payback" else f"{number:,.0f}"
