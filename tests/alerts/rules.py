"""The alert rules of the chart, read for tests."""

import re
from functools import cache
from typing import Any

import yaml
from tests.resources import ROOT

RULES = ROOT / "charts/headgate/files/rules/headgate.yaml"
_NAME = re.compile(r"\bheadgate_[a-z0-9_]+")


@cache
def groups() -> list[dict[str, Any]]:
    read: dict[str, list[dict[str, Any]]] = yaml.safe_load(RULES.read_text())
    return read["groups"]


def alerts() -> list[dict[str, Any]]:
    return [rule for group in groups() for rule in group["rules"]]


def without_annotations() -> str:
    """The same rules as YAML: promtool compares annotations word for word."""
    bare = [{**group, "rules": [{k: v for k, v in rule.items() if k != "annotations"} for rule in group["rules"]]} for group in groups()]
    return yaml.safe_dump({"groups": bare})


def metrics_in(expression: str) -> set[str]:
    """The metrics of Headgate that a PromQL expression names."""
    return set(_NAME.findall(re.sub(r'"[^"]*"', '""', expression)))
