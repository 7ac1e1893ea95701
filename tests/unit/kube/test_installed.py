"""An admission policy that is not what the chart installed is no proof of anything."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import pytest
from tests.unit.chart.rendering import named, needs_helm, of_kind

from headgate.kube.admission import APPROVALS, REQUIRED, standing
from headgate.kube.installed import Installed, read_installed

POLICY, BINDING = "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"
Body = dict[str, Any]
SOME = {"matchLabels": {"team": "fraud"}}

pytestmark = needs_helm


def by_the_chart(*settings: str) -> Installed:
    (container,) = named("Deployment", "headgate", *settings)["spec"]["template"]["spec"]["containers"]
    values = {entry["name"]: entry.get("value", "") for entry in container["env"]}
    return read_installed(values["HEADGATE_ADMISSION_DIGESTS"])


def as_stored(body: Body) -> Body:
    """With what the API server fills in."""
    stored = deepcopy(body)
    stored["metadata"] |= {"creationTimestamp": "2026-11-01T00:00:00Z", "uid": body["metadata"]["name"], "generation": 1}
    for name in ("matchConstraints", "matchResources"):
        constraints = stored["spec"].get(name)
        if constraints is not None:
            for field, value in (("matchPolicy", "Equivalent"), ("namespaceSelector", {}), ("objectSelector", {})):
                constraints.setdefault(field, value)
            for rule in constraints.get("resourceRules", ()):
                rule.setdefault("scope", "*")
    return stored


def problem(change: Callable[[Body, Body], object] = lambda policy, binding: None, short: str = APPROVALS, *settings: str) -> str:
    """What is said of the chart's policies after somebody changed one of them, or its binding."""
    policies, bindings = ({one["metadata"]["name"]: as_stored(one) for one in of_kind(kind, *settings)} for kind in (POLICY, BINDING))
    change(policies[f"headgate-{short}"]["spec"], bindings[f"headgate-{short}"]["spec"])
    return standing(policies.values(), bindings.values(), "headgate", by_the_chart(*settings)).problem


def test_what_the_chart_installs_is_in_force() -> None:
    assert problem() == ""


@pytest.mark.parametrize("kind", [POLICY, BINDING])
def test_the_chart_tells_the_operator_of_each_that_it_installs(kind: str) -> None:
    assert {f"{kind}/headgate-{short}" for short in REQUIRED} <= set(by_the_chart().digests)
    assert {f"{kind}/{one['metadata']['name']}" for one in of_kind(kind)} <= set(by_the_chart().digests)


def put(at: Mapping[str, Any] | Body, **fields: Any) -> None:
    assert isinstance(at, dict)
    at.update(fields)


WEAKENED: dict[str, Callable[[Body, Body], object]] = {
    "no validations": lambda policy, _: put(policy, validations=[]),
    "one validation less": lambda policy, _: policy["validations"].pop(),
    "a validation that is always true": lambda policy, _: put(policy["validations"][0], expression="true"),
    "a variable that means something else": lambda policy, _: put(policy["variables"][0], expression="'dana'"),
    "a condition that leaves somebody out": lambda policy, _: put(policy, matchConditions=[{"name": "x", "expression": "false"}]),
    "it lets pass when it fails": lambda policy, _: put(policy, failurePolicy="Ignore"),
    "a parameter that is nowhere": lambda policy, _: put(policy, paramKind={"apiVersion": "v1", "kind": "ConfigMap"}),
    "fewer operations": lambda policy, _: put(policy["matchConstraints"]["resourceRules"][0], operations=["DELETE"]),
    "another scope": lambda policy, _: put(policy["matchConstraints"]["resourceRules"][0], scope="Cluster"),
    "exact versions only": lambda policy, _: put(policy["matchConstraints"], matchPolicy="Exact"),
    "some namespaces only": lambda policy, _: put(policy["matchConstraints"], namespaceSelector=SOME),
    "some objects only": lambda policy, _: put(policy["matchConstraints"], objectSelector=SOME),
    "it only warns": lambda _, binding: put(binding, validationActions=["Warn"]),
    "it is bound to some namespaces": lambda _, binding: put(binding, matchResources={"namespaceSelector": SOME}),
    "it is bound to some resources": lambda _, binding: put(binding, matchResources={"resourceRules": [{"resources": ["pods"]}]}),
    "it is bound with a parameter": lambda _, binding: put(binding, paramRef={"name": "x", "parameterNotFoundAction": "Allow"}),
    "it binds another policy": lambda _, binding: put(binding, policyName="headgate-audit"),
}


@pytest.mark.parametrize("change", WEAKENED.values(), ids=WEAKENED.keys())
def test_each_weakening_is_a_fault(change: Callable[[Body, Body], object]) -> None:
    assert "headgate-approvals" in problem(change)


@pytest.mark.parametrize("short", ["managed-objects", "pods", "audit", "replays"])
def test_a_selector_of_the_chart_may_not_be_narrowed(short: str) -> None:
    narrower = problem(lambda policy, _: policy["matchConstraints"]["objectSelector"].setdefault("matchLabels", {}).update(team="x"), short)
    assert f"headgate-{short}" in narrower


def test_where_the_chart_runs_the_monitor_its_policy_is_one_of_them() -> None:
    """The others let the monitor's account pass, because this one holds it."""
    monitored = "monitor.enabled=true"
    assert problem(lambda *_: None, "monitor", monitored) == ""
    emptied = problem(lambda policy, _: put(policy, validations=[]), "monitor", monitored)
    unbound = problem(lambda _, binding: put(binding, policyName="headgate-audit"), "monitor", monitored)
    assert "headgate-monitor has no validations" in emptied
    assert "headgate-monitor" in unbound


def test_of_what_no_chart_made_nothing_is_known() -> None:
    assert read_installed("") == Installed()


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1}'])
def test_digests_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"property name|no JSON object"):
        read_installed(text)
