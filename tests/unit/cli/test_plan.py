"""plan says what a rollout takes before it starts: from Prometheus or from given rates, under a policy of the cluster or of a file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import yaml
from tests.unit.cli.cluster_in_memory import IN_CANARY, LIVE, ClusterInMemory, headgate

from headgate.cli.judging import plan
from headgate.kube.resources import AIMODELS, ROLLOUT_POLICIES
from headgate.prometheus.client import PrometheusClient

SPEC: dict[str, Any] = {
    "stages": [
        {"name": "canary", "trafficPercent": 5, "minDuration": "10m", "maxDuration": "1h"},
        {"name": "full", "holdbackPercent": 10, "minDuration": "2h", "maxDuration": "4h"},
    ],
    "checks": [{"metric": "errors", "maxIncrease": "0.5pp"}, {"metric": "latency", "quantile": "0.95", "maxIncrease": "50ms"}],
}
URL = "http://prometheus.monitoring:9090"
MODEL = ("plan", "credit-scorer", "-n", "lending")
RATES = ("--requests-per-second", "100", "--error-rate", "0.01")

Prometheus = Callable[..., list[str]]


def manifest(name: str = "standard", namespace: str = "headgate-system", spec: dict[str, Any] = SPEC) -> dict[str, Any]:
    return {
        "apiVersion": "headgate.dev/v1alpha1",
        "kind": "RolloutPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


@pytest.fixture
def cluster(memory: ClusterInMemory, monkeypatch: pytest.MonkeyPatch) -> ClusterInMemory:
    """A live model under the policy `standard`."""
    monkeypatch.delenv(plan.ADDRESS, raising=False)
    memory.model(LIVE)
    memory.objects[AIMODELS.plural, "lending", "credit-scorer"]["spec"]["policy"] = {"name": "standard"}
    memory.put(ROLLOUT_POLICIES, manifest())
    return memory


@pytest.fixture
def prometheus(monkeypatch: pytest.MonkeyPatch) -> Prometheus:
    """What Prometheus says from now on: 200 and 503 per second, and buckets in ms. Gives the queries, which come later."""

    def says(ok: float = 99.0, failed: float = 1.0, status: int = 200, **buckets: float) -> list[str]:
        asked: list[str] = []

        def handle(request: httpx.Request) -> httpx.Response:
            query = parse_qs(request.content.decode())["query"][0]
            asked.append(query)
            label, rates = ("le", buckets) if "_bucket" in query else ("envoy_response_code", {"200": ok, "503": failed})
            rows = [{"metric": {label: value.strip("_")}, "value": [0, str(rate)]} for value, rate in rates.items() if rate]
            return httpx.Response(status, json={"status": "success", "data": {"resultType": "vector", "result": rows}})

        def opened(address: str) -> PrometheusClient:
            assert address == URL
            return PrometheusClient(address, transport=httpx.MockTransport(handle))

        monkeypatch.setattr(plan, "open_prometheus", opened)
        return asked

    return says


BUCKETS = {"25": 76.0, "50": 96.8, "100": 99.8, "250": 100.0, "_+Inf": 100.0}
COARSE = {"100": 10.0, "1000": 99.9, "10000": 100.0, "_+Inf": 100.0}


def planned(*arguments: str) -> dict[str, Any]:
    result = headgate(*arguments, "-o", "json")
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_traffic_is_read_from_prometheus(cluster: ClusterInMemory, prometheus: Prometheus) -> None:
    asked = prometheus(**BUCKETS)
    told = planned(*MODEL, "--prometheus", URL)
    assert told["traffic"] == {"requestsPerSecond": 100.0, "errorRate": 0.01, "rejectionRate": 0.0, "timedAnswers": 360_000}
    assert len(asked) == 2
    assert all("httproute/lending/credit-scorer/" in query and "[3600s]" in query for query in asked)
    errors, latency = told["stages"][0]["checks"]
    assert errors["decidable"]
    assert errors["good"]["half"] < errors["good"]["nineInTen"]
    assert errors["harmOneBeyondNull"]["half"] > errors["harmTwice"]["half"] > 60
    assert "above" in latency["compares"]
    assert told["stages"][1]["checks"][0] | {"provenBefore": True, "good": None} == told["stages"][1]["checks"][0]


def test_the_address_may_come_from_the_environment(
    cluster: ClusterInMemory, prometheus: Prometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    prometheus()
    monkeypatch.setenv("HEADGATE_PROMETHEUS_URL", URL)
    assert planned(*MODEL, "--since", "1d")["traffic"]["requestsPerSecond"] == 100.0


def test_without_an_address_it_says_how_to_give_one(cluster: ClusterInMemory) -> None:
    result = headgate(*MODEL)
    assert result.exit_code == 1
    assert "--prometheus URL or set HEADGATE_PROMETHEUS_URL" in result.stderr
    assert "--requests-per-second" in result.stderr


def test_buckets_that_cannot_tell_are_named(cluster: ClusterInMemory, prometheus: Prometheus) -> None:
    prometheus(**COARSE)
    told = planned(*MODEL, "--prometheus", URL)
    latency = told["stages"][0]["checks"][1]
    assert (latency["decidable"], latency["good"]) == (False, None)
    assert "add bounds near" in latency["problem"]
    assert any("add bounds near" in words for words in told["changes"])


def test_given_rates_take_the_place_of_measured_ones(cluster: ClusterInMemory, prometheus: Prometheus) -> None:
    prometheus(**BUCKETS)
    traffic = planned(*MODEL, "--prometheus", URL, "--error-rate", "0.2")["traffic"]
    assert (traffic["requestsPerSecond"], traffic["errorRate"]) == (100.0, 0.2)


@pytest.mark.parametrize(
    ("says", "words"), [({"status": 503}, "(Overloaded)"), ({"ok": 0.0, "failed": 0.0}, "counted no request of lending/")]
)
def test_a_prometheus_that_knows_nothing_is_told(
    cluster: ClusterInMemory, prometheus: Prometheus, says: dict[str, Any], words: str
) -> None:
    prometheus(**says)
    result = headgate(*MODEL, "--prometheus", URL)
    assert result.exit_code == 1
    assert words in result.stderr


def test_a_policy_file_and_rates_need_no_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump_all([{"kind": "Namespace"}, manifest()]))
    result = headgate("plan", "--policy", str(file), *RATES, "-o", "yaml")
    assert result.exit_code == 0, result.output
    told = yaml.safe_load(result.stdout)
    assert [stage["name"] for stage in told["stages"]] == ["canary", "full"]
    assert told["stages"][0]["checks"][1]["problem"] == "no latency histogram is known"
    text = headgate("plan", "--policy", str(file), *RATES).stdout
    assert "100 requests/s, 1 % errors" in text
    assert "5 % of the users, 5 requests/s" in text
    assert "TO CHANGE" in headgate("plan", "--policy", str(file), "--requests-per-second", "10", "--error-rate", "0.01").stdout


def test_with_enough_traffic_there_is_nothing_to_change(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump(manifest()))
    text = headgate("plan", "--policy", str(file), "--requests-per-second", "1000", "--error-rate", "0.001").stdout
    assert "Every check is decided in time." in text
    assert "TO CHANGE" not in text


def test_clustered_failures_take_longer(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump(manifest()))
    alone, clustered = (planned("plan", "--policy", str(file), *RATES, "--dispersion", phi) for phi in ("1", "4"))
    halves = [told["stages"][0]["checks"][0]["good"]["half"] for told in (alone, clustered)]
    assert halves[1] > 3 * halves[0]


def test_without_enough_stable_pods_the_plan_is_that_of_the_robust_judge(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump(manifest()))
    asked = ("plan", "--policy", str(file), *RATES)
    many, few = (json.loads(headgate(*asked, *more, "-o", "json").stdout) for more in ((), ("--stable-pods", "2")))
    assert (many["stablePods"], few["stablePods"]) == (3, 2)
    assert few["stages"][0]["checks"][0]["harmOneBeyondNull"]["half"] > many["stages"][0]["checks"][0]["harmOneBeyondNull"]["half"]
    assert "has 2 pods with counters of their own, of at least 3" in headgate(*asked, "--stable-pods", "2").stdout


def test_another_policy_of_the_cluster_can_be_tried(cluster: ClusterInMemory) -> None:
    other = SPEC | {"stages": [SPEC["stages"][0] | {"trafficPercent": 20}, SPEC["stages"][1]]}
    cluster.put(ROLLOUT_POLICIES, manifest("bolder", spec=other))
    assert planned(*MODEL, *RATES, "--policy", "bolder")["stages"][0]["weightPercent"] == 20
    cluster.put(ROLLOUT_POLICIES, manifest("bolder", "elsewhere"))
    result = headgate(*MODEL, *RATES, "--policy", "bolder")
    assert result.exit_code == 1
    assert "choose one of elsewhere/bolder, headgate-system/bolder" in result.stderr
    assert planned(*MODEL, *RATES, "--policy", "elsewhere/bolder")["stages"][0]["weightPercent"] == 5


def test_a_rollout_under_way_is_told_because_it_is_among_the_figures(cluster: ClusterInMemory, prometheus: Prometheus) -> None:
    prometheus(**BUCKETS)
    cluster.model(IN_CANARY)
    cluster.objects[AIMODELS.plural, "lending", "credit-scorer"]["spec"]["policy"] = {"name": "standard"}
    assert "2.3.1 is being rolled out now: its requests are among these figures." in headgate(*MODEL, "--prometheus", URL).stdout


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kind: ConfigMap", "holds no RolloutPolicy"),
        ("kind: [", "cannot be read"),
        ("kind: RolloutPolicy\nspec: {stages: []}", "spec.stages"),
    ],
)
def test_a_file_that_is_no_policy_is_refused(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(text)
    result = headgate("plan", "--policy", str(file), *RATES)
    assert result.exit_code == 1
    assert words in result.stderr


@pytest.mark.parametrize(
    "arguments", [(), ("--policy", "standard"), ("--policy", "standard", *RATES), ("credit-scorer", "--since", "soon", "--prometheus", URL)]
)
def test_what_is_missing_is_wrong_usage(cluster: ClusterInMemory, arguments: tuple[str, ...]) -> None:
    assert headgate("plan", "-n", "lending", *arguments).exit_code == 2


def test_a_policy_that_is_not_there_is_refused(cluster: ClusterInMemory) -> None:
    result = headgate(*MODEL, *RATES, "--policy", "strict")
    assert result.exit_code == 1
    assert "there is no RolloutPolicy strict" in result.stderr
