"""Guards on live versions: who is measured, who is woken and when, and that thousands of them stop nobody."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.simulation import clock
from tests.unit.controller.operator_world import KEY, POLICY, OperatorWorld, in_canary, live

from headgate.api.vocabulary import Metric, Profile
from headgate.controller.facts import ModelFacts, ModelKey
from headgate.controller.observe import Surroundings, observe
from headgate.controller.queue import Priority
from headgate.controller.watching import LONGEST_TICK, Watching, watched_of
from headgate.evidence.counting.series import Arm, NoAnswer, Outage
from headgate.evidence.live import LiveTotals, Sums
from headgate.evidence.view import GuardReading, LiveReading
from headgate.kube.resources import ROLLOUT_POLICIES
from headgate.prometheus.profiles import Target
from headgate.rollout.snapshot import Snapshot


class Source:
    """Sums of requests at `rate` per second, of which `failing` fail, sampled in the moment of the question."""

    def __init__(self, world: OperatorWorld, *, rate: float = 10.0, failing: float = 0.0) -> None:
        self.world, self.rate, self.failing = world, rate, failing
        self.asked: list[tuple[Target, ...]] = []
        self.down = False
        self.takes = 0.0
        self._last, self._sums = world.seconds(), [0.0, 0.0]

    async def sample(self, targets: Sequence[Target], now: float) -> Mapping[Target, LiveTotals] | NoAnswer:
        self.asked.append(tuple(targets))
        await asyncio.sleep(self.takes)
        served = (now - self._last) * self.rate
        self._last, self._sums = now, [self._sums[0] + served, self._sums[1] + served * self.failing]
        if self.down:
            return NoAnswer(now, Outage.UNREACHABLE, "refused")
        totals = LiveTotals(now, now, {Arm.STABLE: Sums(1, *map(round, self._sums))})
        return dict.fromkeys(targets, totals)


class Bench:
    def __init__(self, world: OperatorWorld, source: Source) -> None:
        self.world, self.source = world, source
        self.woken: list[tuple[ModelKey, Priority]] = []
        self.measured: list[str] = []
        self.watching = Watching(
            world.cache,
            {Profile.ENVOY_GATEWAY: source},
            lambda key, priority: self.woken.append((key, priority)),
            wall=world.seconds,
            measured=lambda question, seconds: self.measured.append(question),
        )

    def tick(self, seconds: float = 15.0) -> float:
        self.world.pass_time(seconds)
        return clock.run(self.watching.tick())

    @property
    def reading(self) -> LiveReading | None:
        return self.watching.readings.get(KEY)


def policy(**changes: Any) -> dict[str, Any]:
    return {"metadata": {"name": "standard", "namespace": "platform"}, "spec": POLICY | changes}


def use(world: OperatorWorld, **changes: Any) -> None:
    world.api.put(ROLLOUT_POLICIES, policy(**changes))
    world.list_all()


@pytest.fixture
def world() -> OperatorWorld:
    made = live()
    made.list_all()
    return made


def facts(world: OperatorWorld) -> ModelFacts:
    return world.cache.models[KEY]


def watched(world: OperatorWorld) -> Any:
    return watched_of(KEY, facts(world), world.cache.policies.get("standard"))


def test_a_live_version_is_watched_by_the_guards_of_the_policy_that_its_spec_names(world: OperatorWorld) -> None:
    found, stable = watched(world), world.status.stable
    assert stable is not None
    assert found.target == Target("lending", "credit", stable.revision)
    assert [guard.metric for guard in found.guards] == [Metric.ERRORS]
    assert found.held == {Arm.STABLE: world.status.traffic.slots[0].since.timestamp()}
    use(world, guards=[{"metric": "rejections", "maxRate": "50pp"}], analysis={"interval": "2s"})
    assert [(guard.metric, guard.max_rate) for guard in watched(world).guards] == [(Metric.REJECTIONS, 0.5)]
    assert watched(world).interval == 2.0


def test_models_without_request_guards_policy_or_live_version_are_not_watched(world: OperatorWorld) -> None:
    assert watched_of(KEY, facts(world), None) is None
    assert watched_of(KEY, replace(facts(world), leaving=True), world.cache.policies["standard"]) is None
    assert watched_of(KEY, replace(facts(world), status=b"{}"), world.cache.policies["standard"]) is None
    assert watched_of(KEY, replace(facts(world), status=b'{"attempts": "x"}'), world.cache.policies["standard"]) is None
    use(world, guards=[{"metric": "podFailures", "maxRestarts": 3, "window": "60s"}])
    assert watched(world) is None


def test_a_candidate_that_waits_for_approval_leaves_the_live_version_watched_and_a_judged_one_does_not() -> None:
    world = live()
    world.release("v2")
    world.settle()
    world.list_all()
    assert world.status.phase == "AwaitingDeployment"
    assert watched(world).target.stable == world.status.stable.revision  # type: ignore[union-attr]
    world.approve()
    world.settle()
    world.list_all()
    assert world.status.phase == "Canary"
    assert watched(world) is None


def test_only_places_of_the_live_version_count(world: OperatorWorld) -> None:
    status = json.loads(facts(world).status)
    mine = status["traffic"]["slots"][0]
    for slots, held in [
        ([mine, {**mine, "revision": "deadbeef"}], {Arm.STABLE}),
        ([{**mine, "revision": "deadbeef"}, mine], {Arm.CANDIDATE}),
        ([mine, mine], {Arm.STABLE, Arm.CANDIDATE}),
        ([], set()),
    ]:
        status["traffic"]["slots"] = slots
        found = watched_of(KEY, replace(facts(world), status=json.dumps(status).encode()), world.cache.policies["standard"])
        assert found is not None
        assert set(found.held) == held


def test_requests_are_counted_and_nobody_is_woken_while_all_is_well(world: OperatorWorld) -> None:
    bench = Bench(world, Source(world))
    assert bench.tick() == LONGEST_TICK
    assert bench.reading is None, "one answer alone tells nothing"
    bench.tick()
    bench.tick()
    assert bench.reading is not None
    assert bench.reading.guards[0].requests == 300
    assert bench.reading.as_of == world.seconds()
    assert bench.woken == []
    assert bench.measured == ["envoy-gateway-live"] * 3


def test_a_model_is_woken_when_a_guard_begins_to_fire_and_when_it_ceases(world: OperatorWorld) -> None:
    bench = Bench(world, Source(world, failing=1.0))
    for _ in range(4):
        bench.tick()
    assert bench.woken == [(KEY, Priority.HARM)], "once, however long it fires"
    assert bench.watching.fires(KEY)
    bench.source.failing = 0.0
    for _ in range(6):
        bench.tick()
    assert bench.woken == [(KEY, Priority.HARM)] * 2
    assert not bench.watching.fires(KEY)


def test_without_prometheus_old_news_ends_and_nothing_fires(world: OperatorWorld) -> None:
    bench = Bench(world, Source(world, failing=1.0))
    bench.tick()
    bench.tick()
    bench.source.down = True
    bench.tick()
    assert bench.watching.fires(KEY), "what was seen 15 s ago still counts"
    for _ in range(4):
        bench.tick()
    assert bench.reading is None
    assert bench.woken == [(KEY, Priority.HARM)] * 2
    bench.source.down, bench.source.failing = False, 0.0
    bench.tick()
    assert not bench.watching.fires(KEY), "what failed during a gap longer than the window is nobody's news"


def test_a_judged_model_is_forgotten_and_begins_anew_afterwards(world: OperatorWorld) -> None:
    bench = Bench(world, Source(world, failing=1.0))
    bench.tick()
    bench.tick()
    world.release("v2")
    world.settle()
    world.approve()
    world.settle()
    world.list_all()
    asked = len(bench.source.asked)
    assert bench.tick() == 1.0
    assert (bench.reading, len(bench.source.asked)) == (None, asked)


def test_a_model_that_is_gone_is_forgotten(world: OperatorWorld) -> None:
    bench = Bench(world, Source(world))
    bench.tick()
    bench.tick()
    world.cache.models.clear()
    bench.tick()
    assert bench.reading is None
    assert bench.watching._plans == {}
    assert bench.watching._counts == {}


def test_another_live_version_inherits_nothing(world: OperatorWorld) -> None:
    bench = Bench(world, Source(world, failing=1.0))
    bench.tick()
    bench.tick()
    status = json.loads(facts(world).status)
    status["stable"]["revision"] = "0badcafe"
    for slot in status["traffic"]["slots"]:
        slot["revision"] = "0badcafe"
    world.cache.models[KEY] = replace(facts(world), status=json.dumps(status).encode())
    bench.tick()
    assert bench.reading is None
    assert bench.woken == [(KEY, Priority.HARM)] * 2


def test_the_tick_follows_the_shortest_interval_in_use_and_spares_prometheus(world: OperatorWorld) -> None:
    use(world, analysis={"interval": "1s"})
    bench = Bench(world, Source(world))
    assert bench.tick() == 1.0
    bench.source.takes = 2.0
    assert bench.tick() == pytest.approx(10.0), "at most a fifth of the time is spent on questions"
    use(world, analysis={"interval": "60s"})
    bench.source.takes = 0.0
    assert bench.tick() == LONGEST_TICK


def test_thousands_of_models_are_one_question_and_others_get_their_turn(world: OperatorWorld) -> None:
    model = facts(world)
    world.cache.models.update({ModelKey("lending", f"m{number}"): model for number in range(3000)})
    bench = Bench(world, Source(world))
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def both() -> None:
        task = asyncio.create_task(other())
        await bench.watching.tick()
        task.cancel()

    asyncio.run(both())
    assert [len(targets) for targets in bench.source.asked] == [3001]
    assert turns >= 60, "every hundred models, when they are planned and when they are counted"


FIRING = GuardReading(Metric.ERRORS, fired=True, requests=30, failures=30, max_rate=0.2)


def snapshot(world: OperatorWorld, reading: LiveReading) -> Snapshot:
    seen = observe(world.cache, KEY, Surroundings(now=world.now, environment="test", policy_namespace="platform", live=reading))
    assert seen is not None
    return seen.snapshot


def test_decisions_see_a_reading_only_of_the_version_that_is_live_and_only_for_a_minute(world: OperatorWorld) -> None:
    stable = world.status.stable
    assert stable is not None
    fits = LiveReading(stable.revision, world.seconds() - 60, (FIRING,))
    assert snapshot(world, fits).live == fits
    assert snapshot(world, replace(fits, revision="0badcafe")).live is None
    world.now += timedelta(seconds=1)
    assert snapshot(world, fits).live is None


def test_beside_a_judged_candidate_the_live_reading_says_nothing() -> None:
    world = in_canary()
    world.list_all()
    stable = world.status.stable
    assert stable is not None
    assert snapshot(world, LiveReading(stable.revision, world.seconds(), (FIRING,))).live is None


def test_the_reading_reaches_the_decision(world: OperatorWorld) -> None:
    stable = world.status.stable
    assert stable is not None
    reading = LiveReading(stable.revision, world.seconds(), (FIRING,))
    world.watching.readings[KEY] = reading
    assert world.reconciler._around(KEY).live == reading
    world.reconciler._forget(KEY)
    assert world.watching.readings == {}
