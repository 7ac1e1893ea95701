"""The admission policies on a real API server: nobody decides as somebody else, and nobody goes around the operator."""

import base64
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.cluster.apiserver import HEADGATE, Answer, Cluster, User, path_of
from tests.resources import AIMODEL, APPROVE, BREAK_GLASS, HALT, SIGNED, TRUST_STORE, Document, changed

from headgate.api.vocabulary import DecisionKind, Gate, Role
from headgate.controller.cache import Cache
from headgate.controller.facts import ModelKey
from headgate.kube.admission import REQUIRED
from headgate.kube.installed import read_installed
from headgate.kube.resources import CONFIG_MAPS
from headgate.rollout.decision import POLICY_KEY

pytestmark = pytest.mark.usefixtures("installed")

DANA, SAM, CHEN, ONCALL = "dana@bank.example", "sam@bank.example", "chen@bank.example", "ops-oncall@bank.example"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
ROUTES = "/apis/gateway.networking.k8s.io/v1"
Object = dict[str, Any]
WRITING = [
    {"apiGroups": ["headgate.dev"], "resources": ["aimodels", "aimodels/status"], "verbs": ["create", "update", "patch"]},
    {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["create"]},
    {"apiGroups": [""], "resources": ["services"], "verbs": ["create"]},
    {"apiGroups": ["gateway.networking.k8s.io"], "resources": ["httproutes"], "verbs": ["create"]},
]


def bind(cluster: Cluster, namespace: str, person: str, role: str) -> None:
    """A RoleBinding of one of the chart's ClusterRoles to one person."""
    _bind(cluster, namespace, person, {"kind": "ClusterRole", "name": role})


def grant(cluster: Cluster, namespace: str, person: str, *rules: Object) -> None:
    """A Role of its own for one person."""
    name = f"of-{person.split('@', maxsplit=1)[0]}"
    made = cluster.admin.create(f"{RBAC}/namespaces/{namespace}/roles", {"metadata": {"name": name}, "rules": list(rules)})
    assert made.accepted, made.message
    _bind(cluster, namespace, person, {"kind": "Role", "name": name})


def _bind(cluster: Cluster, namespace: str, person: str, role: Object) -> None:
    body = {
        "metadata": {"generateName": "binding-"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", **role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": person}],
    }
    made = cluster.admin.create(f"{RBAC}/namespaces/{namespace}/rolebindings", body)
    assert made.accepted, made.message


def decide(user: User, namespace: str, document: Document, **fields: Any) -> Answer:
    spec = {**document["spec"], **fields}
    body = {**document, "metadata": {"generateName": "decision-", "namespace": namespace}, "spec": spec}
    return user.create(path_of(body, namespace), body)


def eventually(ask: Callable[[], Answer], wanted: Callable[[Answer], bool], seconds: float = 10) -> Answer:
    """RBAC reaches the authorizer a moment after it is written, controllers act later. Asks again until `wanted` or time is up."""
    deadline = time.monotonic() + seconds
    while not wanted(last := ask()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return last


def accepted(ask: Callable[[], Answer]) -> None:
    answer = eventually(ask, lambda given: given.accepted)
    assert answer.accepted, answer.message


def refused(ask: Callable[[], Answer], *says: str) -> None:
    """Asked again while RBAC alone refuses, so that the refusal is the policy's."""
    answer = eventually(ask, lambda given: "ValidatingAdmissionPolicy" in given.message)
    assert not answer.accepted, "accepted"
    assert all(words in answer.message for words in ("ValidatingAdmissionPolicy", *says)), answer.message


# ---- who decides


def test_the_entitled_person_approves_in_their_role(cluster: Cluster, namespace: str) -> None:
    bind(cluster, namespace, DANA, "headgate-approver-fairness-audit")
    dana = cluster.impersonated(DANA)
    accepted(lambda: decide(dana, namespace, APPROVE))
    accepted(lambda: decide(dana, namespace, APPROVE, decision="Reject"))
    accepted(lambda: decide(dana, namespace, APPROVE, decision="Revoke"))


def test_an_approver_who_is_removed_decides_nothing_more_and_what_was_decided_stays(cluster: Cluster, namespace: str) -> None:
    bindings, dana = f"{RBAC}/namespaces/{namespace}/rolebindings", cluster.impersonated(DANA)
    bind(cluster, namespace, DANA, "headgate-approver-fairness-audit")
    made = eventually(lambda: decide(dana, namespace, APPROVE), lambda given: given.accepted)
    assert made.accepted, made.message
    for binding in cluster.admin.get(bindings).body["items"]:
        assert cluster.admin.delete(f"{bindings}/{binding['metadata']['name']}").accepted
    later = eventually(lambda: decide(dana, namespace, APPROVE), lambda given: not given.accepted)
    assert not later.accepted
    kept = cluster.admin.get(f"{path_of(made.body, namespace)}/{made.body['metadata']['name']}")
    assert kept.body["spec"] == made.body["spec"]


def test_nobody_approves_in_another_persons_name(cluster: Cluster, namespace: str) -> None:
    bind(cluster, namespace, SAM, "headgate-approver-fairness-audit")
    refused(lambda: decide(cluster.impersonated(SAM), namespace, APPROVE), f"write approver: {SAM}", f"sign in as {DANA}")


def test_an_administrator_is_nobodys_substitute(cluster: Cluster, namespace: str) -> None:
    refused(lambda: decide(cluster.admin, namespace, APPROVE), "spec.approver must be who you are")


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.FAIRNESS_AUDIT, Role.AUTOMATED_CHECKS)])
def test_one_role_is_no_other_role(cluster: Cluster, namespace: str, role: Role) -> None:
    bind(cluster, namespace, DANA, "headgate-approver-fairness-audit")
    refused(
        lambda: decide(cluster.impersonated(DANA), namespace, APPROVE, role=role), f"deployment.{role}", f"headgate-approver-{role} to you"
    )


