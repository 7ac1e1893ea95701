"""Killed before or after any single write, a new process reaches the same end, and users never reach a version that is not recorded."""

from collections.abc import Callable

import pytest
from tests.unit.controller.fake_cluster import CrashError
from tests.unit.controller.operator_world import OperatorWorld, in_canary, live

from headgate.api.reasons import Reason
from headgate.api.vocabulary import Verdict
from headgate.kube.resources import AIMODELS, DEPLOYMENTS, HTTP_ROUTES

Journey = Callable[[OperatorWorld], None]


def _release(world: OperatorWorld) -> None:
    world.release("v2")


def _approved(world: OperatorWorld) -> None:
    world.approve()


def _halted(world: OperatorWorld) -> None:
    world.decide("Halt")


def _replaced(world: OperatorWorld) -> None:
    world.release("v3")


def _live_version_halted(world: OperatorWorld) -> None:
    stable = world.status.stable
    assert stable is not None
    world.decide("Halt", target={"revision": stable.revision, "attempt": world.status.attempts})


def _twice_live() -> OperatorWorld:
    world = in_canary()
    while world.status.candidate is not None:
        world.measure(verdict=Verdict.PASS, stage_fresh_seconds=7200.0, stage_requests=10_000, as_of=world.seconds())
        world.pass_time(2 * 3600)
        world.settle()
    assert world.status.phase == "Live", world.status.conditions
    return world


def _awaiting() -> OperatorWorld:
    world = live()
    world.release("v2")
    world.settle()
    return world


JOURNEYS: list[tuple[str, Callable[[], OperatorWorld], Journey]] = [
    ("a new version is prepared", live, _release),
    ("an approved version gets users", _awaiting, _approved),
    ("a halted version loses them", in_canary, _halted),
    ("a newer version takes its place", in_canary, _replaced),
    ("a halted live version gives way to the one before", _twice_live, _live_version_halted),
]


def end_of(world: OperatorWorld) -> dict[str, object]:
    status = world.status
    return {
        "phase": status.phase,
        "stable": status.stable and status.stable.revision,
        "candidate": status.candidate and (status.candidate.revision, status.candidate.attempt),
        "blocked": [(entry.revision, entry.cause) for entry in status.blocked],
        "traffic": [(slot.revision, slot.weight) for slot in status.traffic.slots],
        "route": world.weights,
        "deployments": sorted((d["metadata"]["name"], d["spec"]["replicas"]) for d in world.api.of(DEPLOYMENTS)),
    }


def assert_recorded(world: OperatorWorld) -> None:
    """Nobody has more users than the status says, but for those on the way back."""
    status = world.status
    candidate = status.candidate
    if candidate is not None:
        assert world.weights.get(candidate.revision, 0) <= status.traffic.weight_of(candidate.revision)


def run(
    start: Callable[[], OperatorWorld], journey: Journey, *, before: int | None = None, after: int | None = None
) -> tuple[OperatorWorld, int]:
    """The journey with one death; the world at its end and how many writes it took."""
    world = start()
    journey(world)
    mark = len(world.api.writes)
    world.api.die_before = mark + before if before else None
    world.api.die_after = mark + after if after else None
    try:
        world.settle()
    except CrashError:
        assert_recorded(world)
        world.api.die_before = world.api.die_after = None
        world.restart()
        world.world_turns()
        world.settle(most=40)
    return world, len(world.api.writes) - mark


@pytest.mark.parametrize(("name", "start", "journey"), JOURNEYS, ids=[name for name, _, _ in JOURNEYS])
def test_a_death_at_any_write_changes_nothing_in_the_end(name: str, start: Callable[[], OperatorWorld], journey: Journey) -> None:
    undisturbed, writes = run(start, journey)
    wanted = end_of(undisturbed)
    assert undisturbed.api.find(AIMODELS, "credit")
    assert undisturbed.api.find(HTTP_ROUTES, "credit")
    for number in range(1, writes + 1):
        for death in ({"before": number}, {"after": number}):
            world, _ = run(start, journey, **death)
            assert end_of(world) == wanted, f"death {death}"
            told = {write.body.get("reason") for write in world.api.writes if write.plural == "events"}
            assert Reason.REBUILT not in told, "a process that died leaves no status of the past"


def test_a_version_that_was_taken_off_stays_off_though_that_was_not_recorded() -> None:
    world = in_canary()
    stable, candidate = world.status.stable, world.status.candidate
    assert stable is not None
    assert candidate is not None
    world.broken = {candidate.revision: {"conditions": [{"type": "Ready", "status": "False"}]}}
    world.world_turns()
    world.api.die_after = len(world.api.writes) + 1
    with pytest.raises(CrashError):
        world.step()
    assert world.weights == {stable.revision: 1000}
    world.api.die_after, world.broken = None, {}
    world.restart()
    world.world_turns()
    world.settle()
    assert world.weights == {stable.revision: 1000}
    assert [(entry.revision, entry.cause) for entry in world.status.blocked] == [(candidate.revision, "PodGuard")]
