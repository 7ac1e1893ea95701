"""How Prometheus, Alertmanager and Grafana get what they need of the chart."""

import re
import shutil
from pathlib import Path

import pytest
import yaml
from tests.unit.chart.rendering import CHART, Object, named, needs_helm, objects_of, of_kind, template

pytestmark = needs_helm

RULES = """\
groups:
- name: headgate
  rules:
  - alert: HeadgateRolledBack
    expr: |
      increase(headgate_rollbacks_total[5m]) > 0
    labels: {severity: warning}
    annotations:
      summary: "{{ $labels.cause }} took {{ $value }} versions back"
      runbook: docs/runbooks/rolled-back.md
"""
DASHBOARD = '{"title": "Fleet", "panels": [{"legend": "{{model}}"}]}'


@pytest.mark.parametrize(
    ("settings", "kind", "annotated"),
    [
        ((), None, True),
        (("metrics.scrape=Annotations",), None, True),
        (("metrics.scrape=None",), None, False),
        (("metrics.scrape=PodMonitor", "metrics.interval=5s", "metrics.labels.release=p"), "PodMonitor", False),
        (("metrics.scrape=ServiceMonitor", "metrics.interval=5s", "metrics.labels.release=p"), "ServiceMonitor", False),
        (("metrics.scrapeAnnotations=false",), None, False),
        (("podMonitor.enabled=true", "podMonitor.interval=5s", "podMonitor.labels.release=p"), "PodMonitor", False),
        (("podMonitor.enabled=true", "metrics.scrape=None"), None, False),
    ],
)
def test_metrics_are_found_in_the_one_way_that_was_chosen(settings: tuple[str, ...], kind: str | None, annotated: bool) -> None:
    annotations = named("Deployment", "headgate", *settings)["spec"]["template"]["metadata"]["annotations"]
    assert ("prometheus.io/scrape" in annotations) is annotated
    found = [*of_kind("PodMonitor", *settings), *of_kind("ServiceMonitor", *settings)]
    assert [one["kind"] for one in found] == ([kind] if kind else [])
    for one in found:
        (endpoint,) = one["spec"]["podMetricsEndpoints" if kind == "PodMonitor" else "endpoints"]
        assert endpoint["honorLabels"] is True, "series say which model they are about"
        assert (endpoint["port"], endpoint["interval"], one["metadata"]["labels"]["release"]) == ("metrics", "5s", "p")


def test_each_process_is_asked_for_its_own_metrics() -> None:
    for service in of_kind("Service", "monitor.enabled=true"):
        assert service["spec"]["clusterIP"] == "None"
        assert service["spec"]["ports"][0]["name"] == "metrics"


def relabelled(found: Object, labels: dict[str, str]) -> dict[str, str] | None:
    """A target's labels as Prometheus would make them of the endpoint's relabelings; None if it is not kept."""
    (endpoint,) = found["spec"]["podMetricsEndpoints"]
    labels = dict(labels)
    for rule in endpoint["relabelings"]:
        pattern = re.compile(rule.get("regex", "(.*)"))
        matched = pattern.fullmatch(rule.get("separator", ";").join(labels.get(name, "") for name in rule.get("sourceLabels", ())))
        if rule["action"] == "keep" and matched is None:
            return None
        if rule["action"] == "replace" and matched is not None:
            labels[rule["targetLabel"]] = matched.expand(rule.get("replacement", "$1").replace("$", "\\"))
        if rule["action"] == "labeldrop":
            labels = {name: value for name, value in labels.items() if not pattern.fullmatch(name)}
    return {name: value for name, value in labels.items() if not name.startswith("__meta_")}


def target(ip: str, container: str, **annotations: str) -> dict[str, str]:
    meta = {f"annotation_prometheus_io_{name}": value for name, value in annotations.items()}
    meta |= {"ip": ip, "label_headgate_dev_model": "credit", "label_headgate_dev_revision": "9a91439f"}
    own = {"namespace": "lending", "pod": "credit-1", "container": container, "__address__": f"{ip}:1", "__metrics_path__": "/metrics"}
    return own | {f"__meta_kubernetes_pod_{name}": value for name, value in meta.items()}


