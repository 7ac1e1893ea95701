"""The stable pods are asked about beside the judge: one question for all, the past once, and harm waits for neither."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest
from tests.unit.controller.operator_world import KEY, OperatorWorld, in_canary
from tests.unit.controller.test_judging import Bench, Gateway
from tests.unit.evidence.pods import StablePods

from headgate.controller.judging import harmful
from headgate.controller.noise import NoiseReader
from headgate.evidence.counting.series import NoAnswer, Outage, TargetSamples
from headgate.evidence.view import NoiseMode
from headgate.prometheus.pods import Wanted
from headgate.prometheus.profiles import Target
from headgate.prometheus.sampler import SampleBatch

_PAST = 4000


class PodSource:
    """Counters of three pods, each sampled every 5 s, also before the operator began. Remembers what it was asked."""

    def __init__(self, world: OperatorWorld) -> None:
        begin = int(world.now.timestamp()) - _PAST
        self.pods = StablePods(np.random.default_rng(5)).live(2 * _PAST, begin=begin, every=5)
        self.asked: list[tuple[tuple[Target, ...], float]] = []
        self.down = False

    async def sample(self, targets: Sequence[Target], now: float, seconds: float) -> SampleBatch:
        self.asked.append((tuple(targets), seconds))
        if self.down:
            return SampleBatch(now, {target: NoAnswer(now, Outage.TIMEOUT, "slow") for target in targets})
        answer = TargetSamples(now, self.pods.series(now - seconds, now))
        return SampleBatch(now, dict.fromkeys(targets, answer))

    @property
    def reads_of_the_past(self) -> int:
        return sum(seconds > 1000 for _, seconds in self.asked)


class NoisyBench(Bench):
    def __init__(self, world: OperatorWorld, source: Gateway, pods: PodSource) -> None:
        super().__init__(world, source)
        self.values = PodSource(world)
        self.noise = NoiseReader(self.judging, pods, self.values, wall=world.seconds)

    def tick(self, seconds: float = 5.0, *, past: bool = True) -> float:
        pause = super().tick(seconds)
        asyncio.run(self.noise.tick())
        if past:
            asyncio.run(self.noise.tick_past())
        return pause

    @property
    def modes(self) -> set[NoiseMode]:
        return set(self.judging.states[KEY].noise.modes)


@pytest.fixture
def world() -> OperatorWorld:
    made = in_canary()
    made.list_all()
    return made


def test_the_past_is_read_once_and_calibrates(world: OperatorWorld) -> None:
    pods = PodSource(world)
    bench = NoisyBench(world, Gateway(world), pods)
    for _ in range(60):
        bench.tick()
    assert pods.reads_of_the_past == 1
    assert bench.values.asked == [], "no check compares values"
    assert bench.modes == {NoiseMode.HISTORY}
    assert bench.judging.evidence[KEY].checks[0].noise is NoiseMode.HISTORY
    assert all(isinstance(target, Wanted) and target.stable for targets, _ in pods.asked for target in targets)


def test_a_past_that_cannot_be_read_is_tried_three_times_and_holds_nothing_up(world: OperatorWorld) -> None:
    pods = PodSource(world)
    bench = NoisyBench(world, Gateway(world, failing=1.0), pods)
    bench.tick(1.0, past=False)
    pods.down = True
    for _ in range(8):
        bench.tick(1.0)
    assert harmful(bench.judging.evidence[KEY])
    for _ in range(60):
        bench.tick()
    assert pods.reads_of_the_past == 3


def test_a_restart_reads_what_was_missed_before_it_judges(world: OperatorWorld) -> None:
    """Bit for bit what an operator decides that never stopped."""
    pods, source = PodSource(world), Gateway(world, failing=0.004)
    undisturbed, first = NoisyBench(world, source, pods), NoisyBench(world, source, pods)
    for _ in range(100):
        undisturbed.tick(3.0)
        asyncio.run(first.judging.tick())
        asyncio.run(first.noise.tick())
        asyncio.run(first.noise.tick_past())
    assert first.write() == ["apply configmaps"]
    for _ in range(40):
        undisturbed.tick(3.0)
    restarted = NoisyBench(world, source, pods)
    asyncio.run(restarted.judging.tick())
    wanted, found = undisturbed.judging.states[KEY], restarted.judging.states[KEY]
    assert found.judge == wanted.judge
    assert found.noise.seen == wanted.noise.seen
    assert found.noise.modes == wanted.noise.modes
    assert pods.asked[-1][1] > 100


def test_models_that_are_not_compared_are_not_asked_about() -> None:
    world = in_canary()
    bench = NoisyBench(world, Gateway(world), pods := PodSource(world))
    asyncio.run(bench.noise.tick())
    asyncio.run(bench.noise.tick_past())
    assert pods.asked == []
