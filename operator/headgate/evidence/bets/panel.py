"""The judge's memory of many comparisons side by side, and how one more block of each changes it.

Everything has the same leading axes: (checks,) for one rollout, (series, checks) for many. There is one code for both, so what is
proven about thousands of simulated rollouts is true of the one that users are in.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from headgate.evidence.bets import asymptotic, confirmation, eprocess, selfnormal
from headgate.evidence.bets.arrays import Arrays, Floats
from headgate.evidence.bets.asymptotic import Drift
from headgate.evidence.bets.calibration import ASYMPTOTIC, BETS, STEADY, Calibration
from headgate.evidence.bets.comparison import CANDIDATE_REQUESTS, STABLE_REQUESTS, comparable
from headgate.evidence.bets.confirmation import Confirmation
from headgate.evidence.bets.eprocess import EFFECTS, GOOD_PRIOR, HARM_GAPS, HARM_PRIOR, LEAST_RATE, LOG_ZERO
from headgate.evidence.bets.selfnormal import STAKE_PRIOR, STAKES

_HARMS, _STAKES = len(HARM_GAPS), len(STAKES)
_SIDE = np.array([1.0] * _HARMS + [-1.0] * (EFFECTS - _HARMS))
HARM, ACT, GOOD = range(3)
"""The axis of what a block is compared with: half the margin, the whole one, and the whole one again for being good."""

HISTORY_REQUESTS = 50_000.0
"""Requests of the stable version that a prediction rests on; older ones fade, so that it follows a drifting rate."""
_PRIOR_EVENTS, _PRIOR_REQUESTS = 0.5, 50.0
ENOUGH_VALUES, ENOUGH_UNCALIBRATED = 10.0, 60.0
"""Values of the candidate whose mean is compared with that of the stable version; and where no A/A data tell how skewed they are."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows(Arrays):
    """One block of each comparison.

    `end`: its time in seconds, (...). `counts`: of both arms for HARM, ACT and GOOD, (..., 3, 4): all zero where it compares nothing.
    `lines`: (ratio, offset) of the three, (..., 3, 2). `learnt`: the stable version's requests, and its events for harm, for good, and
    where a candidate that behaves like it would be for good: (..., 4); told also by blocks that compare nothing.
    """

    end: Floats
    counts: Floats
    lines: Floats
    learnt: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Panel(Arrays):
    """`history`: as Rows.learnt, summed up and fading. `bets`: log wealth per supposed effect. `steady`: log wealth per stake of the
    self-normalised bet, for harm then for good. `drift`: sums of the asymptotic evidence. `evidence`: log E for harm and for good,
    (..., 2); `peaks`: its running maxima. `compared`: blocks with requests on both sides. `memory`: for confirmation. `waiting`: counts of
    values that are too few to be compared yet, (..., 4)."""

    history: Floats
    bets: Floats
    steady: Floats
    drift: Drift
    evidence: Floats
    peaks: Floats
    compared: Floats
    memory: Confirmation
    waiting: Floats

    @classmethod
    def empty(cls, shape: tuple[int, ...]) -> Self:
        return cls(
            history=np.zeros((*shape, 4)),
            bets=np.full((*shape, EFFECTS), LOG_ZERO),
            steady=np.full((*shape, 2 * _STAKES), LOG_ZERO),
            drift=Drift.none(shape),
            evidence=np.zeros((*shape, 2)),
            peaks=np.zeros((*shape, 2)),
            compared=np.zeros(shape),
            memory=Confirmation.empty(shape),
            waiting=np.zeros((*shape, 4)),
        )


def predicted(history: Floats) -> Floats:
    """The stable version's rates for harm, for good, and at the candidate's bound for good: (..., 3), strictly inside (0, 1)."""
    rates = (history[..., 1:] + _PRIOR_EVENTS) / (history[..., :1] + _PRIOR_REQUESTS)
    clipped: Floats = np.clip(rates, LEAST_RATE, 1.0 - LEAST_RATE)
    return clipped


def learn(history: Floats, learnt: Floats) -> Floats:
    """`history` and one more block, of HISTORY_REQUESTS requests at most."""
    total = history + learnt
    kept: Floats = total * np.minimum(1.0, HISTORY_REQUESTS / np.maximum(total[..., :1], 1.0))
    return kept


def advance(panel: Panel, rows: Rows, calibration: Calibration, start: ArrayLike, spent: ArrayLike) -> Panel:
    """`panel` after one more block. `start` is the prior weight of a regression that begins with it, `spent` the sum of such weights with
    this one, each for all or per comparison. Predictions and calibration come from earlier blocks only."""
    rates = predicted(panel.history)
    rows, waiting = _gathered(panel.waiting, rows, calibration)
    harm, good = rows.counts[..., HARM, :], rows.counts[..., GOOD, :]
    bets = eprocess.grow(panel.bets, start, _log_evalues(rows, rates) * calibration.kappa)
    steady = eprocess.grow(panel.steady, start, _log_factors(rows, rates, calibration))
    drift = asymptotic.drift(panel.drift, good, rows.lines[..., GOOD, :], rates[..., 1], calibration.variance)
    events = np.where(calibration.of_means, 0.0, 1.0)
    memory = confirmation.observe(panel.memory, rows.end, harm, rows.counts[..., ACT, :], rows.lines[..., HARM, :], events)
    glaring = confirmation.glaring(memory)
    sides = [
        _joined(bets[..., :_HARMS], HARM_PRIOR, steady[..., :_STAKES], asymptotic.log_evalue(drift, 1.0), calibration, glaring, spent),
        _joined(bets[..., _HARMS:], GOOD_PRIOR, steady[..., _STAKES:], asymptotic.log_evalue(drift, -1.0), calibration, None, spent),
    ]
    evidence = np.stack(sides, axis=-1)
    return Panel(
        history=learn(panel.history, rows.learnt),
        bets=bets,
        steady=steady,
        drift=drift,
        evidence=evidence,
        peaks=np.maximum(panel.peaks, evidence),
        compared=panel.compared + comparable(harm),
        memory=memory,
        waiting=waiting,
    )