@pytest.mark.parametrize("gate", [gate for gate in Gate if gate is not Gate.TIER_LOWERING])
def test_a_role_of_the_chart_decides_at_every_gate(cluster: Cluster, namespace: str, gate: Gate) -> None:
    bind(cluster, namespace, DANA, "headgate-approver-fairness-audit")
    accepted(lambda: decide(cluster.impersonated(DANA), namespace, APPROVE, gate=gate))


def test_the_api_server_keeps_policies_and_bindings_as_the_chart_tells_the_operator(cluster: Cluster) -> None:
    deployment = cluster.admin.get("/apis/apps/v1/namespaces/headgate-system/deployments/headgate").body
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    values = {entry["name"]: entry.get("value", "") for entry in container["env"]}
    installed = read_installed(values["HEADGATE_ADMISSION_DIGESTS"])
    admission = "/apis/admissionregistration.k8s.io/v1"
    for kind, plural in (("Policy", "validatingadmissionpolicies"), ("PolicyBinding", "validatingadmissionpolicybindings")):
        listed = {one["metadata"]["name"]: one for one in cluster.admin.get(f"{admission}/{plural}").body["items"]}
        for short in REQUIRED:
            assert installed.made(f"ValidatingAdmission{kind}", listed[f"headgate-{short}"]), f"{kind} {short}"


def test_only_legal_approval_lowers_a_tier(cluster: Cluster, namespace: str) -> None:
    bind(cluster, namespace, DANA, "headgate-approver-fairness-audit")
    as_reviewer = eventually(
        lambda: decide(cluster.impersonated(DANA), namespace, APPROVE, gate=Gate.TIER_LOWERING),
        lambda given: "only the role legal-approval decides" in given.message,
    )
    assert not as_reviewer.accepted
    lowering = {"gate": Gate.TIER_LOWERING, "role": Role.LEGAL_APPROVAL}
    refused(lambda: decide(cluster.impersonated(DANA), namespace, APPROVE, **lowering), "tierlowering.legal-approval")
    bind(cluster, namespace, DANA, "headgate-approver-legal-approval")
    accepted(lambda: decide(cluster.impersonated(DANA), namespace, APPROVE, **lowering))


def test_a_right_at_one_gate_is_none_at_another(cluster: Cluster, namespace: str) -> None:
    rule = {"apiGroups": ["headgate.dev"], "resources": ["governanceapprovals"]}
    continues = rule | {"resourceNames": ["continuation.fairness-audit"], "verbs": ["approve"]}
    grant(cluster, namespace, DANA, rule | {"verbs": ["create"]}, continues)
    accepted(lambda: decide(cluster.impersonated(DANA), namespace, APPROVE, gate=Gate.CONTINUATION))
    refused(lambda: decide(cluster.impersonated(DANA), namespace, APPROVE, gate=Gate.USE_CASE), "usecase.fairness-audit")
    refused(lambda: decide(cluster.impersonated(DANA), namespace, APPROVE), "deployment.fairness-audit")


def test_a_right_in_one_namespace_is_none_in_another(cluster: Cluster, namespace: str, other_namespace: str) -> None:
    bind(cluster, other_namespace, DANA, "headgate-approver-fairness-audit")
    create = {"apiGroups": ["headgate.dev"], "resources": ["governanceapprovals"], "verbs": ["create"]}
    grant(cluster, namespace, DANA, create)
    accepted(lambda: decide(cluster.impersonated(DANA), other_namespace, APPROVE))
    refused(lambda: decide(cluster.impersonated(DANA), namespace, APPROVE), "has no right to decide", namespace)


