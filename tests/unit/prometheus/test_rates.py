"""How much traffic a model has: two queries, whatever its number of series."""

import asyncio
import re
from urllib.parse import parse_qs

import httpx
import pytest

from headgate.evidence.counting.series import Outage
from headgate.evidence.latency.slow_shares import Past
from headgate.evidence.power import Traffic
from headgate.prometheus.client import PrometheusClient, SourceError
from headgate.prometheus.profiles import EnvoyGateway, Http, MetricsProfile, Target
from headgate.prometheus.rates import present_traffic

CREDIT = Target("lending", "credit-scorer")
ANSWERS = {"200": 9.0, "404": 0.4, "422": 0.2, "503": 0.3, "0": 0.1}
BUCKETS = {"25": 7.0, "50": 9.5, "100": 9.4, "+Inf": 10.0}


def vector(label: str, rates: dict[str, float | str]) -> httpx.Response:
    rows = [{"metric": {label: value}, "value": [100.0, str(rate)]} for value, rate in rates.items()]
    return httpx.Response(200, json={"status": "success", "data": {"resultType": "vector", "result": rows}})


def read(
    answers: dict[str, float | str], buckets: dict[str, float | str], profile: MetricsProfile | None = None, failure: int = 0
) -> tuple[Traffic | None, list[str]]:
    """What is read, and the queries that were asked."""
    profile = profile or EnvoyGateway()
    asked: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        query = parse_qs(request.content.decode())["query"][0]
        asked.append(query)
        if failure:
            return httpx.Response(failure)
        return vector("le", buckets) if "_bucket" in query else vector(profile.rated(CREDIT).code, answers)

    async def run() -> Traffic | None:
        async with PrometheusClient("http://prometheus:9090", transport=httpx.MockTransport(handle)) as client:
            return await present_traffic(client, profile, CREDIT, 100.0, 3600.0)

    return asyncio.run(run()), asked


def test_rates_and_histogram_of_all_users() -> None:
    traffic, asked = read(ANSWERS, BUCKETS)
    assert traffic is not None
    assert traffic.requests == pytest.approx(10.0)
    assert traffic.errors == pytest.approx(0.04), "503, and what is no status at all"
    assert traffic.rejections == pytest.approx(0.02), "404 says nothing about the model"
    assert traffic.latency == Past((0.025, 0.05, 0.1), 36_000, (25_200, 34_200, 34_200)), "rates of buckets can be a moment apart"
    assert len(asked) == 2
    assert all("[3600s]" in query and query.startswith("sum by (") for query in asked)


def test_bounds_of_the_http_profile_are_seconds() -> None:
    traffic, _ = read(ANSWERS, {"0.25": 5.0, "+Inf": 10.0}, Http())
    assert traffic is not None
    assert traffic.latency == Past((0.25,), 36_000, (18_000,))


def test_without_requests_nothing_is_known() -> None:
    assert read({}, {})[0] is None
    assert read({"200": 0.0}, {"+Inf": 0.0})[0] is None
    assert read({"200": "NaN"}, {})[0] is None


def test_without_a_histogram_the_rest_is_known() -> None:
    assert read({"200": 2.0}, {})[0] == Traffic(2.0, 0.0, 0.0)
    assert read({"200": 2.0}, {"+Inf": 2.0})[0] == Traffic(2.0, 0.0, 0.0)


def test_an_outage_is_named() -> None:
    with pytest.raises(SourceError) as raised:
        read(ANSWERS, BUCKETS, failure=503)
    assert raised.value.outage is Outage.OVERLOADED


@pytest.mark.parametrize(
    ("cluster", "counted"),
    [
        ("httproute/lending/credit-scorer/rule/0/backend/0", True),
        ("httproute/lending/credit-scorer/rule/3/backend/1", True),
        ("httproute/lending/credit-scorer/rule/0", True),
        ("httproute/lending/credit-scorer/rule/0/backend/2", False),
        ("httproute/lending/credit-scorer/rule/0-mirror-0", False),
        ("httproute/lending/credit-scorer-2/rule/0/backend/0", False),
        ("httproute/pay/credit-scorer/rule/0/backend/0", False),
    ],
)
def test_users_are_counted_and_copies_are_not(cluster: str, counted: bool) -> None:
    pattern = re.search(r'envoy_cluster_name=~"(.*)"', EnvoyGateway().rated(CREDIT).answers)
    assert pattern is not None
    assert bool(re.fullmatch(pattern[1], cluster)) is counted
