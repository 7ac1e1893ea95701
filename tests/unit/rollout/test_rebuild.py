"""A status lost at any point of a rollout: users stay where they are, nothing is shortened, and the rollout still ends."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.rollout.world import World, condition, in_canary, live, policy, spec, without_shadow

from headgate.api.aimodel import Fallback
from headgate.api.approval import ApprovalState
from headgate.api.conditions import ConditionType
from headgate.api.reasons import Reason
from headgate.api.status import AIModelStatus, AttemptKind
from headgate.api.vocabulary import Phase
from headgate.rollout.revisions import revision_of
from headgate.rollout.snapshot import Provenance

Made = Callable[[], World]


def _first_preparing() -> World:
    world = World(spec("1.0.0"), pods_fail={revision_of(spec("1.0.0"), {}).revision})
    world.settle()
    return world


def _first_awaiting() -> World:
    world = World(spec("1.0.0"))
    world.settle()
    return world


def _first_soaking() -> World:
    world = _first_awaiting()
    world.approve()
    world.settle()
    assert world.status.phase == "Full"
    return world


def _releasing() -> World:
    world = live()
    world.release("2.0.0")
    world.quiet()
    return world


def _preparing() -> World:
    world = _releasing()
    world.pods_fail.add(revision_of(world.spec, {}).revision)
    world.settle()
    assert world.status.phase == "Preparing"
    return world


def _in_shadow() -> World:
    world = _releasing()
    world.settle()
    assert world.status.phase == "Shadow"
    return world


def _awaiting() -> World:
    world = _in_shadow()
    world.good()
    world.settle()
    world.quiet()
    assert world.status.phase == "AwaitingDeployment"
    return world


def _later_stage(phase: str, weight: int) -> Made:
    def made() -> World:
        world = in_canary()
        for _ in range(30):
            if (world.status.phase, world.weight()) == (phase, weight):
                world.quiet()
                return world
            world.good()
            world.step(60)
        raise AssertionError(world.status.phase)

    return made


PHASES: dict[str, Made] = {
    "first version preparing": _first_preparing,
    "first version awaiting approval": _first_awaiting,
    "first version serving": _first_soaking,
    "live": live,
    "preparing": _preparing,
    "shadow": _in_shadow,
    "awaiting approval": _awaiting,
    "canary": in_canary,
    "half": _later_stage("Canary", 500),
    "full": _later_stage("Full", 990),
}


def to_the_end(world: World) -> None:
    """Approve what waits and prove everything good, until the spec's version is live."""
    for _ in range(60):
        if world.status.phase == "Live" and world.status.stable and world.status.stable.version == world.spec.version:
            return
        if world.status.phase == "AwaitingDeployment":
            world.approve()
        world.good()
        world.step(86_400)
    raise AssertionError((world.status.phase, condition(world, ConditionType.READY)))


@pytest.mark.parametrize("copies", [True, False], ids=["policy copy kept", "policy copy lost"])
@pytest.mark.parametrize("phase", PHASES)
def test_users_stay_where_they_are_and_the_rollout_ends(phase: str, copies: bool) -> None:
    world = PHASES[phase]()
    route, before = world.route, world.status
    workloads = {revision: (w.role, w.wanted, w.attempt) for revision, w in world.workloads.items()}
    world.lose_status(copies=copies)
    world.step(5)
    assert world.route.weights == route.weights
    assert world.route.mirrored == route.mirrored or phase == "awaiting approval", "a passed shadow is not remembered: it runs again"
    world.step(5)
    assert world.route.weights == route.weights, "what was found is not passed on unproven"
    assert {revision: (w.role, w.wanted, w.attempt) for revision, w in world.workloads.items()} == workloads
    assert world.status.attempts == before.attempts
    assert (world.status.stable and world.status.stable.revision) == (before.stable and before.stable.revision)
    world.pods_fail.clear()
    to_the_end(world)


@pytest.mark.parametrize("phase", ["canary", "half", "full"])
def test_a_stage_begins_anew_and_ends_only_with_its_own_evidence(phase: str) -> None:
    world = PHASES[phase]()
    before = world.status.candidate
    assert before is not None
    assert before.stage is not None
    world.now += timedelta(days=10)
    lost_at, weight = world.now, world.weight()
    world.lose_status()
    world.settle()
    candidate = world.status.candidate
    assert candidate is not None
    assert candidate.stage is not None
    assert (candidate.attempt, candidate.stage.name) == (before.attempt, before.stage.name)
    assert candidate.stage.entered >= lost_at
    assert world.status.phase == {"full": "Full"}.get(phase, "Canary")
    world.step(3600)
    assert world.weight() == weight


