"""What becomes of a user's pod template."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from headgate.kube.labels import Owner, TrafficRole, revision_name, revision_of
from headgate.kube.workloads import Workload, deployment, service

TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"team": "credit-ml"}, "annotations": {"prometheus.io/scrape": "true"}},
    "spec": {"containers": [{"name": "model", "image": "r/credit@sha256:9c"}, {"name": "tokenizer", "image": "r/tok@sha256:1"}]},
}
WORKLOAD = Workload(
    model="credit-scorer",
    namespace="lending",
    revision="0a1b2c3d",
    template=TEMPLATE,
    port=8080,
    replicas=3,
    drain=30,
    role=TrafficRole.CANDIDATE,
    attempt="2",
    owner=Owner("headgate.dev/v1alpha1", "AIModel", "credit-scorer", "u-1"),
)
SELECTOR = {"headgate.dev/model": "credit-scorer", "headgate.dev/revision": "0a1b2c3d"}


def with_spec(**changes: Any) -> Workload:
    return replace(WORKLOAD, template={**TEMPLATE, "spec": {**TEMPLATE["spec"], **changes}})


def pod(workload: Workload) -> dict[str, Any]:
    spec: dict[str, Any] = deployment(workload)["spec"]["template"]["spec"]
    return spec


def test_a_deployment_selects_its_own_revision_and_says_what_it_is() -> None:
    built = deployment(WORKLOAD)
    assert built["metadata"]["name"] == "credit-scorer-0a1b2c3d"
    assert built["metadata"]["labels"] == {
        "app.kubernetes.io/managed-by": "headgate",
        **SELECTOR,
        "headgate.dev/role": "candidate",
        "headgate.dev/attempt": "2",
    }
    assert built["metadata"]["ownerReferences"][0]["uid"] == "u-1"
    assert built["spec"]["selector"] == {"matchLabels": SELECTOR}
    assert built["spec"]["replicas"] == 3
    assert built["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert built["spec"]["template"]["metadata"] == {
        "labels": {"team": "credit-ml", **SELECTOR},
        "annotations": {"prometheus.io/scrape": "true"},
    }


def test_a_promotion_changes_no_pod() -> None:
    promoted = replace(WORKLOAD, role=TrafficRole.STABLE, attempt="3")
    assert deployment(promoted)["spec"] == deployment(WORKLOAD)["spec"]


def test_replicas_are_left_to_an_autoscaler_and_the_owner_to_an_orphan() -> None:
    built = deployment(replace(WORKLOAD, replicas=None, owner=None))
    assert "replicas" not in built["spec"]
    assert "ownerReferences" not in built["metadata"]


def test_the_users_template_is_not_touched() -> None:
    before = deepcopy(TEMPLATE)
    deployment(WORKLOAD)
    assert before == TEMPLATE


def test_a_users_label_cannot_take_pods_out_of_their_service() -> None:
    template = {**TEMPLATE, "metadata": {"labels": {"headgate.dev/revision": "ffffffff"}}}
    built = deployment(replace(WORKLOAD, template=template))
    assert built["spec"]["template"]["metadata"]["labels"] == SELECTOR


def test_the_first_container_is_ready_when_its_port_is_open() -> None:
    first, second = pod(WORKLOAD)["containers"]
    assert first["readinessProbe"]["tcpSocket"] == {"port": 8080}
    assert "readinessProbe" not in second


def test_a_users_readiness_probe_stays() -> None:
    own = {"httpGet": {"path": "/ready", "port": 9}}
    assert pod(with_spec(containers=[{"name": "m", "readinessProbe": own}]))["containers"][0]["readinessProbe"] == own


def test_all_containers_go_on_while_requests_drain_and_then_have_their_grace() -> None:
    spec = pod(WORKLOAD)
    assert [container["lifecycle"] for container in spec["containers"]] == [{"preStop": {"sleep": {"seconds": 30}}}] * 2
    assert spec["terminationGracePeriodSeconds"] == 60
    assert pod(with_spec(terminationGracePeriodSeconds=5))["terminationGracePeriodSeconds"] == 35


def test_a_users_hook_stays_and_gets_the_time_it_needs() -> None:
    own = {"preStop": {"exec": {"command": ["drain"]}}}
    workload = replace(with_spec(containers=[{"name": "m", "lifecycle": own}]), drain=300)
    assert pod(workload)["containers"][0]["lifecycle"] == own
    assert pod(workload)["terminationGracePeriodSeconds"] == 300
    fixed = replace(with_spec(containers=[{"name": "m", "lifecycle": own}], terminationGracePeriodSeconds=5), drain=300)
    assert pod(fixed)["terminationGracePeriodSeconds"] == 5


def test_a_start_hook_and_our_stop_hook_live_together() -> None:
    own = {"postStart": {"exec": {"command": ["warm"]}}}
    lifecycle = pod(with_spec(containers=[{"name": "m", "lifecycle": own}]))["containers"][0]["lifecycle"]
    assert lifecycle == {**own, "preStop": {"sleep": {"seconds": 30}}}


def test_without_drain_nothing_is_added() -> None:
    spec = pod(replace(WORKLOAD, drain=0))
    assert "lifecycle" not in spec["containers"][0]
    assert "terminationGracePeriodSeconds" not in spec


@pytest.mark.parametrize(
    "template",
    [{}, {"spec": None}, {"spec": {"containers": ["x"]}}, {"metadata": "x", "spec": {}}, {"spec": {"containers": [{"lifecycle": "x"}]}}],
)
def test_nonsense_is_left_for_the_server_to_name(template: dict[str, Any]) -> None:
    assert deployment(replace(WORKLOAD, template=template))["kind"] == "Deployment"


def test_the_service_answers_on_the_serving_port() -> None:
    built = service(WORKLOAD)
    assert built["metadata"]["name"] == "credit-scorer-0a1b2c3d"
    assert built["spec"] == {
        "type": "ClusterIP",
        "selector": SELECTOR,
        "ports": [{"name": "http", "port": 8080, "targetPort": 8080, "protocol": "TCP"}],
    }


def test_names_lead_back_to_revisions_and_fit_a_label() -> None:
    longest = "m" * 50
    name = revision_name(longest, "0a1b2c3d")
    assert len(name) <= 63
    assert revision_of(longest, name) == "0a1b2c3d"
    assert revision_of("credit", "credit-scorer-0a1b2c3d") is None
    assert revision_of("credit", "credit-rules") is None
