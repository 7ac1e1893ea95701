"""An A/A test: the live version beside a copy of itself, by a person's decision, which ends by itself and changes nothing for users."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.rollout.test_state_table import give_fallback, second_live, stable_of
from tests.unit.rollout.world import POLICY, World, live, policy

from headgate.api.reasons import Reason
from headgate.api.status import AATestStatus, AttemptKind
from headgate.api.vocabulary import AATestOutcome, OnDeadline, Phase, RollbackCause
from headgate.rollout.snapshot import Problem


def in_test(**fields: Any) -> World:
    """1.0.0 is live, and a copy of it has 5 % of the users."""
    world = live(**fields)
    world.decided("AATest", target={"revision": stable_of(world), "attempt": 1})
    world.settle()
    assert world.status.candidate
    assert (world.status.phase, world.status.candidate.kind, world.weight()) == (Phase.CANARY, AttemptKind.AA_TEST, 50)
    return world


def result(world: World) -> AATestStatus:
    assert world.status.aa_test
    return world.status.aa_test


def over(world: World) -> bool:
    """Nothing is left of the test but its result, and users are where they were."""
    alone = world.route.weights == {stable_of(world): 1000}
    return alone and world.status.candidate is None and world.status.phase is Phase.LIVE and world.status.live == "1.0.0"


def test_a_copy_goes_through_the_canary_stages_without_a_gate_and_is_taken_off() -> None:
    world = in_test()
    assert world.status.candidate
    copy = world.status.candidate
    assert (copy.gate, copy.content, copy.copy_of) == (None, world.status.stable.content, stable_of(world))  # type: ignore[union-attr]
    wanted = {w.revision: w.copy_of for w in world.step().workloads}
    assert wanted == {stable_of(world): None, copy.revision: stable_of(world)}
    world.good()
    world.step()
    assert world.weight() == 500
    weights = []
    for _ in range(4):
        world.step()
        weights.append(world.weight())
    assert max(weights) <= 500, "a copy never gets all users"
    assert over(world)
    assert (result(world).outcome, result(world).cause, result(world).by) == (AATestOutcome.PASSED, RollbackCause.TEST_OVER, "oncall@bank")
    assert world.status.blocked == ()
    world.step(3600)
    assert [w.revision for w in world.step().workloads] == [stable_of(world)]


def test_a_stage_needs_its_proof_and_its_whole_time() -> None:
    world = in_test()
    world.good(fresh=6 * 86_400)
    world.settle()
    assert world.weight() == 50


def test_what_the_judge_proves_against_a_copy_takes_it_off_and_is_told_as_an_alarm() -> None:
    world = in_test()
    world.bad()
    world.step()
    assert world.weight() == 0
    world.settle()
    assert over(world)
    said = result(world)
    assert (said.outcome, said.cause, said.stage) == (AATestOutcome.ALARM, RollbackCause.EVIDENCE_ERRORS, "canary")
    assert "17 of 600" in result(world).message
    assert any(event.startswith("AATestEnded: A/A test of 1.0.0") for event in world.events)


def test_a_guard_takes_a_copy_off_in_mode_observe_as_well_as_the_judge_does() -> None:
    observing = policy(analysis={"observe": "Allowed"})
    for harm in (World.bad, World.guard):
        world = in_test(served={"judge": "Observe"}, policy=observing)
        harm(world)
        world.step()
        assert world.weight() == 0
        assert result(world).outcome is AATestOutcome.ALARM


@pytest.mark.parametrize("on_deadline", list(OnDeadline))
def test_a_stage_out_of_time_ends_the_test_whatever_the_policy_does_with_rollouts(on_deadline: OnDeadline) -> None:
    world = in_test(policy=policy(analysis={"onDeadline": str(on_deadline)}))
    world.step(14 * 86_400 + 1)
    world.settle()
    assert over(world)
    assert (result(world).outcome, result(world).cause) == (AATestOutcome.UNDECIDED, RollbackCause.DEADLINE)


def test_a_test_that_waits_for_something_ends_all_the_same() -> None:
    """Canary may last 14 days and half 3; an hour more is for pods."""
    world = live()
    world.decided("AATest")
    world.step()
    assert world.status.candidate
    world.no_pods(world.status.candidate.revision)
    world.step(17 * 86_400 + 3599)
    assert world.status.candidate
    world.step(1)
    world.settle()
    assert over(world)
    assert result(world).outcome is AATestOutcome.UNDECIDED


def test_a_copy_that_stands_in_for_the_live_version_stays_until_that_answers() -> None:
    world = in_test()
    world.no_pods(stable_of(world))
    world.step(18 * 86_400)
    world.settle()
    assert world.weight() == 1000
    world.pods_back(stable_of(world))
    for _ in range(6):
        world.step(60)
    assert over(world)


def test_a_new_version_does_not_wait_for_a_test() -> None:
    world = in_test()
    world.release("2.0.0")
    world.step()
    assert world.weight() == 0
    world.settle()
    assert world.status.candidate
    assert (world.status.candidate.version, world.status.candidate.kind) == ("2.0.0", AttemptKind.ROLLOUT)
    assert (result(world).outcome, result(world).cause) == (AATestOutcome.STOPPED, RollbackCause.SUPERSEDED)


def test_the_live_version_is_scaled_while_it_is_tested() -> None:
    world = in_test()
    world.release("1.0.0", size={"replicas": 7})
    world.settle()
    sizes = {w.revision: w.replicas for w in world.step().workloads}
    assert sizes[stable_of(world)] == 7


def test_a_halt_ends_the_test_and_touches_nothing_else() -> None:
    world = in_test()
    world.decided("Halt")
    world.settle()
    assert over(world)
    assert (result(world).outcome, world.status.blocked) == (AATestOutcome.STOPPED, ())


@pytest.mark.parametrize("harm", ["guard", "revoke"])
def test_the_live_version_is_taken_back_as_fast_as_without_a_test(harm: str) -> None:
    world = second_live()
    before = stable_of(world)
    world.decided("AATest", target={"revision": before, "attempt": world.status.attempts})
    world.quiet()
    world.settle()
    assert world.status.candidate
    if harm == "guard":
        world.guard(candidate=False, stable=True)
    else:
        assert world.status.stable
        world.decided("Revoke", "dana@bank", gate="Deployment", role="fairness-audit", subject=world.status.stable.subject)
    world.step()
    world.quiet()
    world.settle()
    assert world.status.stable
    assert (world.status.stable.version, world.route.weights.get(before)) == ("1.0.0", None)
    assert result(world).outcome is AATestOutcome.STOPPED


def test_a_promote_never_makes_a_copy_live() -> None:
    world = in_test()
    world.decided("Promote")
    world.guard(candidate=False, stable=True)
    world.settle()
    assert world.weight() == 50
    assert any("ends by itself" in event for event in world.events)


@pytest.mark.parametrize(
    ("hinder", "words"),
    [
        (lambda world: world.release("2.0.0"), "is under way"),
        (
            lambda world: setattr(world, "policy", policy(stages=[POLICY["stages"][0], POLICY["stages"][-1]])),
            "no stage with a trafficPercent",
        ),
        (lambda world: setattr(world, "policy", None), "policy"),
        (
            lambda world: world.decided("Revoke", "d@bank", gate="Deployment", role="fairness-audit", subject=world.status.stable.subject),
            "keeps serving because no earlier version is kept",
        ),
        (lambda world: (give_fallback(world), world.live_guard(), world.settle()), "wait until 1.0.0 answers again"),
    ],
    ids=["candidate", "no canary", "no policy", "revoked", "failing"],
)
def test_a_test_that_cannot_be_is_refused_with_the_reason(hinder: Any, words: str) -> None:
    world = live()
    hinder(world)
    order = world.decided("AATest", target={"revision": stable_of(world), "attempt": 1})
    notes = {note.name: note for note in world.step().approval_notes}
    assert notes[order.name].state == "Refused"
    assert words in notes[order.name].message
    assert world.status.aa_test is None


def test_who_asked_must_be_certain() -> None:
    world = live()
    order = world.decided("AATest")
    world.approvals[-1] = replace(order, enforced=False)
    world.settle()
    assert (world.status.candidate, world.weight()) == (None, 0)


def test_a_route_that_is_not_taken_keeps_a_copy_out_as_it_does_a_version() -> None:
    world = live()
    world.decided("AATest")
    world.route = replace(world.route, problem=Problem(Reason.ROUTE_NOT_ACCEPTED, "no"))
    world.step()
    assert world.status.candidate
    assert world.weight() == 0


@pytest.mark.parametrize("copies", [True, False])
def test_a_lost_status_ends_the_test(copies: bool) -> None:
    world = in_test()
    world.lose_status(copies=copies)
    world.settle()
    assert world.status.stable
    assert world.route.weights == {world.status.stable.revision: 1000}
    assert (world.status.live, world.status.candidate, world.status.phase) == ("1.0.0", None, Phase.LIVE)


def test_two_tests_have_names_of_their_own() -> None:
    world = in_test()
    assert world.status.candidate
    first = world.status.candidate.revision
    world.decided("Halt")
    world.settle()
    world.now += timedelta(hours=1)
    world.settle()
    world.decided("AATest", target={"revision": stable_of(world), "attempt": world.status.attempts})
    world.settle()
    assert world.status.candidate
    assert world.status.candidate.revision != first