def test_a_service_account_never_decides_whatever_it_may(cluster: Cluster, namespace: str) -> None:
    name = f"system:serviceaccount:{namespace}:robot"
    made = cluster.admin.create(f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "robot"}})
    assert made.accepted, made.message
    bind(cluster, namespace, name, "headgate-approver-fairness-audit")
    token = cluster.admin.create(f"/api/v1/namespaces/{namespace}/serviceaccounts/robot/token", {"spec": {"expirationSeconds": 600}})
    robot = cluster.with_token(token.body["status"]["token"])
    refused(lambda: decide(robot, namespace, APPROVE, approver=name), "a decision needs a person")


def test_a_robot_brings_what_others_signed_and_nothing_else(cluster: Cluster, namespace: str) -> None:
    name = f"system:serviceaccount:{namespace}:gitops"
    assert cluster.admin.create(f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "gitops"}}).accepted
    bind(cluster, namespace, name, "headgate-approval-relay")
    robot = cluster.service_account(namespace, "gitops")
    accepted(lambda: decide(robot, namespace, SIGNED))
    accepted(lambda: decide(robot, namespace, changed(SIGNED, (("conditions",), [])), decision="Revoke"))
    refused(lambda: decide(robot, namespace, APPROVE), "spec.approver must be who you are", "approve --sign")
    refused(lambda: decide(robot, namespace, APPROVE, approver=name), "a decision needs a person")
    refused(lambda: decide(robot, namespace, HALT), "spec.approver must be who you are")


def test_only_its_editors_write_the_trust_store_and_only_where_it_is_read(cluster: Cluster, namespace: str) -> None:
    elsewhere = {**TRUST_STORE, "metadata": {"name": "headgate", "namespace": namespace}}
    others = ("headgate-policy-editor", "headgate-approver-fairness-audit", "headgate-break-glass", "edit")
    for role in (*others, "headgate-trust-editor"):
        bind(cluster, namespace, f"{role}@bank.example", role)
    path = path_of(elsewhere, namespace)
    refused(
        lambda: cluster.impersonated("headgate-trust-editor@bank.example").create(path, elsewhere), "is in the namespace headgate-system"
    )
    for role in others:
        answer = cluster.impersonated(f"{role}@bank.example").create(path, elsewhere)
        assert 'cannot create resource "truststores"' in answer.message, role


