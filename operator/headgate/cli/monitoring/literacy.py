"""`headgate literacy`: gaps by role and competency, and the persons who need training."""

import json
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from headgate.cli.monitoring.verdicts import JSON
from headgate.cli.monitoring.written import rows
from headgate.cli.refused import Refused
from headgate.governance.literacy import COLUMNS, EXAMPLE, MOST_ROWS, assessment_of, latest, trained_until, untrained
from headgate.monitoring.literacy import Gap, gaps

FILE = Annotated[
    Path,
    typer.Argument(exists=True, dir_okay=False, metavar="FILE", help="CSV: person,role,competency,score,date[,trainingValidUntil]."),
]
TODAY = Annotated[str | None, typer.Option("--today", help="As of this date, like 2026-03-01.", show_default=False)]


def literacy(file: FILE, today: TODAY = None, as_json: JSON = False) -> None:
    """Show where knowledge about AI is missing: competencies by role, worst first, and persons below 0.7 or past their training.

    Of each person, role and competency the newest score counts.
    """
    try:
        now = date.fromisoformat(today) if today else datetime.now(UTC).date()
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--today") from error
    scores = rows(file, COLUMNS, MOST_ROWS, assessment_of, EXAMPLE)
    current = latest(scores, now)
    if not current:
        raise Refused(f"{file} has no assessment up to {now}")
    found = gaps(current)
    persons = untrained(current, trained_until(scores), now)
    if as_json:
        told = [asdict(gap) | {"priority": gap.priority} for gap in found]
        typer.echo(json.dumps({"gaps": told, "persons": [{"person": name, "why": why} for name, why in persons.items()]}, indent=2))
    else:
        _print(found, persons)


def _print(found: tuple[Gap, ...], persons: dict[str, str]) -> None:
    console = Console(width=None if Console().is_terminal else 120, highlight=False, markup=False)
    table = Table(box=None, header_style="bold")
    for title in ("ROLE", "COMPETENCY", "PERSONS", "MEAN", "BELOW 0.7", ""):
        table.add_column(title, justify="left" if title in ("ROLE", "COMPETENCY", "") else "right", overflow="fold")
    for gap in found:
        topic = "priority topic" if gap.priority else ""
        table.add_row(gap.role, gap.competency, str(gap.persons), f"{gap.mean:.2f}", str(gap.below), topic)
    console.print(table)
    for person, why in persons.items():
        console.print(f"{person} needs training: {why}")
