"""Which metrics the code declares: from the registry where there is one, from the source elsewhere."""

import ast
from functools import cache

from tests.resources import ROOT

from headgate.telemetry import Telemetry
from metrics.registry import told_by

_CONSTRUCTORS = {"Counter": ("_total",), "Gauge": ("",), "Histogram": ("_bucket", "_count", "_sum")}
_KINDS = {name.lower(): suffixes for name, suffixes in _CONSTRUCTORS.items()}


@cache
def declared() -> frozenset[str]:
    """The names that can be asked for."""
    operator = {told.name.removesuffix("_total") + suffix for told in told_by(Telemetry().registry) for suffix in _KINDS[told.kind]}
    return frozenset(operator | set(from_source()))


def from_source() -> set[str]:
    """Metrics that other modules make by name."""
    found: set[str] = set()
    for path in (ROOT / "operator/headgate").rglob("*.py"):
        text = path.read_text()
        for node in ast.walk(ast.parse(text)) if "prometheus_client" in text else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CONSTRUCTORS and node.args:
                name = node.args[0]
                if isinstance(name, ast.Constant) and isinstance(name.value, str):
                    found |= {name.value + suffix for suffix in _CONSTRUCTORS[node.func.id]}
    return found
