"""Alerts as Prometheus answers them: one question for all models, an answer for each."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from headgate.evidence.counting.series import Outage
from headgate.prometheus.alerts import AlertsSource, Named, parse, question
from headgate.prometheus.client import PrometheusClient, SourceError

CREDIT, FRAUD = Named("lending", "credit"), Named("payments", "fraud")
NOW = 1_800_000_000.0


def row(name: str, value: float, **labels: str) -> dict[str, Any]:
    return {"metric": {"__name__": name, **labels}, "value": [NOW, str(value)]}


def firing(since: float | None, **labels: str) -> list[dict[str, Any]]:
    """An alert as Prometheus stores it: that it fires, and since when its condition is true."""
    labels = {"alertname": "ScoresShifted", "severity": "critical"} | labels
    began = [] if since is None else [row("ALERTS_FOR_STATE", since, **labels)]
    return [row("ALERTS", 1, alertstate="firing", **labels), *began]


def body(*rows: dict[str, Any], **answer: Any) -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": list(rows)}} | answer).encode()


def test_one_question_asks_about_all_models_and_never_about_headgates_own_alerts() -> None:
    asked = question([FRAUD, CREDIT])
    series = '{__name__=~"ALERTS|ALERTS_FOR_STATE",alertname!~"Headgate.*",namespace=~"lending|payments"'
    assert asked == f'{series},model=~"credit|fraud"}} or {series},headgate_model=~"credit|fraud"}}'


def test_each_model_gets_the_alerts_that_name_it_and_their_beginning() -> None:
    answer = body(
        *firing(NOW - 40, namespace="lending", model="credit"),
        *firing(NOW - 20, namespace="payments", headgate_model="fraud", alertname="Slow"),
        *firing(None, namespace="payments", headgate_model="fraud", alertname="Old"),
    )
    found = parse(answer, [CREDIT, FRAUD], NOW, skew=5.0)
    assert [(one.label("alertname"), one.since, one.seen) for one in found[CREDIT]] == [("ScoresShifted", NOW - 45, NOW)]
    assert [(one.label("alertname"), one.since) for one in found[FRAUD]] == [("Slow", NOW - 25), ("Old", None)]
    assert found[CREDIT][0].labels == (
        ("alertname", "ScoresShifted"),
        ("model", "credit"),
        ("namespace", "lending"),
        ("severity", "critical"),
    )


@pytest.mark.parametrize(
    "rows",
    [
        [row("ALERTS", 1, alertstate="pending", alertname="Soon", namespace="lending", model="credit")],
        [row("ALERTS_FOR_STATE", NOW, alertname="Soon", namespace="lending", model="credit")],
        firing(NOW, namespace="lending", model="credit-2"),
        firing(NOW, namespace="payments", model="credit"),
        firing(NOW, model="credit"),
        firing(NOW, namespace="lending", model="credit", alertname="HeadgateRolledBack"),
    ],
    ids=["pending", "only its beginning", "another model", "another namespace", "no namespace", "our own"],
)
def test_what_does_not_fire_about_the_model_is_no_alert_of_it(rows: list[dict[str, Any]]) -> None:
    assert parse(body(*rows), [CREDIT], NOW, 0.0) == {CREDIT: ()}


@pytest.mark.parametrize(
    ("answer", "outage"),
    [
        (b"<html>", Outage.GARBLED),
        (body(status="error", errorType="bad_data", error="parse error"), Outage.REFUSED),
        (body(warnings=["store is away"]), Outage.PARTIAL),
        (body(data={"resultType": "matrix", "result": []}), Outage.GARBLED),
        (body(row("ALERTS_FOR_STATE", 1) | {"value": [NOW, "soon"]}), Outage.GARBLED),
    ],
)
def test_what_is_no_complete_answer_is_none(answer: bytes, outage: Outage) -> None:
    with pytest.raises(SourceError) as refused:
        parse(answer, [CREDIT], NOW, 0.0)
    assert refused.value.outage is outage


def test_the_question_is_asked_by_the_clock_of_prometheus() -> None:
    asked: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.content)
        rows = firing(NOW + 90, namespace="lending", model="credit")
        return httpx.Response(200, content=body(*rows), headers={"date": "Fri, 15 Jan 2027 08:02:00 GMT"})

    async def scene() -> float | None:
        async with PrometheusClient("http://prom", transport=httpx.MockTransport(answer)) as client:
            source = AlertsSource(client)
            await source.firing([CREDIT], NOW)
            (found,) = (await source.firing([CREDIT], NOW))[CREDIT]
            return found.since

    since = asyncio.run(scene())
    assert b"time=1800000002.000" in asked[0]
    assert b"time=1800000122.000" in asked[1]
    assert since == pytest.approx(NOW - 30, abs=1)
