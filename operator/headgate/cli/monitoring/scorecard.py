"""`headgate scorecard`: indicators in a file to scores by dimension."""

from pathlib import Path
from typing import Annotated, Self

import typer
from pydantic import BaseModel, ConfigDict, Field, model_validator

from headgate.api.scorecard import Dimension
from headgate.cli.monitoring.verdicts import JSON, leave, print_results, printed
from headgate.cli.monitoring.written import document
from headgate.cli.options import OUTPUT, Format
from headgate.monitoring.result import worst
from headgate.monitoring.scorecard import Indicator
from headgate.monitoring.scorecard import scorecard as scored

FILE = Annotated[Path, typer.Argument(exists=True, dir_okay=False, metavar="FILE", help="YAML with indicators.")]

_Number = Annotated[float, Field(allow_inf_nan=False, strict=True, ge=-1e15, le=1e15)]


class _Indicator(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=100)]
    dimension: Dimension
    bad: _Number
    good: _Number
    value: _Number | None = None
    interval: tuple[_Number, _Number] | None = None
    weight: Annotated[_Number, Field(gt=0)] = 1.0

    @model_validator(mode="after")
    def _sound(self) -> Self:
        self.indicator()
        return self

    def indicator(self) -> Indicator:
        return Indicator(self.name, self.dimension, self.bad, self.good, self.value, self.interval, self.weight)


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    indicators: Annotated[tuple[_Indicator, ...], Field(min_length=1, max_length=200)]


def scorecard(file: FILE, output: OUTPUT = Format.TEXT, as_json: JSON = False) -> None:
    """Score a model from 0 to 1 technically, for the business, in its risks and in its adoption, and as a whole.

    Exit codes: 0 within limits, 4 a dimension is below its floor, 5 something was not measured.
    """
    results = scored([one.indicator() for one in document(file, _Document).indicators])
    verdict = worst(result.verdict for result in results)
    if not printed({"verdict": verdict, "scores": [result.document() for result in results]}, output, as_json=as_json):
        print_results((("score", result) for result in results), of="OF")
    leave(verdict)
