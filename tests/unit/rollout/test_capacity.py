"""How large each version is, from start to end of an attempt: with a fixed size, with an autoscaler, and in the room of one."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.rollout.world import World, condition, in_canary, live, policy, without_shadow

from headgate.api.conditions import ConditionType
from headgate.api.reasons import Reason
from headgate.rollout.capacity import SETTLED, floor
from headgate.rollout.decision import Decision, WantedWorkload
from headgate.rollout.snapshot import Problem

AUTOSCALED = {"size": {"autoscaling": {"minReplicas": 2, "maxReplicas": 8}}}
BY_DAY = {"size": {"autoscaling": {"minReplicas": 2, "maxReplicas": 10}}}
PROPORTIONAL = {"size": {"replicas": 4}, "mode": "Proportional"}
NO_ROOM = Problem(Reason.WAITING_FOR_CAPACITY, "no node has room for its pods: 0/3 nodes are available")


def wanted(decision: Decision, role: str) -> WantedWorkload:
    return next(w for w in decision.workloads if w.role == role)


def under_load(world: World, pods: int) -> None:
    """The stable version's autoscaler has found that it needs `pods`."""
    assert world.status.stable
    name = world.status.stable.revision
    world.workloads[name] = replace(world.workloads[name], wanted=pods, ready=pods, present=pods)


def released_under_load() -> World:
    """The stable version has found that it needs six pods when the next one is released."""
    world = live(served=AUTOSCALED, policy=without_shadow())
    under_load(world, 6)
    world.release("2.0.0", **AUTOSCALED)
    world.settle()
    return world


