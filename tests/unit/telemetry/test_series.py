"""What metrics say of models and of the process, and that a series goes when its fact does."""

import asyncio
import re
from datetime import UTC, datetime

import httpx
from tests.unit.controller.operator_world import KEY, OperatorWorld, in_canary, live
from tests.unit.controller.test_failover import edited, without_pods
from tests.unit.controller.test_use_case import asking

from headgate.api.vocabulary import Verdict
from headgate.prometheus.client import PrometheusClient, SourceError
from headgate.telemetry import Telemetry


def series(telemetry: Telemetry, name: str) -> dict[str, float]:
    """The samples of one metric, by the values of the labels beside those of the model."""
    found = {}
    for line in telemetry.page().decode().splitlines():
        read = re.fullmatch(rf"{name}(?:\{{(.*)\}})? (\S+)", line)
        if read is not None:
            labels = dict(re.findall(r'(\w+)="([^"]*)"', read[1] or ""))
            found[",".join(value for label, value in sorted(labels.items()) if label not in ("namespace", "model"))] = float(read[2])
    return found


def of(world: OperatorWorld, name: str) -> dict[str, float]:
    return series(world.telemetry, name)


def test_since_when_a_model_is_in_its_phase_survives_a_restart() -> None:
    world = live()
    since = of(world, "headgate_phase_since_timestamp_seconds")[""]
    world.release("v2")
    world.settle()
    waiting = of(world, "headgate_phase_since_timestamp_seconds")[""]
    assert of(world, "headgate_phase") == {"AwaitingDeployment": 1.0}
    assert waiting > since
    world.pass_time(3600)
    world.restart()
    world.settle()
    assert of(world, "headgate_phase_since_timestamp_seconds") == {"": waiting}


def test_a_first_version_is_compared_with_nothing_and_has_no_verdict() -> None:
    world = OperatorWorld()
    world.release("v1")
    world.settle()
    world.approve()
    world.settle()
    assert world.status.candidate is not None
    assert world.status.candidate.stage is not None
    assert of(world, "headgate_verdict") == {}


def test_the_verdict_is_there_while_a_candidate_is_judged() -> None:
    world = in_canary()
    assert of(world, "headgate_verdict") == {"NoData": 1.0}
    world.measure(verdict=Verdict.INCONCLUSIVE)
    world.step()
    assert of(world, "headgate_verdict") == {"Inconclusive": 1.0}
    world.decide("Halt")
    world.settle()
    assert of(world, "headgate_verdict") == {}


def test_the_last_rollback_tells_when_and_why() -> None:
    world = in_canary()
    assert of(world, "headgate_last_rollback_timestamp_seconds") == {}
    before = world.seconds()
    world.decide("Halt")
    world.settle()
    (told,) = of(world, "headgate_last_rollback_timestamp_seconds").items()
    assert told[0] == "Halt"
    assert before <= told[1] <= world.seconds()
    world.restart()
    world.settle()
    assert of(world, "headgate_last_rollback_timestamp_seconds") == dict([told])


def test_the_first_approval_to_end_is_told_while_a_gate_counts_it() -> None:
    world = in_canary()
    (end,) = of(world, "headgate_approval_expires_timestamp_seconds").values()
    assert 0 < end - world.seconds() < 400 * 86_400
    world.measure(verdict=Verdict.PASS, stage_fresh_seconds=10_000.0, stage_requests=10_000)
    for _ in range(2):
        world.measure(verdict=Verdict.PASS, stage_fresh_seconds=10_000.0, stage_requests=10_000)
        world.settle()
        world.pass_time(3 * 3600)
    world.settle()
    assert world.status.phase == "Live", world.status.conditions
    assert of(world, "headgate_approval_expires_timestamp_seconds") == {}


