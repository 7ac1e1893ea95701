"""Two persons open the gate for a day. It is loud, it ends, and it makes no version the live one."""

from datetime import timedelta

import pytest
from tests.unit.rollout.test_trusted import trusting
from tests.unit.rollout.test_use_case import CLASSIFIED, canary_of_second
from tests.unit.rollout.world import World, condition, live, policy, spec

from headgate.api.conditions import ConditionType
from headgate.api.vocabulary import Phase
from headgate.governance.approvals import Approval
from headgate.governance.classification import TableState


def waiting() -> World:
    """2.0.0 waits for all its approvals."""
    world = live()
    world.release("2.0.0")
    world.settle()
    world.good()
    world.settle()
    world.quiet()
    assert world.status.phase is Phase.AWAITING_DEPLOYMENT
    return world


def smash(world: World, by: str, hours: float = 4, **fields: object) -> Approval:
    return world.decided("BreakGlass", by, expiresAt=(world.now + timedelta(hours=hours)).isoformat(), **fields)


def test_two_persons_open_the_gate_and_everybody_hears_of_it() -> None:
    world = waiting()
    smash(world, "ann@bank")
    smash(world, "bob@bank", hours=2)
    world.settle()
    assert world.weight() == 50
    (told,) = [event for event in world.events if event.startswith("BreakGlass")]
    assert "without 3 of its approvals" in told
    assert "ann@bank" in told
    assert "bob@bank" in told
    status, reason, words = condition(world, ConditionType.APPROVED)
    assert (status, reason) == ("True", "BreakGlass")
    assert "fairness-audit: nobody has approved yet" in words


@pytest.mark.parametrize("second", ["ann@bank", "Ann@Bank ", None])
def test_one_person_opens_nothing(second: str | None) -> None:
    world = waiting()
    first = smash(world, "ann@bank")
    if second:
        smash(world, second)
    notes = {n.name: n for n in world.step().approval_notes}
    assert notes[first.name].state == "NotCounted"
    assert "a second person" in notes[first.name].message
    assert world.weight() == 0


def test_it_ends_after_a_day_at_the_latest_and_then_the_approvals_have_lapsed() -> None:
    world = waiting()
    smash(world, "ann@bank", hours=1000)
    smash(world, "bob@bank", hours=1000)
    world.settle()
    world.step(24 * 3600 - 60)
    assert world.status.candidate
    assert world.status.candidate.gate
    assert world.status.candidate.gate.open
    world.step(120)
    assert condition(world, ConditionType.APPROVED)[1] == "ApprovalLapsed"
    world.step(25 * 3600)
    world.settle()
    assert world.weight() == 0


def test_it_goes_live_only_with_its_approvals() -> None:
    world = waiting()
    for person in ("ann@bank", "bob@bank"):
        smash(world, person, hours=23)
    world.good()
    world.settle()
    assert (world.status.phase, world.weight()) == (Phase.FULL, 990)
    assert condition(world, ConditionType.READY)[1] == "BreakGlass"
    world.approve()
    world.settle()
    assert (world.status.phase, world.status.live) == (Phase.LIVE, "2.0.0")


def test_a_rejection_stands_against_it() -> None:
    world = waiting()
    assert world.status.candidate
    assert world.status.candidate.gate
    world.decided("Reject", "dana@bank", gate="Deployment", role="fairness-audit", subject=world.status.candidate.gate.subject)
    for person in ("ann@bank", "bob@bank"):
        smash(world, person)
    world.settle()
    assert world.weight() == 0


def test_it_stands_in_for_no_document() -> None:
    world = World(spec("1.0.0"), policy=policy(gates={"dossier": {"medium": {"pieces": ["Lineage"], "evidence": []}}}))
    world.settle()
    smashed = [smash(world, person).name for person in ("ann@bank", "bob@bank")]
    notes = {n.name: n for n in world.step().approval_notes}
    assert {str(notes[name].state) for name in smashed} == {"NotCounted"}
    assert "it stands in for approvals alone: spec.lineage is empty" in notes[smashed[0]].message
    world.settle()
    assert world.weight() == 0


