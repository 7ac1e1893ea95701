"""Every pod of the chart: restricted, apart from the others, spread, and reachable by those who have to reach it."""

import json
from collections.abc import Iterator

from tests.unit.chart.rendering import Object, environment_of, named, needs_helm, of_kind, rendered

from headgate.kube.admission import BINDINGS, POLICIES, REQUIRED

pytestmark = needs_helm

EVERYTHING = (
    "monitor.enabled=true",
    "policies.standard=true",
    "networkPolicy.enabled=true",
    "metrics.scrape=ServiceMonitor",
    'tolerations:=[{"key": "gpu", "operator": "Exists"}]',
    "nodeSelector.pool=platform",
    'imagePullSecrets:=[{"name": "pull"}]',
    'networkPolicy.scrapersFrom:=[{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}]',
    "networkPolicy.apiServer.cidrs={10.0.0.0/24}",
    "prometheus.url=https://[fd00::1]:9443",
    'networkPolicy.extraEgress:=[{"ports": [{"port": 443}]}]',
)


def pods(*settings: str) -> Iterator[tuple[str, Object]]:
    """Name of the workload, and {metadata, spec} of its pods."""
    for document in rendered(*settings):
        if document["kind"] in ("Deployment", "Job"):
            yield document["metadata"]["name"], document["spec"]["template"]
        elif document["kind"] == "Pod":
            yield document["metadata"]["name"], document


def test_every_pod_meets_the_restricted_standard() -> None:
    found = dict(pods(*EVERYTHING))
    assert set(found) == {"headgate", "headgate-monitor", "headgate-installer", "headgate-test"}
    for pod in (each["spec"] for each in found.values()):
        assert pod["securityContext"] == {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "fsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & set(pod)
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"requests", "limits"} == set(container["resources"])
        assert all(set(volume) in ({"name", "emptyDir"}, {"name", "configMap"}) for volume in pod["volumes"])
        assert pod["enableServiceLinks"] is False
        assert (pod["nodeSelector"], pod["imagePullSecrets"]) == ({"pool": "platform"}, [{"name": "pull"}])
        assert pod["tolerations"] == [{"key": "gpu", "operator": "Exists"}]


def test_the_platform_may_choose_the_user() -> None:
    for _, pod in pods("security.runAsUser=null"):
        assert set(pod["spec"]["securityContext"]) == {"runAsNonRoot", "seccompProfile"}


def test_no_selector_takes_pods_of_another_workload() -> None:
    labels = {name: pod["metadata"]["labels"] for name, pod in pods(*EVERYTHING)}
    selectors: list[tuple[str, str, Object]] = []
    for document in rendered(*EVERYTHING):
        kind, name, spec = document["kind"], document["metadata"]["name"], document.get("spec", {})
        if kind in ("Deployment", "PodDisruptionBudget"):
            selectors.append((kind, name, spec["selector"]["matchLabels"]))
        elif kind == "NetworkPolicy":
            selectors.append((kind, name, spec["podSelector"]["matchLabels"]))
        elif kind == "Service":
            selectors.append((kind, name.removesuffix("-metrics"), spec["selector"]))
    assert len(selectors) == 2 + 1 + 2 + 2
    for kind, name, selector in selectors:
        assert [pod for pod, has in labels.items() if selector.items() <= has.items()] == [name], (kind, name)


def test_pods_of_one_deployment_are_spread_by_its_own_labels() -> None:
    for name in ("headgate", "headgate-monitor"):
        deployment = named("Deployment", name, *EVERYTHING)["spec"]
        constraints = deployment["template"]["spec"]["topologySpreadConstraints"]
        assert [one["topologyKey"] for one in constraints] == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
        assert all(one["labelSelector"] == deployment["selector"] for one in constraints)


def test_the_monitor_is_told_what_the_operator_is_told() -> None:
    operator, monitor = (environment_of(named("Deployment", name, *EVERYTHING)) for name in ("headgate", "headgate-monitor"))
    own = {name: value for name, value in monitor.items() if name not in operator}
    assert own == {"HEADGATE_MONITOR_INTERVAL": "300", "HEADGATE_SEARCH_UNMANAGED": "false"}
    assert (monitor.items() - own.items()) <= operator.items()
    (container,) = named("Deployment", "headgate-monitor", *EVERYTHING)["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["monitor"]
    assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(container)


def test_the_network_lets_through_what_is_needed() -> None:
    policies = of_kind("NetworkPolicy", *EVERYTHING)
    assert {policy["metadata"]["name"] for policy in policies} == {"headgate", "headgate-monitor"}
    for spec in (policy["spec"] for policy in policies):
        assert spec["policyTypes"] == ["Ingress", "Egress"]
        health, metrics = spec["ingress"]
        assert (health["ports"][0]["port"], "from" in health) == ("health", False)
        assert metrics["ports"][0]["port"] == "metrics"
        assert [next(iter(peer)) for peer in metrics["from"]] == ["namespaceSelector", "podSelector"], "Prometheus and helm test"
        dns, api_server, prometheus, further = spec["egress"]
        assert [port["port"] for port in dns["ports"]] == [53, 53]
        assert [port["port"] for port in api_server["ports"]] == [443, 6443]
        assert api_server["to"] == [{"ipBlock": {"cidr": "10.0.0.0/24"}}]
        assert (prometheus["ports"], "to" in prometheus) == ([{"port": 9443, "protocol": "TCP"}], False)
        assert further == {"ports": [{"port": 443}]}


def test_the_port_of_prometheus_is_that_of_its_url_unless_named() -> None:
    found = {}
    for setting in ("prometheus.url=https://p.example/prom", "networkPolicy.prometheusPort=9091"):
        (policy,) = of_kind("NetworkPolicy", "networkPolicy.enabled=true", setting)
        found[setting] = policy["spec"]["egress"][2]["ports"][0]["port"]
    assert list(found.values()) == [443, 9091]


def test_helm_test_looks_at_all_that_was_installed() -> None:
    (pod,) = of_kind("Pod", *EVERYTHING)
    (container,) = pod["spec"]["containers"]
    assert container["command"] == ["python3", "-m", "headgate.chart"]
    operator, monitor = (f"{name}-metrics.headgate-system.svc:8080" for name in ("headgate", "headgate-monitor"))
    arguments = container["args"]
    digests = arguments.pop(arguments.index("--admission") + 1)
    assert {f"{kind}/headgate-{name}" for name in REQUIRED for kind in (POLICIES.kind, BINDINGS.kind)} <= set(json.loads(digests))
    assert arguments == [
        *("check", "--namespace", "headgate-system", "--prefix", "headgate", "--definitions", "--admission"),
        *("--lease", "headgate", "--lease", "headgate-monitor", "--operator", operator, "--other", monitor),
    ]
    assert "hook-succeeded" not in pod["metadata"]["annotations"]["helm.sh/hook-delete-policy"], "its log is read afterwards"
