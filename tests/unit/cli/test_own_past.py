"""backtest MODEL sets the stable pods of a model against each other, as Prometheus counted them."""

import json
import time
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs

import httpx
import numpy as np
import pytest
from tests.unit.cli.cluster_in_memory import LIVE, ClusterInMemory, headgate
from tests.unit.cli.test_plan import SPEC, URL, manifest

from headgate.cli.judging import own_past, plan
from headgate.kube.resources import AIMODELS, ROLLOUT_POLICIES
from headgate.prometheus.client import PrometheusClient

MODEL = ("backtest", "credit-scorer", "-n", "lending")
ASKED = (*MODEL, "--prometheus", URL, "--since", "4h", "--rollout", "1h")
REVISION = LIVE["stable"]["revision"]


@pytest.fixture
def cluster(memory: ClusterInMemory, monkeypatch: pytest.MonkeyPatch) -> ClusterInMemory:
    """A live model under the policy `standard`."""
    monkeypatch.delenv(plan.ADDRESS, raising=False)
    memory.model(LIVE)
    memory.objects[AIMODELS.plural, "lending", "credit-scorer"]["spec"]["policy"] = {"name": "standard"}
    memory.put(ROLLOUT_POLICIES, manifest())
    return memory


class Pods:
    """Counters of pods that answer 20 requests a second, 1 % of them with 500, scraped every quarter of a minute. As Prometheus does, each
    answer says what time it is now, whatever time was asked about."""

    def __init__(self, number: int, bounds: tuple[str, ...] = ()) -> None:
        self.queries: list[str] = []
        self.asked_about: list[float] = []
        self._number, self._bounds = number, bounds

    def handle(self, request: httpx.Request) -> httpx.Response:
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        self.queries.append(form["query"])
        until, seconds = float(form["time"]), float(form["query"].rsplit("[", 1)[1].rstrip("s]"))
        self.asked_about.append(until)
        times = np.arange(np.ceil((until - seconds) / 15) * 15, until, 15.0)
        rows = [self._row(pod, code, times) for pod in range(self._number) for code in ("200", "500")]
        rows += [self._bucket(pod, place, times) for pod in range(self._number) for place in range(len(self._bounds))]
        answer = {"status": "success", "data": {"resultType": "matrix", "result": rows}}
        return httpx.Response(200, json=answer, headers={"Date": formatdate(usegmt=True)})

    def _row(self, pod: int, code: str, times: np.ndarray) -> dict[str, Any]:
        name = f"credit-scorer-{pod}"
        labels = {"namespace": "lending", "headgate_model": "credit-scorer", "headgate_revision": REVISION, "pod": name}
        steps = (times / 15).astype(int)
        failed = steps * 3 + (steps * (7 + pod)) % 5
        counted = failed if code == "500" else steps * 300 - failed
        values = [[float(time), str(int(count))] for time, count in zip(times, counted, strict=True)]
        return {"metric": {"__name__": "http_requests_total", "code": code, "instance": name, "job": "models", **labels}, "values": values}

    def _bucket(self, pod: int, place: int, times: np.ndarray) -> dict[str, Any]:
        """As many requests take as long as one bucket as another."""
        row = self._row(pod, "200", times)
        name = "http_request_duration_seconds_bucket"
        counted = (times / 15).astype(int) * (300 * (place + 1) // len(self._bounds))
        values = [[float(time), str(int(count))] for time, count in zip(times, counted, strict=True)]
        return {"metric": {**row["metric"], "__name__": name, "le": self._bounds[place]}, "values": values}


def prometheus(monkeypatch: pytest.MonkeyPatch, number: int = 4, bounds: tuple[str, ...] = ()) -> Pods:
    pods = Pods(number, bounds)
    monkeypatch.setattr(own_past, "open_prometheus", lambda address: PrometheusClient(address, transport=httpx.MockTransport(pods.handle)))
    return pods


def test_identical_pods_are_set_against_each_other_hour_by_hour(cluster: ClusterInMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    pods = prometheus(monkeypatch)
    result = headgate(*ASKED)
    assert result.exit_code == 0, result.output
    said = " ".join(result.stdout.split())
    assert "12 rollouts of 1h in blocks of 15 s" in said
    assert "each of 4 stable pods in turn against the others" in said
    assert "0 would have been taken back: 0.0 of 100 rollouts without any change, at most 22.1 with 95% confidence" in said
    assert len(pods.queries) == 4
    assert all(f'headgate_revision=~"{REVISION}"' in query and query.endswith("[3600s]") for query in pods.queries)


def test_every_hour_of_the_past_is_asked_about_and_none_of_the_future(cluster: ClusterInMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    pods, now = prometheus(monkeypatch), time.time()
    assert headgate(*ASKED).exit_code == 0
    assert [round((now - until) / 3600) for until in pods.asked_about] == [3, 2, 1, 0]


def test_programs_get_a_line_per_rollout(cluster: ClusterInMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    prometheus(monkeypatch, 3)
    lines = [json.loads(line) for line in headgate(*ASKED, "--json").stdout.splitlines()]
    assert len(lines) == 9
    assert all(line["decision"] in ("promote", "none") and line["series"].startswith("credit-scorer-") for line in lines)


def test_latency_is_judged_where_the_pods_have_buckets(cluster: ClusterInMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    pods = prometheus(monkeypatch, 3, ("0.1", "0.2", "0.3", "0.4", "0.5", "+Inf"))
    cluster.put(ROLLOUT_POLICIES, manifest("slow", spec=SPEC | {"checks": [SPEC["checks"][1] | {"quantile": "0.5"}]}))
    result = headgate(*ASKED, "--policy", "slow")
    assert result.exit_code == 0, result.output
    assert "9 rollouts of 1h" in " ".join(result.stdout.split())
    assert "0 would have been taken back" in " ".join(result.stdout.split())
    assert result.stderr.startswith("latency: 9 rollouts: above 400ms, stable above 300ms")
    assert all('le=""' not in query for query in pods.queries)


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_each_check_that_is_left_out_is_named(cluster: ClusterInMemory, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]) -> None:
    prometheus(monkeypatch)
    checks = [*SPEC["checks"], {"metric": "value", "maxDecrease": "5%"}]
    cluster.put(ROLLOUT_POLICIES, manifest("shop", spec=SPEC | {"checks": checks}))
    result = headgate(*ASKED, "--policy", "shop", *more)
    assert result.exit_code == 0, result.output
    told = result.stderr.splitlines()
    assert told == [
        "latency: the pods have no latency buckets: not judged",
        "value: the pods do not count headgate_value: not judged",
    ]


def test_what_is_missing_is_said(cluster: ClusterInMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Say --prometheus URL" in headgate(*MODEL).stderr
    prometheus(monkeypatch, 1)
    refused = headgate(*ASKED)
    assert refused.exit_code == 1
    assert "of 1 stable pods" in refused.stderr
    assert "Choose a longer --since" in refused.stderr
    assert headgate("backtest").exit_code == 2
    assert headgate(*MODEL, "--prometheus", URL, "--since", "soon").exit_code == 2


@pytest.mark.parametrize(
    ("command", "words"), [("backtest", "there is nothing to set against itself"), ("simulate", "it has no past to replay")]
)
def test_what_is_not_live_has_no_past(cluster: ClusterInMemory, command: str, words: str) -> None:
    cluster.objects[AIMODELS.plural, "lending", "credit-scorer"]["status"] = {}
    refused = headgate(command, *MODEL[1:], "--prometheus", URL)
    assert refused.exit_code == 1
    assert f"no version of lending/credit-scorer is live: {words}" in " ".join(refused.stderr.split())


def test_a_policy_without_counted_checks_is_refused(cluster: ClusterInMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    prometheus(monkeypatch)
    cluster.put(ROLLOUT_POLICIES, manifest("slow", spec=SPEC | {"checks": SPEC["checks"][1:]}))
    assert "nothing to replay" in headgate(*ASKED, "--policy", "slow").stderr
