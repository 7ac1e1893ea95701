"""The sampler against a pretended Prometheus: one query for all, and every kind of bad answer by its name."""

import asyncio
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import parse_qs

import httpx
import pytest
from tests.simulation import clock

from headgate.evidence.counting.series import Arm, NoAnswer, Outage, TargetSamples, What
from headgate.prometheus.client import PrometheusClient
from headgate.prometheus.profiles import EnvoyGateway, Target
from headgate.prometheus.sampler import Sampler, chunks, clock_skew, window
from headgate.prometheus.totals import TotalsSampler

CREDIT, FRAUD = Target("lending", "credit"), Target("pay", "fraud")


def series(target, slot, values, name="envoy_cluster_upstream_rq_total", **labels):
    cluster = f"httproute/{target.namespace}/{target.name}/rule/0/backend/{slot}"
    return {
        "metric": {"__name__": name, "job": "envoy", "instance": "10.0.0.1:19001", "envoy_cluster_name": cluster, **labels},
        "values": values,
    }


def success(*result, **more):
    return httpx.Response(200, json={"status": "success", "data": {"resultType": "matrix", "result": list(result)}, **more})


def sample(respond, targets=(CREDIT,), now=100.0, seconds=5.0, timeout=10.0):
    """The batch for `targets`, and the forms that were posted. `respond` is a response, an exception, or a function of the request."""
    forms = []

    def handle(request):
        forms.append({name: value[0] for name, value in parse_qs(request.content.decode()).items()})
        if isinstance(respond, Exception):
            raise respond
        return respond(request) if callable(respond) else respond

    async def run():
        async with PrometheusClient("http://prometheus:9090/", timeout=timeout, transport=httpx.MockTransport(handle)) as client:
            return await Sampler(client, EnvoyGateway()).sample(list(targets), now, seconds)

    return asyncio.run(run()), forms


def test_one_query_for_all_models_tells_their_series_apart():
    answer = success(series(CREDIT, 0, [[99.1, "3"], [100, "5"]]), series(FRAUD, 1, [[99.1, "7"]]))
    batch, forms = sample(answer, (CREDIT, FRAUD))
    assert len(forms) == 1
    assert forms[0]["query"].endswith("[5s]")
    credit, fraud = batch.answers[CREDIT], batch.answers[FRAUD]
    assert [(one.arm, one.what, one.instance, one.points) for one in credit.series] == [
        (Arm.STABLE, What.SENT, "envoy/10.0.0.1:19001", ((99.1, 3.0), (100.0, 5.0)))
    ]
    assert [one.arm for one in fraud.series] == [Arm.CANDIDATE]


def test_the_number_of_queries_does_not_grow_with_the_models():
    targets = [Target("ns", f"m{i}") for i in range(300)]
    assert len(sample(success(), targets)[1]) == 1
    assert [len(part) for part in chunks(targets * 3, 60)] == [333, 333, 234]


def test_t16_no_series_is_a_good_answer_without_samples():
    assert sample(success())[0].answers[CREDIT] == TargetSamples(100.0, ())


def test_t15_t17_nan_and_inf_are_read_and_left_to_the_increments():
    batch, _ = sample(success(series(CREDIT, 0, [[1, "NaN"], [2, "+Inf"], [3, "4"]])))
    assert [str(value) for _, value in batch.answers[CREDIT].series[0].points] == ["nan", "inf", "4.0"]


def test_t24_of_several_copies_the_same_one_counts_each_time():
    copies = [series(CREDIT, 0, [[1, str(i)]], prometheus_replica=name) for i, name in enumerate("ba")]
    one, other = sample(success(*copies))[0], sample(success(*copies[::-1]))[0]
    assert one == other
    assert [found.points for found in one.answers[CREDIT].series] == [((1.0, 1.0),)]


