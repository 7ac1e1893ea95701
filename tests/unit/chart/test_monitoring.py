"""How Prometheus, Alertmanager and Grafana get what they need of the chart."""

import shutil
from pathlib import Path

import pytest
import yaml
from tests.unit.chart.rendering import CHART, named, needs_helm, objects_of, of_kind, template

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