def test_series_of_models_say_which_version_they_are_of() -> None:
    models = named("PodMonitor", "headgate-models", "metrics.models=true", "metrics.interval=5s", "metrics.labels.release=p")
    assert models["metadata"]["labels"]["release"] == "p"
    assert models["spec"]["podMetricsEndpoints"][0]["interval"] == "5s"
    assert "honorLabels" not in models["spec"]["podMetricsEndpoints"][0], "what a model says of itself does not make it another"
    known = {"namespace": "lending", "pod": "credit-1", "headgate_model": "credit", "headgate_revision": "9a91439f"}
    for container in ("model", "sidecar"):
        seen = relabelled(models, target("10.0.0.7", container, scrape="true", port="8080"))
        assert seen == known | {"__address__": "10.0.0.7:8080", "__metrics_path__": "/metrics"}
    seen = relabelled(models, target("fd00::7", "model", scrape="true", port="8080", path="/own"))
    assert seen == known | {"__address__": "[fd00::7]:8080", "__metrics_path__": "/own"}
    assert relabelled(models, target("10.0.0.7", "model", port="8080")) is None


def test_models_are_found_where_they_are_served() -> None:
    spec = named("PodMonitor", "headgate-models", "metrics.models=true")["spec"]
    assert (spec["namespaceSelector"], spec["selector"]["matchExpressions"]) == (
        {"any": True},
        [{"key": "headgate.dev/revision", "operator": "Exists"}],
    )
    watched = named("PodMonitor", "headgate-models", "metrics.models=true", "watchNamespaces={lending,claims}")["spec"]
    assert watched["namespaceSelector"] == {"matchNames": ["lending", "claims"]}
    both = of_kind("PodMonitor", "metrics.models=true", "metrics.scrape=PodMonitor")
    assert {one["metadata"]["name"] for one in both} == {"headgate", "headgate-models"}


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """The chart with one file of rules and one dashboard."""
    copied = tmp_path / "headgate"
    shutil.copytree(CHART, copied)
    for folder, name, text in (("rules", "tried.yaml", RULES), ("dashboards", "tried.json", DASHBOARD)):
        path = copied / "files" / folder
        path.mkdir(exist_ok=True)
        (path / name).write_text(text)
    return copied


def test_rules_are_wrapped_as_they_are_and_linked_to_their_runbooks(chart: Path) -> None:
    settings = ("prometheusRule.enabled=true", "prometheusRule.labels.role=alerts", "prometheusRule.runbookUrl=https://docs.example/run/")
    found = {one["metadata"]["name"]: one for one in objects_of(template(*settings, chart=chart)) if one["kind"] == "PrometheusRule"}
    rule = found["headgate-tried"]
    assert rule["metadata"]["labels"]["role"] == "alerts"
    expected = yaml.safe_load(RULES)
    expected["groups"][0]["rules"][0]["annotations"]["runbook_url"] = "https://docs.example/run/rolled-back.md"
    assert rule["spec"] == expected
    assert not [one for one in objects_of(template(chart=chart)) if one["kind"] == "PrometheusRule"]


def test_every_file_of_rules_of_the_chart_is_installed() -> None:
    files = {path.stem for path in (CHART / "files/rules").glob("*.yaml")}
    found = of_kind("PrometheusRule", "prometheusRule.enabled=true", "dashboards.enabled=true")
    assert {one["metadata"]["name"] for one in found} == {"headgate" if name == "headgate" else f"headgate-{name}" for name in files}


def test_a_file_of_rules_that_is_no_yaml_stops_the_release(chart: Path) -> None:
    (chart / "files/rules/tried.yaml").write_text("groups: [")
    done = template("prometheusRule.enabled=true", chart=chart)
    assert done.returncode != 0
    assert "files/rules/tried.yaml" in done.stderr


def test_dashboards_are_config_maps_for_the_sidecar(chart: Path) -> None:
    settings = ("dashboards.enabled=true", "dashboards.namespace=grafana", "dashboards.annotations.grafana_folder=Headgate")
    found = {one["metadata"]["name"]: one for one in objects_of(template(*settings, chart=chart)) if one["kind"] == "ConfigMap"}
    dashboard = found["headgate-dashboard-tried"]
    assert dashboard["data"] == {"tried.json": DASHBOARD}
    metadata = dashboard["metadata"]
    assert (metadata["namespace"], metadata["labels"]["grafana_dashboard"]) == ("grafana", "1")
    assert metadata["annotations"] == {"grafana_folder": "Headgate"}
