"""`headgate classify`: the risk tier of a model in a file, and what follows from it. Needs no cluster."""

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from headgate.api.aimodel import Classification
from headgate.api.faults import first_fault
from headgate.cli.manifest_file import manifest_in
from headgate.cli.options import OUTPUT, Format, rendered
from headgate.cli.refused import Refused
from headgate.cli.screen import prose
from headgate.governance.classification import RiskReading, TableState, assess
from headgate.governance.classification_table import BUILT_IN, Table, table_of
from headgate.rollout.risk import start_obstacle_in

FILE = Annotated[Path, typer.Option("--filename", "-f", help="A manifest with an AIModel.", show_default=False)]
TABLE = Annotated[
    Path | None, typer.Option("--table", help="Your own classification table, instead of the built-in one.", show_default=False)
]


def classify(file: FILE, table: TABLE = None, output: OUTPUT = Format.TEXT) -> None:
    """Say which risk tier the AIModel in a file has, why, and which controls and documents follow. Asks no cluster.

    Exit code 1 if the risk is prohibited, not known, or declared below what the table says for the domain: such a model is not started.
    """
    body = manifest_in(file, "AIModel")
    reading = assess(_classification(body, file), TableState(chosen_table(table)))
    if not output.is_document:
        _show(str((body.get("metadata") or {}).get("name") or file), reading)
    else:
        typer.echo(rendered(_document(reading), output))
    if start_obstacle_in(reading) is not None:
        raise typer.Exit(1)


def _classification(body: dict[str, Any], file: Path) -> Classification:
    try:
        return Classification.model_validate((body.get("spec") or {}).get("classification"))
    except (ValidationError, AttributeError) as error:
        where = "spec.classification"
        fault = first_fault(error, where) if isinstance(error, ValidationError) else f"{where}: spec is no object"
        raise Refused(f"{file}: {fault}") from error


def chosen_table(file: Path | None) -> Table:
    """The table in `file`, or the built-in one without a file. Raises Refused."""
    if file is None:
        return BUILT_IN
    try:
        return table_of(file.read_text())
    except (OSError, ValueError) as error:
        raise Refused(f"{file}: {error}") from error


def _document(reading: RiskReading) -> dict[str, Any]:
    return {
        "tier": str(reading.risk) if reading.risk is not None else None,
        "reasons": list(reading.reasons),
        "tableVersion": reading.table_version,
        "controls": list(reading.controls),
        "documents": list(reading.documents),
    }


def _show(name: str, reading: RiskReading) -> None:
    console = prose()
    by = f" (table {reading.table_version})" if reading.table_version else ""
    console.print(f"{name}: {reading.risk or 'Unknown'}{by}", style="bold")
    for heading, lines in (("Because", reading.reasons), ("Controls", reading.controls), ("Documents", reading.documents)):
        if lines:
            console.print(heading, style="bold")
        for words in lines:
            console.print(f"  {words}")
