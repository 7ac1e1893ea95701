"""What is read from a route in the cluster: the answers of gateways, and edits of others."""

import pytest
from tests.unit.kube.routes import CANDIDATE, STABLE, Fields, stored, wanted

from headgate.kube.routes import gateway

# What gateways answer.


def condition(kind: str, status: str, generation: int = 4, reason: str = "Because", message: str = "said so") -> Fields:
    return {"type": kind, "status": status, "observedGeneration": generation, "reason": reason, "message": message}


def report(*conditions: Fields, parent: str = "public", controller: str = "example.com/a", namespace: str | None = "gateways") -> Fields:
    ref = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": parent, **({"namespace": namespace} if namespace else {})}
    return {"parentRef": ref, "controllerName": controller, "conditions": list(conditions)}


GOOD = (condition("Accepted", "True", reason="Accepted"), condition("ResolvedRefs", "True", reason="ResolvedRefs"))
REFUSED = (condition("Accepted", "False", reason="NoMatchingListenerHostname", message="no listener for x"), GOOD[1])
DANGLING = (GOOD[0], condition("ResolvedRefs", "False", reason="BackendNotFound", message="Service credit-x not found"))
STALE = (condition("Accepted", "True", generation=3), condition("ResolvedRefs", "True", generation=3))


@pytest.mark.parametrize(
    ("parents", "accepted", "resolved", "reason", "current"),
    [
        ([report(*GOOD)], True, True, "Accepted", True),
        ([report(*REFUSED)], False, True, "NoMatchingListenerHostname", True),
        ([report(*DANGLING)], True, False, "BackendNotFound", True),
        ([report(*STALE)], None, None, "Unanswered", False),
        ([], None, None, "Unanswered", False),
        ([report(*GOOD, namespace=None)], None, None, "Unanswered", False),
        ([report(*GOOD, parent="gone"), report(*GOOD)], True, True, "Accepted", True),
        ([report(*REFUSED, parent="gone"), report(*GOOD)], True, True, "Accepted", True),
        ([report(*GOOD), report(*REFUSED, controller="example.com/b")], False, True, "NoMatchingListenerHostname", True),
        ([report(condition("Accepted", "Unknown", reason="Pending"), GOOD[1])], None, True, "Pending", False),
    ],
)
def test_answers_of_gateways(parents: list[Fields], accepted: bool | None, resolved: bool | None, reason: str, current: bool) -> None:
    observed = gateway.read({**stored(gateway.render(wanted())), "status": {"parents": parents}})
    assert (observed.accepted, observed.resolved, observed.reason, observed.generation_current) == (accepted, resolved, reason, current)


def test_the_worst_message_is_kept_word_for_word() -> None:
    observed = gateway.read({**stored(gateway.render(wanted())), "status": {"parents": [report(*REFUSED)]}})
    assert observed.message == "no listener for x"


def test_each_parent_must_answer() -> None:
    route = stored(gateway.render(wanted(parent_refs=({"name": "public", "namespace": "gateways"}, {"name": "private"}))))
    one = gateway.read({**route, "status": {"parents": [report(*GOOD)]}})
    assert (one.accepted, one.message) == (None, "Gateway lending/private has not answered for generation 4 yet")
    both = gateway.read({**route, "status": {"parents": [report(*GOOD), report(*GOOD, parent="private", namespace="lending")]}})
    assert both.accepted is True


def test_programmed_counts_where_a_gateway_tells() -> None:
    route = stored(gateway.render(wanted()))
    assert gateway.read({**route, "status": {"parents": [report(*GOOD)]}}).programmed is None
    failed = (*GOOD, condition("Programmed", "False", reason="Invalid"))
    observed = gateway.read({**route, "status": {"parents": [report(*failed)]}})
    assert (observed.programmed, observed.reason) == (False, "Invalid")


def test_no_route_and_a_route_without_parents() -> None:
    assert gateway.read(None).exists is False
    assert gateway.read(gateway.render(wanted(parent_refs=()))).reason == "NoParent"


@pytest.mark.parametrize(
    ("conditions", "programmed"),
    [([condition("Programmed", "True")], True), ([condition("Programmed", "False")], False), ([condition("Programmed", "True", 3)], None)],
)
def test_a_gateway_tells_whether_it_serves(conditions: list[Fields], programmed: bool | None) -> None:
    observed = gateway.read_gateway({"metadata": {"name": "g", "namespace": "n", "generation": 4}, "status": {"conditions": conditions}})
    assert (observed.exists, observed.programmed) == (True, programmed)
    assert gateway.read_gateway(None).exists is False


# Edits of others.


def edited(**weights: int) -> Fields:
    route = stored(gateway.render(wanted(200)))
    for ref in route["spec"]["rules"][0]["backendRefs"]:
        ref["weight"] = weights["stable" if STABLE in ref["name"] else "candidate"]
    return route


def test_foreign_weights_are_read_as_shares() -> None:
    assert gateway.read(edited(stable=1, candidate=1)).weights == {STABLE: 500, CANDIDATE: 500}
    assert gateway.read(edited(stable=100, candidate=0)).weights == {STABLE: 1000, CANDIDATE: 0}
    assert gateway.read(edited(stable=0, candidate=0)).weights == {STABLE: 0, CANDIDATE: 0}


def test_rules_that_disagree_are_told_and_the_greatest_share_counts() -> None:
    route = stored(gateway.render(wanted(200)))
    route["spec"]["rules"].append(edited(stable=1, candidate=1)["spec"]["rules"][0])
    observed = gateway.read(route)
    assert (observed.uniform, observed.weights) == (False, {STABLE: 800, CANDIDATE: 500})


def test_a_header_cannot_pass_one_version_off_as_another() -> None:
    route = stored(gateway.render(wanted(200)))
    forged = route["spec"]["rules"][0]["backendRefs"][1]["filters"][0]["responseHeaderModifier"]["set"][0]
    forged["value"] = STABLE
    assert gateway.read(route).weights == {STABLE: 800, CANDIDATE: 200}


def test_who_else_wrote_the_spec_is_told() -> None:
    entries = [
        {"manager": "headgate", "fieldsV1": {"f:spec": {}}},
        {"manager": "kubectl-edit", "fieldsV1": {"f:spec": {"f:rules": {}}}},
        {"manager": "argocd", "fieldsV1": {"f:metadata": {}}},
        {"manager": "envoy-gateway", "subresource": "status", "fieldsV1": {"f:status": {}}},
    ]
    assert gateway.read(stored(gateway.render(wanted()), managedFields=entries)).foreign_managers == ("kubectl-edit",)
