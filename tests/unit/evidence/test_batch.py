"""Many series at once are judged as each is alone: recorded rollouts and those of the operator have one judge."""

from dataclasses import replace

import numpy as np
import pytest
from tests.statistics.arms import ERRORS, question

from headgate.api.vocabulary import Verdict
from headgate.evidence.batch import Outcomes, Streams, judge_streams
from headgate.evidence.bets import panel
from headgate.evidence.bets.arrays import joined
from headgate.evidence.bets.asymptotic import BURN_IN
from headgate.evidence.bets.calibration import Calibration, fit, tempered
from headgate.evidence.bets.noise import Dispersion, learn
from headgate.evidence.counting.block import ArmCounts, Block
from headgate.evidence.judge import advance, assess, start
from headgate.evidence.view import NoiseMode

BLOCKS = 60
ASKED = question(ERRORS, stages=(BLOCKS,))
EXCESS = np.array([0.0, 0.03, 0.3, 0.005])


def _arms(rng: np.random.Generator, blocks: int) -> np.ndarray:
    requests = rng.poisson(200, (len(EXCESS), 4, blocks))
    events = rng.binomial(requests, 0.01)
    others = requests.sum(axis=1, keepdims=True) - requests, events.sum(axis=1, keepdims=True) - events
    return np.stack([*others, requests, events], axis=-1).astype(float)


def _streams(rng: np.random.Generator) -> Streams:
    n_b, n_c = rng.poisson(800, (4, BLOCKS)), rng.poisson(200, (4, BLOCKS))
    counts = np.stack([n_b, rng.binomial(n_b, 0.01), n_c, rng.binomial(n_c, 0.01 + EXCESS[:, None])], axis=-1).astype(float)
    ends = np.broadcast_to(np.arange(1.0, BLOCKS + 1.0), (4, BLOCKS)).copy()
    return Streams(ends, counts, _arms(rng, BLOCKS), _arms(rng, 200))


def _alone(streams: Streams, series: int, fitted: Calibration, *, live: bool) -> tuple[float, float, float]:
    state, failed_at, passed_at, seen = start(ASKED), np.inf, np.inf, Dispersion.unknown((1,), 4)
    if streams.past is not None and live:
        requests, events = (streams.past[series, ..., k].sum() for k in (2, 3))
        state.panel.history[0] = panel.learn(np.zeros(4), np.array([requests, events, events, events]))
    for block in range(BLOCKS):
        n_b, e_b, n_c, e_c = streams.counts[series, block].astype(int).tolist()
        calibration = tempered(fitted, seen) if live else fitted
        one = Block(streams.ends[series, block], ArmCounts(n_b, e_b), ArmCounts(n_c, e_c))
        state = advance(state, ASKED, one, 0, calibration)
        seen = learn(seen, streams.arms[None, series, :, block]) if streams.arms is not None else seen
        verdict = assess(state, ASKED).verdict
        failed_at = min(failed_at, one.end) if verdict is Verdict.FAIL else failed_at
        passed_at = min(passed_at, one.end) if verdict is Verdict.PASS else passed_at
        if failed_at < np.inf:
            break
    return failed_at, passed_at, state.panel.peaks[0, 0]


@pytest.mark.parametrize("live", [True, False])
def test_a_batch_is_what_the_judge_says_of_each_series(live: bool) -> None:
    streams = _streams(np.random.default_rng(1))
    if live:
        assert streams.past is not None
        fitted = fit(streams.past, np.full(4, 0.01))
    else:
        streams, fitted = Streams(streams.ends, streams.counts), Calibration.robust((4,))
    outcomes = judge_streams(ASKED, {ERRORS: streams})
    for series in range(4):
        own = joined([fitted], lambda each, series=series: each[0][series : series + 1])
        failed_at, passed_at, harm = _alone(streams, series, own, live=live)
        assert outcomes.failed_at[series] == failed_at
        assert outcomes.passed_at[series] == passed_at
        assert outcomes.harm[series, 0] == pytest.approx(harm, abs=1e-9)
    assert outcomes.blamed.tolist()[:3] == [-1, 0, 0]


def _same(one: Outcomes, other: Outcomes, series: int) -> bool:
    names = ("failed_at", "passed_at", "harm", "good", "dispersion")
    return all(np.array_equal(getattr(one, name)[series], getattr(other, name)[series]) for name in names)


def test_each_series_is_calibrated_by_what_its_own_pods_tell() -> None:
    """As in the operator: by 3 pods, 40 blocks and 20 events of the past, else by its pods during the rollout, else not at all."""
    told = _streams(np.random.default_rng(3))
    assert told.past is not None
    assert told.arms is not None
    past, arms = told.past.copy(), told.arms.copy()
    past[1] = arms[1] = 0.0
    past[2, :, 39:] = 0.0
    past[3, 2:] = arms[3, 2:] = 0.0
    outcomes = judge_streams(ASKED, {ERRORS: Streams(told.ends, told.counts, arms, past)})
    assert outcomes.modes[:, 0].tolist() == [NoiseMode.HISTORY, NoiseMode.ROBUST, NoiseMode.LEARNING, NoiseMode.ROBUST]
    history = judge_streams(ASKED, {ERRORS: told})
    learning = replace(told, past=None)
    assert _same(outcomes, history, 0)
    assert outcomes.failed_at[1] == np.inf or outcomes.failed_at[1] >= BURN_IN
    assert judge_streams(ASKED, {ERRORS: learning}).modes[:, 0].tolist() == [NoiseMode.LEARNING] * 4
    assert judge_streams(ASKED, {ERRORS: Streams(told.ends, told.counts)}).modes[:, 0].tolist() == [NoiseMode.ROBUST] * 4


def test_a_past_without_events_tells_the_noise_by_very_many_requests_only() -> None:
    told = _streams(np.random.default_rng(4))
    assert told.past is not None
    past = told.past.copy()
    past[..., [1, 3]] = 0.0
    past[1, ..., [0, 2]] /= 1000.0
    outcomes = judge_streams(ASKED, {ERRORS: replace(told, past=past)})
    assert outcomes.modes[:, 0].tolist() == [NoiseMode.HISTORY, NoiseMode.LEARNING, NoiseMode.HISTORY, NoiseMode.HISTORY]


def test_a_series_that_ends_early_or_has_gaps_is_judged_by_what_it_has() -> None:
    streams = _streams(np.random.default_rng(2))
    ends, counts = streams.ends.copy(), streams.counts.copy()
    ends[1, 1:] = np.nan
    counts[1, 1:] = np.nan
    outcomes = judge_streams(ASKED, {ERRORS: Streams(ends, counts, streams.arms, streams.past)})
    assert outcomes.failed_at[1] == np.inf
    assert np.isfinite(outcomes.harm).all()
    assert outcomes.failed_at[2] < 10
