"""Alerts on their way into decisions: asked for where a policy heeds them, told at once, remembered while nobody answers."""

import asyncio
from dataclasses import replace

from tests.unit.controller.operator_world import KEY, POLICY, OperatorWorld, in_canary

from headgate.controller.queue import Priority
from headgate.kube.resources import ROLLOUT_POLICIES
from headgate.rollout.alerts import FiringAlert

LABELS = (("alertname", "ScoresShifted"), ("model", "credit"), ("namespace", "lending"), ("severity", "critical"))


def heeding(action: str = "RollBack") -> OperatorWorld:
    """v2 has 20 % of the users under a policy that heeds critical alerts, and v1 went live before there were any."""
    world = in_canary()
    body = {"metadata": {"name": "standard", "namespace": "platform"}}
    spec = POLICY | {"triggers": {"alerts": [{"severity": "critical", "action": action}]}}
    world.api.put(ROLLOUT_POLICIES, {**body, "spec": spec})
    world.release("v3")
    for _ in range(3):
        world.step()
        world.world_turns()
        tick(world)
    world.approve()
    for _ in range(3):
        tick(world)
        world.settle()
    assert world.status.phase == "Canary", world.status.conditions
    return world


def tick(world: OperatorWorld) -> float:
    world.list_all()
    return asyncio.run(world.alerts.tick())


def fires(world: OperatorWorld, ago: float) -> None:
    now = world.seconds()
    world.alerting = (FiringAlert(LABELS, now - ago, now),)


async def woken(world: OperatorWorld, least: Priority = Priority.HARM) -> tuple[object, bool]:
    key = await world.queue.get(least)
    world.queue.done(key)
    return key, world.alerts.fires(key)


def test_no_policy_that_heeds_alerts_means_no_question() -> None:
    world = in_canary()
    world.prometheus_silent = True
    assert tick(world) == 5.0
    assert not world.alerts.fires(KEY)


def test_an_alert_is_told_at_once_and_takes_the_candidate_back() -> None:
    world = heeding()
    tick(world)
    world.pass_time(600)
    fires(world, ago=60)
    assert tick(world) == 15.0
    assert asyncio.run(woken(world)) == (KEY, True)
    world.settle()
    blocked = world.status.blocked[-1]
    assert (blocked.cause, blocked.version) == ("Alert", "v3")
    assert 'alert ScoresShifted{model="credit"' in blocked.message
    assert world.status.phase == "RolledBack"
    tick(world)
    assert not world.alerts.fires(KEY), "nobody is on the way any more"


def test_an_outage_of_prometheus_takes_nobody_back_and_its_end_is_told() -> None:
    world = heeding()
    world.prometheus_silent = True
    fires(world, ago=1)
    world.pass_time(120)
    tick(world)
    world.settle()
    assert world.status.phase == "Canary"
    while len(world.queue):
        asyncio.run(woken(world, Priority.STABLE))
    world.prometheus_silent = False
    world.alerting = ()
    tick(world)
    assert len(world.queue) == 1


def test_an_alert_that_goes_is_told_as_well() -> None:
    world = heeding("Hold")
    world.pass_time(600)
    fires(world, ago=60)
    tick(world)
    asyncio.run(woken(world))
    world.settle()
    assert world.status.phase == "Canary"
    assert any(condition.reason == "AlertFiring" for condition in world.status.conditions)
    world.alerting = ()
    tick(world)
    assert len(world.queue) == 1
    world.settle()
    assert not any(condition.reason == "AlertFiring" for condition in world.status.conditions)


def test_an_alert_that_comes_again_is_as_old_as_it_was() -> None:
    world = heeding()
    world.pass_time(600)
    fires(world, ago=5000)
    tick(world)
    world.alerting = ()
    tick(world)
    world.pass_time(30)
    fires(world, ago=1)
    tick(world)
    (seen,) = world.alerts.state(KEY).firing
    assert seen.since == world.seconds() - 5030
    assert seen == replace(seen, labels=LABELS)
