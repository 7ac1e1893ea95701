"""The autoscaler of a revision as it is applied."""

from dataclasses import replace

from headgate.kube.autoscalers import Autoscaler, autoscaler
from headgate.kube.labels import Owner

WANTED = Autoscaler(
    model="credit-scorer",
    namespace="lending",
    revision="0a1b2c3d",
    least=2,
    most=8,
    digest="ab12",
    owner=Owner("headgate.dev/v1alpha1", "AIModel", "credit-scorer", "u-1"),
)


def test_an_autoscaler_is_named_labelled_and_owned_like_the_deployment_it_scales() -> None:
    built = autoscaler(WANTED)
    assert built["metadata"]["name"] == built["spec"]["scaleTargetRef"]["name"] == "credit-scorer-0a1b2c3d"
    assert built["metadata"]["labels"] == {
        "app.kubernetes.io/managed-by": "headgate",
        "headgate.dev/model": "credit-scorer",
        "headgate.dev/revision": "0a1b2c3d",
    }
    assert built["metadata"]["ownerReferences"][0]["uid"] == "u-1"
    assert built["spec"]["scaleTargetRef"] | {"name": ""} == {"apiVersion": "apps/v1", "kind": "Deployment", "name": ""}
    assert (built["spec"]["minReplicas"], built["spec"]["maxReplicas"]) == (2, 8)


def test_without_metrics_it_keeps_the_pods_at_80_percent_of_the_cpu_they_asked_for() -> None:
    (metric,) = autoscaler(WANTED)["spec"]["metrics"]
    assert metric == {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}


def test_the_users_metrics_are_passed_on_as_they_are() -> None:
    own = {"type": "Pods", "pods": {"metric": {"name": "queue"}, "target": {"type": "AverageValue", "averageValue": "0.5"}}}
    assert autoscaler(replace(WANTED, metrics=(own,)))["spec"]["metrics"] == [own]
