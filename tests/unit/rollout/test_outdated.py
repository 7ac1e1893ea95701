"""A status that came back from a backup and is older than what serves: users stay where they are, and nothing happens twice."""

from dataclasses import replace

import pytest
from tests.unit.rollout.test_rebuild import to_the_end
from tests.unit.rollout.test_state_table import candidate_of, stable_of
from tests.unit.rollout.world import World, in_canary, live, spec

from headgate.api.approval import ApprovalState
from headgate.api.reasons import Reason
from headgate.api.status import AIModelStatus
from headgate.api.vocabulary import Phase, RollbackCause


def restore(world: World, status: AIModelStatus) -> None:
    """As backups are: without approvals and policy copies."""
    world.status = status
    world.approvals.clear()
    world.pinned = None
    world.quiet()


def to_the_cold(world: World) -> None:
    """The earlier version is kept without pods."""
    world.step(2 * 86_400)
    world.settle()


def rebuilt(world: World) -> list[str]:
    return [event for event in world.events if event.startswith(f"{Reason.REBUILT}:")]


def test_a_version_that_went_live_after_the_backup_keeps_its_users() -> None:
    world = in_canary()
    backup, earlier, later = world.status, stable_of(world), candidate_of(world)
    to_the_end(world)
    to_the_cold(world)
    assert world.workloads[earlier].ready == 0
    restore(world, backup)
    for _ in range(4):
        world.step(3600)
        assert world.route.weights == {later: 1000}
    assert (stable_of(world), world.status.candidate, world.status.attempts) == (later, None, 2)
    assert len(rebuilt(world)) == 1


def test_so_does_a_first_version() -> None:
    world = World(spec("1.0.0"))
    world.settle()
    backup = world.status
    assert backup.phase is Phase.AWAITING_DEPLOYMENT
    world.approve()
    world.settle()
    world.step(40 * 86_400)
    world.settle()
    served = dict(world.route.weights)
    restore(world, backup)
    world.settle()
    assert (world.route.weights, world.status.phase) == (served, Phase.LIVE)


@pytest.mark.parametrize("goes_back", [False, True], ids=["spec as it was last", "spec of the backup as well"])
def test_so_does_one_whose_attempt_the_backup_does_not_know(goes_back: bool) -> None:
    world = live()
    backup, old_spec, earlier = world.status, world.spec, stable_of(world)
    world.release("2.0.0")
    to_the_end(world)
    later = stable_of(world)
    to_the_cold(world)
    world.pods_fail.add(earlier)
    world.spec = old_spec if goes_back else world.spec
    restore(world, backup)
    for _ in range(4):
        world.step(10)
        assert world.route.weights == {later: 1000}
    assert stable_of(world) == later
    world.pods_back(earlier)
    world.settle()
    assert world.route.weights == {earlier if goes_back else later: 1000}


def test_a_rollout_that_began_after_the_backup_goes_on_in_its_stage_under_its_number() -> None:
    world = live()
    backup = world.status
    world.release("2.0.0")
    world.enter_canary()
    served, approvals = dict(world.route.weights), list(world.approvals)
    restore(world, backup)
    world.approvals = approvals
    world.settle()
    assert world.route.weights == served
    assert world.status.candidate
    assert (world.status.candidate.attempt, world.status.stage, world.status.attempts) == (2, "canary", 2)
    assert "an old one" in rebuilt(world)[0]
    to_the_end(world)
    world.release("3.0.0")
    world.step()
    assert world.status.attempts == 3


def test_numbers_are_not_used_twice_though_nothing_but_the_route_survived() -> None:
    world = live()
    backup = world.status
    world.workloads = {}
    world.route = replace(world.route, attempt=4, weights={})
    restore(world, backup)
    world.release("2.0.0")
    world.step()
    assert world.status.candidate
    assert world.status.candidate.attempt == 5


def test_what_only_the_old_status_knows_is_kept() -> None:
    world = in_canary()
    candidate, gate = candidate_of(world), world.status.candidate.gate  # type: ignore[union-attr]
    assert gate is not None
    world.decided("Halt")
    world.decided("Reject", by="chen@bank", gate="Deployment", role="technical-validation", subject=gate.subject)
    world.settle()
    backup = world.status
    assert backup.latches
    world.release("3.0.0")
    world.settle()
    restore(world, backup)
    promote = world.decided("Promote", target={"revision": candidate, "attempt": 3})
    decision = world.step()
    assert world.status.attempts == 3
    assert world.status.latches == backup.latches
    assert world.status.blocked == backup.blocked
    assert set(backup.taken_up) < set(world.status.taken_up)
    assert {note.name: note.state for note in decision.approval_notes}[promote.name] is ApprovalState.REFUSED


def test_a_version_that_was_retried_since_is_not_blocked_again() -> None:
    world = in_canary()
    world.decided("Halt")
    world.settle()
    backup = world.status
    assert backup.blocked
    world.step(60)
    world.decided("Retry")
    world.settle()
    restore(world, backup)
    world.step()
    assert world.status.blocked == ()
    assert world.status.attempts == 3


def test_a_version_that_was_taken_back_after_the_backup_gets_no_users() -> None:
    world = in_canary()
    backup, stable, candidate = world.status, stable_of(world), candidate_of(world)
    world.guard()
    world.step()
    assert world.status.blocked[-1].cause is RollbackCause.GUARD
    restore(world, backup)
    world.step(60)
    assert world.route.weights == {stable: 1000}
    (entry,) = world.status.blocked
    assert (entry.revision, entry.attempt, entry.cause) == (candidate, 2, RollbackCause.GUARD)
    world.settle()
    assert world.status.phase is Phase.ROLLED_BACK


def test_a_retry_is_not_undone_by_a_route_that_was_not_written_yet() -> None:
    world = in_canary()
    world.decided("Halt")
    world.settle()
    world.step(60)
    world.decided("Retry")
    world.route_takes_effect = False
    world.settle()
    assert world.status.candidate
    assert world.status.candidate.attempt == 3


def test_a_status_ahead_of_the_route_is_none_of_the_past() -> None:
    world = in_canary()
    world.route_takes_effect = False
    world.release("3.0.0")
    world.settle()
    assert rebuilt(world) == []


def test_a_candidate_that_stands_in_is_not_live() -> None:
    world = in_canary()
    world.no_pods(stable_of(world))
    world.settle()
    assert world.weight() == 1000
    assert rebuilt(world) == []
