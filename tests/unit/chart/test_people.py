"""Who may do what: the chart's roles and their holders, in the whole cluster or in named namespaces, and the rights of its processes."""

from tests.unit.chart.rendering import Object, named, needs_helm, of_kind, rights

pytestmark = needs_helm

NAMED = ("watchNamespaces={lending,claims}", "policyNamespace=rules", "monitor.enabled=true", "policies.standard=true")
GIVEN = (
    "approvers.fairness-audit.users={dana@bank.example}",
    "approvers.security-review.groups={security}",
    "approvers.security-review.namespaces={lending}",
    "holders.operator-oncall.groups={on-call}",
    "holders.policy-editor.users={pat@bank.example}",
    "holders.auditor.groups={internal-audit}",
    "holders.approval-relay.serviceAccounts[0].namespace=flux-system",
    "holders.approval-relay.serviceAccounts[0].name=kustomize-controller",
)
CLUSTER_SCOPED = {"customresourcedefinitions", "validatingadmissionpolicies", "validatingadmissionpolicybindings"}


def bindings(*settings: str) -> set[tuple[str, str, str, str]]:
    """(kind, namespace, role, subject) of those that give people roles."""
    return {
        (binding["kind"], binding["metadata"].get("namespace", ""), _short(binding["roleRef"]["name"]), subject["name"])
        for kind in ("RoleBinding", "ClusterRoleBinding")
        for binding in of_kind(kind, *settings)
        for subject in binding["subjects"]
        if not subject["name"].startswith("headgate")
    }


def _short(name: str) -> str:
    return name.removeprefix("headgate-")


def test_with_named_namespaces_nothing_in_a_namespace_is_done_by_a_cluster_role() -> None:
    roles = {role["metadata"]["name"]: set(rights(role)) for role in of_kind("ClusterRole", *NAMED, *GIVEN)}
    assert roles == {"headgate-operator": CLUSTER_SCOPED, "headgate-test": CLUSTER_SCOPED}
    assert all(rule["verbs"] in (["list"], ["get"]) for role in of_kind("ClusterRole", *NAMED, *GIVEN) for rule in role["rules"])


