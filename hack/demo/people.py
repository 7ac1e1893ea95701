"""Who takes part in the demo: the model's team, and the approvers with the rights that the chart's roles give."""

from collections.abc import Iterable
from typing import Any

NAMESPACE = "lending"
MODEL = "credit-scorer"
APPROVERS = {
    "technical-validation": "chen@bank.example",
    "fairness-audit": "dana@bank.example",
    "security-review": "sam@bank.example",
}


def objects() -> Iterable[dict[str, Any]]:
    """The namespace, and one RoleBinding for each approver."""
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    for role, person in APPROVERS.items():
        yield binding(f"approver-{role}", f"headgate-approver-{role}", person)
    for person in APPROVERS.values():
        yield binding(f"viewer-{person.split('@')[0]}", "headgate-viewer", person)


def binding(name: str, role: str, person: str, namespace: str = NAMESPACE) -> dict[str, Any]:
    """`person` has the ClusterRole `role` in `namespace`."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name, "namespace": namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": person}],
    }
