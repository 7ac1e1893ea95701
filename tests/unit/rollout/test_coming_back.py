"""An earlier live version on its way back, and what the spec says meanwhile."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.unit.rollout.test_state_table import second_live, stable_of
from tests.unit.rollout.world import World, condition, policy, spec

from headgate.api.conditions import ConditionType
from headgate.api.status import AttemptKind
from headgate.api.vocabulary import Phase, RollbackCause
from headgate.rollout.snapshot import ClockStep

WARM = timedelta(hours=1)
SERVING = spec("3.0.0").serving.model_dump(mode="json", by_alias=True, exclude_none=True)
SIDE_EFFECTS: dict[str, Any] = {"serving": {**SERVING, "sideEffects": "Some"}}
"""What no policy with a shadow stage starts."""


def cold() -> tuple[World, str]:
    """2.0.0 is live, and no pod of 1.0.0, which is kept, gets ready."""
    world = second_live()
    earlier = world.status.past[-1].revision
    world.no_pods(earlier)
    return world, earlier


def failed() -> tuple[World, str]:
    """2.0.0 broke its guard, and 1.0.0 is to come back without a pod."""
    world, earlier = cold()
    world.live_guard()
    world.step()
    assert restored(world) == "1.0.0"
    return world, earlier


def restored(world: World) -> str:
    """The version that is coming back; empty if none is."""
    candidate = world.status.candidate
    return candidate.version if candidate is not None and candidate.kind is AttemptKind.RESTORE else ""


class TestAskedForByTheSpec:
    def test_it_is_cancelled_when_the_spec_names_the_stable_version_again(self) -> None:
        world, earlier = cold()
        live, before = stable_of(world), world.status.past
        world.release("1.0.0")
        world.step()
        assert restored(world) == "1.0.0"
        world.release("2.0.0")
        world.settle()
        assert (world.status.candidate, world.status.phase, world.status.blocked) == (None, Phase.LIVE, ())
        world.pods_back(earlier)
        world.settle()
        assert world.route.weights == {live: 1000}
        kept = [(past.revision, past.was_live, past.keep_until) for past in world.status.past]
        assert kept == [(past.revision, past.was_live, past.keep_until) for past in before]

    def test_and_can_come_back_later_without_a_gate(self) -> None:
        world, earlier = cold()
        world.release("1.0.0")
        world.step()
        world.release("2.0.0")
        world.settle()
        world.pods_back(earlier)
        world.release("1.0.0")
        world.settle()
        assert (world.status.live, world.route.weights) == ("1.0.0", {earlier: 1000})
        assert [past.version for past in world.status.past if past.was_live] == ["2.0.0"]

    def test_a_third_version_supersedes_it(self) -> None:
        world, earlier = cold()
        world.release("1.0.0")
        world.step()
        world.release("3.0.0")
        world.step()
        assert world.status.candidate is not None
        assert (world.status.candidate.version, restored(world)) == ("3.0.0", "")
        assert earlier in {past.revision for past in world.status.past if past.was_live}

    def test_it_ends_with_its_window_even_if_it_was_asked_for_meanwhile(self) -> None:
        world, earlier = cold()
        world.release("1.0.0")
        world.step()
        world.release("2.0.0")
        world.settle()
        world.step(8 * 86_400)
        assert earlier not in {past.revision for past in world.status.past}


class TestBecauseAnotherWasTakenBack:
    def test_it_comes_whatever_the_spec_says(self) -> None:
        world, earlier = failed()
        world.release("3.0.0")
        world.step(60)
        assert restored(world) == "1.0.0"
        world.pods_back(earlier)
        world.step()
        assert world.route.weights == {earlier: 1000}

    def test_without_a_pod_for_long_it_gives_way_to_a_third_version(self) -> None:
        world, earlier = failed()
        world.release("3.0.0")
        world.step(WARM.total_seconds() + 1)
        assert world.status.candidate is not None
        assert (world.status.candidate.version, restored(world)) == ("3.0.0", "")
        assert earlier in {past.revision for past in world.status.past if past.was_live}
        assert [entry.version for entry in world.status.blocked] == ["2.0.0"]

    def test_never_to_the_version_that_failed(self) -> None:
        world, _ = failed()
        world.step(WARM.total_seconds() + 1)
        assert restored(world) == "1.0.0"

    def test_nor_to_one_that_cannot_start(self) -> None:
        world, _ = failed()
        world.release("3.0.0", **SIDE_EFFECTS)
        world.policy = policy()
        attempts = world.status.attempts
        for _ in range(3):
            world.step(WARM.total_seconds() + 1)
        assert (restored(world), world.status.attempts) == ("1.0.0", attempts)

    def test_nor_while_the_clock_is_not_trusted(self) -> None:
        world, _ = failed()
        world.release("3.0.0")
        world.clock_step = ClockStep(7200, "the clock jumped")
        world.step(WARM.total_seconds() + 1)
        assert restored(world) == "1.0.0"


class TestOrderedByAPerson:
    def rolled_back(self) -> tuple[World, str]:
        """3.0.0 was on its way beside 2.0.0, and somebody ordered all users back to 1.0.0."""
        world, earlier = cold()
        world.release("3.0.0")
        world.quiet()
        world.settle()
        world.decided("Rollback", toRevision=earlier)
        world.step()
        return world, earlier

    def test_it_comes_although_the_spec_still_names_the_version_that_was_taken_back(self) -> None:
        world, earlier = self.rolled_back()
        assert restored(world) == "1.0.0"
        world.step(60)
        assert restored(world) == "1.0.0"
        assert world.status.blocked[-1].cause is RollbackCause.ROLLBACK
        world.pods_back(earlier)
        world.step()
        assert world.route.weights == {earlier: 1000}

    def test_a_halt_of_what_comes_back_blocks_it(self) -> None:
        world, earlier = cold()
        world.release("1.0.0")
        world.step()
        world.decided("Halt")
        world.settle()
        assert restored(world) == ""
        assert [(b.revision, b.cause) for b in world.status.blocked] == [(earlier, RollbackCause.HALT)]
        assert condition(world, ConditionType.SERVING)[0] == "True"


def test_a_rollback_to_the_version_that_is_coming_back_does_not_block_and_restore_it_at_once() -> None:
    world, earlier = cold()
    world.release("1.0.0")
    world.step()
    world.decided("Rollback", toRevision=earlier)
    world.step()
    assert restored(world) == "" or earlier not in {entry.revision for entry in world.status.blocked}


def test_a_version_that_comes_back_stands_beside_nothing_once_it_is_live() -> None:
    world, earlier = cold()
    world.release("1.0.0")
    world.step()
    world.workloads[earlier] = replace(world.workloads[earlier], ready=1)
    world.step()
    assert world.status.live == "1.0.0"
    assert earlier not in {past.revision for past in world.status.past}