def test_a_person_with_a_certificate_of_the_cluster_approves(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    bind(cluster, namespace, DANA, "headgate-approver-fairness-audit")
    dana = cluster.with_certificate(*issued(cluster, DANA, tmp_path))
    accepted(lambda: decide(dana, namespace, APPROVE))
    refused(lambda: decide(dana, namespace, APPROVE, approver=SAM), f"write approver: {DANA}")


def issued(cluster: Cluster, person: str, folder: Path) -> tuple[str, str]:
    """Certificate and key of one person, signed by the cluster's own authority."""
    key, request = folder / "key.pem", folder / "request.pem"
    openssl = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={person}"]
    subprocess.run([*openssl, "-keyout", str(key), "-out", str(request)], check=True, capture_output=True, timeout=30)
    signing = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
    spec = {
        "signerName": "kubernetes.io/kube-apiserver-client",
        "usages": ["client auth"],
        "expirationSeconds": 600,
        "request": base64.b64encode(request.read_bytes()).decode(),
    }
    asked = cluster.admin.create(signing, {"metadata": {"generateName": "headgate-test-"}, "spec": spec})
    assert asked.accepted, asked.message
    path = f"{signing}/{asked.body['metadata']['name']}"
    approval = {"type": "Approved", "status": "True", "reason": "Test", "message": "a test's approver"}
    approved = cluster.admin.ask("PUT", f"{path}/approval", asked.body | {"status": {"conditions": [approval]}})
    assert approved.accepted, approved.message
    given = eventually(lambda: cluster.admin.get(path), lambda answer: "certificate" in answer.body.get("status", {}))
    cluster.admin.delete(path)
    return base64.b64decode(given.body["status"]["certificate"]).decode(), key.read_text()


@pytest.mark.parametrize("kind", [kind for kind in DecisionKind if kind not in ("Approve", "Reject", "Revoke")])
def test_an_intervention_needs_its_verb_on_its_model(cluster: Cluster, namespace: str, kind: DecisionKind) -> None:
    verb = "breakglass" if kind == "BreakGlass" else "halt" if kind in ("Halt", "Rollback", "Pause") else "promote"
    other = "promote" if verb == "halt" else "halt"
    order = BREAK_GLASS if kind == "BreakGlass" else HALT
    create = {"apiGroups": ["headgate.dev"], "resources": ["governanceapprovals"], "verbs": ["create"]}
    right = {"apiGroups": ["headgate.dev"], "resources": ["aimodels"], "resourceNames": ["credit-scorer"]}
    grant(cluster, namespace, ONCALL, create, {**right, "verbs": [verb]})
    grant(cluster, namespace, CHEN, create, {**right, "verbs": [other]})
    accepted(lambda: decide(cluster.impersonated(ONCALL), namespace, order, decision=kind))
    refused(lambda: decide(cluster.impersonated(ONCALL), namespace, order, decision=kind, model="other"), f"verb {verb}", "other")
    refused(lambda: decide(cluster.impersonated(CHEN), namespace, order, decision=kind, approver=CHEN), f"{kind} needs the verb {verb}")


def test_the_on_call_role_stops_and_resumes(cluster: Cluster, namespace: str) -> None:
    bind(cluster, namespace, ONCALL, "headgate-operator-oncall")
    accepted(lambda: decide(cluster.impersonated(ONCALL), namespace, HALT))
    accepted(lambda: decide(cluster.impersonated(ONCALL), namespace, HALT, decision="Retry"))


def test_kubectl_tells_the_truth_about_who_may_approve(cluster: Cluster, namespace: str) -> None:
    bind(cluster, namespace, DANA, "headgate-approver-fairness-audit")
    accepted(lambda: decide(cluster.impersonated(DANA), namespace, APPROVE))
    ask = ["kubectl", "auth", "can-i", "approve", "-n", namespace]
    for person, right, said in (
        (DANA, "deployment.fairness-audit", "yes"),
        (DANA, "deployment.security-review", "no"),
        (SAM, "deployment.fairness-audit", "no"),
    ):
        answer = subprocess.run(
            [*ask, f"governanceapprovals.headgate.dev/{right}", "--as", person], capture_output=True, text=True, timeout=30, check=False
        )
        assert answer.stdout.strip().split(" ")[0] == said, (person, right, answer.stderr)


# ---- who writes models


@pytest.mark.parametrize(("missing", "kind"), [(1, "deployments.apps"), (2, "services"), (3, "httproutes.gateway.networking.k8s.io")])
def test_a_writer_of_models_could_make_what_the_model_becomes(cluster: Cluster, namespace: str, missing: int, kind: str) -> None:
    model = {**AIMODEL, "metadata": {"name": "credit-scorer", "namespace": namespace}}
    grant(cluster, namespace, CHEN, *WRITING)
    grant(cluster, namespace, SAM, *(rule for index, rule in enumerate(WRITING) if index != missing))
    refused(lambda: cluster.impersonated(SAM).create(path_of(model, namespace), model), f"ask for create on {kind} there")
    accepted(lambda: cluster.impersonated(CHEN).create(path_of(model, namespace), model))
    path = f"{path_of(model, namespace)}/credit-scorer"
    refused(lambda: cluster.impersonated(SAM).merge(path, {"spec": {"version": "v2"}}), f"ask for create on {kind} there")
    accepted(lambda: cluster.impersonated(SAM).merge(path, {"metadata": {"labels": {"team": "credit"}}}))
    accepted(lambda: cluster.impersonated(CHEN).merge(path, {"spec": {"version": "v2"}}))


def test_only_who_may_pin_writes_a_baseline(cluster: Cluster, namespace: str) -> None:
    deployment = AIMODEL["spec"]["serving"]["deployment"]
    baseline = {"version": "v0", "artifact": AIMODEL["spec"]["artifact"], "deployment": deployment}
    pinned = changed(AIMODEL, (("serving", "baseline"), baseline))
    grant(cluster, namespace, CHEN, *WRITING)
    chen = cluster.impersonated(CHEN)
    path = path_of(AIMODEL, namespace)
    with_baseline = {**pinned, "metadata": {"name": "credit-scorer", "namespace": namespace}}
    refused(lambda: chen.create(path, with_baseline), "without a gate", f"{CHEN} may not pin credit-scorer")
    accepted(lambda: chen.create(path, {**AIMODEL, "metadata": {"name": "credit-scorer", "namespace": namespace}}))
    refused(lambda: chen.merge(f"{path}/credit-scorer", {"spec": {"serving": {"baseline": baseline}}}), "may not pin")
    bind(cluster, namespace, SAM, "headgate-pinner")
    _bind(cluster, namespace, SAM, {"kind": "Role", "name": "of-chen"})
    accepted(lambda: cluster.impersonated(SAM).merge(f"{path}/credit-scorer", {"spec": {"serving": {"baseline": baseline}}}))
    accepted(lambda: chen.merge(f"{path}/credit-scorer", {"spec": {"version": "v2"}}))
    refused(lambda: chen.merge(f"{path}/credit-scorer", {"spec": {"serving": {"baseline": {"version": "v9"}}}}), "may not pin")
    accepted(lambda: chen.merge(f"{path}/credit-scorer", {"spec": {"serving": {"baseline": None}}}))


# ---- no way around


def test_only_the_operator_writes_status(cluster: Cluster, namespace: str) -> None:
    model = {**AIMODEL, "metadata": {"name": "credit-scorer", "namespace": namespace}}
    assert cluster.admin.create(path_of(model, namespace), model).accepted
    path = f"{path_of(model, namespace)}/credit-scorer/status"
    refused(lambda: cluster.admin.merge(path, {"status": {"live": "v2"}}), "only the Headgate operator writes status")
    accepted(lambda: operator(cluster).merge(path, {"status": {"live": "v2"}}))
    decision = decide(cluster.impersonated(ONCALL, "system:masters"), namespace, HALT)
    path = f"{HEADGATE}/namespaces/{namespace}/governanceapprovals/{decision.body['metadata']['name']}/status"
    refused(lambda: cluster.admin.merge(path, {"status": {"state": "Counted"}}), "only the Headgate operator writes status")
    accepted(lambda: operator(cluster).merge(path, {"status": {"state": "TakenUp"}}))


def operator(cluster: Cluster) -> User:
    return cluster.service_account("headgate-system", "headgate")


LABELS = {"app.kubernetes.io/managed-by": "headgate", "headgate.dev/model": "credit-scorer"}
POD_LABELS = {"headgate.dev/model": "credit-scorer", "headgate.dev/revision": "0a1b2c3d"}
POD = {"containers": [{"name": "model", "image": "registry.invalid/model"}], "schedulingGates": [{"name": "headgate.dev/never-runs"}]}
OTHER_IMAGE = {"spec": {"containers": [{"name": "model", "image": "registry.example/evil:1", "imagePullPolicy": "Always"}]}}


def deployment(labels: Document, pod_labels: Document) -> Document:
    template = {"metadata": {"labels": pod_labels}, "spec": POD}
    return {
        "metadata": {"name": "it", "labels": labels},
        "spec": {"replicas": 0, "selector": {"matchLabels": pod_labels}, "template": template},
    }


ROUTE_RULE = {"backendRefs": [{"name": "a", "port": 80, "weight": 1000}]}
MANAGED: dict[str, tuple[str, Document, Document]] = {
    "Deployment": ("/apis/apps/v1", deployment(LABELS, POD_LABELS), {"spec": {"paused": True}}),
    "Service": (
        "/api/v1",
        {"metadata": {"name": "it", "labels": LABELS}, "spec": {"ports": [{"port": 80}]}},
        {"spec": {"selector": {"a": "b"}}},
    ),
    "ConfigMap": ("/api/v1", {"metadata": {"name": "it", "labels": LABELS}, "data": {"evidence": "1"}}, {"data": {"evidence": "2"}}),
    "HTTPRoute": (
        ROUTES,
        {"metadata": {"name": "it", "labels": LABELS}, "spec": {"rules": [ROUTE_RULE]}},
        {"spec": {"hostnames": ["other.example"]}},
    ),
}


@pytest.mark.parametrize("kind", MANAGED)
def test_what_the_operator_made_only_the_operator_changes(cluster: Cluster, namespace: str, kind: str) -> None:
    group, body, change = MANAGED[kind]
    body = {"apiVersion": group.removeprefix("/apis/").removeprefix("/api/"), "kind": kind, **body}
    path = f"{group}/namespaces/{namespace}/{kind.lower()}s"
    refused(lambda: cluster.admin.create(path, body))
    accepted(lambda: operator(cluster).create(path, body))
    refused(lambda: cluster.admin.merge(f"{path}/it", change))
    refused(lambda: cluster.admin.merge(f"{path}/it", {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}}), "labels")
    refused(lambda: cluster.admin.merge(f"{path}/it", {"metadata": {"labels": {"headgate.dev/model": "other"}}}), "labels")
    accepted(lambda: cluster.admin.merge(f"{path}/it", {"metadata": {"annotations": {"note": "seen"}}}))
    for marks in ({"headgate.dev/content": "sha256:other"}, {"headgate.dev/blocked": "[]"}):
        refused(lambda marks=marks: cluster.admin.merge(f"{path}/it", {"metadata": {"annotations": marks}}), "annotations headgate.dev/")
    accepted(lambda: operator(cluster).merge(f"{path}/it", {"metadata": {"annotations": {"headgate.dev/content": "sha256:own"}}}))
    refused(lambda: cluster.admin.merge(f"{path}/it", {"metadata": {"annotations": {"headgate.dev/content": None}}}), "annotations")
    accepted(lambda: operator(cluster).merge(f"{path}/it", change))
    name = "system:serviceaccount:kube-system:deployment-controller"
    controller = cluster.impersonated(name, "system:serviceaccounts:kube-system", "system:masters")
    accepted(lambda: controller.merge(f"{path}/it", {"metadata": {"labels": {"controller": "yes"}}}))
    accepted(lambda: cluster.admin.delete(f"{path}/it"))