@pytest.mark.parametrize(
    ("respond", "outage", "told"),
    [
        (httpx.ReadTimeout("slow"), Outage.TIMEOUT, "no answer within 10 s"),
        (httpx.ConnectError("connection refused"), Outage.UNREACHABLE, "connection refused"),
        (httpx.RemoteProtocolError("server disconnected"), Outage.UNREACHABLE, "server disconnected"),
        (httpx.Response(429, text="slow down"), Outage.OVERLOADED, "HTTP 429: slow down"),
        (httpx.Response(503, text="query timed out"), Outage.OVERLOADED, "HTTP 503"),
        (httpx.Response(500, text="oops"), Outage.BROKEN, "HTTP 500: oops"),
        (httpx.Response(400, text="parse error"), Outage.REFUSED, "HTTP 400: parse error"),
        (httpx.Response(404), Outage.REFUSED, "HTTP 404"),
        (httpx.Response(302, headers={"location": "/login"}), Outage.REFUSED, "HTTP 302"),
        (httpx.Response(200, text="<html>"), Outage.GARBLED, "JSONDecodeError"),
        (httpx.Response(200, content=b"\xff\xfe\xfa"), Outage.GARBLED, ""),
        (httpx.Response(200, json=[]), Outage.GARBLED, ""),
        (httpx.Response(200, json={"status": "success"}), Outage.GARBLED, "KeyError"),
        (httpx.Response(200, json={"status": "success", "data": {"resultType": "vector", "result": []}}), Outage.GARBLED, "vector"),
        (success(series(CREDIT, 0, [["x", "y"]])), Outage.GARBLED, "ValueError"),
        (httpx.Response(200, json={"status": "error", "errorType": "execution", "error": "too many samples"}), Outage.REFUSED, "too many"),
        (success(warnings=["one store is away"]), Outage.PARTIAL, "one store is away"),
    ],
)
def test_t25_t26_t27_each_bad_answer_has_its_name(respond, outage, told):
    answer = sample(respond)[0].answers[CREDIT]
    assert isinstance(answer, NoAnswer)
    assert answer.outage is outage
    assert told in answer.text


def test_infos_are_not_warnings():
    assert isinstance(sample(success(infos=["fine"]))[0].answers[CREDIT], TargetSamples)


def test_a_bad_chunk_does_not_spoil_the_others(monkeypatch):
    monkeypatch.setattr("headgate.prometheus.sampler.CHUNK_SERIES", 60)
    answers = iter([success(series(CREDIT, 0, [[1, "1"]])), httpx.Response(500)])
    batch, forms = sample(lambda _: next(answers), (CREDIT, FRAUD))
    assert len(forms) == 2
    assert sorted(type(answer).__name__ for answer in batch.answers.values()) == ["NoAnswer", "TargetSamples"]


def test_large_answers_are_read_in_a_thread_with_the_same_result(monkeypatch):
    answer = success(
        *(series(CREDIT, 0, [[1, "1"]], name="envoy_cluster_upstream_rq", envoy_response_code=str(code)) for code in range(200, 250))
    )
    plain, _ = sample(answer)
    threads = []

    async def to_thread(call, *args):
        threads.append(call.func.__name__)
        return call(*args)

    monkeypatch.setattr("headgate.prometheus.answers._LARGE", 100)
    monkeypatch.setattr(asyncio, "to_thread", to_thread)
    assert sample(answer)[0] == plain
    assert threads == ["parse"]


def test_t29_the_skew_of_clocks_is_measured():
    assert clock_skew("Sat, 21 Nov 2026 06:30:47 GMT", 1795242647.4) == 0.0
    assert clock_skew("Sat, 21 Nov 2026 06:30:47 GMT", 1795242617.0) == 30.0
    assert clock_skew("nonsense", 0.0) == clock_skew(None, 0.0) == 0.0
    answer = httpx.Response(200, headers={"date": "Thu, 01 Jan 1970 00:10:00 GMT"}, content=success().content)
    assert sample(answer)[0].answers[CREDIT].skew == 500.0


