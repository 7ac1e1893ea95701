"""One Promote ends one stage: the one that its author saw."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.rollout.test_time import FROZEN
from tests.unit.rollout.world import World, condition, in_canary, live, without_shadow

from headgate.api.approval import ApprovalState
from headgate.api.conditions import ConditionType
from headgate.api.vocabulary import Phase
from headgate.rollout.calendar import Calendar
from headgate.rollout.decide import decide
from headgate.rollout.decision import Decision


def answer(decision: Decision, name: str) -> tuple[ApprovalState | None, str]:
    note = next(note for note in decision.approval_notes if note.name == name)
    return note.state, note.message


def stays_in_half(world: World) -> None:
    """Nothing is proven in it, so it lasts."""
    world.quiet()
    for _ in range(3):
        world.step(5)
    assert (world.status.stage, world.weight()) == ("half", 500)


def gate_open_in_a_freeze() -> World:
    world = live(policy=without_shadow())
    world.release("2.0.0")
    world.quiet()
    world.settle()
    world.approve()
    world.calendar = FROZEN
    world.step()
    assert (world.status.phase, condition(world, ConditionType.READY)[1]) == (Phase.AWAITING_DEPLOYMENT, "ChangeFreeze")
    return world


def test_a_stage_that_ends_by_its_proof_uses_up_the_promote_that_comes_in_that_moment() -> None:
    world = in_canary()
    world.good()
    promote = world.decided("Promote")
    decision = world.step(60)
    assert world.weight() == 500
    assert answer(decision, promote.name) == (ApprovalState.TAKEN_UP, "stage canary ended meanwhile")
    assert world.status.candidate is not None
    assert world.status.candidate.inconclusive_accepted == ()
    stays_in_half(world)


def test_a_promote_that_waits_for_a_freeze_to_end_ends_no_later_stage() -> None:
    world = in_canary()
    world.calendar = FROZEN
    promote = world.decided("Promote")
    world.step(60)
    world.good()
    world.step(60)
    assert (world.weight(), world.status.taken_up) == (50, ())
    world.calendar = Calendar()
    world.step(60)
    assert (world.weight(), world.status.taken_up) == (500, (promote.name,))
    stays_in_half(world)


def test_two_people_who_promote_one_stage_end_one_stage() -> None:
    """Also where the API server's clock is ahead of the operator's, so that both seem to be made in the next stage."""
    world = in_canary()
    world.now += timedelta(seconds=3)
    both = {world.decided("Promote").name, world.decided("Promote", "second@bank").name}
    world.now -= timedelta(seconds=3)
    world.step()
    assert set(world.status.taken_up) == both
    stays_in_half(world)


def test_a_promote_whose_author_is_not_certain_yet_does_not_reach_over_into_the_next_stage() -> None:
    world = in_canary()
    world.now += timedelta(seconds=3)
    promote = world.decided("Promote")
    world.now -= timedelta(seconds=3)
    world.approvals.remove(promote)
    world.good()
    unseen = world.without(awaiting=(replace(promote, enforced=False),), admission_unseen=True)
    decision = decide(unseen)
    world.come_true(decision)
    assert answer(decision, promote.name) == (ApprovalState.REFUSED, "stage canary ended meanwhile")
    world.approvals.append(promote)
    stays_in_half(world)


def test_a_promote_from_before_the_stage_began_is_refused() -> None:
    world = in_canary()
    world.step(60)
    promote = world.decided("Promote")
    world.approvals.remove(promote)
    world.good()
    world.step(60)
    assert world.weight() == 500
    world.approvals.append(promote)
    world.quiet()
    state, message = answer(world.step(1), promote.name)
    assert state is ApprovalState.REFUSED
    assert "before stage half began" in message
    stays_in_half(world)


def test_a_promote_made_in_the_second_in_which_the_stage_began_counts() -> None:
    """The API server keeps whole seconds."""
    world = in_canary()
    world.now += timedelta(seconds=60, milliseconds=700)
    world.good()
    world.step()
    world.quiet()
    promote = world.decided("Promote")
    world.approvals[-1] = replace(promote, created=promote.created.replace(microsecond=0))
    world.step(1)
    assert world.status.stage == "full"


def test_before_the_first_stage_there_is_nothing_to_promote() -> None:
    world = gate_open_in_a_freeze()
    promote = world.decided("Promote")
    state, message = answer(world.step(), promote.name)
    assert state is ApprovalState.REFUSED
    assert "no stage has begun" in message
    world.calendar = Calendar()
    for _ in range(3):
        world.step(5)
    assert (world.status.stage, world.weight()) == ("canary", 50)


@pytest.mark.parametrize("passes", [1, 3])
def test_a_failing_stable_version_is_not_replaced_in_a_freeze_either(passes: int) -> None:
    world = in_canary()
    world.calendar = FROZEN
    world.guard(candidate=False, stable=True)
    promote = world.decided("Promote")
    for _ in range(passes):
        world.step(5)
    assert (world.weight(), world.status.taken_up) == (50, ())
    assert condition(world, ConditionType.READY)[1] == "ChangeFreeze"
    world.calendar = Calendar()
    world.step(5)
    assert (world.status.phase, world.status.live, world.status.taken_up) == (Phase.LIVE, "2.0.0", (promote.name,))