STABLE, CANDIDATE = "credit-scorer-0a1b2c3d", "credit-scorer-4e5f6a7b"


def canary_rules(stable: int, candidate: int, *, to: str = CANDIDATE) -> Document:
    return rules({STABLE: stable, to: candidate})


def rules(weights: dict[str, int]) -> Document:
    backends = [{"name": name, "port": 80, "weight": weight} for name, weight in weights.items()]
    return {"spec": {"rules": [{"backendRefs": backends, "timeouts": {"request": "10s"}}]}}


def test_who_may_halt_may_take_users_off_the_candidate_in_the_route_and_do_nothing_else_there(cluster: Cluster, namespace: str) -> None:
    path = f"{ROUTES}/namespaces/{namespace}/httproutes"
    labels = {**LABELS, "headgate.dev/stable": "0a1b2c3d", "headgate.dev/candidate": "4e5f6a7b"}
    kind = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute"}
    route = {**kind, "metadata": {"name": "credit-scorer", "labels": labels}, **canary_rules(800, 200)}
    accepted(lambda: operator(cluster).create(path, route))
    routes = {"apiGroups": ["gateway.networking.k8s.io"], "resources": ["httproutes"], "verbs": ["get", "update", "patch"]}
    for person in (ONCALL, SAM):
        grant(cluster, namespace, person, routes)
    bind(cluster, namespace, ONCALL, "headgate-operator-oncall")
    oncall, path = cluster.impersonated(ONCALL), f"{path}/credit-scorer"
    refused(lambda: cluster.impersonated(SAM).merge(path, canary_rules(1000, 0)), "kubectl headgate halt")
    refused(lambda: oncall.merge(path, canary_rules(500, 500)), "kubectl headgate halt")
    refused(lambda: oncall.merge(path, canary_rules(0, 100)), "kubectl headgate halt")
    refused(lambda: oncall.merge(path, canary_rules(800, 100, to="another")), "kubectl headgate halt")
    refused(lambda: oncall.merge(path, {"spec": {"hostnames": ["other.example"]}}), "kubectl headgate halt")
    refused(lambda: oncall.merge(path, rules({CANDIDATE: 200})), "kubectl headgate halt")
    refused(lambda: oncall.merge(path, rules({})), "kubectl headgate halt")
    accepted(lambda: oncall.merge(path, canary_rules(1000, 0)))