@pytest.mark.parametrize("phase", ["shadow", "canary", "half", "full"])
def test_what_was_measured_before_the_loss_ends_no_stage_after_it(phase: str) -> None:
    """The judge remembers the attempt: until it has seen the stage begin anew, its readings are those of the stage before."""
    world = PHASES[phase]()
    candidate = world.status.candidate
    assert candidate is not None
    assert candidate.stage is not None
    name, weight = candidate.stage.name, world.weight()
    world.good()
    world.measured["entered"] = candidate.stage.entered.timestamp()
    world.lose_status()
    world.step(60)
    world.step(5)
    candidate = world.status.candidate
    assert candidate is not None
    assert candidate.stage is not None
    assert (candidate.stage.name, world.weight()) == (name, weight)


def test_it_is_told_as_a_warning_with_what_was_found() -> None:
    world = in_canary()
    world.lose_status()
    decision = world.step()
    (told,) = [a for a in decision.announcements if a.reason is Reason.REBUILT]
    assert told.warning
    assert "1.0.0 (revision" in told.note
    assert "attempt 2) has 5 % of the users, in stage canary, which begins anew" in told.note
    assert not any(a.reason is Reason.REBUILT for a in world.step().announcements), "once"


def test_without_approvals_a_found_candidate_holds_and_goes_back_after_the_grace() -> None:
    world = in_canary()
    world.approvals.clear()
    world.lose_status()
    world.good()
    world.settle()
    assert world.weight() == 50
    assert condition(world, ConditionType.READY)[1] == Reason.APPROVAL_LAPSED
    world.step(25 * 3600)
    assert world.weight() == 0
    assert world.status.phase == "AwaitingDeployment"


def test_harm_is_seen_in_the_first_decision() -> None:
    world = in_canary()
    stable = world.status.stable
    candidate = world.status.candidate
    assert stable is not None
    assert candidate is not None
    world.lose_status()
    world.no_pods(candidate.revision)
    world.step()
    assert world.route.weights == {stable.revision: 1000}
    assert world.status.blocked[-1].revision == candidate.revision


def test_a_halt_that_came_meanwhile_is_taken_up() -> None:
    world = in_canary()
    world.decided("Halt")
    world.lose_status()
    world.step()
    assert world.weight() == 0
    assert world.status.blocked[-1].cause == "Halt"


def test_a_rollback_that_was_refused_before_the_loss_stays_refused() -> None:
    world = in_canary()
    rules = Fallback(service="rules", port=80)
    world.spec = world.spec.model_copy(update={"serving": world.spec.serving.model_copy(update={"fallback": rules})})
    candidate, stable = world.status.candidate, world.status.stable
    assert candidate
    assert stable
    target = {"revision": stable.revision, "attempt": candidate.attempt}
    refused = world.decided("Rollback", target=target)
    world.settle()
    world.decided("Halt")
    world.settle()
    world.approvals = [replace(refused, state=ApprovalState.REFUSED) if one is refused else one for one in world.approvals]
    world.lose_status()
    world.settle()
    assert world.route.weights == {stable.revision: 1000}
    assert world.status.stable
    assert world.status.stable.revision == stable.revision


def test_who_asked_to_promote_while_the_status_was_lost_is_told_to_decide_again() -> None:
    world = in_canary()
    promote = world.decided("Promote")
    world.lose_status()
    decision = world.step()
    told = {note.name: note for note in decision.approval_notes}[promote.name]
    assert told.state is ApprovalState.REFUSED
    assert "decide again" in told.message
    assert promote.name not in {note.name for note in world.step().approval_notes}


def test_a_promote_that_acted_once_does_not_act_again() -> None:
    world = in_canary()
    world.decided("Promote")
    world.settle()
    assert world.weight() == 500
    world.lose_status()
    world.settle()
    assert world.weight() == 500


@pytest.mark.parametrize("drained", [False, True])
def test_a_version_that_was_taken_back_stays_back(drained: bool) -> None:
    world = in_canary()
    candidate = world.status.candidate
    assert candidate is not None
    world.decided("Halt")
    world.step()
    if drained:
        world.settle()
        world.step(3600)
        world.settle()
        assert candidate.revision not in world.workloads
    world.approvals.clear()
    world.lose_status()
    world.settle()
    world.step(3600)
    assert world.status.phase == "RolledBack"
    assert [(b.revision, b.attempt, b.cause) for b in world.status.blocked] == [(candidate.revision, 2, "Halt")]
    assert candidate.revision not in world.route.weights


def test_a_halted_version_stays_back_though_nothing_but_the_route_is_left() -> None:
    world = _first_soaking()
    world.spec = spec("1.0.0", serving=world.spec.serving.model_dump(mode="json", by_alias=True) | {"fallback": {"service": "rules"}})
    world.decided("Halt")
    world.step()
    world.settle()
    world.step(30 * 86_400)
    world.settle()
    assert world.workloads == {}
    attempts, answers = world.status.attempts, world.route.weights
    world.lose_status()
    world.settle()
    assert world.status.phase == "RolledBack"
    assert world.status.stable is None
    assert world.status.attempts == attempts
    assert world.status.failover, "who answers users is told"
    assert world.route.weights == answers


