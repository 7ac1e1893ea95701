"""`headgate literacy`: gaps by role and competency, and the persons who need training."""

from dataclasses import asdict, dataclass
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
from headgate.monitoring.literacy import Assessment, Gap, StaffRole, gaps, latest, untrained

FILE = Annotated[
    Path,
    typer.Argument(exists=True, dir_okay=False, metavar="FILE", help="CSV: person,role,competency,score,date[,trainingValidUntil]."),
]
TODAY = Annotated[str | None, typer.Option("--today", help="As of this date, like 2026-03-01.", show_default=False)]

_NEEDED = ("person", "role", "competency", "score", "date")
_VALID_UNTIL = "trainingValidUntil"
_MOST_ROWS = 200_000
_EXAMPLE = f"maria,Manager,oversight,0.8,2026-03-01; roles: {', '.join(StaffRole)}"


@dataclass(frozen=True, slots=True)
class _Row:
    assessment: Assessment
    valid_until: date | None


def literacy(file: FILE, today: TODAY = None, output: OUTPUT = Format.TEXT, as_json: JSON = False) -> None:
    """Show where knowledge about AI is missing: competencies by role, worst first, and persons below 0.7 or past their training.

    Of each person, role and competency the newest score counts.
    """
    try:
        now = date.fromisoformat(today) if today else datetime.now(UTC).date()
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--today") from error
    scores = rows(file, _NEEDED, _MOST_ROWS, _row, _EXAMPLE)
    current = latest((row.assessment for row in scores), now)
    if not current:
        raise Refused(f"{file} has no assessment up to {now}")
    found = gaps(current)
    valid_until: dict[str, date] = {}
    for row in scores:
        if row.valid_until is not None:
            person = row.assessment.person
            valid_until[person] = max(row.valid_until, valid_until.get(person, row.valid_until))
    persons = untrained(current, valid_until, now)
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


def _row(row: dict[str, str]) -> _Row:
    person, competency, until = row["person"].strip(), row["competency"].strip(), row.get(_VALID_UNTIL)
    if not person or not competency:
        raise ValueError("person or competency is empty")
    scored = Assessment(person, StaffRole(row["role"]), competency, float(row["score"]), date.fromisoformat(row["date"]))
    return _Row(scored, date.fromisoformat(until) if until else None)