def test_a_stored_manifest_is_made_by_the_operator_alone_and_never_changed(cluster: Cluster, namespace: str) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/controllerrevisions"
    body = {"metadata": {"name": "it", "labels": LABELS}, "revision": 1, "data": {"port": 8080}}
    refused(lambda: cluster.admin.create(path, body), "mark what the Headgate operator made")
    accepted(lambda: operator(cluster).create(path, body))
    edited = operator(cluster).merge(f"{path}/it", {"data": {"port": 80}})
    assert "field is immutable" in edited.message
    refused(lambda: cluster.admin.merge(f"{path}/it", {"metadata": {"labels": {"headgate.dev/model": None}}}), "labels")
    accepted(lambda: cluster.admin.delete(f"{path}/it"))


def test_a_freeze_names_the_person_who_writes_it(cluster: Cluster) -> None:
    path = "/api/v1/namespaces/headgate-system/configmaps"
    body = {"metadata": {"name": "headgate-freeze"}, "data": {"by": DANA, "reason": "audit", "to": "2026-01-02T00:00:00Z"}}
    refused(lambda: cluster.admin.create(path, body, dry=True), "write by: ")
    dana = cluster.impersonated(DANA, "system:masters")
    refused(lambda: dana.create(path, {**body, "data": {"by": DANA}}, dry=True), "needs a reason")
    accepted(lambda: dana.create(path, body, dry=True))
    accepted(lambda: cluster.admin.create(path, {"metadata": {"generateName": "other-"}, "data": {"a": "1"}}, dry=True))


