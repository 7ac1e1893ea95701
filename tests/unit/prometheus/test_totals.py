"""Sums of live versions: one query for all models, and whose place each returned row counts."""

import asyncio
import re
from urllib.parse import parse_qs

import httpx
import pytest

from headgate.evidence.counting.series import Arm, NoAnswer, Outage
from headgate.evidence.live import LiveTotals, Sums
from headgate.prometheus.client import PrometheusClient
from headgate.prometheus.profiles import EnvoyGateway, Http, Target
from headgate.prometheus.totals import TotalsSampler, question

CREDIT, FRAUD = Target("lending", "credit", "r1"), Target("pay", "fraud", "r7")
TIMES = ({"headgate_row": "oldest"}, 88.5), ({"headgate_row": "newest"}, 99.5)


def envoy(place, **labels):
    return {"envoy_cluster_name": f"httproute/{place}", **labels}


def success(*rows, **more):
    result = [{"metric": labels, "value": [100, str(value)]} for labels, value in rows]
    return httpx.Response(200, json={"status": "success", "data": {"resultType": "vector", "result": result}, **more})


def sample(respond, targets=(CREDIT, FRAUD), profile=None):
    """The answer for `targets`, and the queries that were posted."""
    asked = []

    def handle(request):
        asked.append(parse_qs(request.content.decode())["query"][0])
        if isinstance(respond, Exception):
            raise respond
        return respond

    async def run():
        async with PrometheusClient("http://prometheus:9090/", transport=httpx.MockTransport(handle)) as client:
            return await TotalsSampler(client, profile or EnvoyGateway()).sample(list(targets), 100.0)

    answer = asyncio.run(run())
    return answer if isinstance(answer, NoAnswer) else {target: answer.get(target) for target in targets}, asked


def test_places_of_many_models_come_from_one_query():
    answer, asked = sample(
        success(
            (envoy("lending/credit/rule/0/backend/0"), 1000),
            (envoy("lending/credit/rule/0/backend/0", envoy_response_code="503"), 30),
            (envoy("lending/credit/rule/0/backend/0", envoy_response_code="500"), 12),
            (envoy("lending/credit/rule/0/backend/0", envoy_response_code="422"), 5),
            (envoy("lending/credit/rule/0/backend/0", headgate_row="processes"), 2),
            (envoy("lending/credit/rule/0/backend/1", headgate_row="processes"), 2),
            (envoy("pay/fraud/rule/0/backend/1"), 7),
            (envoy("pay/fraud/rule/0/backend/1", headgate_row="processes"), 1),
            (envoy("pay/other/rule/0/backend/1"), 7),
            *TIMES,
        )
    )
    assert len(asked) == 1
    nobody_answered_yet = Sums(2)
    assert answer == {
        CREDIT: LiveTotals(88.5, 99.5, {Arm.STABLE: Sums(2, 1000, 42, 5), Arm.CANDIDATE: nobody_answered_yet}),
        FRAUD: LiveTotals(88.5, 99.5, {Arm.CANDIDATE: Sums(1, 7)}),
    }


def test_rules_of_a_route_are_added_up():
    rows = [(envoy(f"lending/credit/rule/{rule}/backend/0", **more), 10) for rule in (0, 1) for more in ({}, {"headgate_row": "processes"})]
    assert sample(success(*rows, *TIMES))[0][CREDIT].places == {Arm.STABLE: Sums(20, 20)}


def test_the_number_of_queries_and_their_length_do_not_grow_with_the_models():
    few, many = ([Target("ns", f"m{i}") for i in range(number)] for number in (1, 5000))
    assert sample(success(), many)[1] == sample(success(), few)[1]
    wide = [Target(f"ns{i}", "m") for i in range(5000)]
    assert len(sample(success(), wide)[1][0]) < 2000


@pytest.mark.parametrize("number", ["NaN", "+Inf"])
def test_a_place_whose_sum_is_no_number_is_not_counted(number):
    rows = (envoy("lending/credit/rule/0/backend/0"), number), (envoy("lending/credit/rule/0/backend/0", headgate_row="processes"), 1)
    assert sample(success(*rows, *TIMES))[0][CREDIT].places == {}


def test_a_place_that_no_process_counts_is_none():
    assert sample(success((envoy("lending/credit/rule/0/backend/0"), 10), *TIMES))[0][CREDIT].places == {}


def test_without_any_counter_nothing_is_known():
    assert sample(success())[0] == {CREDIT: None, FRAUD: None}


@pytest.mark.parametrize(
    ("respond", "outage"),
    [
        (httpx.ReadTimeout("slow"), Outage.TIMEOUT),
        (httpx.Response(503), Outage.OVERLOADED),
        (success(*TIMES, warnings=["one store is away"]), Outage.PARTIAL),
        (httpx.Response(200, json={"status": "error", "errorType": "execution", "error": "too many"}), Outage.REFUSED),
        (httpx.Response(200, json={"status": "success", "data": {"resultType": "matrix", "result": []}}), Outage.GARBLED),
        (httpx.Response(200, content=success(*TIMES).content[:-20]), Outage.GARBLED),
        (httpx.Response(200, text="<html>"), Outage.GARBLED),
        (httpx.Response(200, content=b"\xff"), Outage.GARBLED),
        (success(TIMES[0]), Outage.GARBLED),
        (success((envoy("lending/credit/rule/0/backend/0"), "x"), *TIMES), Outage.GARBLED),
    ],
)
def test_a_bad_answer_is_named_and_none_of_its_rows_count(respond, outage):
    answer, _ = sample(respond)
    assert isinstance(answer, NoAnswer)
    assert answer.outage is outage


def test_the_skew_of_clocks_is_told():
    response = success(*TIMES)
    response.headers["date"] = "Thu, 01 Jan 1970 00:10:00 GMT"
    assert sample(response)[0][CREDIT].skew == 500.0


def test_only_places_of_routes_are_added_up_and_only_codes_that_can_count():
    summed = EnvoyGateway().summed([CREDIT, FRAUD])
    places = re.search(r'envoy_cluster_name=~"(.*)"', summed.matchers)[1]
    for cluster, asked in {
        "httproute/lending/credit/rule/0/backend/1": True,
        "httproute/pay/fraud/rule/11/backend/0": True,
        "httproute/other/fraud/rule/0/backend/0": False,
        "httproute/pay/fraud/rule/0/backend/2": False,
        "httproute/pay/fraud/rule/0/backend/0-mirror-0": False,
        "httproute/pay/fraud/rule/0-mirror-0": False,
    }.items():
        assert bool(re.fullmatch(places, cluster)) is asked, cluster
    harmless = re.search(r'envoy_response_code!~"(.*?)"', question(summed))[1]
    for code, told in {"200": False, "302": False, "404": False, "": False, "400": True, "422": True, "500": True, "0": True}.items():
        assert bool(re.fullmatch(harmless, code)) is not told, code


def test_the_servers_own_counters_are_of_the_live_revision_whichever_place_it_holds():
    def http(revision, **labels):
        return {"namespace": "lending", "headgate_model": "credit", "headgate_revision": revision, **labels}

    answer, asked = sample(
        success(
            (http("r1"), 100),
            (http("r1", code="500"), 3),
            (http("r1", headgate_row="processes"), 4),
            (http("r0"), 9000),
            (http("r0", headgate_row="processes"), 1),
            *TIMES,
        ),
        profile=Http(),
    )
    assert answer[CREDIT].places == {Arm.STABLE: Sums(4, 100, 3)}
    assert answer[FRAUD].places == {}
    assert 'namespace=~"(?:lending|pay)"' in asked[0]
