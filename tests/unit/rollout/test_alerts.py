"""Firing alerts that name a model hold its candidate, or take it back; old ones, unknown ones and those about others never take it back."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.unit.rollout.world import World, in_canary, live, policy

from headgate.api.policy import RolloutPolicySpec
from headgate.api.triggers import AlertTrigger
from headgate.api.vocabulary import Phase, RollbackCause, Verdict
from headgate.rollout.alerts import AlertsSeen, FiringAlert, fold
from headgate.rollout.begin import copy_name

HOLD = {"severity": "critical"}
BACK = {"severity": "critical", "action": "RollBack"}


def heeding(*triggers: dict[str, Any], **changes: Any) -> RolloutPolicySpec:
    return policy(triggers={"alerts": list(triggers)}, **changes)


def alert(since: float | None, seen: float, **labels: str) -> FiringAlert:
    given = {"alertname": "ScoresShifted", "severity": "critical", "namespace": "lending", "model": "credit"} | labels
    return FiringAlert(tuple(sorted(given.items())), since, seen)


def fires(world: World, ago: float | None = 0.0, **labels: str) -> None:
    """Prometheus says now that an alert began so many seconds before."""
    now = world.now.timestamp()
    world.alerts = AlertsSeen(now, (alert(None if ago is None else now - ago, now, **labels),))


def rising(*triggers: dict[str, Any]) -> World:
    """In canary, proven good and with its time served: nothing else keeps the candidate from the next stage."""
    world = in_canary(policy=heeding(*triggers))
    world.measured = {"verdict": Verdict.PASS, "stage_fresh_seconds": 8 * 86_400.0, "stage_requests": 5000}
    world.now += timedelta(days=8)
    return world


def told(world: World) -> tuple[str, str]:
    condition = next(condition for condition in world.status.conditions if condition.type == "Reconciling")
    return str(condition.reason), condition.message


def test_an_alert_that_began_under_the_candidate_takes_it_back_with_its_name_and_labels() -> None:
    world = rising(BACK)
    fires(world, ago=30)
    world.status = world.status.model_copy(update={"pending_audit": (), "omitted_audit": 0})
    world.step()
    blocked = world.status.blocked[-1]
    assert (world.weight(), blocked.cause, blocked.stage) == (0, RollbackCause.ALERT, "canary")
    assert blocked.evidence.startswith('alert ScoresShifted{model="credit", namespace="lending", severity="critical"} fires since 2026-')
    assert any(event.startswith("RolledBack: 2.0.0") and "Alert: alert ScoresShifted{" in event for event in world.events)
    assert any("ScoresShifted" in record.why and record.what == "RolledBack" for record in world.status.pending_audit)
    world.settle()
    assert world.status.phase is Phase.ROLLED_BACK


@pytest.mark.parametrize(
    ("trigger", "ago", "labels", "why"),
    [
        (HOLD, 30.0, {}, "its policy says Hold"),
        (BACK, 30 * 86_400.0, {}, "it began before the candidate had users"),
        (BACK, None, {}, "nobody knows when it began"),
        (BACK, 30.0, {"headgate_revision": "00000000"}, "it is about another version"),
        ({"name": "ScoresShifted"}, 30.0, {}, "named by its name alone"),
    ],
)
def test_other_alerts_hold_and_say_so(trigger: dict[str, Any], ago: float | None, labels: dict[str, str], why: str) -> None:
    world = rising(trigger)
    before = world.weight()
    fires(world, ago, **labels)
    world.step()
    assert (world.weight(), world.status.blocked) == (before, ()), why
    reason, message = told(world)
    assert reason == "AlertFiring"
    assert "alert ScoresShifted{" in message
    assert "nothing rises until it is over" in message
    world.alerts = None
    world.step()
    assert world.weight() > before, "the alert is over"


@pytest.mark.parametrize("labels", [{"severity": "warning"}, {"alertname": "Other", "severity": ""}])
def test_an_alert_that_no_trigger_asks_for_does_nothing(labels: dict[str, str]) -> None:
    world = rising(BACK, {"name": "ScoresShifted", "severity": "page"})
    before = world.weight()
    fires(world, **labels)
    world.step()
    assert world.weight() > before


def test_of_several_triggers_the_strongest_counts() -> None:
    world = rising(HOLD, BACK)
    fires(world)
    world.step()
    assert world.status.blocked[-1].cause is RollbackCause.ALERT


@pytest.mark.parametrize("age", [61.0, 86_400.0])
def test_what_fired_when_prometheus_was_last_heard_holds_and_takes_nobody_back(age: float) -> None:
    world = rising(BACK)
    before, heard = world.weight(), world.now.timestamp() - age
    world.alerts = AlertsSeen(heard, (alert(heard - 10, heard),))
    world.step()
    assert (world.weight(), world.status.blocked, told(world)[0]) == (before, (), "AlertFiring")


@pytest.mark.parametrize("age", [None, 61.0, 86_400.0])
def test_while_alerts_cannot_be_read_nothing_rises_and_nothing_is_taken_back(age: float | None) -> None:
    world = rising(BACK)
    before = world.weight()
    world.alerts = AlertsSeen(None if age is None else world.now.timestamp() - age)
    world.step()
    assert (world.weight(), world.status.blocked, told(world)[0]) == (before, (), "SourceDown")


def test_copies_of_requests_count_as_the_first_ones() -> None:
    world = live(policy=heeding(BACK))
    world.release("2.0.0")
    world.quiet()
    world.settle()
    assert world.status.phase is Phase.SHADOW
    world.now += timedelta(hours=1)
    fires(world, ago=7200.0)
    world.step()
    assert world.status.phase is Phase.SHADOW, "it began before the first copy"
    fires(world, ago=60.0)
    world.step()
    assert world.status.blocked[-1].cause is RollbackCause.ALERT


def test_a_policy_without_such_triggers_never_looks_at_alerts() -> None:
    world = in_canary()
    world.measured = {"verdict": Verdict.PASS, "stage_fresh_seconds": 8 * 86_400.0, "stage_requests": 5000}
    world.now += timedelta(days=8)
    before = world.weight()
    fires(world)
    world.step()
    assert world.weight() > before


def test_the_deadline_does_not_run_for_a_proven_candidate_that_an_alert_holds() -> None:
    world = rising(HOLD)
    for _ in range(4):
        world.now += timedelta(days=5)
        fires(world)
        world.step()
    assert world.status.blocked == ()
    assert told(world)[0] == "AlertFiring"


def test_a_policy_without_alerts_keeps_the_name_of_its_copy() -> None:
    asked = policy(triggers={"fairness": {"minDisparateImpact": "0.8"}})
    assert asked.triggers is not None
    assert "alerts" not in asked.triggers.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert copy_name("credit", asked) != copy_name("credit", heeding(HOLD))


def test_a_trigger_for_every_alert_is_refused() -> None:
    with pytest.raises(ValidationError, match="write the name or the severity"):
        AlertTrigger.model_validate({"action": "RollBack"})


def test_an_alert_that_comes_back_within_minutes_is_the_same_one() -> None:
    """As after a restart of Prometheus, which forgets since when an alert without `for` fires."""
    seen = fold(AlertsSeen(), [alert(100.0, 200.0)], 200.0)
    seen = fold(seen, [], 215.0)
    assert seen.firing == ()
    seen = fold(seen, [alert(225.0, 230.0)], 230.0)
    assert [one.since for one in seen.firing] == [100.0]
    seen = fold(seen, [], 240.0)
    late = fold(seen, [alert(890.0, 900.0)], 900.0)
    assert [one.since for one in late.firing] == [890.0]


ANSWERS = st.lists(st.tuples(st.floats(1, 400), st.booleans(), st.none() | st.floats(0, 5000)), max_size=12)


@given(ANSWERS)
def test_what_fires_was_answered_last_and_never_grows_younger(answers: list[tuple[float, bool, float | None]]) -> None:
    seen, now = AlertsSeen(), 0.0
    for wait, there, since in answers:
        now += wait
        before = {one.labels: one for one in seen.known if now - one.seen <= 600.0}
        seen = fold(seen, [alert(since, now)] if there else [], now)
        assert len(seen.firing) == there
        for one in seen.firing:
            last = before.get(one.labels)
            assert last is None or one.since is None or (last.since is not None and one.since <= last.since)


def test_a_long_list_of_labels_is_cut() -> None:
    words = replace(alert(0.0, 0.0), labels=(("alertname", "Long"), ("description", "x" * 1000))).words
    assert len(words) < 400
    assert words.endswith("...} fires since 1970-01-01 00:00:00Z")
