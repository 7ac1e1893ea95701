"""What `headgate doctor` asks for is what the chart grants: neither side is changed alone."""

from typing import Any

from tests.unit.chart.rendering import needs_helm, of_kind, rendered

from headgate.cli.doctor.facts import Operator, Right
from headgate.cli.doctor.governance import needed_rights

pytestmark = needs_helm
ACCOUNT = {"kind": "ServiceAccount", "name": "headgate", "namespace": "headgate-system"}
OPERATOR = Operator("0.1.0", 2, 2, "system:serviceaccount:headgate-system:headgate", {})


def granted() -> list[dict[str, Any]]:
    """The rules of all roles that are bound to the operator."""
    bindings = [*of_kind("RoleBinding"), *of_kind("ClusterRoleBinding")]
    held = {(one["roleRef"]["kind"], one["roleRef"]["name"]) for one in bindings if ACCOUNT in one["subjects"]}
    roles = [one for one in rendered() if (one["kind"], one["metadata"]["name"]) in held]
    return [rule for role in roles for rule in role["rules"]]


def allows(rule: dict[str, Any], right: Right) -> bool:
    fits = right.group in rule["apiGroups"] and right.resource in rule["resources"] and right.verb in rule["verbs"]
    return fits and (not rule.get("resourceNames") or right.name in rule["resourceNames"])


def test_the_chart_grants_what_the_doctor_looks_for() -> None:
    rules = granted()
    assert [str(right) for right in needed_rights(OPERATOR, "headgate-system") if not any(allows(rule, right) for rule in rules)] == []
