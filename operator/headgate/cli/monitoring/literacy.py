"""`headgate literacy`: gaps by role and competency, and the persons who need training."""

from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from headgate.cli.monitoring.verdicts import JSON, printed
from headgate.cli.monitoring.written import rows
from headgate.cli.options import OUTPUT, Format
from headgate.cli.refused import Refused
from headgate.cli.screen import screen
from headgate.governance.literacy import COLUMNS, EXAMPLE, MOST_ROWS, assessment_of, latest, trained_until, untrained
from headgate.monitoring.literacy import Gap, gaps

FILE = Annotated[
    Path,
    typer.Argument(exists=True, dir_okay=False, metavar="FILE", help="CSV: person,role,competency,score,date[,trainingValidUntil]."),
]
TODAY = Annotated[str | None, typer.Option("--today", help="As of this date, like 2026-03-01.", show_default=False)]


def literacy(file: FILE, today: TODAY = None, output: OUTPUT = Format.TEXT, as_json: JSON = False) -> None:
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
    told = [asdict(gap) | {"priority": gap.priority} for gap in found]
    lacking = [{"person": name, "why": why} for name, why in persons.items()]
    if not printed({"gaps": told, "persons": lacking}, output, as_json=as_json):
        _print(found, persons)


def _print(found: tuple[Gap, ...], persons: dict[str, str]) -> None:
    console = screen()
    table = Table(box=None, header_style="bold")
    for title in ("ROLE", "COMPETENCY", "PERSONS", "MEAN", "BELOW 0.7", ""):
        table.add_column(title, justify="left" if title in ("ROLE", "COMPETENCY", "") else "right", overflow="fold")
    for gap in found:
        topic = "priority topic" if gap.priority else ""
        table.add_row(gap.role, gap.competency, str(gap.persons), f"{gap.mean:.2f}", str(gap.below), topic)
    console.print(table)
    for person, why in persons.items():
        console.print(f"{person} needs training: {why}")
