"""How tests on a cluster tell granted from used: rules of roles beside the lines of an audit log."""

import json
from typing import Any

from tests.e2e.rights import Grant, Log, grants, unused

OPERATOR = "system:serviceaccount:headgate-system:headgate"
ROLE = {
    "rules": [
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["list", "create", "patch", "delete"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "resourceNames": ["headgate"], "verbs": ["get"]},
        {"apiGroups": ["headgate.dev"], "resources": ["aimodels/status"], "verbs": ["patch"]},
    ]
}


def line(second: int, verb: str, resource: str, *, user: str = OPERATOR, code: int = 200, **place: str) -> str:
    subresource = resource.partition("/")[2]
    reference = {"resource": resource.partition("/")[0], **({"subresource": subresource} if subresource else {}), **place}
    event: dict[str, Any] = {
        "user": {"username": user},
        "verb": verb,
        "objectRef": reference,
        "responseStatus": {"code": code},
        "annotations": {"authorization.k8s.io/decision": "forbid" if code == 403 else "allow"},
        "requestReceivedTimestamp": f"2026-11-27T04:00:{second:02}.000000Z",
    }
    return json.dumps(event)


def log(*lines: str) -> Log:
    return Log.read([*lines, ""], OPERATOR)


def test_a_right_is_used_by_a_request_like_it() -> None:
    seen = log(
        line(1, "list", "deployments", apiGroup="apps"),
        line(2, "patch", "deployments", apiGroup="apps", namespace="lending", name="m-1", code=201),
        line(3, "patch", "aimodels/status", apiGroup="headgate.dev", namespace="lending", name="m"),
        line(4, "get", "leases", apiGroup="coordination.k8s.io", namespace="headgate-system", name="other"),
        line(5, "delete", "deployments", apiGroup="apps", namespace="lending", name="m-1", user="kim"),
    )
    left = unused(grants(ROLE), seen.used())
    assert left == {Grant("apps", "deployments", "delete"), Grant("coordination.k8s.io", "leases", "get", "", "headgate")}


def test_an_apply_of_what_is_there_creates_nothing() -> None:
    seen = log(line(2, "patch", "deployments", apiGroup="apps", namespace="lending", name="m-1"))
    assert Grant("apps", "deployments", "create") in unused(grants(ROLE), seen.used())


def test_a_role_counts_in_its_namespace_alone() -> None:
    seen = log(line(1, "list", "deployments", apiGroup="apps", namespace="lending"))
    listing = Grant("apps", "deployments", "list")
    assert listing._replace(namespace="lending") not in unused(grants(ROLE, "lending"), seen.used())
    assert listing._replace(namespace="claims") in unused(grants(ROLE, "claims"), seen.used())


def test_what_was_refused_is_told_once_and_is_no_use() -> None:
    seen = log(
        line(1, "list", "gateways", apiGroup="gateway.networking.k8s.io", code=403),
        line(2, "list", "gateways", apiGroup="gateway.networking.k8s.io", code=403),
        line(3, "list", "pods", user="kim", code=403),
    )
    assert seen.refused() == ["gateway.networking.k8s.io gateways list"]
    assert seen.used() == set()


def test_an_uninstalled_operator_ends_without_rights() -> None:
    gone, back = ("clusterrolebindings", "headgate-operator"), "create"
    refused = [line(second, "list", "pods", code=403) for second in (5, 15, 25, 45)]
    seen = log(
        refused[0],
        line(10, "delete", gone[0], user="admin", name=gone[1]),
        refused[1],
        line(20, back, gone[0], user="admin", name=gone[1]),
        refused[2],
        refused[3],
    )
    assert seen.refused() == ["pods list"]
    assert log(line(10, "delete", gone[0], user="admin", name=gone[1]), refused[1]).refused() == []
    assert log(refused[3]).refused() == ["pods list"]
