"""Latency buckets that are too coarse for a limit are told once, with the bounds to add."""

from tests.unit.rollout.world import World, in_canary

from headgate.api.conditions import Condition, ConditionType
from headgate.api.reasons import Reason
from headgate.api.vocabulary import Metric, Verdict
from headgate.evidence.view import CheckReading

WORDS = "latency buckets jump from 100ms to 250ms, where p95 lies; a difference of 50ms is interpolated: add bounds near 180ms, 205ms"
COARSE = CheckReading(Metric.LATENCY, Verdict.INCONCLUSIVE, unresolved=WORDS)
FINE = CheckReading(Metric.ERRORS, Verdict.PASS)


def sufficient(world: World) -> Condition | None:
    return next((one for one in world.status.conditions if one.type is ConditionType.EVIDENCE_SUFFICIENT), None)


def told(world: World) -> list[str]:
    return [event for event in world.events if event.startswith(Reason.LATENCY_RESOLUTION_INSUFFICIENT)]


def test_the_condition_names_the_check_and_the_bounds_and_stays_for_the_attempt() -> None:
    world = in_canary()
    world.measured = {"verdict": Verdict.INCONCLUSIVE, "checks": (FINE, COARSE)}
    world.step()
    found = sufficient(world)
    assert found is not None
    assert (found.status, found.reason, found.message) == ("False", Reason.LATENCY_RESOLUTION_INSUFFICIENT, f"latency: {WORDS}")
    assert len(told(world)) == 1
    world.measured = {"verdict": Verdict.NO_DATA, "checks": ()}
    world.step()
    assert sufficient(world) == found
    assert len(told(world)) == 1


def test_nothing_is_told_where_the_buckets_are_fine() -> None:
    world = in_canary()
    world.measured = {"verdict": Verdict.INCONCLUSIVE, "checks": (FINE,)}
    world.step()
    assert sufficient(world) is None
    assert told(world) == []
