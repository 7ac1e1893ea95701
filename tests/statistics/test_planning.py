"""Planned against the judge that the operator runs: calibrated by the stable version's pods, or robust where there are too few of them.

The median of seeded runs is within a factor of 1.5, and one block, of what half of all rollouts are said to need, and nine in ten end by
the time that is said for them, as far as chance allows.
"""

from dataclasses import dataclass
from functools import cache
from statistics import median

import numpy as np
import pytest
from tests.statistics.arms import ENVOY_BOUNDS, arm, block

from headgate.api.policy import RolloutPolicySpec
from headgate.api.vocabulary import Verdict
from headgate.evidence.batch import Outcomes, Streams, judge_streams
from headgate.evidence.bets.arrays import Floats
from headgate.evidence.bets.calibration import Calibration
from headgate.evidence.check import Question
from headgate.evidence.judge import advance, assess, start
from headgate.evidence.latency.slow_shares import Past
from headgate.evidence.pods.arms import against_the_others
from headgate.evidence.power import Traffic
from headgate.rollout.forecast import BEYOND, TWICE, CheckForecast, Effort, Noise, forecast

FACTOR = 1.5
RUNS = 61
INTERVAL = 15.0
WARMUP = 60.0
PAST = 1440
"""Blocks: six hours."""


def planned(share: float, traffic: Traffic, noise: Noise, check: dict[str, object]) -> CheckForecast:
    """One canary stage of an hour, and the full one."""
    stages = [
        {"name": "canary", "trafficPercent": f"{share:g}", "minDuration": "10m", "maxDuration": "60m"},
        {"name": "full", "holdbackPercent": 1, "minDuration": "10m", "maxDuration": "60m"},
    ]
    policy = RolloutPolicySpec.model_validate({"stages": stages, "checks": [check]})
    return forecast(policy, traffic, noise).stages[0].checks[0]


def asked(made: CheckForecast) -> Question:
    return Question((made.check,), (), alpha=0.05, beta=0.05, interval=INTERVAL, warmup=WARMUP, stage_blocks=(240, 240))


@dataclass(frozen=True)
class Cell:
    """Requests/s of all users, share of the candidate in percent, rate of errors, margin in points, pods, clustering of the failures."""

    requests: float
    share: float
    rate: float
    margin: float
    pods: int = 3
    cluster: int = 1

    @property
    def check(self) -> CheckForecast:
        errors = {"metric": "errors", "maxIncrease": f"{self.margin:g}pp"}
        return planned(self.share, Traffic(self.requests, self.rate), Noise(self.pods, float(self.cluster)), errors)

    def judged(self, excess: float, blocks: int, seed: int) -> Outcomes:
        """Runs whose candidate fails `excess` more."""
        rng, part = np.random.default_rng(seed), self.share / 100
        pods = self._counted(rng, (RUNS, blocks, self.pods), self.requests * (1 - part) / self.pods, self.rate)
        candidate = self._counted(rng, (RUNS, blocks), self.requests * part, self.rate + excess)
        past = self._counted(rng, (RUNS, PAST, self.pods), self.requests / self.pods, self.rate) if self.pods >= 3 else None
        streams = Streams(
            ends=np.broadcast_to(INTERVAL * np.arange(1.0, blocks + 1.0), (RUNS, blocks)).copy(),
            counts=np.concatenate((pods.sum(axis=2), candidate), axis=-1),
            arms=_arms(pods) if self.pods >= 3 else None,
            past=_arms(past) if past is not None else None,
        )
        return judge_streams(asked(self.check), {self.check.check: streams})

    def _counted(self, rng: np.random.Generator, shape: tuple[int, ...], per_second: float, rate: float) -> Floats:
        requests = rng.poisson(INTERVAL * per_second, shape)
        events = np.minimum(self.cluster * rng.binomial(requests, rate / self.cluster), requests)
        return np.stack((requests, events), axis=-1).astype(np.float64)


def _arms(pods: Floats) -> Floats:
    return np.moveaxis(against_the_others(pods), 2, 1)


