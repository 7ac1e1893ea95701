"""The alerts, from the rules that the chart installs."""

import re
from pathlib import Path
from typing import Any

import yaml

from docs.markdown import made, table

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "charts/headgate/files/rules/headgate.yaml"


def pages() -> dict[str, str]:
    """The text of each page by its name."""
    parts = [
        "What the chart's PrometheusRule watches ([rules](../../charts/headgate/files/rules/headgate.yaml)). Each has a runbook."
        " They are made of [these metrics](../metrics.md)."
    ]
    for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]:
        rules = [rule for rule in group["rules"] if "alert" in rule]
        parts += [
            f"## {group['name'].removeprefix('headgate.').capitalize()}",
            table(("alert", "severity", "for", "means"), map(_row, rules)),
        ]
        parts += [_expressions(rules)]
    return {"alerts.md": made("Alerts", RULES.relative_to(ROOT).as_posix(), *parts)}


def _row(rule: dict[str, Any]) -> tuple[str, ...]:
    runbook = rule["annotations"]["runbook"].removeprefix("docs/")
    others = ", ".join(f"{name} {value}" for name, value in rule["labels"].items() if name != "severity")
    severity = rule["labels"]["severity"] + (f" ({others})" if others else "")
    return (
        f"[{rule['alert']}](../{runbook})",
        severity,
        rule.get("for", "at once"),
        _words(rule["annotations"]["description"]),
    )


def _words(description: str) -> str:
    """With the names of labels, in italics, where Prometheus puts what they say."""
    return re.sub(r"{{ \$value[^}]*}}", "*value*", re.sub(r"{{ \$labels\.(\w+) }}", r"*\1*", description))


def _expressions(rules: list[dict[str, Any]]) -> str:
    lines = [f"# {rule['alert']}\n{rule['expr'].strip()}" for rule in rules]
    return "```promql\n" + "\n".join(lines) + "\n```"