def test_an_edit_of_the_route_by_somebody_else_is_told() -> None:
    world = in_canary()
    assert of(world, "headgate_route_edited_timestamp_seconds") == {}
    edited(world, 990, 10)
    world.step()
    assert of(world, "headgate_route_edited_timestamp_seconds") == {"": world.seconds()}
    world.pass_time(3600)
    world.settle()
    assert of(world, "headgate_route_edited_timestamp_seconds")[""] < world.seconds() - 3000


def test_what_the_route_gives_beyond_what_is_wanted_is_told_until_it_is_repaired() -> None:
    world = in_canary()
    edited(world, 0, 1000)
    world.step()
    assert of(world, "headgate_unwanted_traffic_weight") == {"": 800.0}
    world.settle()
    assert of(world, "headgate_unwanted_traffic_weight") == {}


def test_decisions_that_wait_for_the_audit_are_counted_as_long_as_they_do() -> None:
    world = live()
    assert of(world, "headgate_audit_pending") == {}
    world.audit_answers = False
    world.release("v2")
    for _ in range(4):
        world.step()
        world.world_turns()
    assert of(world, "headgate_audit_pending")[""] > 0
    world.audit_answers = True
    world.settle()
    assert of(world, "headgate_audit_pending") == {}


def test_the_fallback_has_a_slot_while_it_answers() -> None:
    assert set(of(live(), "headgate_traffic_weight")) == {"stable", "candidate", "mirror"}
    assert of(without_pods(), "headgate_traffic_weight")["fallback"] == 1000.0


def test_a_model_that_goes_takes_its_series_along() -> None:
    world = in_canary()
    world.decide("Halt")
    world.settle()
    assert 'model="credit"' in world.telemetry.page().decode()
    world.telemetry.forget(KEY)
    world.telemetry.forget(KEY)
    assert 'model="credit"' not in world.telemetry.page().decode()


def test_counters_are_there_before_their_first_event() -> None:
    """To Prometheus a counter that appears as 1 did not increase."""
    telemetry = Telemetry()
    for name, value in (("headgate_reconcile_total", "error"), ("headgate_rollbacks_total", "Guard"), ("headgate_decisions_total", "Live")):
        assert series(telemetry, name)[value] == 0.0
    assert series(telemetry, "headgate_prometheus_queries_total")["Unreachable"] == 0.0


def test_whether_prometheus_answers_is_told_by_each_question() -> None:
    telemetry, status = Telemetry(), [200]

    async def ask(client: PrometheusClient) -> None:
        try:
            await client.query("up", 0.0)
        except SourceError:
            assert status != [200]

    async def scene() -> list[float]:
        found = [series(telemetry, "headgate_prometheus_up")[""]]
        transport = httpx.MockTransport(lambda request: httpx.Response(status[0], content=b"{}"))
        async with PrometheusClient("http://prom", transport=transport) as client:
            client.tell(telemetry.answered)
            for code in (200, 503, 200):
                status[0] = code
                await ask(client)
                found.append(series(telemetry, "headgate_prometheus_up")[""])
        return found

    unknown, *known = asyncio.run(scene())
    assert unknown != unknown, "NaN: nobody has asked yet"
    assert known == [1.0, 0.0, 1.0]
    counted = series(telemetry, "headgate_prometheus_queries_total")
    assert (counted["Answered"], counted["Overloaded"]) == (2.0, 1.0)


def test_an_approved_use_case_tells_when_it_ends() -> None:
    world = asking()
    assert of(world, "headgate_approval_expires_timestamp_seconds") == {}
    case = world.status.use_case
    assert case is not None
    given = {"gate": "UseCase", "subject": case.subject, "expiresAt": "2026-05-01T00:00:00Z"}
    world.decide("Approve", "maria@bank", role="business-owner", **given)
    world.decide("Approve", "rita@bank", role="risk-review", **given)
    world.settle()
    assert of(world, "headgate_approval_expires_timestamp_seconds")["UseCase"] == datetime(2026, 5, 1, tzinfo=UTC).timestamp()
