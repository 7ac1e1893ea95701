"""What sizes tell of the whole load, over many hours: enough pods, never more than the load and the bounds say, and no news without any."""

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from math import ceil

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.unit.rollout.world import World, in_canary, without_shadow

from headgate.api.status import AIModelStatus
from headgate.rollout.capacity import SETTLED, floor, floor_of, secured, whole_load
from headgate.rollout.rebuild import rebuild
from headgate.rollout.snapshot import ClockStep, Snapshot, WorkloadState
from headgate.rollout.stages import Step, steps_of

MOST = 10
LEAST = 2
SCALED = {"size": {"autoscaling": {"minReplicas": LEAST, "maxReplicas": MOST}}}
STABLE, CANDIDATE = 0, 1
WEIGHTS = st.sampled_from([50, 250, 500, 750, 990])
LOADS = st.floats(0.1, 14)


@cache
def canary() -> World:
    return in_canary(policy=without_shadow(), served=SCALED)


@dataclass
class Hours:
    """A stage of `weight` thousandths, in which the two autoscalers follow a load that is told in pods for all users."""

    weight: int
    began_with: int = LEAST

    def __post_init__(self) -> None:
        self.world = canary()
        status = self.world.status
        assert status.stable
        assert status.candidate
        assert status.candidate.stage
        self.names = status.stable.revision, status.candidate.revision
        self.entered = self.world.now
        stage = status.candidate.stage.model_copy(update={"weight": self.weight, "effective": self.entered})
        self.status: AIModelStatus = status.model_copy(
            update={
                "stable": status.stable.model_copy(update={"replicas": self.began_with}),
                "candidate": status.candidate.model_copy(update={"stage": stage}),
            }
        )
        self.least = [self.began_with, floor(whole=self.began_with, share=self.weight, full=MOST)]
        self.ready = list(self.least)

    @property
    def step(self) -> Step:
        return replace(steps_of(without_shadow(), "Rollout")[0], weight=self.weight)  # type: ignore[arg-type]

    @property
    def kept(self) -> int:
        assert self.status.stable
        return self.status.stable.replicas

    def has(self, version: int, load: float) -> int:
        """The pods that the version's share of the load needs, within its bounds."""
        return min(MOST, max(self.least[version], ceil(load * self.share(version) / 1000)))

    def share(self, version: int) -> int:
        return self.weight if version is CANDIDATE else 1000 - self.weight

    def snapshot(self, after: timedelta = SETTLED) -> Snapshot:
        found = {
            name: WorkloadState(exists=True, wanted=self.ready[v], ready=self.ready[v], present=self.ready[v], least=self.least[v])
            for v, name in enumerate(self.names)
        }
        weights = {name: self.share(v) for v, name in enumerate(self.names)}
        route = replace(self.world.route, weights=weights, accepted=True)
        return self.world.without(now=self.entered + after, workloads=found, route=route, status=self.status)

    def follow(self, load: float) -> None:
        """The autoscalers look, then it is decided, and the minimums are as decided."""
        self.ready = [self.has(STABLE, load), self.has(CANDIDATE, load)]
        snapshot = self.snapshot()
        self.status = self.status.model_copy(update={"stable": secured(self.status, snapshot)})
        self.least = [self.kept, max(self.least[CANDIDATE], min(MOST, floor_of(self.step, self.status, snapshot)))]


@given(weight=WEIGHTS, loads=st.lists(LOADS, max_size=8), began=st.integers(LEAST, MOST))
def test_no_floor_is_below_the_share_of_what_the_stable_version_has_and_none_above_the_bounds(
    weight: int, loads: list[float], began: int
) -> None:
    hours = Hours(weight, began)
    for load in loads:
        hours.follow(load)
        found = floor_of(hours.step, hours.status, hours.snapshot())
        assert floor(whole=hours.ready[STABLE], share=weight, full=MOST) <= found <= MOST
        assert whole_load(hours.status, hours.snapshot()) <= MOST