def hours(world: World, load: int, number: int = 1) -> None:
    """Hours in which all users together need `load` pods, and each version's autoscaler (of at most 10) gives it what its share needs."""
    for _ in range(2 * number):
        for name, state in world.workloads.items():
            size = min(10, max(state.least, -(-load * world.route.weights.get(name, 0) // 1000)))
            world.workloads[name] = replace(state, wanted=size, ready=size, present=size) if state.least else state
        world.step(1800)


def at_night(weight: int) -> World:
    """A candidate has `weight` thousandths of the users since a night in which two pods were enough for all of them."""
    world = in_canary(policy=without_shadow(), served=BY_DAY)
    served_until(world, weight)
    assert {w.role: w.replicas for w in world.step().workloads} == {"stable": 2, "candidate": 2}
    return world


def served(world: World) -> None:
    world.good()
    world.settle(40)
    world.quiet()


@pytest.mark.parametrize(
    ("stable", "share", "full", "shadowing", "pods"),
    [
        (10, 50, 10, False, 2),
        (10, 250, 10, False, 3),
        (10, 990, 10, False, 10),
        (1, 50, 3, False, 1),
        (10, 10, 10, True, 1),
        (10, 500, 4, False, 4),
        (10, 0, 10, False, 0),
    ],
)
def test_a_floor_is_the_share_of_what_the_stable_version_has(stable: int, share: int, full: int, shadowing: bool, pods: int) -> None:
    assert floor(whole=stable, share=share, full=full, shadowing=shadowing) == pods


# -- with an autoscaler --


def test_at_rest_the_autoscaler_has_the_bounds_of_the_spec() -> None:
    stable = wanted(live(served=AUTOSCALED).step(), "stable")
    assert (stable.replicas, stable.ceiling) == (2, 8)


def eases(world: World) -> None:
    """The stable version's minimum is the spec's once its autoscaler has had the time to see its users, and not before."""
    kept = wanted(world.step(), "stable").replicas
    assert kept > 2
    world.step(SETTLED.total_seconds() - 2)
    assert wanted(world.step(), "stable").replicas == kept
    world.step(2)
    assert wanted(world.step(), "stable").replicas == 2


def test_what_the_stable_version_had_is_its_minimum_until_its_autoscaler_has_seen_who_came_back() -> None:
    world = released_under_load()
    assert wanted(world.step(), "stable").replicas == 6
    world.decided("Halt")
    decision = world.step()
    assert world.status.candidate is None
    assert wanted(decision, "stable").replicas == 6
    eases(world)


def test_the_candidates_minimum_is_the_floor_of_its_next_stage_before_it_enters_it() -> None:
    world = released_under_load()
    world.approve()
    world.settle()
    assert (world.weight(), wanted(world.step(), "candidate").replicas) == (50, 2)
    world.good()
    decision = world.step()
    assert world.weight() == 50, "the pods are not there yet"
    assert wanted(decision, "candidate").replicas == 3
    world.step()
    assert world.weight() == 500


def test_a_live_version_gets_the_spec_back_and_the_one_before_stays_as_large_as_it_was() -> None:
    world = released_under_load()
    world.approve()
    served(world)
    assert world.status.phase == "Live"
    assert wanted(world.step(), "previous").replicas == 6
    eases(world)
    world.step(2 * 3600)
    assert wanted(world.step(), "previous").replicas == 0, "cold"


def test_an_earlier_version_that_comes_back_keeps_its_pods_until_its_autoscaler_has_seen_its_users() -> None:
    world = released_under_load()
    world.approve()
    served(world)
    world.step(1800)
    world.decided("Rollback")
    world.settle()
    assert (world.status.live, wanted(world.step(), "stable").replicas) == ("1.0.0", 6)
    eases(world)


def test_a_floor_above_the_bound_is_told_and_raising_the_bound_is_enough() -> None:
    world = live(served=AUTOSCALED, policy=without_shadow())
    under_load(world, 8)
    small = {"size": {"autoscaling": {"minReplicas": 2, "maxReplicas": 3}}}
    world.release("2.0.0", **small)
    world.settle()
    world.approve()
    world.settle()
    world.good()
    world.settle()
    assert world.weight() == 50
    _, reason, message = condition(world, ConditionType.READY)
    assert reason == Reason.WAITING_FOR_CAPACITY
    assert "needs 4 pods" in message
    assert "maxReplicas is 3: raise it" in message
    assert wanted(world.step(), "candidate").replicas == 3
    world.release("2.0.0", size={"autoscaling": {"minReplicas": 2, "maxReplicas": 4}})
    world.step()
    world.step()
    assert world.weight() == 500


def test_a_size_changed_together_with_the_template_leaves_the_stable_version_alone() -> None:
    world = in_canary(policy=without_shadow(), served={"size": {"replicas": 5}})
    world.release("3.0.0", size={"replicas": 2})
    world.settle()
    assert wanted(world.step(), "stable").replicas == 5
    world.release("4.0.0", **AUTOSCALED)
    world.settle()
    stable, candidate = wanted(world.step(), "stable"), wanted(world.step(), "candidate")
    assert (stable.replicas, stable.ceiling) == (5, None)
    assert candidate.ceiling == 8


def test_an_autoscaler_that_grows_after_an_abort_moves_no_traffic() -> None:
    world = in_canary(policy=without_shadow(), served=AUTOSCALED)
    world.decided("Halt")
    world.settle()
    before = world.route.weights
    withdrawn = world.status.past[-1].revision
    world.workloads[withdrawn] = world.pods_of(withdrawn, 8)
    under_load(world, 8)
    world.settle()
    assert world.route.weights == before
    assert withdrawn not in before


def test_a_version_that_comes_back_from_nothing_is_scaled_up_first_and_gets_users_with_its_first_pod() -> None:
    world = released_under_load()
    world.approve()
    served(world)
    world.step(2 * 3600)
    world.settle()
    old, new = world.status.past[0].revision, world.status.stable.revision  # type: ignore[union-attr]
    world.pods_fail.add(old)
    world.decided("Rollback", target={"revision": new, "attempt": world.status.attempts})
    decision = world.step()
    back = wanted(decision, "candidate")
    assert (back.revision, back.replicas, back.ceiling) == (old, 6, 8)
    world.settle()
    assert world.route.weights == {new: 1000}, "it has no pod yet"
    world.pods_fail.clear()
    world.workloads[old] = replace(world.workloads[old], ready=1)
    world.step()
    assert world.route.weights == {old: 1000}, "one of six is enough to leave a bad version"


# -- with an autoscaler, and a load that is not that of the hour in which the attempt began --


def test_a_candidate_gets_the_pods_for_the_load_of_the_day_though_half_of_it_has_left_the_stable_version() -> None:
    world = at_night(500)
    hours(world, 8)
    world.good()
    decision = world.step()
    assert world.weight() == 500, "the pods are not there yet"
    assert wanted(decision, "candidate").replicas == 8
    world.step()
    assert world.weight() == 990


@pytest.mark.parametrize("weight", [500, 990])
def test_users_who_come_back_find_the_pods_for_the_load_of_the_day(weight: int) -> None:
    world = at_night(weight)
    hours(world, 8, 2)
    before = world.status
    assert wanted(world.step(), "stable").replicas in (8, 9)
    hours(world, 8, 2)
    assert world.status == before, "what stays is no news"
    world.decided("Halt")
    assert wanted(world.step(), "stable").replicas >= 8
    eases(world)


def test_the_stable_version_keeps_its_pods_before_users_leave_it() -> None:
    world = at_night(50)
    hours(world, 8)
    assert wanted(world.step(), "stable").replicas == 2, "its autoscaler follows its users, who are nearly all"
    world.good()
    world.step()
    decision = world.step()
    assert world.weight() == 500
    assert wanted(decision, "stable").replicas == 9, "what it has for 95 % of the users, rounded up"
    assert wanted(decision, "candidate").replicas == 5
    world.quiet()
    hours(world, 2, 12)
    assert wanted(world.step(), "stable").replicas == 9, "they come back at any hour"


def test_in_shadow_nothing_is_kept_for_users_who_are_all_there() -> None:
    world = live(served=BY_DAY, policy=policy())
    world.release("2.0.0", **BY_DAY)
    world.settle()
    assert world.status.phase == "Shadow"
    hours(world, 8)
    decision = world.step()
    assert (wanted(decision, "stable").replicas, wanted(decision, "candidate").replicas) == (2, 8), "copies of all requests"
    hours(world, 2)
    assert wanted(world.step(), "stable").replicas == 2


def test_a_candidate_that_was_set_back_enters_with_the_same_pods_again() -> None:
    world = at_night(500)
    hours(world, 8)
    world.guard(candidate=True, stable=True)
    world.step()
    assert world.weight() == 0
    assert {w.role: w.replicas for w in world.step().workloads} == {"stable": 8, "candidate": 4}
    world.quiet()
    world.settle()
    assert world.weight() == 50
    assert wanted(world.step(), "stable").replicas == 8


def test_a_size_tells_the_load_only_once_it_has_followed_the_weights() -> None:
    world = at_night(50)
    served_until(world, 500)
    assert world.status.stable
    name = world.status.stable.revision
    # An autoscaler that looked just before half of the users left, when there were more of them.
    world.workloads[name] = replace(world.workloads[name], wanted=4, ready=4, present=4)
    decision = world.step(60)
    assert (wanted(decision, "stable").replicas, wanted(decision, "candidate").replicas) == (4, 2), "what it has, not twice as much"
    world.workloads[name] = replace(world.workloads[name], wanted=5, ready=5, present=5)
    decision = world.step(600)
    assert (wanted(decision, "stable").replicas, wanted(decision, "candidate").replicas) == (10, 5)


# -- in the room of one --


def sizes(world: World) -> dict[str, int]:
    return {revision: state.wanted for revision, state in world.workloads.items() if state.wanted}


def test_stages_are_entered_pod_by_pod_and_never_with_more_than_one_pod_above_full_size() -> None:
    world = in_canary(policy=without_shadow(), served=PROPORTIONAL)
    stable = world.status.stable.revision  # type: ignore[union-attr]
    assert (world.weight(), sizes(world)[stable]) == (50, 4)
    seen = [(world.weight(), sizes(world)[stable])]
    world.good()
    for _ in range(40):
        world.step(1)
        assert sum(sizes(world).values()) <= 5
        if world.status.phase == "Live":
            break
        state = (world.weight(), sizes(world)[stable])
        if state != seen[-1]:
            seen.append(state)
    weights = [weight for weight, _ in seen]
    assert weights == sorted(weights)
    assert {250, 500, 750, 990} <= set(weights)
    assert (500, 2) in seen
    assert (990, 1) in seen
    world.settle()
    assert world.status.phase == "Live"
    assert sorted(sizes(world).values()) == [1, 4], "the one before keeps a single warm pod"


def test_the_stable_version_gives_no_pod_away_before_the_gateway_took_the_weight() -> None:
    world = in_canary(policy=without_shadow(), served=PROPORTIONAL)
    stable = world.status.stable.revision  # type: ignore[union-attr]
    world.route_takes_effect = False
    world.good()
    for _ in range(10):
        world.step(1)
    assert sizes(world)[stable] == 4
    assert condition(world, ConditionType.READY)[1] == Reason.ROUTE_PENDING
    world.route_takes_effect = True
    served_until(world, 990)
    assert sizes(world)[stable] == 1


def test_stage_time_begins_with_the_whole_weight() -> None:
    world = in_canary(policy=without_shadow(), served=PROPORTIONAL)
    world.good()
    world.step()
    world.step()
    world.quiet()
    assert world.status.candidate
    assert world.status.candidate.stage
    assert (world.status.candidate.stage.name, world.weight() < 500) == ("half", True)
    assert world.status.candidate.stage.effective is None
    world.pods_fail.add(world.status.candidate.revision)
    world.workloads[world.status.candidate.revision] = replace(world.workloads[world.status.candidate.revision], ready=1)
    world.now += timedelta(days=30)
    world.step()
    assert world.status.candidate is not None, "waiting for room ends no attempt"
    assert world.status.candidate.stage.effective is None


@pytest.mark.parametrize("how", ["guard", "Halt"])
def test_a_rollback_gives_all_users_and_all_room_back_at_once(how: str) -> None:
    world = in_canary(policy=without_shadow(), served=PROPORTIONAL)
    served_until(world, 990)
    stable, bad = world.status.stable.revision, world.status.candidate.revision  # type: ignore[union-attr]
    assert sizes(world)[stable] == 1
    if how == "Halt":
        world.decided("Halt")
    else:
        world.guard()
    decision = world.step()
    assert world.route.weights == {stable: 1000}
    assert {w.revision: w.replicas for w in decision.workloads} == {stable: 4, bad: 0}


def test_a_shared_failure_gives_the_room_back_too() -> None:
    world = in_canary(policy=without_shadow(), served=PROPORTIONAL)
    served_until(world, 500)
    world.guard(candidate=True, stable=True)
    decision = world.step()
    assert (wanted(decision, "stable").replicas, wanted(decision, "candidate").replicas) == (4, 1)


def test_an_earlier_version_comes_back_with_the_one_pod_that_it_kept() -> None:
    world = in_canary(policy=without_shadow(), served=PROPORTIONAL)
    served(world)
    world.settle()
    old, bad = world.status.past[0].revision, world.status.stable.revision  # type: ignore[union-attr]
    world.decided("Rollback", target={"revision": bad, "attempt": world.status.attempts})
    decision = world.step()
    assert world.route.weights == {old: 1000}
    assert {w.revision: w.replicas for w in decision.workloads} == {old: 4, bad: 0}


def test_in_shadow_no_more_is_copied_than_one_pod_takes() -> None:
    world = live(served=PROPORTIONAL, policy=policy())
    world.release("2.0.0", **PROPORTIONAL)
    world.settle()
    assert world.status.phase == "Shadow"
    assert world.status.traffic.mirror is not None
    assert world.status.traffic.mirror.permille == 250
    assert sum(sizes(world).values()) == 5


def test_beside_an_autoscaler_nothing_is_shared() -> None:
    world = live(served=AUTOSCALED, policy=without_shadow())
    under_load(world, 6)
    world.release("2.0.0", **PROPORTIONAL)
    world.settle()
    world.approve()
    world.settle()
    assert wanted(world.step(), "stable").replicas == 6


# -- waiting --


def test_a_served_stage_that_waits_for_room_is_not_overdue_and_nobody_is_taken_back() -> None:
    world = in_canary(policy=without_shadow())
    assert world.status.candidate
    name = world.status.candidate.revision
    world.good()

    def short() -> None:
        world.workloads[name] = replace(world.workloads[name], ready=1, wanted=2, problem=NO_ROOM)

    under_load(world, 6)
    short()
    world.step()
    for _ in range(3):
        short()
        world.step(30 * 86_400)
    assert condition(world, ConditionType.READY)[1:] == (Reason.WAITING_FOR_CAPACITY, f"2.0.0 in Canary: {NO_ROOM.message}")
    world.quiet()
    world.step(60)
    assert world.status.candidate is not None
    assert world.status.candidate.attempt == 2, "no attempt was used up"
    assert world.weight() == 50


def served_until(world: World, weight: int) -> None:
    world.good()
    for _ in range(40):
        if world.weight() == weight:
            break
        world.step(1)
    world.quiet()
    world.settle()
    assert world.weight() == weight
