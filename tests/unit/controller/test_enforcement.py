"""Approvals count only while the admission policies are in force."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.controller.fake_cluster import START, FakeCluster
from tests.unit.controller.operator_world import OperatorWorld

from headgate.controller.enforcement import Enforcement, Proof
from headgate.kube.admission import BINDINGS, POLICIES, REQUIRED
from headgate.kube.errors import Forbidden, KubeError, Unavailable
from headgate.kube.interface import Listing
from headgate.kube.resources import Resource


def installed() -> FakeCluster:
    return OperatorWorld().api


def check(enforcement: Enforcement) -> bool:
    return asyncio.run(enforcement.check())


def test_everything_in_force_is_no_problem_and_proves_later_approvals() -> None:
    api = installed()
    enforcement = Enforcement(api, lambda: START + timedelta(minutes=1))
    assert enforcement.problem
    assert check(enforcement)
    assert enforcement.problem == ""
    assert not enforcement.proof.covers(START)
    assert enforcement.proof.covers(START + timedelta(seconds=6))
    assert not check(enforcement), "nothing changed"


@pytest.mark.parametrize("resource", [POLICIES, BINDINGS], ids=lambda resource: resource.plural)
@pytest.mark.parametrize("short", REQUIRED)
def test_each_missing_one_is_named(short: str, resource: Resource) -> None:
    api = installed()
    del api.objects[(resource.plural, "", f"headgate-{short}")]
    enforcement = Enforcement(api, lambda: START)
    check(enforcement)
    assert f"headgate-{short}" in enforcement.problem


@pytest.mark.parametrize(
    ("resource", "spec"),
    [(POLICIES, {"failurePolicy": "Ignore"}), (BINDINGS, {"policyName": "headgate-approvals", "validationActions": ["Audit"]})],
    ids=["fails open", "only audits"],
)
def test_one_that_lets_pass_is_as_good_as_none(resource: Resource, spec: dict[str, Any]) -> None:
    api = installed()
    api.put(resource, {"metadata": {"name": "headgate-approvals"}, "spec": spec})
    enforcement = Enforcement(api, lambda: START)
    check(enforcement)
    assert "headgate-approvals" in enforcement.problem


def test_the_prefix_of_the_release_is_that_of_the_names() -> None:
    enforcement = Enforcement(installed(), lambda: START, prefix="other")
    check(enforcement)
    assert "other-approvals" in enforcement.problem


def test_a_gap_unproves_what_was_made_in_it_and_nothing_else() -> None:
    api, now = installed(), [START + timedelta(minutes=1)]
    enforcement = Enforcement(api, lambda: now[0])
    check(enforcement)
    binding = api.objects[(BINDINGS.plural, "", "headgate-approvals")]
    api.put(BINDINGS, {**binding, "spec": {**binding["spec"], "validationActions": ["Audit"]}})
    now[0] += timedelta(minutes=5)
    check(enforcement)
    assert enforcement.problem
    api.put(BINDINGS, binding)
    now[0] += timedelta(minutes=5)
    check(enforcement)
    assert enforcement.problem == ""
    covered = {minute: enforcement.proof.covers(START + timedelta(minutes=minute)) for minute in (0.5, 3, 8, 12)}
    assert covered == {0.5: True, 3: False, 8: False, 12: True}


def test_recreated_policies_prove_nothing_about_the_time_before() -> None:
    api = installed()
    policy = api.objects.pop((POLICIES.plural, "", "headgate-approvals"))
    api.now = START + timedelta(hours=1)
    api.put(POLICIES, {"metadata": {"name": "headgate-approvals"}, "spec": policy["spec"]})
    enforcement = Enforcement(api, lambda: api.now)
    check(enforcement)
    assert not enforcement.proof.covers(START + timedelta(minutes=30))


class Failing(FakeCluster):
    error: KubeError | None = None

    async def list(self, resource: Resource, namespace: str | None = None, *, labels: str = "", fields: str = "") -> Listing:
        if self.error is not None:
            raise self.error
        return await super().list(resource, namespace, labels=labels, fields=fields)


def test_without_the_right_to_look_gates_stay_closed_but_an_outage_changes_nothing() -> None:
    api = Failing()
    api.objects = installed().objects
    enforcement = Enforcement(api, lambda: START)
    check(enforcement)
    api.error = Unavailable("down", status=503)
    assert not check(enforcement)
    assert enforcement.problem == ""
    api.error = Forbidden("no", status=403)
    assert check(enforcement)
    assert "cannot see" in enforcement.problem


def test_nothing_is_proven_before_the_first_look() -> None:
    assert not Proof().covers(datetime(2030, 1, 1, tzinfo=UTC))


def test_gates_stay_closed_while_a_policy_is_missing() -> None:
    world = OperatorWorld()
    removed = world.api.objects.pop((POLICIES.plural, "", "headgate-models"))
    world.release("v1")
    world.settle()
    world.approve()
    world.settle()
    assert world.status.phase == "AwaitingDeployment"
    enforced = next(c for c in world.status.conditions if c.type == "GovernanceEnforced")
    assert (enforced.status, "headgate-models" in enforced.message) == ("False", True)
    world.api.put(POLICIES, removed)
    world.settle()
    assert world.weights != {}