@given(weight=WEIGHTS, loads=st.lists(LOADS, max_size=8), began=st.integers(LEAST, MOST))
def test_what_the_stable_version_keeps_only_grows_and_never_feeds_on_itself(weight: int, loads: list[float], began: int) -> None:
    hours, peak = Hours(weight, began), 0.0
    for load in loads:
        peak = max(peak, load)
        for _ in range(5):
            before = hours.kept
            hours.follow(load)
            assert hours.kept >= before
        told = [ceil(ceil(peak * hours.share(v) / 1000) * 1000 / hours.share(v)) for v in (STABLE, CANDIDATE) if hours.share(v) >= 500]
        assert hours.kept <= min(MOST, max(began, *told)), "one rounding above the load, however often it was looked"


@given(weight=WEIGHTS, load=LOADS)
def test_a_load_that_does_not_change_changes_nothing(weight: int, load: float) -> None:
    found = min(MOST, max(LEAST, ceil(load)))
    hours = Hours(weight, found)
    for _ in range(5):
        hours.follow(load)
    assert hours.kept == found
    assert hours.least[CANDIDATE] == max(LEAST, floor(whole=found, share=weight, full=MOST))


@given(weight=WEIGHTS, load=LOADS)
def test_a_load_that_a_size_shows_finds_its_pods_wherever_its_users_go_next(weight: int, load: float) -> None:
    hours = Hours(weight)
    least = list(hours.least)
    assume(any(hours.share(v) >= 500 and load * hours.share(v) / 1000 > least[v] for v in (STABLE, CANDIDATE)))
    hours.follow(load)
    assert hours.kept >= min(MOST, load), "users who come back"
    assert floor_of(replace(hours.step, weight=990), hours.status, hours.snapshot()) >= min(MOST, load * 0.99), "users of the last stage"


@pytest.mark.parametrize("load", [8.0])
def test_sizes_tell_nothing_before_they_can_have_followed_the_weights(load: float) -> None:
    hours = Hours(500)
    hours.ready = [4, 4]
    settled = hours.snapshot()
    assert whole_load(hours.status, settled) == load
    assert whole_load(hours.status, hours.snapshot(SETTLED / 2)) == 4
    assert whole_load(hours.status, replace(settled, clock_step=ClockStep(3600.0, "the clock jumped"))) == 4
    assert whole_load(hours.status, replace(settled, route=replace(settled.route, accepted=None))) == 4, "nobody knows what is in force"
    slots = tuple(slot.model_copy(update={"since": settled.now}) for slot in hours.status.traffic.slots)
    returned = hours.status.model_copy(update={"traffic": hours.status.traffic.model_copy(update={"slots": slots})})
    assert whole_load(returned, settled) == 4, "the stable version has just come back"


def test_a_size_without_an_autoscaler_tells_nothing() -> None:
    hours = Hours(500)
    hours.ready, hours.least = [4, 4], [0, 0]
    assert whole_load(hours.status, hours.snapshot()) == 4, "somebody deleted them"
    assert hours.status.stable
    fixed = hours.status.model_copy(update={"stable": hours.status.stable.model_copy(update={"autoscale": None, "replicas": 7})})
    assert whole_load(fixed, hours.snapshot()) == 4, "as many as it has"
    assert secured(fixed, hours.snapshot()) is fixed.stable


def test_a_few_users_tell_nothing_of_all() -> None:
    hours = Hours(50)
    hours.ready = [2, 4]
    assert whole_load(hours.status, hours.snapshot()) == 2, "two pods more for one user of twenty would be forty for all"


def test_what_is_kept_outlives_a_status_that_is_lost_before_the_pods_are_made() -> None:
    world = in_canary(policy=without_shadow(), served=SCALED)
    assert world.status.stable
    name = world.status.stable.revision
    world.workloads[name] = replace(world.workloads[name], least=8)
    world.lose_status()
    made, _ = rebuild(world.snapshot())
    assert made.status.stable
    assert made.status.stable.replicas == 8
