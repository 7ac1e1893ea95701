"""Means by sum and count: lines, how their spread is learnt from A/A data, and one judge for one rollout and for many."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.statistics.arms import question

from headgate.api.quantities import Margin, Unit
from headgate.api.vocabulary import Metric, Verdict
from headgate.evidence.batch import Streams, judge_streams
from headgate.evidence.bets import means
from headgate.evidence.bets.arrays import joined
from headgate.evidence.bets.calibration import Calibration, tempered
from headgate.evidence.bets.comparison import UNKNOWN, limits_of, summed
from headgate.evidence.bets.noise import Dispersion, learn
from headgate.evidence.check import Check, Worse
from headgate.evidence.counting.block import ArmCounts, Block
from headgate.evidence.judge import advance, assess, start

VALUE = Check(Metric.VALUE, Margin(10, Unit.RELATIVE), worse=Worse.LESS, summary="v")
CONVERSIONS = replace(VALUE, metric=Metric.CONVERSIONS)


@given(st.floats(0.01, 0.99), st.floats(0.0, 1.2))
def test_the_line_of_misses_is_that_of_conversions(rate: float, better: float) -> None:
    line = limits_of(CONVERSIONS).act
    _, misses = summed(CONVERSIONS, 1.0, min(rate * better, 1.0))
    beyond = misses - line.ratio * (1.0 - rate) - line.offset
    assert beyond == pytest.approx(0.9 * rate - min(rate * better, 1.0), abs=1e-12)


@pytest.mark.parametrize(("worse", "mean"), [(Worse.LESS, 0.9), (Worse.MORE, 1.1)])
def test_a_mean_at_the_limit_is_on_the_line(worse: Worse, mean: float) -> None:
    check = replace(VALUE, worse=worse)
    line = limits_of(check).act
    stable, candidate = (summed(check, 1.0, value)[1] for value in (7.0, 7.0 * mean))
    assert candidate == pytest.approx(line.ratio * stable + line.offset)


def _blocks(
    rng: np.random.Generator, rate: float, shape: tuple[int, ...], mean: float = 1.0, swing: np.ndarray | None = None
) -> np.ndarray:
    """(answers, sums of exponential values), with the variance of one value 9."""
    answers = rng.poisson(rate, shape)
    level = 3.0 * mean * (1.0 if swing is None else swing)
    return np.stack((answers, level * rng.gamma(np.maximum(answers, 1e-9))), axis=-1)


def _arms(rng: np.random.Generator, blocks: int, *, bursts: bool = False) -> np.ndarray:
    swing = np.repeat(rng.uniform(0.5, 1.5, (4, blocks // 12)), 12, axis=1) if bursts else None
    pods = _blocks(rng, 50.0, (4, blocks), swing=swing)
    return np.concatenate((pods.sum(axis=0) - pods, pods), axis=-1)[None]


def test_the_spread_of_single_values_is_found_between_blocks() -> None:
    found = means.fit(_arms(np.random.default_rng(1), 1200))
    assert found.variance[0] == pytest.approx(9.0, rel=0.15)
    assert found.phi[0] < 1.2
    assert found.kappa.max() == 0.0, "events are not counted"


def test_values_that_swing_together_for_longer_than_a_block_count_as_what_they_are() -> None:
    found = means.fit(_arms(np.random.default_rng(2), 1200, bursts=True))
    assert found.phi[0] > 5
    assert found.variance[0] > 100


def test_values_that_are_all_alike_are_not_taken_for_certain() -> None:
    arms = np.broadcast_to(np.array([150.0, 150.0, 50.0, 50.0]), (1, 4, 100, 4))
    assert 0.0 < means.fit(arms).variance[0] < 1e-4


def test_two_pods_cannot_tell_the_spread() -> None:
    with pytest.raises(ValueError, match="at least 3"):
        means.fit(_arms(np.random.default_rng(3), 60)[:, :2])


def _seen(arms: np.ndarray) -> Dispersion:
    seen = Dispersion.unknown((1,), arms.shape[1])
    for block in range(arms.shape[2]):
        seen = learn(seen, arms[:, :, block], np.array([True]))
    return seen


def test_meanwhile_only_a_larger_spread_is_believed() -> None:
    quiet, loud = _arms(np.random.default_rng(4), 1200), _arms(np.random.default_rng(5), 120, bursts=True)
    known = means.fit(quiet)
    assert tempered(known, _seen(loud)).variance[0] > 5 * known.variance[0]
    assert tempered(known, _seen(quiet[:, :, :120])).variance == pytest.approx(known.variance, rel=0.2)
    assert tempered(means.fit(loud), _seen(quiet)).variance == means.fit(loud).variance


def test_nothing_is_bet_before_the_spread_is_known() -> None:
    learning = Calibration.learning_mean((1,))
    arms = _arms(np.random.default_rng(6), 60)
    assert tempered(learning, _seen(arms[:, :, :10])).variance[0] == UNKNOWN
    assert tempered(learning, _seen(arms)).variance[0] == pytest.approx(9.0, rel=0.5)
    assert tempered(Calibration.robust_mean((1,)), _seen(arms)).variance[0] == UNKNOWN


ASKED, BLOCKS = question(VALUE, stages=(80,)), 80


@pytest.mark.parametrize(("known", "answers"), [(True, 12.0), (False, 70.0)])
def test_a_batch_is_what_the_judge_says_of_each_series(known: bool, answers: float) -> None:
    rng = np.random.default_rng(7)
    stable, candidate = (_blocks(rng, rate, (3, BLOCKS), mean) for rate, mean in ((190.0, 1.0), (answers, 0.5)))
    counts = np.concatenate((stable, candidate), axis=-1) * np.array([1.0, -1.0, 1.0, -1.0])
    ends = np.broadcast_to(np.arange(1.0, BLOCKS + 1.0), (3, BLOCKS)).copy()
    past = np.concatenate([_arms(rng, 60) * np.array([1.0, -1.0, 1.0, -1.0]) for _ in range(3)]) if known else None
    fitted = means.fit(past) if past is not None else Calibration.robust_mean((3,))
    outcomes = judge_streams(ASKED, {VALUE: Streams(ends, counts, None, past)})
    for series in range(3):
        own = joined([fitted], lambda each, series=series: each[0][series : series + 1])
        state, failed_at = start(ASKED), np.inf
        for block in range(BLOCKS):
            arms = [ArmCounts(1, summed={"v": (n, total)}) for n, total in (stable[series, block], candidate[series, block])]
            state = advance(state, ASKED, Block(ends[series, block], *arms), 0, own)
            if assess(state, ASKED).verdict is Verdict.FAIL:
                failed_at = ends[series, block]
                break
        assert outcomes.failed_at[series] == failed_at < np.inf
        assert outcomes.harm[series, 0] == pytest.approx(float(state.panel.peaks[0, 0]), abs=1e-9)


def test_one_answer_that_outweighs_all_others_is_no_proof() -> None:
    counts = np.tile(np.array([190.0, 190.0, 20.0, 20.0]), (1, BLOCKS, 1))
    counts[0, 30, 3] = 1e6
    ends = np.arange(1.0, BLOCKS + 1.0)[None]
    past = _arms(np.random.default_rng(8), 60)
    dear = replace(VALUE, worse=Worse.MORE)
    assert judge_streams(question(dear), {dear: Streams(ends, counts, None, past)}).failed_at[0] == np.inf
