"""Who may do what, from the roles of the chart as Helm renders them."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from docs.markdown import code, made, table

ROOT = Path(__file__).resolve().parents[2]
_COMMAND = (
    "helm",
    "template",
    "headgate",
    "charts/headgate",
    "--namespace",
    "headgate-system",
    "--set",
    "environment=production,monitor.enabled=true",
)
_OWN = ("headgate-operator", "headgate-leader", "headgate-trust", "headgate-monitor", "headgate-test", "headgate-installer")
"""Roles of the chart's own pods begin with one of these."""
_PEOPLE = ("headgate-operator-oncall", "headgate-trust-editor")

Role = dict[str, Any]


def pages() -> dict[str, str]:
    """The text of each page by its name. Needs helm on the PATH."""
    done = subprocess.run(_COMMAND, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    roles = [found for found in yaml.safe_load_all(done.stdout) if found and found["kind"] in ("Role", "ClusterRole")]
    people = [role for role in roles if not _is_own(role)]
    parts = [
        "The roles that the chart makes, with all models of the cluster in its charge (`watchNamespaces` empty) and `monitor.enabled`. With"
        " named namespaces the same rules are in Roles there. [The chart](../../charts/headgate/README.md) says how people get them"
        " (`approvers`, `holders`), [approvals](../approvals.md) what each decision needs. No role of people grants `delete`.",
        "These verbs are of Headgate alone: `approve` on `governanceapprovals`, named `<gate>.<role>`; `halt`, `promote`, `breakglass` and"
        " `pin` on `aimodels`, by the model's name. Admission asks for them, and `kubectl auth can-i` answers.",
        "## People and their tools",
        table(("role", "may"), map(_row, people)),
        "## Headgate's own processes",
        "What the operator, its monitor, the installer of policies and `helm test` run with. `(in NAMESPACE)`: only there.",
        table(("role", "may"), map(_row, filter(_is_own, roles))),
    ]
    return {"rbac.md": made("Rights", "charts/headgate", *parts)}


def _is_own(role: Role) -> bool:
    name = role["metadata"]["name"]
    return name.startswith(_OWN) and name not in _PEOPLE


def _row(role: Role) -> tuple[str, str]:
    namespace = role["metadata"].get("namespace")
    name = code(role["metadata"]["name"]) + (f" (in {code(namespace)})" if namespace else "")
    joined = [label.rpartition("-")[2] for label in role["metadata"]["labels"] if "aggregate-to-" in label]
    return name + (f"; part of Kubernetes' {', '.join(joined)}" if joined else ""), "<br>".join(_words(role["rules"]))


def _words(rules: list[dict[str, Any]]) -> Iterator[str]:
    for rule in rules:
        things = [
            f"{resource}.{group}" if group else resource for group in rule.get("apiGroups", []) for resource in rule.get("resources", [])
        ]
        named = f" named {', '.join(map(code, rule['resourceNames']))}" if "resourceNames" in rule else ""
        yield f"{', '.join(rule['verbs'])} {', '.join(map(code, [*things, *rule.get('nonResourceURLs', [])]))}{named}"
