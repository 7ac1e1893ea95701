"""Planned against judged: the time that `power` says half of all rollouts need is the median of seeded runs of the judge, within 1.5."""

from dataclasses import dataclass
from statistics import median

import numpy as np
import pytest
from tests.statistics.arms import ENVOY_BOUNDS, arm, block

from headgate.api.policy import RolloutPolicySpec
from headgate.api.vocabulary import Verdict
from headgate.evidence.block import ArmCounts, Block
from headgate.evidence.check import Question
from headgate.evidence.judge import advance, assess, start
from headgate.evidence.latency import Past
from headgate.evidence.power import Traffic
from headgate.rollout.forecast import BEYOND, TWICE, CheckForecast, Forecast, forecast

FACTOR = 1.5
RUNS = 41
INTERVAL = 15.0
WARMUP = 60.0


def planned(share: float, traffic: Traffic, *checks: dict[str, object]) -> Forecast:
    """One canary stage of an hour, and the full one."""
    stages = [
        {"name": "canary", "trafficPercent": f"{share:g}", "minDuration": "10m", "maxDuration": "60m"},
        {"name": "full", "holdbackPercent": 1, "minDuration": "10m", "maxDuration": "60m"},
    ]
    return forecast(RolloutPolicySpec.model_validate({"stages": stages, "checks": list(checks)}), traffic)


def asked(made: Forecast, verdict_of: CheckForecast) -> Question:
    checks = tuple(check.check for check in made.stages[0].checks)
    assert verdict_of.check in checks
    return Question(checks, (), alpha=0.05, beta=0.05, interval=INTERVAL, warmup=WARMUP, stage_blocks=(240, 240))


@dataclass(frozen=True)
class Cell:
    """Requests/s of all users, share of the candidate in percent, rate of errors, margin in points."""

    requests: float
    share: float
    rate: float
    margin: float

    def forecast(self) -> tuple[Forecast, CheckForecast]:
        errors = {"metric": "errors", "maxIncrease": f"{self.margin:g}pp", "weight": 4}
        rejections = {"metric": "rejections", "maxIncrease": "1pp", "weight": 2, "required": False}
        made = planned(self.share, Traffic(self.requests, self.rate, 0.0), errors, rejections)
        return made, made.stages[0].checks[0]

    def judged(self, verdict: Verdict, excess: float, limit: int) -> float:
        """Median seconds since the stage took effect."""
        made, check = self.forecast()
        question, rng = asked(made, check), np.random.default_rng(31)
        return median(self._seconds(rng, question, verdict, excess, limit) for _ in range(RUNS))

    def _seconds(self, rng: np.random.Generator, question: Question, verdict: Verdict, excess: float, limit: int) -> float:
        state = start(question)
        for k in range(limit):
            n_b, n_c = (int(rng.poisson(INTERVAL * self.requests * part)) for part in (1 - self.share / 100, self.share / 100))
            stable = ArmCounts(n_b, int(rng.binomial(n_b, self.rate)))
            candidate = ArmCounts(n_c, int(rng.binomial(n_c, self.rate + excess)))
            state = advance(state, question, Block(INTERVAL * (k + 1), stable, candidate, usable=INTERVAL * k >= WARMUP), 0)
            if assess(state, question).checks[0].verdict is verdict:
                return INTERVAL * (k + 1)
        return INTERVAL * limit * 10


CELLS = (
    Cell(200, 5, 0.01, 0.5),
    Cell(60, 25, 0.005, 0.5),
    Cell(20, 50, 0.005, 1),
    Cell(20, 50, 0.05, 2),
    Cell(60, 5, 0.0005, 0.5),
    Cell(60, 90, 0.01, 1),
    Cell(20, 5, 0.0, 2),
)


@pytest.mark.parametrize("cell", CELLS, ids=str)
@pytest.mark.parametrize("margins", [TWICE, BEYOND])
def test_harm_is_seen_when_it_was_planned_to_be(cell: Cell, margins: float) -> None:
    check = cell.forecast()[1]
    effort = check.twice if margins == TWICE else check.beyond
    assert effort is not None
    found = cell.judged(Verdict.FAIL, margins * cell.margin / 100, limit=int(4 * effort.most / INTERVAL))
    # The block in which harm is seen is at most one off.
    assert effort.typical / FACTOR - INTERVAL <= found <= effort.typical * FACTOR + INTERVAL


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_good_version_is_proven_when_it_was_planned_to_be(cell: Cell) -> None:
    effort = cell.forecast()[1].good
    assert effort is not None
    found = cell.judged(Verdict.PASS, 0.0, limit=int(4 * effort.most / INTERVAL))
    assert effort.typical / FACTOR - INTERVAL <= found <= effort.typical * FACTOR + INTERVAL


LATENCY = {"metric": "latency", "quantile": "0.95", "maxIncrease": "50ms"}


def _latency_seconds(
    rng: np.random.Generator, question: Question, per_block: tuple[float, float], verdict: Verdict, slower: float
) -> float:
    state = start(question)
    for k in range(400):
        one = block(INTERVAL * (k + 1), arm(rng, per_block[0]), arm(rng, per_block[1], slower=slower), usable=INTERVAL * k >= WARMUP)
        state = advance(state, question, one, 0)
        if assess(state, question).verdict is verdict:
            return INTERVAL * (k + 1)
    return INTERVAL * 4000


@pytest.mark.parametrize(("requests", "share"), [(4.0, 20.0), (1.0, 50.0), (40.0, 5.0)])
def test_latency_is_decided_when_it_was_planned_to_be(requests: float, share: float) -> None:
    rng = np.random.default_rng(33)
    seen = arm(rng, 50_000)
    made = planned(share, Traffic(requests, latency=Past(ENVOY_BOUNDS, seen.timed, seen.below)), LATENCY)
    check = made.stages[0].checks[0]
    assert check.good is not None
    assert check.twice is not None
    per_block = (INTERVAL * requests * (1 - share / 100), INTERVAL * requests * share / 100)
    question = asked(made, check)
    for verdict, slower, effort in ((Verdict.PASS, 0.0, check.good), (Verdict.FAIL, TWICE * 0.05, check.twice)):
        found = median(_latency_seconds(rng, question, per_block, verdict, slower) for _ in range(RUNS))
        assert effort.typical / FACTOR - INTERVAL <= found <= effort.typical * FACTOR + INTERVAL, (verdict, found, effort)


def test_nine_of_ten_runs_end_by_the_time_planned_for_them() -> None:
    """Of 41 runs: within what chance allows at nine in ten, and not far below it."""
    cell = CELLS[1]
    made, check = cell.forecast()
    assert check.good is not None
    question, rng, limit = asked(made, check), np.random.default_rng(35), int(4 * check.good.most / INTERVAL)
    ended = sum(cell._seconds(rng, question, Verdict.PASS, 0.0, limit) <= check.good.most for _ in range(RUNS))
    assert ended >= 33
