"""`headgate drift`: whether the rows of one file are distributed like those of another, feature by feature."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headgate.cli.monitoring.verdicts import JSON, leave, print_results, printed
from headgate.cli.options import OUTPUT, Format
from headgate.monitoring.result import not_assessed, worst

if TYPE_CHECKING:
    from headgate.cli.monitoring.samples import Samples

REFERENCE = Annotated[Path, typer.Argument(exists=True, dir_okay=False, metavar="REFERENCE", help="What it should look like.")]
CURRENT = Annotated[Path, typer.Argument(exists=True, dir_okay=False, metavar="CURRENT", help="What it looks like now.")]
TIME = Annotated[str | None, typer.Option("--time", help="Column with the time of a row; rows must be in its order.", show_default=False)]
EDGES = Annotated[
    list[str] | None,
    typer.Option("--edges", help="COLUMN=EDGE,EDGE,… instead of tenths of the reference; may be repeated.", show_default=False),
]
CATEGORICAL = Annotated[
    list[str] | None, typer.Option("--categorical", help="A column of numbers that are codes; may be repeated.", show_default=False)
]
IGNORE = Annotated[list[str] | None, typer.Option("--ignore", help="A column to leave out; may be repeated.", show_default=False)]
ALPHA = Annotated[float, typer.Option("--alpha", help="Expected share of false ones among what is called drifting.")]


def drift(
    reference: REFERENCE,
    current: CURRENT,
    time: TIME = None,
    edges: EDGES = None,
    categorical: CATEGORICAL = None,
    ignore: IGNORE = None,
    alpha: ALPHA = 0.05,
    output: OUTPUT = Format.TEXT,
    as_json: JSON = False,
) -> None:
    """Compare each column of CURRENT with that of REFERENCE: .csv, .csv.gz or .parquet with a header, rows in the order of time.

    Exit codes: 0 within limits, 3 something drifts, 4 something is beyond its limit, 5 nothing drifts but something could not be told.
    """
    if not 0.0 < alpha < 1.0:
        raise typer.BadParameter("give a number between 0 and 1", param_hint="--alpha")
    # What reads files and computes takes a second to load, and other commands do without.
    from headgate.cli.monitoring.samples import Reading, samples
    from headgate.monitoring.drift import Finding, Rules, assess

    reading = Reading(time, dict(parsed_edges(text) for text in edges or ()), frozenset(categorical or ()), frozenset(ignore or ()))
    found = samples(reference, current, reading)
    findings = (*assess(found.features, Rules(alpha)), *(Finding(name, not_assessed("drift", why)) for name, why in found.left_out.items()))
    verdict = worst(finding.result.verdict for finding in findings)
    if not printed({"verdict": verdict, "findings": [finding.document() for finding in findings]}, output, as_json=as_json):
        print_results(((finding.feature, finding.result) for finding in findings), of="FEATURE")
    _tell(found)
    leave(verdict)


def parsed_edges(text: str) -> tuple[str, tuple[float, ...]]:
    """One --edges. Raises typer.BadParameter."""
    name, _, numbers = text.rpartition("=")
    try:
        return name, tuple(float(number) for number in numbers.split(","))
    except ValueError as error:
        raise typer.BadParameter(f"{text!r}: write COLUMN=EDGE,EDGE like income=0,1000,5000", param_hint="--edges") from error


def _tell(found: "Samples") -> None:
    for note in found.notes:
        typer.echo(note, err=True)
