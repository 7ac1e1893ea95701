"""How commands tell figures that have a verdict: a table or JSON, and the exit code."""

from collections.abc import Iterable
from typing import Annotated, Any, NoReturn

import typer
from rich.table import Table
from rich.text import Text

from headgate.cli.options import Format, rendered
from headgate.cli.screen import screen
from headgate.monitoring.result import LimitVerdict, Result

JSON = Annotated[bool, typer.Option("--json", help="The same as -o json.")]

EXIT_CODES = {
    LimitVerdict.WITHIN_LIMITS: 0,
    LimitVerdict.DRIFTING: 3,
    LimitVerdict.VIOLATED: 4,
    LimitVerdict.NOT_ASSESSED: 5,
}
_COLOURS = {
    LimitVerdict.WITHIN_LIMITS: "green",
    LimitVerdict.DRIFTING: "yellow",
    LimitVerdict.VIOLATED: "red",
    LimitVerdict.NOT_ASSESSED: "magenta",
}


def leave(verdict: LimitVerdict) -> NoReturn:
    """End the command with the exit code of the worst verdict."""
    raise typer.Exit(EXIT_CODES[verdict])


def printed(document: Any, output: Format, *, as_json: bool) -> bool:
    """Print `document` if it was asked for by a program; else leave the text to the caller."""
    form = Format.JSON if as_json else output
    if form.is_document:
        typer.echo(rendered(document, form))
    return form.is_document


def print_results(results: Iterable[tuple[str, Result]], *, of: str) -> None:
    """A line for each: what it is a figure of, and the figure. `of` is the first column's title."""
    table = Table(box=None, header_style="bold")
    for title in (of, "STATISTIC", "VALUE", "95 % INTERVAL", "SAMPLES", "VERDICT", "WHY"):
        table.add_column(title, overflow="fold")
    for name, result in results:
        interval = "" if result.interval is None else f"{result.interval[0]:.3g} to {result.interval[1]:.3g}"
        value = "" if result.value is None else f"{result.value:.3g}"
        samples = " / ".join(f"{number:,}" for number in result.samples)
        table.add_row(name, result.statistic, value, interval, samples, Text(result.verdict, style=_COLOURS[result.verdict]), result.why)
    screen().print(table)
