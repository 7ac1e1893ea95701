"""A policy that requires AI literacy of who approves: rollouts as assessments come, go, and cannot be read."""

from datetime import timedelta

import pytest
from tests.unit.rollout.world import PEOPLE, START, World, condition, in_canary, live, policy

from headgate.api.conditions import ConditionType
from headgate.api.vocabulary import Phase
from headgate.governance.literacy import Assessment, Literacy, StaffRole

REQUIRED = policy(gates={"literacy": "Required"})
UNREADABLE = Literacy(problem="the assessments of AI literacy cannot be read")


def assessed(**scores: float) -> Literacy:
    """Everybody at 0.9 but those named, by first name."""
    day = START.date() - timedelta(days=10)
    people = (*PEOPLE.values(), "owner@bank")
    return Literacy(tuple(Assessment(who, StaffRole.TECHNICAL, "oversight", scores.get(who.partition("@")[0], 0.9), day) for who in people))


def canary_of_the_literate() -> World:
    world = in_canary(policy=REQUIRED, literacy=assessed())
    assert (world.status.phase, world.weight()) == (Phase.CANARY, 50)
    return world


def test_who_is_assessed_well_carries_a_rollout() -> None:
    world = canary_of_the_literate()
    world.good()
    world.settle()
    assert world.status.live == "2.0.0"


def test_who_turns_out_to_need_training_stops_counting_and_nothing_rises() -> None:
    world = canary_of_the_literate()
    world.literacy = assessed(dana=0.5)
    world.good()
    world.settle()
    assert world.weight() == 50
    reason, words = condition(world, ConditionType.APPROVED)[1:]
    assert reason == "ApprovalLapsed"
    assert "dana@bank is assessed below 0.7" in words
    world.literacy = assessed()
    world.settle()
    assert world.status.live == "2.0.0"


@pytest.mark.parametrize("literacy", [UNREADABLE, Literacy(known=False)])
def test_while_nobody_can_read_it_nothing_rises_and_nothing_falls(literacy: Literacy) -> None:
    world = canary_of_the_literate()
    world.literacy = literacy
    world.good()
    if literacy.known:
        world.settle()
        assert "cannot be read" in condition(world, ConditionType.APPROVED)[2]
        world.step(10 * 86_400)
        world.settle()
        assert (world.status.phase, world.weight()) == (Phase.CANARY, 50)
    world.guard()
    world.step()
    assert world.weight() == 0, "harm needs nobody's assessment"


@pytest.mark.parametrize("literacy", [UNREADABLE, Literacy(known=False), Literacy()])
def test_uncertainty_opens_no_gate(literacy: Literacy) -> None:
    world = live(policy=REQUIRED, literacy=assessed())
    world.literacy = literacy
    world.release("2.0.0")
    for measured in (world.quiet, world.good, world.quiet):
        measured()
        world.settle()
    if world.status.candidate and world.status.candidate.gate:
        world.approve()
    world.settle()
    assert world.weight() == 0
    assert world.status.phase is Phase.AWAITING_DEPLOYMENT


@pytest.mark.parametrize("rule", [{}, {"literacy": "Shown"}])
def test_where_it_is_only_shown_nothing_of_it_matters(rule: dict[str, str]) -> None:
    world = in_canary(policy=policy(gates=rule), literacy=UNREADABLE)
    assert (world.status.phase, world.weight()) == (Phase.CANARY, 50)


@pytest.mark.parametrize("literacy", [UNREADABLE, Literacy(known=False)])
def test_an_answered_rejection_stays_answered_while_nobody_can_read_it(literacy: Literacy) -> None:
    world = canary_of_the_literate()
    candidate = world.status.candidate
    assert candidate is not None
    assert candidate.gate is not None
    asked = {"gate": "Deployment", "role": "fairness-audit", "subject": candidate.gate.subject}
    world.decided("Reject", "dana@bank", **asked)
    world.settle()
    world.now += timedelta(hours=1)
    world.decided("Approve", "dana@bank", expiresAt=(world.now + timedelta(days=30)).isoformat(), **asked)
    world.decided("Retry")
    world.good()
    world.settle()
    world.settle()
    assert world.status.live == "2.0.0"
    world.literacy = literacy
    world.settle()
    assert (world.status.live, world.status.phase) == ("2.0.0", Phase.LIVE)
