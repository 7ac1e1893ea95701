"""The API server takes what the models take and refuses what they refuse, in words that help."""

from typing import Any

import pytest
import yaml
from tests.cluster.apiserver import HEADGATE, Answer, Cluster, User, path_of
from tests.cluster.conftest import SYSTEM
from tests.resources import AIMODEL, APPROVE, EXAMPLES, HALT, POLICY, REFUSALS, ROOT, TRUST_STORE, Document, Refusal, changed

from headgate.api.crd import RESOURCES

pytestmark = pytest.mark.usefixtures("installed")


def author(cluster: Cluster, document: Document) -> User:
    """The administrator; for a decision, the person it names, with every right."""
    if document["kind"] != "GovernanceApproval":
        return cluster.admin
    return cluster.impersonated(document["spec"].get("approver", "dana@bank.example"), "system:masters")


def submit(cluster: Cluster, document: Document, namespace: str = "default") -> Answer:
    """A dry run. The trust store is accepted in the policy namespace only."""
    namespace = SYSTEM if document["kind"] == "TrustStore" else namespace
    document = {**document, "metadata": {**document["metadata"], "namespace": namespace}}
    return author(cluster, document).create(path_of(document, namespace), document, dry=True)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.kind)
def test_the_definition_is_established_without_complaint(cluster: Cluster, resource: Any) -> None:
    answer = cluster.admin.get(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{resource.plural}.headgate.dev")
    conditions = {condition["type"]: condition["status"] for condition in answer.body["status"]["conditions"]}
    assert (conditions["Established"], conditions["NamesAccepted"]) == ("True", "True")
    assert conditions.get("NonStructuralSchema", "False") == "False"
    assert answer.body["spec"]["versions"][0]["schema"] == resource.manifest()["spec"]["versions"][0]["schema"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_example_is_accepted(cluster: Cluster, path: Any) -> None:
    answer = submit(cluster, yaml.safe_load(path.read_text()))
    assert answer.accepted, answer.message


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
def test_a_bad_document_is_refused_with_words_that_help(cluster: Cluster, refusal: Refusal) -> None:
    answer = submit(cluster, refusal.document)
    assert answer.code == 422, answer.message or "accepted"
    assert (refusal.server or refusal.says) in answer.message


@pytest.mark.parametrize("name", ["9to5", "a" * 51, "credit.scorer", "credit-"])
def test_a_model_name_that_cannot_name_a_service_is_refused(cluster: Cluster, name: str) -> None:
    answer = submit(cluster, {**AIMODEL, "metadata": {"name": name}})
    assert answer.code == 422, "accepted"
    assert "the name becomes part of Service and label names" in answer.message


def test_the_longest_model_name_is_accepted(cluster: Cluster) -> None:
    assert submit(cluster, {**AIMODEL, "metadata": {"name": "a" * 50}}).message == ""


def test_there_is_one_trust_store(cluster: Cluster) -> None:
    answer = submit(cluster, {**TRUST_STORE, "metadata": {"name": "another"}})
    assert answer.code == 422, "accepted"
    assert "there is one trust store: name it headgate" in answer.message


def test_a_misspelt_field_is_refused_by_strict_clients(cluster: Cluster) -> None:
    document = changed(AIMODEL, (("trafic",), {}))
    assert 'unknown field "spec.trafic"' in submit(cluster, document).message


def test_what_is_left_out_is_filled_in(cluster: Cluster) -> None:
    document = {**POLICY, "spec": {"stages": POLICY["spec"]["stages"]}}
    spec = submit(cluster, document).body["spec"]
    assert spec["analysis"] == {
        "alpha": "0.05",
        "beta": "0.05",
        "interval": "15s",
        "warmup": "1m",
        "maxRetries": 2,
        "onDeadline": "Rollback",
    }
    assert [check["metric"] for check in spec["checks"]] == ["errors", "rejections"]
    assert [role["role"] for role in spec["gates"]["deployment"]["low"]] == ["technical-validation", "automated-checks"]


def test_the_pod_template_is_kept_as_written(cluster: Cluster) -> None:
    container = {"name": "model", "image": "x", "fieldOfTheFuture": {"a": [1]}}
    document = changed(AIMODEL, (("serving", "deployment", "template"), {"spec": {"containers": [container]}}))
    assert submit(cluster, document).body["spec"]["serving"]["deployment"]["template"]["spec"]["containers"] == [container]


@pytest.mark.parametrize(
    ("document", "change"),
    [(APPROVE, {"decision": "Reject"}), (APPROVE, {"expiresAt": "2099-01-01T00:00:00Z"}), (HALT, {"rationale": "other"})],
)
def test_a_decision_cannot_be_changed(cluster: Cluster, namespace: str, document: Document, change: Document) -> None:
    document = {**document, "metadata": {"name": "decision", "namespace": namespace}}
    user = author(cluster, document)
    made = user.create(path_of(document, namespace), document)
    assert made.accepted, made.message
    answer = user.merge(f"{path_of(document, namespace)}/decision", {"spec": change})
    assert answer.code == 422, "changed"
    assert "a decision cannot be changed: make a new GovernanceApproval instead" in answer.message
    labelled = user.merge(f"{path_of(document, namespace)}/decision", {"metadata": {"labels": {"seen": "yes"}}})
    assert labelled.accepted, labelled.message


def test_status_is_written_apart_from_spec(cluster: Cluster, namespace: str) -> None:
    document = {**AIMODEL, "metadata": {"name": "credit-scorer", "namespace": namespace}, "status": {"live": "v9"}}
    made = cluster.admin.create(path_of(document, namespace), document)
    assert made.accepted, made.message
    assert made.body.get("status", {}).get("live") != "v9"
    operator = cluster.service_account("headgate-system", "headgate")
    path = f"{HEADGATE}/namespaces/{namespace}/aimodels/credit-scorer/status"
    written = operator.merge(path, {"spec": {"version": "v9"}, "status": {"live": "v1", "phase": "Live", "attempts": 1}})
    assert written.accepted, written.message
    assert (written.body["status"]["live"], written.body["spec"]["version"]) == ("v1", "v1")


def test_the_table_shows_what_people_look_for(cluster: Cluster, namespace: str) -> None:
    accept = (("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io"),)
    table = User(cluster.admin.http, accept).get(f"{HEADGATE}/namespaces/{namespace}/aimodels")
    shown = [column["name"].upper() for column in table.body["columnDefinitions"] if column["priority"] == 0]
    assert shown == ["NAME", "LIVE", "CANDIDATE", "PHASE", "STAGE", "TRAFFIC", "VERDICT", "TIER", "READY", "AGE"]