def test_objects_with_one_of_the_labels_may_be_made_and_mean_nothing(cluster: Cluster, namespace: str) -> None:
    """Anybody may make what looks like a policy copy. Only with both labels would the operator read it, and with both it is refused."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    known = Cache(policy_namespace="headgate-system", wall=lambda: datetime.now(UTC))
    for name, labels in (("plain", {}), ("half", {"app.kubernetes.io/managed-by": "headgate"}), ("other", {"headgate.dev/model": "x"})):
        body = {"metadata": {"name": f"{name}-policy-44136fa3", "labels": labels}, "data": {POLICY_KEY: "{ }"}}
        made = cluster.admin.create(path, body)
        assert made.accepted, made.message
        edited = cluster.admin.merge(f"{path}/{name}-policy-44136fa3", {"data": {POLICY_KEY: "{}"}})
        assert edited.accepted, edited.message
        assert known.put(CONFIG_MAPS, edited.body) == set()
        assert known.orphans == set()
    refused(lambda: cluster.admin.merge(f"{path}/half-policy-44136fa3", {"metadata": {"labels": LABELS}}), "labels")
    written = operator(cluster).create(path, {"metadata": {"name": "its-policy-44136fa3", "labels": LABELS}, "data": {POLICY_KEY: "{}"}})
    assert written.accepted, written.message
    model = ModelKey(namespace, LABELS["headgate.dev/model"])
    assert known.put(CONFIG_MAPS, written.body) == {model}
    assert known.owned(model).copies == {"its-policy-44136fa3": "{}"}


def test_no_pod_becomes_an_endpoint_of_a_revision_by_itself(cluster: Cluster, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods"
    account = {"serviceAccountName": "default", "automountServiceAccountToken": False}
    body = {"metadata": {"name": "it", "labels": POD_LABELS}, "spec": {**POD, **account}}
    refused(lambda: cluster.admin.create(path, body), "without having been approved")
    mighty = cluster.impersonated("system:serviceaccount:headgate-system:headgate", "system:masters")
    refused(lambda: mighty.create(path, body), "without having been approved")
    eventually(lambda: cluster.admin.get(f"/api/v1/namespaces/{namespace}/serviceaccounts/default"), lambda answer: answer.accepted)
    accepted(lambda: cluster.admin.create(path, {**body, "metadata": {"name": "it"}}))
    refused(lambda: cluster.admin.merge(f"{path}/it", {"metadata": {"labels": POD_LABELS}}), "without having been approved")
    controller = cluster.impersonated("system:serviceaccount:kube-system:replicaset-controller", "system:masters")
    accepted(lambda: controller.create(path, {**body, "metadata": {"name": "made", "labels": POD_LABELS}}))
    refused(lambda: cluster.admin.merge(f"{path}/made", {"metadata": {"labels": {"headgate.dev/model": "other"}}}))
    accepted(lambda: cluster.admin.merge(f"{path}/made", {"metadata": {"labels": {"note": "seen"}}}))
    refused(lambda: cluster.admin.merge(f"{path}/made", OTHER_IMAGE), "the image that its version was approved with")
    accepted(lambda: cluster.admin.merge(f"{path}/made", {"metadata": {"labels": {"headgate.dev/revision": None}}}))


@pytest.mark.parametrize("kind", ["deployments", "replicasets"])
def test_no_foreign_template_makes_pods_of_a_revision(cluster: Cluster, namespace: str, kind: str) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/{kind}"
    refused(lambda: cluster.admin.create(path, deployment({}, POD_LABELS)), "without having been approved")
    accepted(lambda: cluster.admin.create(path, deployment({}, {"app": "x"})))
    labelled = {"spec": {"template": {"metadata": {"labels": POD_LABELS}}}}
    refused(lambda: cluster.admin.merge(f"{path}/it", labelled), "without having been approved")
    controller = cluster.impersonated("deployment-controller", "system:serviceaccounts:kube-system", "system:masters")
    accepted(lambda: controller.merge(f"{path}/it", labelled))


REPLAY_LABELS = {"headgate.dev/model": "credit-scorer", "headgate.dev/replay": "credit-scorer-replay-0a1b2c3d"}


@pytest.mark.parametrize("place", ["backend", "mirror", "mirror of a backend"])
def test_no_route_of_somebody_else_leads_to_a_version(cluster: Cluster, namespace: str, place: str) -> None:
    model = changed(AIMODEL)
    model["metadata"] = {"name": "credit", "namespace": namespace}
    made = cluster.admin.create(path_of(model, namespace), model)
    assert made.accepted, made.message

    def asked(service: str) -> Answer:
        ref, own = {"name": service, "port": 80}, {"name": "own", "port": 80}
        copied = {"type": "RequestMirror", "requestMirror": {"backendRef": ref}}
        rule = {
            "backend": {"backendRefs": [ref]},
            "mirror": {"backendRefs": [own], "filters": [copied]},
            "mirror of a backend": {"backendRefs": [{**own, "filters": [copied]}]},
        }[place]
        kind = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute"}
        body = {**kind, "metadata": {"generateName": "other-"}, "spec": {"rules": [rule]}}
        return cluster.admin.create(f"{ROUTES}/namespaces/{namespace}/httproutes", body, dry=True)

    refused(lambda: asked("credit-0a1b2c3d"), "belongs to one version of the AIModel credit")
    for elsewhere in ("credit", "credit-rules", "other-0a1b2c3d", "credit-0a1b2c3d-x"):
        accepted(lambda service=elsewhere: asked(service))  # type: ignore[misc]


def test_nobody_reports_on_answers_but_jobs_of_the_operator(cluster: Cluster, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods"
    account = {"serviceAccountName": "default", "automountServiceAccountToken": False}
    body = {"metadata": {"name": "it", "labels": REPLAY_LABELS}, "spec": {**POD, **account}}
    refused(lambda: cluster.admin.create(path, body), "how alike the answers")
    eventually(lambda: cluster.admin.get(f"/api/v1/namespaces/{namespace}/serviceaccounts/default"), lambda answer: answer.accepted)
    accepted(lambda: cluster.admin.create(path, {**body, "metadata": {"name": "it"}}))
    refused(lambda: cluster.admin.merge(f"{path}/it", {"metadata": {"labels": REPLAY_LABELS}}), "how alike the answers")
    controller = cluster.impersonated("job-controller", "system:serviceaccounts:kube-system", "system:masters")
    accepted(lambda: controller.create(path, {**body, "metadata": {"name": "made", "labels": REPLAY_LABELS}}))
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": "other", "uid": "0", "controller": True}
    refused(lambda: cluster.admin.merge(f"{path}/made", {"metadata": {"ownerReferences": [owner]}}), "how alike the answers")
    refused(lambda: cluster.admin.merge(f"{path}/made", OTHER_IMAGE), "the operator's own")
    accepted(lambda: cluster.admin.merge(f"{path}/made", {"metadata": {"labels": {"note": "seen"}}}))


def test_only_the_operator_makes_jobs_in_its_name(cluster: Cluster, namespace: str) -> None:
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    template = {"metadata": {"labels": REPLAY_LABELS}, "spec": {**POD, "restartPolicy": "Never"}}
    body = {"metadata": {"name": "it", "labels": {**LABELS, **REPLAY_LABELS}}, "spec": {"suspend": True, "template": template}}
    refused(lambda: cluster.admin.create(path, body), "mark what the Headgate operator made")
    accepted(lambda: operator(cluster).create(path, body))
    refused(lambda: cluster.admin.merge(f"{path}/it", {"spec": {"suspend": False}}), "the Headgate operator made this object")


def test_the_clusters_own_controllers_are_not_hindered(cluster: Cluster, namespace: str) -> None:
    """From the operator's Deployment to its pods, and to nothing when the namespace goes."""
    body = deployment(LABELS, POD_LABELS)
    body["spec"]["replicas"] = 1
    accepted(lambda: operator(cluster).create(f"/apis/apps/v1/namespaces/{namespace}/deployments", body))
    pods = f"/api/v1/namespaces/{namespace}/pods"
    made = eventually(lambda: cluster.admin.get(pods), lambda answer: bool(answer.body["items"]))
    assert [pod["metadata"]["labels"]["headgate.dev/revision"] for pod in made.body["items"]] == ["0a1b2c3d"]
    assert cluster.admin.delete(f"/api/v1/namespaces/{namespace}").accepted
    end = eventually(lambda: cluster.admin.get(f"/api/v1/namespaces/{namespace}"), lambda answer: answer.code == 404, seconds=60)
    assert end.code == 404, end.body


