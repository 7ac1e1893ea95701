"""The chart grants operator and monitor what they use: nothing they never used in all these tests, nothing less than they asked for.

It looks back on what the API server noted since the cluster came up, so it runs last, and says something only after the others.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.rights import Grant, Log, grants, unused

from demo.kubectl import get, kubectl
from headgate.controller.cache import WATCHED
from headgate.kube.resources import AIMODELS, HTTP_ROUTES

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.last]

NAMESPACE = "headgate-system"
OPERATOR, MONITOR = "headgate", "headgate-monitor"

SELDOM = {
    # An admission plugin asks for it, in no request of its own, where clusters switch it on.
    Grant(AIMODELS.group, "aimodels/finalizers", "update"),
    # Asked for when a full list and a watch disagree about an object, which a test cannot bring about by itself.
    *(Grant(resource.group, resource.plural, "get") for resource, _ in WATCHED),
    # Of a model that was deleted and left its users to nobody: the route goes minutes after the last pod.
    Grant(HTTP_ROUTES.group, HTTP_ROUTES.plural, "delete"),
}
"""Granted, and not to be seen in these tests."""


@pytest.fixture(scope="module", params=[OPERATOR, MONITOR])
def account(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def log(account: str) -> Log:
    if "HEADGATE_API_AUDIT" not in os.environ:
        pytest.skip("this cluster's API server keeps no audit log that can be read from here: CLUSTER=host has one")
    file = Path(os.environ["HEADGATE_API_AUDIT"])
    lines = [line for part in sorted(file.parent.glob(f"{file.stem}*{file.suffix}")) for line in part.read_text().splitlines()]
    found = Log.read(lines, f"system:serviceaccount:{NAMESPACE}:{account}")
    assert any(found.asked()), f"the API server has noted nothing of {account} in {file}"
    return found


def granted(account: str) -> Iterator[Grant]:
    """All that is bound to the ServiceAccount."""
    for binding in _items("clusterrolebindings"):
        if _is_of(account, binding):
            yield from grants(json.loads(kubectl("get", "clusterrole", binding["roleRef"]["name"], "-o", "json")))
    for binding in _items("rolebindings", "-A"):
        if _is_of(account, binding):
            namespace = binding["metadata"]["namespace"]
            role = get(binding["roleRef"]["kind"].lower(), binding["roleRef"]["name"], namespace)
            assert role is not None, binding
            yield from grants(role, namespace)


def _items(*what: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(kubectl("get", *what, "-o", "json"))["items"]
    return found


def _is_of(account: str, binding: dict[str, Any]) -> bool:
    return any(
        (subject["kind"], subject["name"], subject.get("namespace")) == ("ServiceAccount", account, NAMESPACE)
        for subject in binding.get("subjects") or ()
    )


def test_it_was_refused_nothing(log: Log) -> None:
    assert log.refused() == []


def test_it_has_no_right_that_it_never_used(account: str, log: Log) -> None:
    rights = set(granted(account))
    assert len(rights) > (40 if account == OPERATOR else 5)
    assert sorted(unused(rights - SELDOM, log.used())) == []