MEASURED = policy(gates={"deployment": {"medium": [{"role": "technical-validation"}, {"role": "automated-checks"}]}})


def test_it_stands_in_for_no_measurement() -> None:
    """Shadow was ended by a person, so the checks have not passed."""
    world = live(policy=MEASURED)
    world.release("2.0.0")
    world.settle()
    world.decided("Promote")
    world.settle()
    assert world.status.phase is Phase.AWAITING_DEPLOYMENT
    smashed = [smash(world, person).name for person in ("ann@bank", "bob@bank")]
    notes = {n.name: n for n in world.step().approval_notes}
    assert "it stands in for approvals alone: automated-checks: the shadow stage was ended without proof" in notes[smashed[0]].message
    world.settle()
    assert world.weight() == 0


def test_it_replaces_the_persons_beside_checks_that_passed() -> None:
    world = live(policy=MEASURED)
    world.release("2.0.0")
    world.settle()
    world.good()
    world.settle()
    world.quiet()
    for person in ("ann@bank", "bob@bank"):
        smash(world, person)
    world.settle()
    assert world.weight() == 50


def test_a_use_case_that_is_no_longer_approved_closes_what_it_opened() -> None:
    world = canary_of_second()
    world.approvals = [one for one in world.approvals if one.spec.gate != "Deployment"]
    for person in ("ann@bank", "bob@bank"):
        smash(world, person)
    world.step()
    assert world.status.candidate
    assert world.status.candidate.gate
    assert world.status.candidate.gate.open
    world.approvals = [one for one in world.approvals if one.spec.gate != "UseCase"]
    world.step()
    assert (world.status.candidate.gate.open, world.status.candidate.gate.break_glass) == (False, "")


def test_a_tier_that_is_not_known_closes_what_it_opened() -> None:
    world = waiting()
    for person in ("ann@bank", "bob@bank"):
        smash(world, person)
    world.settle()
    world.table = TableState(None, "the table is broken")
    world.spec = spec("2.0.0", **CLASSIFIED)
    world.step()
    gate = world.status.candidate.gate if world.status.candidate else None
    assert gate
    assert (gate.open, gate.break_glass) == (False, "")


def test_it_overrides_no_evidence_of_harm() -> None:
    world = waiting()
    for person in ("ann@bank", "bob@bank"):
        smash(world, person)
    world.settle()
    world.guard()
    world.step()
    assert (world.weight(), world.status.phase) == (0, Phase.ROLLING_BACK)


def test_it_is_about_one_attempt() -> None:
    world = waiting()
    smashed = [smash(world, person, target={"revision": "00000000", "attempt": 1}).name for person in ("ann@bank", "bob@bank")]
    told = [n.message for n in world.step().approval_notes if n.name in smashed]
    assert len(told) == 2
    assert all("it is about revision 00000000" in words for words in told)
    assert world.weight() == 0


def test_above_low_both_are_persons_of_the_trust_store() -> None:
    world = waiting()
    world.trust = trusting()
    smash(world, "dana@bank")
    stranger = smash(world, "bob@bank")
    notes = {n.name: n.message for n in world.step().approval_notes}
    assert "no person of the trust store" in notes[stranger.name]
    smash(world, "sam@bank")
    world.settle()
    assert world.weight() == 50


def test_a_first_version_that_came_so_is_never_taken_for_an_approved_one() -> None:
    world = World(spec("1.0.0"))
    world.settle()
    for person in ("ann@bank", "bob@bank"):
        smash(world, person)
    world.settle()
    assert world.weight() == 1000
    world.release("1.0.0", memory="2Gi")
    world.settle()
    assert world.status.candidate
    assert world.status.candidate.kind == "Rollout", "the same content, and a gate all the same"
    assert world.status.stable
    assert world.status.stable.unapproved
