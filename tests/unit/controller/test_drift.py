"""What the monitor asks for in status: told once, done once, and never undone by the operator's own writes."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.controller.operator_world import KEY, OperatorWorld, in_canary, live

from headgate.kube.resources import AIMODELS, EVENTS

LOSS = "a loss of 16 points began with the release of 2026-03-01"


def said(world: OperatorWorld, severity: str = "Critical", **fields: Any) -> None:
    stamp = world.now.isoformat()
    drift = {"severity": severity, "since": stamp, "at": stamp, "why": LOSS, **fields}
    asyncio.run(world.api.patch_status(AIMODELS, KEY.name, KEY.namespace, {"drift": drift}, field_manager="headgate-monitor-drift"))
    world.settle()


def twice_live() -> OperatorWorld:
    """v2 is live, v1 is kept."""
    world = in_canary()
    for _ in range(2):
        world.decide("Promote", "boss@bank")
        world.settle()
        world.pass_time(60)
        world.settle()
    assert (world.status.phase, world.status.live) == ("Live", "v2"), world.status.conditions
    return world


def events(world: OperatorWorld, reason: str) -> list[str]:
    return [event["note"] for event in world.api.of(EVENTS) if event["reason"] == reason]


def test_a_word_of_the_monitor_is_told_once_and_stays_the_monitors() -> None:
    world = live()
    said(world, actions=["Event", "ReviewMode"])
    world.restart()
    world.settle()
    assert events(world, "DriftResponse") == [f"Critical (Event, ReviewMode): {LOSS}"]
    drift = world.status.drift
    assert drift is not None
    assert world.status.drift_heard == drift.at
    operators = [write.body for write in world.api.writes if write.short == "status aimodels" and "phase" in write.body]
    assert all("drift" not in body for body in operators)


def test_a_release_that_began_a_loss_is_taken_back_once() -> None:
    world = twice_live()
    bad = world.status.stable
    assert bad is not None
    said(world, rollBack=bad.revision, release="2026-03-01", actions=["Event", "Rollback"])
    assert (world.status.live, world.status.phase) == ("v1", "RolledBack"), world.status.conditions
    assert [(entry.revision, str(entry.cause)) for entry in world.status.blocked] == [(bad.revision, "Drift")]
    attempts = world.status.attempts
    world.restart()
    world.settle()
    assert world.status.attempts == attempts


def test_a_release_is_taken_back_as_soon_as_no_other_version_is_on_its_way() -> None:
    world = twice_live()
    bad = world.status.stable
    assert bad is not None
    world.release("v3")
    world.settle()
    assert world.status.candidate_version == "v3"
    said(world, rollBack=bad.revision, release="2026-03-01", actions=["Event", "Rollback"])
    assert world.status.live == "v2"
    (note,) = events(world, "DriftResponse")
    assert "not taken back: another version is on its way" in note
    world.decide("Halt", "boss@bank")
    world.settle()
    assert (world.status.live, world.status.phase) == ("v1", "RolledBack"), world.status.conditions
    assert str(world.status.blocked[-1].cause) == "Drift"


def test_a_word_that_was_taken_back_meanwhile_is_not_followed() -> None:
    world = twice_live()
    bad = world.status.stable
    assert bad is not None
    world.release("v3")
    world.settle()
    said(world, rollBack=bad.revision, release="2026-03-01")
    world.pass_time(60)
    said(world, release="2026-03-01")
    world.decide("Halt", "boss@bank")
    world.settle()
    assert world.status.live == "v2"


def test_a_release_that_people_bring_back_stays() -> None:
    world = twice_live()
    bad = world.status.stable
    assert bad is not None
    said(world, rollBack=bad.revision, release="2026-03-01")
    assert world.status.live == "v1"
    world.decide("Retry", "boss@bank", target={"revision": bad.revision, "attempt": world.status.blocked[-1].attempt})
    world.settle()
    world.approve()
    world.settle()
    for _ in range(2):
        world.decide("Promote", "boss@bank")
        world.settle()
        world.pass_time(60)
        world.settle()
    drift = world.status.drift
    assert drift is not None
    assert drift.roll_back == bad.revision, "the monitor has not looked yet"
    assert (world.status.live, world.status.phase) == ("v2", "Live"), world.status.conditions


@pytest.mark.parametrize("asks", ["the other version", "the only version"])
def test_nothing_is_taken_back_that_is_not_live_or_has_no_predecessor(asks: str) -> None:
    world = live()
    stable = world.status.stable
    assert stable is not None
    said(world, rollBack=stable.revision if asks == "the only version" else "00000000")
    assert (world.status.live, world.status.phase) == ("v1", "Live")
    (note,) = events(world, "DriftResponse")
    assert ("not taken back: no earlier version is kept" in note) is (asks == "the only version")


def test_a_freeze_holds_what_was_on_its_way_and_not_what_may_be_the_cure() -> None:
    world = in_canary()
    said(world, "High", freeze="Requested")
    world.decide("Promote", "boss@bank")
    world.settle()
    world.pass_time(120)
    world.settle()
    assert (world.status.phase, world.status.stage) == ("Canary", "canary")
    ready = next(condition for condition in world.status.conditions if condition.type == "Ready")
    assert (ready.reason, "is not held" in ready.message) == ("Frozen", True)
    world.pass_time(timedelta(minutes=1).total_seconds())
    world.release("v3")
    world.settle()
    world.approve()
    world.settle()
    assert (world.status.candidate_version, world.status.phase) == ("v3", "Canary")


def test_a_freeze_that_nobody_can_tell_to_be_over_says_so() -> None:
    world = in_canary()
    said(world, "Unknown", freeze="Requested")
    world.decide("Promote", "boss@bank")
    world.settle()
    ready = next(condition for condition in world.status.conditions if condition.type == "Ready")
    assert (ready.reason, "drifted, and nobody can tell whether it still does" in ready.message) == ("Frozen", True), ready


def test_a_freeze_ends_with_the_drift() -> None:
    world = in_canary()
    said(world, "High", freeze="Requested")
    world.pass_time(60)
    said(world, "Low")
    world.decide("Promote", "boss@bank")
    world.settle()
    assert world.status.phase == "Full", world.status.conditions
