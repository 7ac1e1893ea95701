"""The chart as Helm renders it: typos refused, rights counted, pods restricted, policies complete."""

import re

import pytest
from tests.unit.chart.rendering import CHART, Object, helm, named, needs_helm, of_kind, rights

from headgate.api.crd import RESOURCES
from headgate.api.vocabulary import DecisionKind, Gate, Role
from headgate.kube.admission import REQUIRED

pytestmark = needs_helm

WRITTEN_BY_THE_OPERATOR = {"deployments", "services", "configmaps", "httproutes", "horizontalpodautoscalers"}
ALL_VERBS = {"get", "list", "watch", "create", "patch", "delete"}
"""It never replaces an object, so it has no use for update."""


def test_lint_is_content() -> None:
    done = helm("lint", str(CHART), "--strict", "--set", "environment=test")
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_an_environment_nothing_is_installed() -> None:
    done = helm("template", "headgate", str(CHART))
    assert done.returncode != 0
    assert "set environment" in done.stderr


def test_definitions_are_kept_unless_told_otherwise() -> None:
    kept = of_kind("CustomResourceDefinition")
    assert len(kept) == len(RESOURCES)
    assert all(crd["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep" for crd in kept)
    loose = of_kind("CustomResourceDefinition", "crds.keep=false")
    assert all("annotations" not in crd["metadata"] for crd in loose)
    assert [crd["spec"] for crd in kept] == [crd["spec"] for crd in loose]
    assert not of_kind("CustomResourceDefinition", "crds.enabled=false")


@pytest.mark.parametrize("settings", [(), ("watchNamespaces={lending,claims}",)], ids=["cluster-wide", "two namespaces"])
def test_no_role_has_a_wildcard_or_reads_secrets_of_others(settings: tuple[str, ...]) -> None:
    roles = [*of_kind("ClusterRole", *settings), *of_kind("Role", *settings)]
    assert roles
    for rule in (rule for role in roles for rule in role["rules"]):
        assert not any("*" in entry for key in ("apiGroups", "resources", "verbs") for entry in rule[key])
        assert not {"rolebindings", "clusterrolebindings", "serviceaccounts"} & set(rule["resources"])
        if "secrets" in rule["resources"]:
            assert rule["verbs"] == ["create"] or (rule["verbs"], rule["resourceNames"]) == (["get"], ["headgate-audit-key"])
        assert not {"impersonate", "bind", "escalate"} & set(rule["verbs"])


def test_the_operator_may_do_what_it_does_and_nothing_else() -> None:
    granted = rights(named("ClusterRole", "headgate-operator"))
    deleted = {resource for resource, verbs in granted.items() if "delete" in verbs}
    assert deleted == WRITTEN_BY_THE_OPERATOR | {"controllerrevisions", "jobs"}
    assert all(granted[resource] == ALL_VERBS for resource in WRITTEN_BY_THE_OPERATOR)
    assert {resource: granted[resource] for resource in set(granted) - WRITTEN_BY_THE_OPERATOR} == {
        "aimodels": {"get", "list", "watch"},
        "rolloutpolicies": {"get", "list", "watch"},
        "governanceapprovals": {"get", "list", "watch"},
        "aimodels/status": {"patch"},
        "governanceapprovals/status": {"patch"},
        "aimodels/finalizers": {"update"},
        "controllerrevisions": {"get", "create", "patch", "delete"},
        "jobs": {"get", "list", "watch", "create", "delete"},
        "pods": {"get", "list", "watch"},
        "gateways": {"list"},
        "events": {"create", "patch"},
        "customresourcedefinitions": {"get"},
        "validatingadmissionpolicies": {"list"},
        "validatingadmissionpolicybindings": {"list"},
    }


def test_the_audit_is_written_in_the_operators_namespace_and_never_deleted() -> None:
    own = named("Role", "headgate-leader", "watchNamespaces={lending}")
    assert own["metadata"]["namespace"] == "headgate-system"
    assert rights(own)["configmaps"] == {"get", "list", "create", "patch"}
    assert rights(named("ClusterRole", "headgate-auditor"))["configmaps"] == {"get", "list"}


def test_secrets_are_read_one_by_one_and_only_where_the_chart_says_so() -> None:
    setting = "revisions.hashSecrets=true"
    assert rights(named("ClusterRole", "headgate-operator", setting))["secrets"] == {"get"}
    own = [rule for rule in named("Role", "headgate-leader", setting)["rules"] if rule["resources"] == ["secrets"]]
    assert [(rule["verbs"], rule.get("resourceNames")) for rule in own] == [
        (["create"], None),
        (["get"], ["headgate-audit-key", "headgate-secret-hashes"]),
    ]
    (deployment,) = of_kind("Deployment", setting)
    values = {entry["name"]: entry.get("value") for entry in deployment["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert values["HEADGATE_HASH_SECRETS"] == "true"


def test_notifications_read_the_secrets_that_are_named_and_no_others() -> None:
    settings = ("notifications.enabled=true", "notifications.secrets={hooks,mail}", "policyNamespace=policies")
    role = named("Role", "headgate-notifications", *settings)
    assert role["metadata"]["namespace"] == "policies"
    assert role["rules"] == [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["hooks", "mail"], "verbs": ["get"]}]
    (deployment,) = of_kind("Deployment", *settings)
    values = {entry["name"]: entry.get("value") for entry in deployment["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert (values["HEADGATE_NOTIFICATIONS"], values["HEADGATE_NOTIFICATION_SECRETS"]) == ("true", "hooks,mail")


@pytest.mark.parametrize("settings", [("notifications.secrets={hooks}",), ("notifications.enabled=true",), ("notifications=null",)])
def test_without_notifications_or_names_there_is_no_right_to_read_secrets_for_them(settings: tuple[str, ...]) -> None:
    assert not [role for role in of_kind("Role", *settings) if role["metadata"]["name"] == "headgate-notifications"]


def test_the_operators_own_keys_cannot_be_named_as_a_receivers_secret() -> None:
    done = helm("template", "headgate", str(CHART), "--set", "environment=test", "--set", "notifications.secrets={headgate-audit-key}")
    assert done.returncode != 0
    assert "notifications" in done.stderr


def test_values_of_a_release_from_before_secrets_could_be_hashed_still_render() -> None:
    """As after `helm upgrade --reuse-values`."""
    (deployment,) = of_kind("Deployment", "revisions=null")
    values = {entry["name"]: entry.get("value") for entry in deployment["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert values["HEADGATE_HASH_SECRETS"] == "false"
    assert "secrets" not in rights(named("ClusterRole", "headgate-operator", "revisions=null"))


def test_with_named_namespaces_the_operator_writes_nowhere_else() -> None:
    settings = ("watchNamespaces={lending,claims}",)
    assert set(rights(named("ClusterRole", "headgate-operator", *settings))) == {
        "customresourcedefinitions",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
    }
    roles = [role for role in of_kind("Role", *settings) if role["metadata"]["name"] == "headgate-operator"]
    assert [role["metadata"]["namespace"] for role in roles] == ["lending", "claims"]
    assert all(rights(role)["deployments"] == ALL_VERBS for role in roles)


def test_the_monitor_lists_policies_where_they_are() -> None:
    settings = ("monitor.enabled=true", "watchNamespaces={lending,claims}", "policyNamespace=rules")
    places = {role["metadata"]["namespace"] for role in of_kind("Role", *settings) if _of_the_monitor(role, "rolloutpolicies")}
    assert places == {"rules"}
    assert rights(named("ClusterRole", "headgate-monitor", "monitor.enabled=true"))["rolloutpolicies"] == {"list"}


def _of_the_monitor(role: Object, resource: str) -> bool:
    return str(role["metadata"]["name"]).startswith("headgate-monitor") and resource in rights(role)


def test_nobody_gets_delete_and_each_approver_one_role() -> None:
    people = [role for role in of_kind("ClusterRole") if role["metadata"]["name"] != "headgate-operator"]
    assert all("delete" not in rule["verbs"] for role in people for rule in role["rules"])
    approving = {role["metadata"]["name"]: rule["resourceNames"] for role in people for rule in role["rules"] if "approve" in rule["verbs"]}
    given_by_people = [role for role in Role if role is not Role.AUTOMATED_CHECKS]
    gates = {role: [gate for gate in Gate if gate is not Gate.TIER_LOWERING or role is Role.LEGAL_APPROVAL] for role in given_by_people}
    rights = {role: [f"{gate.value.lower()}.{role}" for gate in gates[role]] for role in given_by_people}
    assert approving == {f"headgate-approver-{role}": names for role, names in rights.items()}


def test_an_own_classification_table_is_named_and_readable() -> None:
    settings = ("classification.tableConfigMap=tiers",)
    (deployment,) = of_kind("Deployment", *settings)
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert {"name": "HEADGATE_CLASSIFICATION_TABLE", "value": "tiers"} in container["env"]
    assert "get" in rights(named("Role", "headgate-leader", *settings))["configmaps"]


def test_the_pod_meets_the_restricted_standard() -> None:
    (deployment,) = of_kind("Deployment")
    pod = deployment["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "memory" in container["resources"]["limits"]
    assert all(set(volume) == {"name", "emptyDir"} for volume in pod["volumes"])


def test_the_pod_is_probed_scraped_and_told_where_it_is() -> None:
    (deployment,) = of_kind("Deployment", "prometheus.url=http://p:1", "policyNamespace=rules", "watchNamespaces={a,b}")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert {probe: container[probe]["httpGet"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")} == {
        "startupProbe": {"path": "/healthz", "port": "health"},
        "livenessProbe": {"path": "/healthz", "port": "health"},
        "readinessProbe": {"path": "/readyz", "port": "health"},
    }
    values = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert (values["HEADGATE_PROMETHEUS_URL"], values["HEADGATE_POLICY_NAMESPACE"], values["HEADGATE_WATCH_NAMESPACES"]) == (
        "http://p:1",
        "rules",
        "a,b",
    )
    assert values["HEADGATE_ENVIRONMENT"] == "test"
    annotations = deployment["spec"]["template"]["metadata"]["annotations"]
    assert (annotations["prometheus.io/scrape"], annotations["prometheus.io/port"]) == ("true", "8080")


def test_what_is_optional_comes_and_goes() -> None:
    assert of_kind("PodDisruptionBudget")
    assert not of_kind("PodDisruptionBudget", "replicas=1")
    assert not of_kind("ValidatingAdmissionPolicy", "admission.enabled=false")


def test_a_digest_wins_over_a_tag() -> None:
    digest = "sha256:" + "a" * 64
    (deployment,) = of_kind("Deployment", f"image.digest={digest}", "image.tag=v1")
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == f"headgate.local/headgate@{digest}"


def test_jobs_run_the_operators_own_image() -> None:
    settings = ("image.tag=v1", "image.pullPolicy=Always", "replays.imagePullSecrets={one,two}")
    (deployment,) = of_kind("Deployment", *settings)
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    values = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert values["HEADGATE_IMAGE"] == container["image"] == "headgate.local/headgate:v1"
    assert (values["HEADGATE_IMAGE_PULL_POLICY"], values["HEADGATE_IMAGE_PULL_SECRETS"]) == ("Always", "one,two")
    assert of_kind("Deployment", "replays=null"), "as after `helm upgrade --reuse-values` of an earlier release"


def test_every_policy_denies_fails_closed_and_leaves_deletion_alone() -> None:
    policies = {policy["metadata"]["name"]: policy["spec"] for policy in of_kind("ValidatingAdmissionPolicy")}
    bindings = {binding["spec"]["policyName"]: binding["spec"] for binding in of_kind("ValidatingAdmissionPolicyBinding")}
    assert set(policies) == set(bindings) == {f"headgate-{name}" for name in (*REQUIRED, "freezes", "trust-stores")}
    assert all(binding["validationActions"] == ["Deny"] for binding in bindings.values())
    for policy in policies.values():
        assert policy["failurePolicy"] == "Fail"
        operations = {operation for rule in policy["matchConstraints"]["resourceRules"] for operation in rule["operations"]}
        assert operations <= {"CREATE", "UPDATE"}
        assert all(validation["expression"].count("authorizer") <= 1 for validation in policy["validations"])


def test_every_decision_has_its_right() -> None:
    variables = {v["name"]: v["expression"] for v in named("ValidatingAdmissionPolicy", "headgate-approvals")["spec"]["variables"]}
    entitled = [set(re.findall(r"'(\w+)'", variables[name])) for name in ("decidesGate", "stops", "goesOn", "breaksGlass")]
    assert set.union(*entitled) == {str(kind) for kind in DecisionKind}
    assert sum(map(len, entitled)) == len(DecisionKind)


def test_a_signature_takes_the_place_of_the_requesting_user_for_gates_alone() -> None:
    policy = named("ValidatingAdmissionPolicy", "headgate-approvals")["spec"]
    variables = {v["name"]: v["expression"] for v in policy["variables"]}
    assert variables["signed"] == "variables.decidesGate && has(object.spec.signature)"
    excused = [v["expression"] for v in policy["validations"] if "variables.signed" in v["expression"]]
    assert len(excused) == 3
    assert not any(name in expression for expression in excused for name in ("stops", "goesOn", "breaksGlass"))


def test_the_trust_store_is_one_object_that_the_operator_only_reads() -> None:
    role = named("Role", "headgate-trust", "policyNamespace=rules")
    assert role["metadata"]["namespace"] == "rules"
    assert [(rule["resources"], rule["resourceNames"], rule["verbs"]) for rule in role["rules"]] == [
        (["truststores"], ["headgate"], ["get"])
    ]
    writers = {role["metadata"]["name"] for role in of_kind("ClusterRole") if "create" in rights(role).get("truststores", ())}
    assert writers == {"headgate-trust-editor"}
    values = [
        {
            entry["name"]: entry.get("value")
            for entry in of_kind("Deployment", *settings)[0]["spec"]["template"]["spec"]["containers"][0]["env"]
        }
        for settings in ((), ("trustStore.required=true",), ("trustStore=null",))
    ]
    assert [each["HEADGATE_TRUST_STORE_REQUIRED"] for each in values] == ["false", "true", "false"]


def test_the_relay_of_signed_approvals_decides_nothing() -> None:
    assert rights(named("ClusterRole", "headgate-approval-relay")) == {"governanceapprovals": {"get", "list", "watch", "create", "patch"}}


def test_only_the_charts_own_service_account_is_the_operator() -> None:
    settings = ("serviceAccount.name=robot",)
    status = named("ValidatingAdmissionPolicy", "headgate-status", *settings)["spec"]
    assert "'system:serviceaccount:headgate-system:robot'" in status["matchConditions"][0]["expression"]
    assert {account["metadata"]["name"] for account in of_kind("ServiceAccount", *settings)} == {"robot", "headgate-test"}
