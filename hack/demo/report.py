"""The end of the demo: a table for people, report.json for machines, and the exit code."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from demo.release import Ending
from demo.traffic import Served, Users
from demo.versions import Outcome, Release


@dataclass(frozen=True, slots=True)
class Line:
    """One version in report.json, measured at the client."""

    version: str
    outcome: str
    reason: str
    first_user_request: float | None
    last_user_request: float | None
    seconds_to_off: float | None
    requests_served_by_version: int
    requests_failed_by_version: int
    evidence: str
    expected_outcome: str
    expected_reasons: tuple[str, ...]

    @property
    def as_told(self) -> bool:
        right = self.outcome == self.expected_outcome and (not self.expected_reasons or self.reason in self.expected_reasons)
        return right and not (self.outcome == Outcome.STOPPED_IN_SHADOW and self.requests_served_by_version)


def line(release: Release, ending: Ending, served: Served) -> Line:
    off = served.last - served.first if release.built_to_fail and served.first and served.last else None
    return Line(
        version=release.version,
        outcome=ending.outcome,
        reason=ending.reason,
        first_user_request=served.first,
        last_user_request=served.last,
        seconds_to_off=round(off, 2) if off is not None else None,
        requests_served_by_version=served.requests,
        requests_failed_by_version=served.failed,
        evidence=ending.evidence,
        expected_outcome=release.outcome,
        expected_reasons=release.reasons,
    )


def conclude(lines: list[Line], users: Users, built_to_fail: set[str], file: Path) -> int:
    """Write report.json, print the table, and give the exit code: 0 only if all went as told and no switch failed a request."""
    switched = users.by_switches(built_to_fail)
    report = {"versions": [asdict(entry) for entry in lines], "requests_total": users.total, "requests_failed_by_switches": switched}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(report, indent=2) + "\n")
    console = Console()
    console.print(_table(lines))
    console.print(f"{users.total} requests by users; failed by switches: {switched}; report: {file}")
    wrong = [entry for entry in lines if not entry.as_told]
    for entry in wrong:
        console.print(
            f"[red]{entry.version}: {entry.outcome} {entry.reason}, but {entry.expected_outcome} {entry.expected_reasons} was to come[/red]"
        )
    for record in [r for r in users.unexplained if r["version"] not in built_to_fail][:5]:
        console.print(f"[red]failed by a switch: {record}[/red]")
    return 1 if wrong or switched else 0


def _table(lines: list[Line]) -> Table:
    table = Table("version", "outcome", "reason", "user requests", "failed", "first to last", "as told", title="what users noticed")
    for entry in lines:
        off = f"{entry.seconds_to_off:.1f} s" if entry.seconds_to_off is not None else "-"
        requests, failed = str(entry.requests_served_by_version), str(entry.requests_failed_by_version)
        table.add_row(entry.version, entry.outcome, entry.reason or "-", requests, failed, off, "yes" if entry.as_told else "NO")
    return table