def test_a_version_taken_back_just_before_the_loss_is_no_candidate_any_more() -> None:
    world = in_canary()
    candidate = world.status.candidate
    assert candidate is not None
    world.decided("Halt")
    workloads = world.workloads
    world.step()
    # Killed after the route was written, before its Deployment was marked.
    world.workloads = workloads
    world.approvals.clear()
    world.lose_status()
    world.settle()
    assert world.status.phase == "RolledBack"
    assert candidate.revision not in world.route.weights


def test_an_earlier_live_version_can_still_be_gone_back_to() -> None:
    world = live()
    world.release("2.0.0", memory="2Gi", image="registry.example/credit:1.0.0")
    to_the_end(world)
    earlier = next(past for past in world.status.past if past.was_live)
    world.lose_status()
    world.settle()
    assert [(p.revision, p.version, p.was_live) for p in world.status.past] == [(earlier.revision, "1.0.0", True)]
    world.decided("Rollback")
    world.settle()
    assert world.route.weights == {earlier.revision: 1000}


def test_a_candidate_that_was_replaced_is_never_taken_for_an_earlier_live_version() -> None:
    world = in_canary()
    replaced = world.status.candidate
    assert replaced is not None
    world.release("3.0.0")
    world.step()
    world.lose_status()
    world.release("2.0.0")
    world.step()
    assert replaced.revision not in world.route.weights, "it would have come back without a gate"


def test_a_version_on_its_way_back_goes_on_without_a_gate() -> None:
    world = live()
    world.release("2.0.0")
    to_the_end(world)
    back = next(past for past in world.status.past if past.was_live)
    world.no_pods(back.revision)
    world.decided("Halt")
    world.step()
    assert world.status.candidate is not None
    world.approvals.clear()
    world.lose_status()
    world.step()
    assert world.status.candidate.kind is AttemptKind.RESTORE
    world.pods_back(back.revision)
    world.settle()
    assert world.route.weights == {back.revision: 1000}


@pytest.mark.parametrize("weight", [30, 70, 600])
def test_a_weight_that_no_stage_has_stays_and_skips_none(weight: int) -> None:
    world = in_canary()
    candidate, stable = world.status.candidate, world.status.stable
    assert candidate is not None
    assert stable is not None
    world.route = replace(world.route, weights={stable.revision: 1000 - weight, candidate.revision: weight})
    world.lose_status()
    world.settle()
    assert world.weight() == weight
    assert world.status.stage == ("half" if weight > 500 else "canary")


def test_a_candidate_that_stands_in_for_the_stable_version_is_not_promoted_by_it() -> None:
    world = in_canary()
    stable = world.status.stable
    assert stable is not None
    world.no_pods(stable.revision)
    world.settle()
    assert world.weight() == 1000
    world.lose_status()
    world.step()
    assert world.weight() == 1000
    assert world.status.stage == "canary"
    world.pods_back(stable.revision)
    for _ in range(8):
        world.step(10)
    assert world.weight() == 50


def test_without_any_policy_everything_stays_until_there_is_one() -> None:
    world = in_canary()
    world.lose_status(copies=False)
    world.policy = None
    world.settle()
    assert world.weight() == 50
    world.policy = policy()
    world.settle()
    assert (world.weight(), world.status.stage) == (50, "canary")
    to_the_end(world)


def test_deployments_of_an_earlier_release_without_marks_keep_their_users() -> None:
    world = in_canary()
    before = world.route.weights
    world.workloads = {r: replace(w, provenance=Provenance()) for r, w in world.workloads.items()}
    world.lose_status()
    world.settle()
    assert world.route.weights == before
    assert world.status.candidate is not None
    assert world.status.candidate.kind is AttemptKind.ROLLOUT


def test_unknown_content_is_like_no_other() -> None:
    world = in_canary()
    world.workloads = {r: replace(w, provenance=Provenance()) for r, w in world.workloads.items()}
    readable = world.spec
    world.lose_status()
    world.spec = None  # type: ignore[assignment]
    world.step()
    assert world.status.candidate is not None
    assert world.status.candidate.kind is AttemptKind.ROLLOUT, "a version of unchanged content needs no gate"
    world.spec = readable


def test_a_new_model_is_not_rebuilt() -> None:
    world = World(spec("1.0.0"), policy=without_shadow())
    decision = world.step()
    assert not any(a.reason is Reason.REBUILT for a in decision.announcements)


def test_a_status_from_a_backup_without_its_workloads_blames_nobody() -> None:
    world = in_canary()
    world.workloads = {}
    world.route = replace(world.route, weights={}, exists=False)
    world.step()
    assert world.status.blocked == ()
    assert world.status.phase in (Phase.PREPARING, Phase.AWAITING_DEPLOYMENT)
    to_the_end(world)


def test_a_lost_status_of_a_model_that_was_never_released_is_that_of_a_new_one() -> None:
    world = _first_awaiting()
    world.lose_status()
    world.step()
    assert world.status.attempts == 1
    assert world.status.candidate is not None
    assert isinstance(world.status, AIModelStatus)
