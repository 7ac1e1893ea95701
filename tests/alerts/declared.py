"""Which metrics the code declares: read from the registries where they can be made, from the source elsewhere."""

import ast
from functools import cache

from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase
from tests.resources import ROOT

from headgate.telemetry import Telemetry

_CONSTRUCTORS = {"Counter", "Gauge", "Histogram"}
AWAITED = {
    "headgate_monitor_verdict": ("namespace", "model", "kind", "verdict"),
    "headgate_monitor_last_success_timestamp_seconds": (),
    "headgate_notifications_total": ("channel", "result"),
    "headgate_notifications_dropped_total": ("channel",),
}
"""Agreed on with the parts that count them."""


@cache
def declared() -> dict[str, tuple[str, ...]]:
    """The labels of each metric as it is asked for, histograms with their suffixes."""
    return AWAITED | from_source() | of_registry(Telemetry().registry)


def of_registry(registry: CollectorRegistry) -> dict[str, tuple[str, ...]]:
    found = {}
    for metric in {id(one): one for one in registry._collector_to_names}.values():
        assert isinstance(metric, MetricWrapperBase)
        for name in registry._collector_to_names[metric]:
            if not name.endswith("_created"):
                found[name] = tuple(metric._labelnames) + (("le",) if name.endswith("_bucket") else ())
    return {name: labels for name, labels in found.items() if not _is_base(name, found)}


def _is_base(name: str, names: dict[str, tuple[str, ...]]) -> bool:
    """The registry also knows a counter or histogram by the name that no sample has."""
    return f"{name}_total" in names or f"{name}_bucket" in names


def from_source() -> dict[str, tuple[str, ...]]:
    """Metrics that are made by name in other modules; their labels are not read."""
    found: dict[str, tuple[str, ...]] = {}
    for path in (ROOT / "operator/headgate").rglob("*.py"):
        text = path.read_text()
        if "prometheus_client" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CONSTRUCTORS and node.args:
                name = node.args[0]
                if isinstance(name, ast.Constant) and isinstance(name.value, str):
                    found[name.value + ("_total" if node.func.id == "Counter" else "")] = ()
    return found


def help_of(registry: CollectorRegistry) -> dict[str, str]:
    """What each metric says of itself, by the name of its samples without the suffix of a histogram."""
    return {family.name + ("_total" if family.type == "counter" else ""): family.documentation for family in registry.collect()}
