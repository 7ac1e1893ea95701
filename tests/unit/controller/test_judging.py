"""The judge's loop: one question for all, news to those concerned, nothing lost by a restart, nothing written before users are safe."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.controller.operator_world import KEY, OperatorWorld, in_canary, live

from headgate.api.vocabulary import Metric, Profile, Verdict
from headgate.controller.checkpoints import CHECKPOINT, Checkpoints, pause_between
from headgate.controller.facts import ModelKey
from headgate.controller.judging import SHORTEST_TICK, Judging, harmful, tells_news
from headgate.controller.queue import Priority
from headgate.evidence import timeline
from headgate.evidence.attempt_state import AttemptEvidence
from headgate.evidence.counting.series import Arm, NoAnswer, Outage, RawSeries, TargetSamples, What
from headgate.evidence.readings import READINGS_KEY, config_map_name, decode
from headgate.evidence.timeline import TIMELINE_KEY, Timeline
from headgate.evidence.view import Evidence, GuardReading
from headgate.kube.errors import KubeError, Unavailable
from headgate.kube.interface import Object
from headgate.kube.resources import AIMODELS, CONFIG_MAPS
from headgate.prometheus.profiles import Target
from headgate.prometheus.sampler import SampleBatch

FIRED = GuardReading(Metric.ERRORS, fired=True, requests=30, failures=30, max_rate=0.2, seconds=3.0)


class Gateway:
    """Counters of both versions at `rate` requests per second, of which the candidate fails `failing`. Remembers what it was asked."""

    def __init__(self, world: OperatorWorld, *, rate: float = 20.0, failing: float = 0.0) -> None:
        self.world, self.rate, self.failing = world, rate, failing
        self.asked: list[tuple[tuple[Target, ...], float]] = []
        self.down = False
        self._since = world.now.timestamp()

    async def sample(self, targets: Sequence[Target], now: float, seconds: float) -> SampleBatch:
        self.asked.append((tuple(targets), seconds))
        if self.down:
            return SampleBatch(now, {target: NoAnswer(now, Outage.UNREACHABLE, "refused") for target in targets})
        times = [moment for moment in range(int(now - seconds), int(now) + 1) if moment >= self._since - 60]
        series = tuple(one for arm, bad in ((Arm.STABLE, 0.0), (Arm.CANDIDATE, self.failing)) for one in self._series(arm, bad, times))
        return SampleBatch(now, {target: TargetSamples(now, series) for target in targets})

    def _series(self, arm: Arm, bad: float, times: list[int]) -> list[RawSeries]:
        def grown(share: float) -> tuple[tuple[float, float], ...]:
            return tuple((float(at), float(round((at - self._since + 60) * self.rate * share))) for at in times)

        answered = [("200", 1.0 - bad), ("500", bad)]
        found = [RawSeries(arm, What.ANSWERED, code, "gateway", "rule/0", grown(share)) for code, share in answered if share]
        return [*found, RawSeries(arm, What.SENT, "", "gateway", "rule/0", grown(1.0))]


class Bench:
    """A judge of one world, with its checkpoints."""

    def __init__(self, world: OperatorWorld, source: Gateway) -> None:
        self.world, self.woken = world, list[tuple[ModelKey, Priority]]()
        self.checkpoints = Checkpoints(world.api, world.cache, monotonic=world.seconds)
        self.judging = Judging(
            world.cache,
            {Profile.ENVOY_GATEWAY: source},
            self.checkpoints.recall,
            lambda key, priority: self.woken.append((key, priority)),
            wall=world.seconds,
        )

    def tick(self, seconds: float = 5.0) -> float:
        self.world.pass_time(seconds)
        return asyncio.run(self.judging.tick())

    def write(self) -> list[str]:
        mark = len(self.world.api.writes)
        asyncio.run(self.checkpoints.write_due(self.judging))
        return self.world.since(mark)

    def stored(self) -> Object:
        found = self.world.api.find(CONFIG_MAPS, config_map_name(KEY.name))
        assert found is not None
        return found


@pytest.fixture
def world() -> OperatorWorld:
    made = in_canary()
    made.list_all()
    return made


def test_models_at_rest_are_not_asked_about() -> None:
    world = live()
    world.list_all()
    source = Gateway(world)
    assert Bench(world, source).tick() == 1.0
    assert source.asked == []


def test_one_question_for_all_and_a_tick_of_a_third_of_the_interval(world: OperatorWorld) -> None:
    source = Gateway(world)
    assert Bench(world, source).tick() == 5.0
    stable, candidate = world.status.stable, world.status.candidate
    assert stable is not None
    assert candidate is not None
    assert [targets for targets, _ in source.asked] == [(Target("lending", "credit", stable.revision, candidate.revision, False),)]
    assert SHORTEST_TICK == 0.3


def test_a_failing_candidate_wakes_its_model_urgently(world: OperatorWorld) -> None:
    bench = Bench(world, Gateway(world, failing=1.0))
    for _ in range(8):
        bench.tick(1.0)
    assert harmful(bench.judging.evidence[KEY])
    assert (KEY, Priority.HARM) in bench.woken
    woken = len(bench.woken)
    asyncio.run(bench.judging.tick())
    assert len(bench.woken) == woken, "the same samples again are no news"


def test_a_silent_source_is_told_and_never_read_as_good(world: OperatorWorld) -> None:
    source = Gateway(world)
    bench = Bench(world, source)
    for _ in range(30):
        bench.tick()
    source.down = True
    for _ in range(20):
        bench.tick()
    assert bench.judging.evidence[KEY].verdict is Verdict.SOURCE_DOWN
    assert source.asked[-1][1] > 100, "what was missed is asked for as soon as it answers again"


def test_a_restart_continues_where_the_checkpoint_ends_and_counts_nothing_twice(world: OperatorWorld) -> None:
    source = Gateway(world)
    undisturbed = Bench(world, source)
    first = Bench(world, source)
    for _ in range(40):
        undisturbed.tick(3.0)
        asyncio.run(first.judging.tick())
    assert first.write() == ["apply configmaps"]
    for _ in range(20):
        undisturbed.tick(3.0)
    restarted = Bench(world, source)
    asyncio.run(restarted.judging.tick())
    wanted, found = undisturbed.judging.evidence[KEY], restarted.judging.evidence[KEY]
    assert (found.verdict, found.stage_requests, found.as_of) == (wanted.verdict, wanted.stage_requests, wanted.as_of)
    assert found.stage_fresh_seconds == pytest.approx(wanted.stage_fresh_seconds)
    assert [check.candidate_requests for check in found.checks] == [check.candidate_requests for check in wanted.checks]
    assert found.stage_requests > 1000


@pytest.mark.parametrize("left", ["app.kubernetes.io/managed-by", "headgate.dev/model"])
def test_a_checkpoint_of_somebody_else_is_not_read(world: OperatorWorld, left: str) -> None:
    bench = Bench(world, Gateway(world))
    bench.tick()
    bench.write()
    stored, state = bench.stored(), bench.judging.states[KEY]
    assert asyncio.run(bench.checkpoints.recall(KEY, state.attempt)) == state
    del stored["metadata"]["labels"][left]
    world.api.put(CONFIG_MAPS, stored)
    assert asyncio.run(bench.checkpoints.recall(KEY, state.attempt)) is None


def test_what_begins_under_this_process_is_recalled_from_nowhere() -> None:
    world = live()
    world.list_all()
    asked = list[str]()

    async def recall(key: ModelKey, number: str) -> AttemptEvidence | None:
        asked.append(number)
        return None

    def judged() -> Judging:
        return Judging(world.cache, {Profile.ENVOY_GATEWAY: Gateway(world)}, recall, world.queue.add, wall=world.seconds)

    first = judged()
    asyncio.run(first.tick())
    to_canary(world, "v2")
    asyncio.run(first.tick())
    assert (first.states[KEY].attempt, asked) == ("2", [])

    restarted = judged()
    asyncio.run(restarted.tick())
    asyncio.run(restarted.tick())
    assert asked == ["2"]
    to_canary(world, "v3")
    asyncio.run(restarted.tick())
    assert (restarted.states[KEY].attempt, asked) == ("3", ["2"])

    gone = world.api.find(AIMODELS, KEY.name)
    assert gone is not None
    world.cache.drop(AIMODELS, gone)
    restarted.forget(KEY)
    world.list_all()
    asyncio.run(restarted.tick())
    assert asked == ["2", "3"], "of a model that was away this process knows nothing"


def to_canary(world: OperatorWorld, version: str) -> None:
    world.release(version)
    world.settle()
    world.approve()
    world.settle()
    world.list_all()
    assert world.status.phase == "Canary"


def test_a_checkpoint_that_cannot_be_read_yet_is_waited_for(world: OperatorWorld) -> None:
    async def unavailable(key: ModelKey, number: str) -> AttemptEvidence | None:
        raise Unavailable("down", status=503)

    judging = Judging(world.cache, {Profile.ENVOY_GATEWAY: Gateway(world)}, unavailable, world.queue.add, wall=world.seconds)
    asyncio.run(judging.tick())
    assert judging.states == {}


def test_checkpoints_are_written_at_most_every_eight_intervals(world: OperatorWorld) -> None:
    bench = Bench(world, Gateway(world))
    written = 0
    for _ in range(100):
        bench.tick(5.0)
        written += len(bench.write())
    assert pause_between(15.0) == 120.0
    assert written == 1 + 500 // 120


def test_while_users_are_harmed_nothing_is_written_and_afterwards_the_reason_is(world: OperatorWorld) -> None:
    bench = Bench(world, Gateway(world, failing=1.0))
    for _ in range(8):
        bench.tick(1.0)
    assert harmful(bench.judging.evidence[KEY])
    assert bench.write() == []
    world.judging = bench.judging
    world.measure(candidate_guards=(FIRED,))
    world.reconciler._judging = bench.judging
    world.settle()
    assert world.status.candidate is None
    world.list_all()
    assert bench.write() == ["apply configmaps"]
    assert json.loads(bench.stored()["data"][READINGS_KEY])["candidateGuards"][0]["fired"] is True
    assert bench.judging.states == {}
    assert bench.write() == []


def test_the_configmap_is_ours_and_has_all_parts(world: OperatorWorld) -> None:
    bench = Bench(world, Gateway(world))
    bench.tick()
    bench.write()
    stored = bench.stored()
    labels = stored["metadata"]["labels"]
    assert (labels["app.kubernetes.io/managed-by"], labels["headgate.dev/model"]) == ("headgate", "credit")
    assert "ownerReferences" not in stored["metadata"], "while a version is live, nothing of the model goes with the AIModel"
    assert set(stored["data"]) == {CHECKPOINT, READINGS_KEY, TIMELINE_KEY}
    assert decode(stored["data"][READINGS_KEY]) == bench.judging.evidence[KEY]


def test_a_restart_goes_on_with_the_picture_and_does_without_one_it_cannot_read(world: OperatorWorld) -> None:
    bench = Bench(world, Gateway(world))
    for _ in range(12):
        bench.tick()
    bench.write()
    stored, state = bench.stored(), bench.judging.states[KEY]
    assert len(state.timeline.points) >= 2
    assert timeline.decode(stored["data"][TIMELINE_KEY]) == state.timeline
    assert asyncio.run(bench.checkpoints.recall(KEY, state.attempt)) == state
    for text in ("{not json", '{"format": 99}', None):
        data = {key: part for key, part in {**stored["data"], TIMELINE_KEY: text}.items() if part is not None}
        world.api.put(CONFIG_MAPS, {**stored, "data": data})
        assert asyncio.run(bench.checkpoints.recall(KEY, state.attempt)) == replace(state, timeline=Timeline())


def test_a_failed_write_is_tried_again(world: OperatorWorld) -> None:
    bench = Bench(world, Gateway(world))
    bench.tick()
    answers: list[KubeError | None] = [Unavailable("down", status=503)]
    world.api.refuse = lambda write: answers.pop() if answers else None
    bench.write()
    assert world.api.find(CONFIG_MAPS, config_map_name(KEY.name)) is None
    bench.write()
    assert bench.stored()


BASE = Evidence(attempt="1", stage=0, as_of=100.0, verdict=Verdict.INCONCLUSIVE, candidate_guards=(replace(FIRED, fired=False),))


@pytest.mark.parametrize(
    ("change", "news"),
    [
        ({}, False),
        ({"stage_requests": 5}, False),
        ({"as_of": 104.0}, False),
        ({"as_of": 105.5}, True),
        ({"verdict": Verdict.PASS}, True),
        ({"candidate_guards": (FIRED,)}, True),
        ({"stable_guards": (FIRED,)}, True),
        ({"stage": 1}, True),
    ],
)
def test_only_what_a_decision_can_read_is_news(change: dict[str, Any], news: bool) -> None:
    assert tells_news(BASE, replace(BASE, **change), 15.0) is news
    assert tells_news(None, BASE, 15.0)


def test_a_recall_of_another_attempt_or_format_begins_anew(world: OperatorWorld) -> None:
    bench = Bench(world, Gateway(world))
    bench.tick()
    bench.write()
    assert asyncio.run(bench.checkpoints.recall(KEY, "99")) is None
    stored = bench.stored()
    world.api.put(CONFIG_MAPS, {**stored, "data": {CHECKPOINT: "{not json"}})
    assert asyncio.run(bench.checkpoints.recall(KEY, "2")) is None
