"""Write the tables of docs/metrics.md."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from prometheus_client import CollectorRegistry

from headgate.monitor.metrics import MonitorMetrics
from headgate.monitor.unmanaged import UnmanagedWatch
from headgate.telemetry import Telemetry
from metrics.registry import Told, told_by

PAGE = Path(__file__).resolve().parents[2] / "docs/metrics.md"
_TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def registries() -> dict[str, CollectorRegistry]:
    """What each process serves, by the name of its table."""
    monitor = MonitorMetrics()
    UnmanagedWatch(cast("Any", None), monitor.registry, lambda: 0.0)
    return {"operator": Telemetry().registry, "monitor": monitor.registry}


def written(page: str) -> str:
    """`page` with every table as it should be. Raises KeyError for a table of a process that there is not."""
    known = registries()
    return _TABLE.sub(lambda found: f"{found[1]}{table(known[found[2]])}{found[3]}", page)


def table(registry: CollectorRegistry) -> str:
    """In Markdown."""
    rows = ["| metric | type | labels | meaning |", "|---|---|---|---|", *map(_row, sorted(told_by(registry)))]
    return "\n".join(rows) + "\n"


def _row(told: Told) -> str:
    labels = ", ".join(f"`{label}`" for label in told.labels)
    return f"| `{told.name}` | {told.kind} | {labels} | {told.meaning} |"


def tables(page: str) -> Iterator[str]:
    """The names of the page's tables."""
    for found in _TABLE.finditer(page):
        yield found[2]


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
