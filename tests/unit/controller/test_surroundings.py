"""Probes, metrics, logs and configuration."""

import asyncio
import json
import logging
import sys
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from tests.unit.controller.operator_world import KEY, OperatorWorld, at, in_canary

from headgate.__main__ import main
from headgate.config import ConfigError, kopf_settings, read_settings
from headgate.controller.handlers import selectors
from headgate.controller.intake import Intake
from headgate.controller.probes import Health, Heartbeat, metric_routes, probe_routes
from headgate.telemetry import Telemetry
from headgate.telemetry.logs import JsonFormatter
from headgate.web import Server

GIVEN = {"HEADGATE_NAMESPACE": "headgate-system", "HEADGATE_PROMETHEUS_URL": "http://prom:9090", "HEADGATE_ENVIRONMENT": "staging"}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def health(clock: Clock) -> Health:
    world = in_canary()
    intake = Intake(world.api, world.cache, world.queue, monotonic=clock)
    heartbeat = Heartbeat(clock, Telemetry(), last=clock())
    return Health(intake, heartbeat, 300.0, world.kinds)


def test_ready_only_when_everything_was_listed_and_alive_all_the_while() -> None:
    probe = health(Clock())
    probe.intake._cache.complete.clear()
    assert probe.missing() == ["the first lists are being read"]
    assert probe.faults() == []
    probe.intake.faults["pods"] = "pods is forbidden"
    assert probe.missing() == ["pods: pods is forbidden"]
    asyncio.run(probe.intake.fill())
    assert probe.missing() == []


@pytest.mark.parametrize("fault", ["stuck", "dead watch", "no lists"])
def test_what_a_restart_cures_makes_it_unhealthy(fault: str) -> None:
    clock = Clock()
    probe = health(clock)
    asyncio.run(probe.intake.fill())
    assert probe.faults() == []
    match fault:
        case "stuck":
            clock.now += 21
        case "dead watch":
            probe.intake.dead.add("pods")
        case _:
            clock.now += 901
            probe.heartbeat.last = clock()
    assert len(probe.faults()) == 1


def test_the_probes_and_metrics_answer_over_http() -> None:
    probe = health(Clock())

    async def scene() -> list[tuple[int, str]]:
        await probe.intake.fill()
        servers = [Server(routes, 0, "127.0.0.1") for routes in (probe_routes(probe), metric_routes(Telemetry()))]
        for server in servers:
            await server.start()
        answers = []
        async with aiohttp.ClientSession() as session:
            for port, path in ((servers[0].port, "healthz"), (servers[0].port, "readyz"), (servers[1].port, "metrics")):
                async with session.get(f"http://127.0.0.1:{port}/{path}") as answer:
                    answers.append((answer.status, await answer.text()))
            probe.intake.dead.add("pods")
            async with session.get(f"http://127.0.0.1:{servers[0].port}/healthz") as answer:
                answers.append((answer.status, await answer.text()))
        for server in servers:
            await server.stop()
        return answers

    alive, ready, metrics, dead = asyncio.run(scene())
    assert alive == ready == (200, "ok")
    assert metrics[0] == 200
    assert "headgate_queue_depth" in metrics[1]
    assert dead == (503, "dead watches: pods")


def test_the_heartbeat_shows_how_late_the_loop_is() -> None:
    async def scene() -> float:
        loop = asyncio.get_running_loop()
        telemetry = Telemetry()
        heartbeat = Heartbeat(loop.time, telemetry)
        task = asyncio.create_task(heartbeat.run())
        await asyncio.sleep(0)
        assert heartbeat.age < 0.1
        task.cancel()
        return heartbeat.last

    assert asyncio.run(scene()) > 0


