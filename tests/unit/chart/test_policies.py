"""The policies and the trust store that values install: valid, with the figures that documents name, and applied as they are."""

import json
from typing import Any

import pytest
import yaml
from tests.resources import TRUST_STORE, example
from tests.unit.chart.rendering import CHART, Object, named, needs_helm, of_kind, rights, schema

from headgate.api.policy import RolloutPolicySpec
from headgate.api.trust_store import TrustStoreSpec
from headgate.api.vocabulary import Profile

FILES = sorted((CHART / "files/policies").glob("*.yaml"))
ALL = ("policies.standard=true", "policies.lowRisk=true", "policies.llm=true", "policies.fast=true")


def shipped(name: str) -> Object:
    loaded: Object = yaml.safe_load((CHART / f"files/policies/{name}.yaml").read_text())
    return loaded


def installed(*settings: str) -> dict[str, Object]:
    """By file name."""
    (config_map,) = [found for found in of_kind("ConfigMap", *settings) if found["metadata"]["name"] == "headgate-installer"]
    return {name: yaml.safe_load(text) for name, text in config_map["data"].items()}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_policy_is_valid_and_called_like_its_file(path: Any) -> None:
    policy = shipped(path.stem)
    RolloutPolicySpec.model_validate(policy["spec"])
    assert (policy["kind"], policy["metadata"]) == ("RolloutPolicy", {"name": path.stem})


def test_standard_has_the_figures_of_the_design_and_of_the_example() -> None:
    spec = shipped("standard")["spec"]
    stages = [[stage.get(key) for key in ("name", "minDuration", "maxDuration", "minRequests")] for stage in spec["stages"]]
    assert stages == [
        ["shadow", "14d", "28d", 1000],
        ["canary", "7d", "14d", 1000],
        ["quarter", "1d", "3d", None],
        ["half", "1d", "3d", None],
        ["full", "1d", "3d", None],
    ]
    shares = [
        next(stage[key] for key in ("mirrorPercent", "trafficPercent", "holdbackPercent") if key in stage) for stage in spec["stages"]
    ]
    assert shares == [100, 5, 25, 50, 1]
    assert spec["triggers"]["fairness"] == {"minDisparateImpact": "0.8"}
    example_spec = example("policies/standard.yaml")["spec"]
    assert {key: value for key, value in spec.items() if key != "triggers"} == {k: v for k, v in example_spec.items() if k != "metrics"}


def test_fast_is_the_policy_of_the_demo() -> None:
    assert shipped("fast")["spec"] == {key: value for key, value in example("policies/fast.yaml")["spec"].items() if key != "metrics"}


def test_nobody_is_asked_less_at_a_higher_tier() -> None:
    for path in FILES:
        gates = RolloutPolicySpec.model_validate(shipped(path.stem)["spec"]).gates.deployment
        people = [{entry.role for entry in roles if entry.role != "automated-checks"} for roles in (gates.low, gates.medium, gates.high)]
        assert people[0] <= people[1] <= people[2], path.stem


def test_the_profiles_are_those_of_the_operator() -> None:
    assert set(schema()["properties"]["policies"]["properties"]["profile"]["enum"]) == {str(profile) for profile in Profile}


@needs_helm
def test_what_values_name_is_applied_where_policies_live_with_the_right_to_do_that_alone() -> None:
    settings = (*ALL, "policies.profile=http", "policyNamespace=rules")
    found = installed(*settings)
    assert set(found) == {f"policy-{path.stem}.yaml" for path in FILES}
    for policy in found.values():
        assert RolloutPolicySpec.model_validate(policy["spec"]).metrics.profile is Profile.HTTP
        assert policy["metadata"]["namespace"] == "rules"
        without = {key: value for key, value in policy["spec"].items() if key != "metrics"}
        assert without == shipped(policy["metadata"]["name"])["spec"], "as the file has it"
    role = named("Role", "headgate-installer", *settings)
    assert role["metadata"]["namespace"] == "rules"
    assert rights(role) == {"rolloutpolicies": {"create", "patch"}}
    assert [rule.get("resourceNames") for rule in role["rules"]] == [None, ["fast", "llm", "low-risk", "standard"]]


@needs_helm
def test_the_installer_is_there_while_it_works_and_at_no_other_time() -> None:
    hooks = [
        document
        for kind in ("Job", "ServiceAccount", "Role", "RoleBinding")
        for document in of_kind(kind, *ALL, "policies.profile=http", "policyNamespace=rules")
        if document["metadata"]["name"] == "headgate-installer"
    ]
    assert len(hooks) == 4
    for hook in hooks:
        annotations = hook["metadata"]["annotations"]
        assert annotations["helm.sh/hook"] == "post-install,post-upgrade"
        assert "hook-succeeded" in annotations["helm.sh/hook-delete-policy"]
    assert not of_kind("Job")
    assert not [found for found in of_kind("ConfigMap") if found["metadata"]["name"] == "headgate-installer"]


@needs_helm
def test_the_trust_store_comes_from_values() -> None:
    settings = tuple(f"trustStore.{key}:={json.dumps(TRUST_STORE['spec'][key])}" for key in ("persons", "delegations"))
    store = installed(*settings)["trust-store.yaml"]
    assert (store["kind"], store["metadata"]["name"], store["metadata"]["namespace"]) == ("TrustStore", "headgate", "headgate-system")
    assert store["spec"] == TRUST_STORE["spec"]
    TrustStoreSpec.model_validate(store["spec"])
    role = named("Role", "headgate-installer", *settings)
    assert rights(role) == {"truststores": {"create", "patch"}}