@pytest.mark.parametrize("kind", [Sampler, TotalsSampler])
def test_a_slow_answer_is_not_taken_for_a_skewed_clock(kind, monkeypatch):
    async def at_once(call, *args):
        return call(*args)

    # A virtual clock does not wait for threads.
    monkeypatch.setattr(asyncio, "to_thread", at_once)

    async def slow(request):
        await asyncio.sleep(8)
        return httpx.Response(200, headers={"date": "Thu, 01 Jan 1970 00:01:48 GMT"}, content=body[kind].content)

    async def run():
        async with PrometheusClient("http://prometheus:9090/", transport=httpx.MockTransport(slow)) as client:
            if kind is Sampler:
                return (await Sampler(client, EnvoyGateway()).sample([CREDIT], 100.0, 5.0)).answers[CREDIT]
            return (await TotalsSampler(client, EnvoyGateway()).sample([CREDIT], 100.0)).get(CREDIT)

    sampled = [{"metric": {"headgate_row": name}, "value": [100, "99"]} for name in ("oldest", "newest")]
    vector = {"status": "success", "data": {"resultType": "vector", "result": sampled}}
    body = {Sampler: success(), TotalsSampler: httpx.Response(200, json=vector)}
    assert clock.run(run()).skew == 0.0


@pytest.mark.parametrize("ahead", [40.0, -40.0, 1.5])
def test_the_newest_samples_are_in_the_window_whatever_the_clocks_say(ahead):
    """A source whose clock is ahead would else be asked about its past, one behind about times it has not seen."""
    times = []

    def handle(request):
        times.append(float(parse_qs(request.content.decode())["time"][0]))
        date = format_datetime(datetime.fromtimestamp(1000 + len(times) + ahead, UTC).replace(microsecond=0), usegmt=True)
        return httpx.Response(200, headers={"date": date}, content=success().content)

    async def run():
        async with PrometheusClient("http://prometheus:9090/", transport=httpx.MockTransport(handle)) as client:
            sampler = Sampler(client, EnvoyGateway())
            for now in (1001.0, 1002.0):
                await sampler.sample([CREDIT], now, 5.0)

    asyncio.run(run())
    newest = 1002.0 + ahead
    assert times[1] - 5.0 < newest - 1 < newest <= times[1]


def test_hours_of_the_past_are_asked_about_as_they_are_whatever_time_it_is_now():
    times, date = [], format_datetime(datetime.fromtimestamp(1_000_000, UTC), usegmt=True)
    answers = [success(), httpx.Response(503, text="busy"), success()]

    def handle(request):
        times.append(float(parse_qs(request.content.decode())["time"][0]))
        answers[len(times) - 1].headers["date"] = date
        return answers[len(times) - 1]

    async def run():
        async with PrometheusClient("http://prometheus:9090/", transport=httpx.MockTransport(handle)) as client:
            sampler = Sampler(client, EnvoyGateway())
            return [(await sampler.past([CREDIT], until, 3600.0)).answers[CREDIT] for until in (3600.0, 7200.0, 10800.0)]

    first, busy, last = asyncio.run(run())
    assert times == [3600.0, 7200.0, 10800.0]
    assert first == TargetSamples(3600.0, (), 0.0)
    assert last == TargetSamples(10800.0, (), 0.0)
    assert isinstance(busy, NoAnswer)
    assert (busy.time, busy.outage) == (7200.0, Outage.OVERLOADED)


@pytest.mark.parametrize(
    ("last_good", "interval", "seconds"), [(None, 1, 5), (99.0, 1, 6), (100.0, 15, 75), (40.0, 15, 135), (-1e6, 1, 3600), (200.0, 1, 5)]
)
def test_the_window_reaches_back_to_the_last_good_sample(last_good, interval, seconds):
    assert window(last_good, 100.0, interval) == seconds