CELLS = (
    Cell(200, 5, 0.01, 0.5),
    Cell(60, 25, 0.005, 0.5),
    Cell(20, 50, 0.005, 1),
    Cell(20, 50, 0.05, 2),
    Cell(60, 5, 0.0005, 0.5),
    Cell(60, 90, 0.01, 1, pods=8),
    Cell(20, 5, 0.0, 2),
    Cell(200, 25, 0.02, 0.5, cluster=4),
    Cell(200, 5, 0.01, 0.5, pods=2),
    Cell(60, 25, 0.005, 0.5, pods=2),
    Cell(20, 50, 0.05, 2, pods=1),
    Cell(20, 50, 0.02, 1, pods=2),
)


@cache
def _good(cell: Cell) -> Floats:
    effort = cell.check.good
    assert effort is not None
    return cell.judged(0.0, int(3 * effort.most / INTERVAL), 41).passed_at + WARMUP


@cache
def _harm(cell: Cell, margins: float) -> Floats:
    return cell.judged(margins * cell.margin / 100, int(3 * _effort(cell, margins).most / INTERVAL), 42).failed_at + WARMUP


def _effort(cell: Cell, margins: float) -> Effort:
    effort = cell.check.twice if margins == TWICE else cell.check.beyond
    assert effort is not None
    return effort


def _as_planned(found: Floats, effort: Effort) -> None:
    half = float(np.median(found))
    print(f"planned {effort.typical:.0f} to {effort.most:.0f}, found {half:.0f} and {np.mean(found <= effort.most):.2f}")
    assert effort.typical / FACTOR - INTERVAL <= half <= effort.typical * FACTOR + INTERVAL
    assert np.mean(found <= effort.most) >= 0.75


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_good_version_is_proven_when_it_was_planned_to_be(cell: Cell) -> None:
    effort = cell.check.good
    assert effort is not None
    _as_planned(_good(cell), effort)


@pytest.mark.parametrize("cell", CELLS, ids=str)
@pytest.mark.parametrize("margins", [TWICE, BEYOND])
def test_harm_is_seen_when_it_was_planned_to_be(cell: Cell, margins: float) -> None:
    _as_planned(_harm(cell, margins), _effort(cell, margins))


LATENCY = {"metric": "latency", "quantile": "0.95", "maxIncrease": "50ms"}


FEW = 41


def _latency_seconds(
    rng: np.random.Generator, question: Question, per_block: tuple[float, float], verdict: Verdict, slower: float
) -> float:
    state, calibration = start(question), Calibration.learning((1,))
    for k in range(400):
        one = block(INTERVAL * (k + 1), arm(rng, per_block[0]), arm(rng, per_block[1], slower=slower), usable=INTERVAL * k >= WARMUP)
        state = advance(state, question, one, 0, calibration)
        if assess(state, question).verdict is verdict:
            return INTERVAL * (k + 1)
    return INTERVAL * 4000


@pytest.mark.parametrize(("requests", "share"), [(4.0, 20.0), (1.0, 50.0), (40.0, 5.0)])
def test_latency_is_decided_when_it_was_planned_to_be(requests: float, share: float) -> None:
    rng = np.random.default_rng(33)
    seen = arm(rng, 50_000)
    check = planned(share, Traffic(requests, latency=Past(ENVOY_BOUNDS, seen.timed, seen.below)), Noise(), LATENCY)
    assert check.good is not None
    assert check.twice is not None
    per_block = (INTERVAL * requests * (1 - share / 100), INTERVAL * requests * share / 100)
    question = asked(check)
    for verdict, slower, effort in ((Verdict.PASS, 0.0, check.good), (Verdict.FAIL, TWICE * 0.05, check.twice)):
        found = median(_latency_seconds(rng, question, per_block, verdict, slower) for _ in range(FEW))
        assert effort.typical / FACTOR - INTERVAL <= found <= effort.typical * FACTOR + INTERVAL, (verdict, found, effort)
