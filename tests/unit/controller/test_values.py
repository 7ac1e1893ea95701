"""Values are asked about once per interval for all models whose policies compare some, and reach the judge."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest
from tests.unit.controller.operator_world import KEY, POLICY, in_canary
from tests.unit.controller.test_judging import Bench, Gateway
from tests.unit.evidence.shop import Shop

from headgate.api.vocabulary import Metric, Verdict
from headgate.controller.noise import NoiseReader
from headgate.evidence.counting.series import Arm, TargetSamples
from headgate.prometheus.profiles import Target
from headgate.prometheus.sampler import SampleBatch


class Source:
    """Answers for `arms` of a shop. Remembers what it was asked."""

    def __init__(self, shop: Shop, *arms: Arm) -> None:
        self.shop, self.arms, self.asked = shop, arms, list[tuple[Target, ...]]()

    async def sample(self, targets: Sequence[Target], now: float, seconds: float) -> SampleBatch:
        self.asked.append(tuple(targets))
        answer = self.shop.answer(now - seconds, now, self.arms)
        return SampleBatch(now, dict.fromkeys(targets, TargetSamples(now, answer.series)))


def test_a_version_that_is_worth_less_is_taken_back_by_one_question_per_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(POLICY, "checks", [{"metric": "value", "maxDecrease": "5%"}])
    world = in_canary()
    world.list_all()
    bench, shop = Bench(world, Gateway(world)), Shop(np.random.default_rng(3), better=0.6)
    pods, values = Source(shop, Arm.STABLE), Source(shop, Arm.STABLE, Arm.CANDIDATE)
    noise = NoiseReader(bench.judging, pods, values, wall=world.seconds)
    begin = int(world.now.timestamp())
    for second in range(0, 600, 5):
        shop.serve()
        shop.scrape(float(begin + second + 5))
        bench.tick(5.0)
        asyncio.run(noise.tick())
        if bench.judging.evidence[KEY].verdict is Verdict.FAIL:
            break
    found = bench.judging.evidence[KEY]
    assert (found.verdict, found.checks[0].metric) == (Verdict.FAIL, Metric.VALUE)
    assert found.checks[0].high < 0
    assert {target.summaries for targets in values.asked for target in targets} == {("headgate_value",)}
    assert len(values.asked) == len(pods.asked)