def _gathered(waiting: Floats, rows: Rows, calibration: Calibration) -> tuple[Rows, Floats]:
    """The rows with values put together over blocks until the candidate has enough of them, and what waits for more. A mean of few values
    with a heavy tail looks lower than it is most of the time, and far higher now and then."""
    means = calibration.of_means
    if not means.any():
        return rows, waiting
    total = waiting + rows.counts[..., HARM, :]
    enough = np.where(calibration.shares[..., ASYMPTOTIC] > 0.0, ENOUGH_UNCALIBRATED, ENOUGH_VALUES)
    full = (total[..., CANDIDATE_REQUESTS] >= enough) & (total[..., STABLE_REQUESTS] > 0.0)
    compared = np.where(full[..., None], total, 0.0)[..., None, :]
    counts = np.where(means[..., None, None], compared, rows.counts)
    return replace(rows, counts=counts), np.where((means & ~full)[..., None], total, 0.0)


def _joined(
    bets: Floats,
    prior: Floats,
    steady: Floats,
    log_asymptotic: Floats,
    calibration: Calibration,
    glaring: np.ndarray | None,
    spent: ArrayLike,
) -> Floats:
    """log E of one side: the mean of the three kinds of evidence, weighted by their shares of the money."""
    log_bets = eprocess.log_evidence(bets, prior, spent)
    if glaring is None:
        glaring = np.zeros(log_bets.shape, dtype=bool)
    # Counting less evidence than there is breaks no promise.
    log_bets = np.where((calibration.wary > 0.0) & ~glaring, np.minimum(log_bets, 0.0), log_bets)
    kinds = np.empty((*log_bets.shape, 3))
    kinds[..., BETS] = log_bets
    kinds[..., STEADY] = eprocess.log_evidence(steady, STAKE_PRIOR, spent)
    kinds[..., ASYMPTOTIC] = log_asymptotic
    with np.errstate(divide="ignore"):
        joined: Floats = np.logaddexp.reduce(np.log(calibration.shares) + kinds, axis=-1)
    return joined


def _log_evalues(rows: Rows, rates: Floats) -> Floats:
    """log S of one block, (..., effects): both directions in one projection."""
    harm_line, good_line = rows.lines[..., HARM, :], rows.lines[..., GOOD, :]
    targets = np.concatenate(
        (
            eprocess.harm_targets(rates[..., 0], harm_line[..., 0], harm_line[..., 1]),
            eprocess.good_targets(rates[..., 1], rates[..., 2], good_line[..., 0], good_line[..., 1]),
        ),
        axis=-1,
    )
    harm, good = (rows.counts[..., side, :] for side in (HARM, GOOD))
    n_b, e_b, n_c, e_c = (_per_effect(harm[..., k], good[..., k]) for k in range(4))
    stable = _per_effect(rates[..., 0], rates[..., 1])
    ratio, offset = (_per_effect(harm_line[..., k], good_line[..., k]) for k in range(2))
    return eprocess.block_log_evalue(stable, targets, (n_b, e_b, n_c, e_c), ratio, offset, _SIDE)


def _per_effect(harm: Floats, good: Floats) -> Floats:
    spread: Floats = np.where(_SIDE > 0.0, harm[..., None], good[..., None])
    return spread


def _log_factors(rows: Rows, rates: Floats, calibration: Calibration) -> Floats:
    """Logarithms of the self-normalised factors of one block, (..., 2 * stakes)."""
    halves = []
    for side, what, rate in ((1.0, HARM, rates[..., 0]), (-1.0, GOOD, rates[..., 1])):
        x = side * selfnormal.standardised(rows.counts[..., what, :], rows.lines[..., what, :], rate, calibration.variance)
        halves.append(selfnormal.log_factors(x, calibration.deficit[..., 0 if side > 0.0 else 1]))
    factors: Floats = np.concatenate(halves, axis=-1)
    return factors


def blamed(panel: Panel, joint_peak: Floats, weights: Floats, alpha: ArrayLike, act: Floats) -> np.ndarray:
    """Which check each rollout is to be taken back for, as an index of the last axis; -1: none.

    `joint_peak`, the running maximum of `joint`, must have reached 1/alpha, and the check must be the largest contributor, or carry
    enough alone, and be confirmed. `weights` sum to 1 over the last axis; `alpha` for all or per rollout; `act` are the lines at the
    whole margin, (..., checks, 2).
    """
    shares, threshold = np.log(weights) + panel.peaks[..., 0], -np.log(np.asarray(alpha, dtype=np.float64))
    reached = joint_peak >= threshold
    found = np.full(reached.shape, -1)
    if not reached.any():
        return found
    carries = (shares >= shares.max(axis=-1, keepdims=True)) | (shares >= threshold[..., None])
    accused = reached[..., None] & carries & confirmation.confirmed(panel.memory, act)
    first = np.argmax(np.where(accused, shares, -np.inf), axis=-1)
    result: np.ndarray = np.where(accused.any(axis=-1), first, found)
    return result


def joint(log_evidence: Floats, weights: Floats) -> Floats:
    """log of the weighted mean over the last axis: an e-process, whatever the dependence between the checks."""
    total: Floats = np.logaddexp.reduce(np.log(weights) + log_evidence, axis=-1)
    return total