def test_without_admission_policies_named_namespaces_need_nothing_of_the_cluster() -> None:
    settings = ("watchNamespaces={lending}", "admission.enabled=false", "crds.enabled=false", "monitor.enabled=true")
    scoped = {"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "ValidatingAdmissionPolicy"}
    assert not [kind for kind in scoped if of_kind(kind, *settings)]
    (pod,) = of_kind("Pod", *settings)
    assert not {"--definitions", "--admission"} & set(pod["spec"]["containers"][0]["args"])


def test_people_have_the_same_roles_either_way() -> None:
    everywhere = {role["metadata"]["name"]: role["rules"] for role in of_kind("ClusterRole", *GIVEN)}
    found: dict[str, set[str]] = {}
    for role in of_kind("Role", *NAMED, *GIVEN):
        name = role["metadata"]["name"]
        if name in everywhere and name not in ("headgate-operator", "headgate-test"):
            assert role["rules"] == everywhere[name]
            found.setdefault(name, set()).add(role["metadata"]["namespace"])
    assert {name for name in everywhere if name not in ("headgate-operator", "headgate-test")} == set(found)
    assert found["headgate-approver-fairness-audit"] == {"lending", "claims"}
    assert (found["headgate-policy-editor"], found["headgate-auditor"]) == ({"rules"}, {"headgate-system"})


def test_holders_get_their_roles_in_the_whole_cluster() -> None:
    assert bindings(*GIVEN) == {
        ("ClusterRoleBinding", "", "approver-fairness-audit", "dana@bank.example"),
        ("RoleBinding", "lending", "approver-security-review", "security"),
        ("ClusterRoleBinding", "", "operator-oncall", "on-call"),
        ("RoleBinding", "headgate-system", "policy-editor", "pat@bank.example"),
        ("RoleBinding", "headgate-system", "auditor", "internal-audit"),
        ("ClusterRoleBinding", "", "approval-relay", "kustomize-controller"),
    }


def test_holders_get_their_roles_in_named_namespaces() -> None:
    assert bindings(*NAMED, *GIVEN) == {
        ("RoleBinding", "lending", "approver-fairness-audit", "dana@bank.example"),
        ("RoleBinding", "claims", "approver-fairness-audit", "dana@bank.example"),
        ("RoleBinding", "lending", "approver-security-review", "security"),
        ("RoleBinding", "lending", "operator-oncall", "on-call"),
        ("RoleBinding", "claims", "operator-oncall", "on-call"),
        ("RoleBinding", "rules", "policy-editor", "pat@bank.example"),
        ("RoleBinding", "headgate-system", "auditor", "internal-audit"),
        ("RoleBinding", "lending", "approval-relay", "kustomize-controller"),
        ("RoleBinding", "claims", "approval-relay", "kustomize-controller"),
    }


def test_every_binding_names_a_role_that_is_there() -> None:
    for settings in ((*GIVEN, "monitor.enabled=true"), (*NAMED, *GIVEN)):
        roles = {_place(role) for kind in ("Role", "ClusterRole") for role in of_kind(kind, *settings)}
        for binding in (found for kind in ("RoleBinding", "ClusterRoleBinding") for found in of_kind(kind, *settings)):
            reference = binding["roleRef"]
            namespace = binding["metadata"].get("namespace", "") if reference["kind"] == "Role" else ""
            assert (reference["kind"], namespace, reference["name"]) in roles


def _place(body: Object) -> tuple[str, str, str]:
    return body["kind"], body["metadata"].get("namespace", ""), body["metadata"]["name"]


def test_the_message_of_a_refusal_names_the_kind_of_role_that_is_there() -> None:
    for settings, kind in (((*GIVEN, "monitor.enabled=true"), "ClusterRole"), ((*NAMED, *GIVEN), "Role")):
        policy = named("ValidatingAdmissionPolicy", "headgate-approvals", *settings)
        words = [rule["messageExpression"] for rule in policy["spec"]["validations"] if "headgate-" in rule.get("messageExpression", "")]
        assert len(words) == 4
        assert all(f"the {kind} headgate-" in text for text in words)


def test_the_monitor_reads_models_and_writes_no_traffic() -> None:
    settings = (*GIVEN, "monitor.enabled=true")
    assert rights(named("ClusterRole", "headgate-monitor", *settings)) == {
        "aimodels": {"get", "list"},
        "rolloutpolicies": {"list"},
        "aimodels/status": {"patch"},
        "aimodels/finalizers": {"update"},
        "configmaps": {"get", "create", "patch"},
    }
    leader = named("Role", "headgate-monitor-leader", *settings)
    assert [(rule["verbs"], rule.get("resourceNames")) for rule in leader["rules"]] == [
        (["create"], None),
        (["get", "patch"], ["headgate-monitor"]),
    ]


def test_the_monitor_starts_jobs_only_where_values_say_so() -> None:
    settings = ("monitor.enabled=true", "monitor.retraining=true")
    assert rights(named("ClusterRole", "headgate-monitor", *settings))["jobs"] == {"list", "create"}


def test_admission_holds_the_monitor_to_its_part_of_the_status_and_its_config_maps() -> None:
    settings = (*GIVEN, "monitor.enabled=true")
    user = "'system:serviceaccount:headgate-system:headgate-monitor'"
    own = named("ValidatingAdmissionPolicy", "headgate-monitor", *settings)["spec"]
    assert [condition["expression"] for condition in own["matchConditions"]] == [f"request.userInfo.username == {user}"]
    excused = {}
    for policy in of_kind("ValidatingAdmissionPolicy", *settings):
        for condition in policy["spec"].get("matchConditions", ()):
            if condition["name"] == "not-the-monitor":
                excused[policy["metadata"]["name"]] = condition["expression"]
    assert excused == {
        "headgate-status": f"request.userInfo.username != {user} || request.resource.resource != 'aimodels'",
        "headgate-managed-objects": f"request.userInfo.username != {user} || !(request.resource.resource in ['configmaps', 'jobs'])",
    }
    assert not [policy for policy in of_kind("ValidatingAdmissionPolicy", *GIVEN) if "monitor" in str(policy)]
