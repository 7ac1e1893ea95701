"""Random requests of two versions as the judge sees them: the data of its statistical tests."""

import numpy as np

from headgate.api.quantities import Margin, Unit
from headgate.api.vocabulary import Metric
from headgate.evidence.check import Check, Question
from headgate.evidence.counting.block import ArmCounts, Block

ENVOY_BOUNDS = (0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

ERRORS = Check(Metric.ERRORS, Margin(1, Unit.POINTS), 4)
REJECTIONS = Check(Metric.REJECTIONS, Margin(1, Unit.POINTS), 2)
LATENCY = Check(Metric.LATENCY, Margin(50, Unit.MILLISECONDS), 3, quantile=0.95)


def question(*checks: Check, stages: tuple[int, ...] = (240,), interval: float = 1.0) -> Question:
    return Question(checks, (), alpha=0.05, beta=0.05, interval=interval, warmup=2 * interval, stage_blocks=stages)


def arm(
    rng: np.random.Generator, rate: float, errors: float = 0.0, rejections: float = 0.0, slower: float = 0.0, missing: float = 0.0
) -> ArmCounts:
    """One interval: `rate` requests expected, `slower` in seconds, the others shares. p95 44 ms, 3.2 % above 50 ms, 0.2 % above 100 ms."""
    sent = int(rng.poisson(rate))
    lost = int(rng.binomial(sent, missing))
    answered = sent - lost
    failed = int(rng.binomial(answered, errors))
    refused = int(rng.binomial(answered - failed, rejections))
    seconds = np.sort(rng.lognormal(np.log(0.016), 0.62, answered) + slower)
    below = tuple(int(n) for n in np.searchsorted(seconds, ENVOY_BOUNDS, side="right"))
    return ArmCounts(answered, failed, refused, lost, answered, below)


def block(end: float, stable: ArmCounts, candidate: ArmCounts, *, usable: bool = True) -> Block:
    return Block(end, stable, candidate, ENVOY_BOUNDS, usable)
