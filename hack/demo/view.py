"""The live view in the terminal: phase, weights, counts, evidence in words."""

from typing import Any

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from demo.release import Moment
from demo.traffic import Users
from demo.versions import Release


def picture(release: Release, moment: Moment, users: Users) -> Panel:
    """One frame."""
    status = moment.status
    candidate = status.get("candidate") or {}
    head = Text.assemble(
        (f"{release.version}: {release.what}", "bold"),
        f"   policy {release.policy}   phase ",
        (status.get("phase", "-"), "cyan"),
        f"   stage {status.get('stage') or '-'}   traffic {status.get('trafficSummary') or '-'}   verdict {status.get('verdict') or '-'}",
    )
    rows: list[Any] = [head, _clients(users)]
    gate = candidate.get("gate") or {}
    if gate.get("missing"):
        rows.append(Text("waits for: " + "; ".join(gate["missing"]), style="yellow"))
    rows.extend(Text(line, style="dim") for line in _evidence(moment.readings))
    if status.get("phase") == "RolledBack" and status.get("blocked"):
        rows.append(Text(f"{status['blocked'][-1]['cause']}: {status['blocked'][-1]['message']}", style="red"))
    return Panel(Group(*rows), title="headgate demo", border_style="blue")


def _clients(users: Users) -> Table:
    table = Table("version", "requests", "failed", box=None, padding=(0, 2))
    for version, served in sorted(users.served.items()):
        table.add_row(version, str(served.requests), str(served.failed))
    return table


def _evidence(readings: dict[str, Any]) -> list[str]:
    return [
        f"{check['metric']}: candidate {check['candidateEvents']} of {check['candidateRequests']}, "
        f"stable {check['stableEvents']} of {check['stableRequests']}: {check['verdict']}"
        for check in readings.get("checks", ())
    ]
