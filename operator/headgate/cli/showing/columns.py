"""A model in one row: the columns of `kubectl get aim`, and what else `-o wide` tells."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from headgate.api.conditions import ConditionType
from headgate.api.quantities import Duration
from headgate.cli.showing.attention import waiting_for
from headgate.cli.view import ModelView

COLOURS = {
    "Pass": "green",
    "Fail": "red",
    "Live": "green",
    "RolledBack": "red",
    "Frozen": "yellow",
    "Denied": "red",
    "Prohibited": "red",
    "RollingBack": "red",
    "True": "green",
    "False": "yellow",
}
_COLUMNS = ("NAME", "LIVE", "CANDIDATE", "PHASE", "STAGE", "TRAFFIC", "VERDICT", "TIER", "READY", "AGE")
_WIDE = ("REASON", "POLICY", "OWNER", "WAITS FOR")


def row(view: ModelView, now: datetime) -> tuple[str, ...]:
    """The columns of `kubectl get aim`."""
    status, ready = view.status, view.condition(ConditionType.READY)
    return (
        view.name,
        status.live,
        status.candidate_version,
        str(status.phase),
        status.stage,
        status.traffic_summary,
        status.verdict,
        status.tier,
        ready.status if ready else "",
        age(now - view.created if view.created else None),
    )


def _rest(view: ModelView) -> tuple[str, ...]:
    ready = view.condition(ConditionType.READY)
    return (ready.reason if ready else "", view.policy_name, view.technical_owner, ", ".join(waiting_for(view)))


def age(passed: Any) -> str:
    """A timedelta in its largest unit, or two below ten of it: `3d4h`, `12m`; empty for None."""
    if passed is None:
        return ""
    seconds = max(0, int(passed.total_seconds()))
    for size in (86_400, 3_600, 60):
        if seconds >= size:
            part = size // (24 if size == 86_400 else 60)
            return str(Duration(seconds - seconds % (part if seconds < 10 * size else size)))
    return f"{seconds}s"


def table(views: Iterable[ModelView], now: datetime, *, namespaces: bool, wide: bool = False) -> Table:
    """One row per model; with a NAMESPACE column if asked for, and with reason, policy, owner and who is waited for if `wide`."""
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for column in (*(["NAMESPACE"] if namespaces else []), *_COLUMNS, *(_WIDE if wide else ())):
        drawn.add_column(column, no_wrap=True)
    for view in views:
        cells = (*row(view, now), *(_rest(view) if wide else ()))
        drawn.add_row(*([Text(view.namespace)] if namespaces else []), *(Text(cell, style=COLOURS.get(cell, "")) for cell in cells))
    return drawn