# ---- the audit


def test_nobody_makes_or_changes_what_the_operator_records(cluster: Cluster, namespace: str) -> None:
    """Not even who may do everything else; the operator appends and seals."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    labels = {"app.kubernetes.io/managed-by": "headgate", "headgate.dev/audit": "credit", "headgate.dev/audit-namespace": "lending"}
    body = {"metadata": {"name": "headgate-audit.lending.credit.000001", "labels": labels}, "data": {"0000000001": "{}"}}
    refused(lambda: cluster.admin.create(path, body), "Nobody else makes such objects")
    accepted(lambda: operator(cluster).create(path, body))
    segment = f"{path}/{body['metadata']['name']}"
    refused(lambda: cluster.admin.merge(segment, {"data": {"0000000001": "changed"}}), "Nobody changes it")
    refused(lambda: cluster.admin.merge(segment, {"data": {"0000000002": "{}"}}), "Nobody changes it")
    refused(lambda: cluster.admin.merge(segment, {"immutable": True}), "Nobody changes it")
    refused(lambda: cluster.admin.merge(segment, {"metadata": {"labels": {"headgate.dev/audit": None}}}), "labels")
    accepted(lambda: operator(cluster).merge(segment, {"data": {"0000000002": "{}"}, "immutable": True}))
    assert not operator(cluster).merge(segment, {"data": {"0000000003": "{}"}}).accepted, "sealed"