def test_metrics_show_where_a_model_stands_and_count_rollbacks() -> None:
    world = in_canary()
    page = world.telemetry.page().decode()
    assert 'headgate_traffic_weight{model="credit",namespace="lending",slot="candidate"} 200.0' in page
    assert 'headgate_phase{model="credit",namespace="lending",phase="Canary"} 1.0' in page
    assert 'phase="Live"' not in page.split("headgate_phase")[-1]
    world.decide("Halt")
    world.settle()
    page = world.telemetry.page().decode()
    assert 'headgate_rollbacks_total{cause="Halt"} 1.0' in page
    assert 'headgate_break_glass{model="credit",namespace="lending"} 0.0' in page
    world.telemetry.forget(KEY)
    world.telemetry.forget(KEY)
    assert 'model="credit"' not in world.telemetry.page().decode()


def test_a_broken_gate_can_be_alerted_on() -> None:
    world = OperatorWorld()
    world.release("v1")
    world.settle()
    for person in ("ann@bank", "bob@bank"):
        world.decide("BreakGlass", person, expiresAt=at(world.now + timedelta(hours=4)))
    world.settle()
    assert world.weights != {}
    assert 'headgate_break_glass{model="credit",namespace="lending"} 1.0' in world.telemetry.page().decode()


def test_a_log_line_is_json_with_what_the_caller_gave() -> None:
    record = logging.makeLogRecord({"name": "kopf.objects", "levelname": "INFO", "msg": "decided %s", "args": ("x",), "model": "credit"})
    record.k8s_ref = object()
    line = json.loads(JsonFormatter().format(record))
    assert (line["logger"], line["level"], line["msg"], line["model"]) == ("kopf.objects", "info", "decided x", "credit")
    assert "k8s_ref" not in line
    try:
        raise ValueError("broken")
    except ValueError:
        record.exc_info = sys.exc_info()
    assert "broken" in json.loads(JsonFormatter().format(record))["error"]


def test_the_environment_is_read_with_its_defaults() -> None:
    settings = read_settings(GIVEN | {"HEADGATE_WATCH_NAMESPACES": "lending, fraud", "HEADGATE_LOG_LEVEL": "debug"})
    assert settings.policy_namespace == "headgate-system"
    assert settings.watch_namespaces == ("lending", "fraud")
    assert settings.kopf_namespaces == ("fraud", "headgate-system", "lending")
    assert (settings.log_level, settings.probe_port, settings.metrics_port, settings.admission_prefix) == ("DEBUG", 8081, 8080, "headgate")
    assert read_settings(GIVEN).kopf_namespaces == ()
    assert read_settings(GIVEN | {"HEADGATE_TRUST_STORE_REQUIRED": "true"}).trust_store_required is True
    assert read_settings(GIVEN).trust_store_required is False


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"HEADGATE_NAMESPACE": ""}, "HEADGATE_NAMESPACE is not set"),
        ({"HEADGATE_ENVIRONMENT": ""}, "HEADGATE_ENVIRONMENT is not set"),
        ({"HEADGATE_PROMETHEUS_URL": ""}, "HEADGATE_PROMETHEUS_URL is not set"),
        ({"HEADGATE_PROMETHEUS_URL": "prom:9090"}, "must begin with http"),
        ({"HEADGATE_LOG_LEVEL": "loud"}, "HEADGATE_LOG_LEVEL"),
        ({"HEADGATE_PROBE_PORT": "x"}, "HEADGATE_PROBE_PORT"),
    ],
)
def test_a_wrong_environment_is_told_by_the_name_of_the_variable(changes: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read_settings(GIVEN | changes)


def test_a_wrong_environment_ends_the_command_with_a_message(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in GIVEN:
        monkeypatch.delenv(name, raising=False)
    assert main(["run"]) == 2
    assert "HEADGATE_NAMESPACE" in capsys.readouterr().err


def test_kopf_writes_nothing_and_sees_only_what_is_ours() -> None:
    settings: Any = kopf_settings(selectors())
    assert settings.posting.enabled is False
    assert settings.peering.standalone is True
    assert settings.queueing.worker_limit is None
    assert settings.watching.inactivity_timeout == 70
    assert settings.watching.label_selectors["", "pods"] == "headgate.dev/model"
    body = {"metadata": {"name": "x"}, "spec": {"a": 1}}
    assert settings.persistence.diffbase_storage.build(body=body) == {}
    essence = {"spec": {}}
    assert settings.persistence.progress_storage.clear(essence=essence) is essence
