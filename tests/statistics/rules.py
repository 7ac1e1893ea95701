"""Other rules for taking a candidate back because of its error rate, on the same streams as the judge.

Each takes `counts` (runs, blocks, 4) and `every`, the number of blocks from one look to the next, and gives the block (from 1) at which
each run is rolled back, infinity if never. They see a stream in order: nothing later than a look is used at it.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr
from scipy.stats import norm
from tests.statistics import kayenta
from tests.statistics.group_sequential import lan_demets, like_obrien_fleming, like_pocock
from tests.statistics.mixtures import best_rho

from headgate.evidence.bets import eprocess

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Rule = Callable[[Floats, int], Floats]

THRESHOLD, NULL, ALPHA = 0.005, 0.0025, 0.05
"""A difference of 0.5 points is what the user asks for; the tests with half a margin in their null test against 0.25 points."""


def naive(counts: Floats, every: int) -> Floats:
    """z-test of two proportions, p < 0.05 two-sided, and more than 0.5 points worse, on all counts since the start."""
    n_b, e_b, n_c, e_c = _at_looks(np.cumsum(counts, axis=1), every)
    pooled = (e_b + e_c) / np.maximum(n_b + n_c, 1.0)
    error = np.sqrt(pooled * (1.0 - pooled) * _inverse_sum(n_b, n_c))
    difference = _rate(e_c, n_c) - _rate(e_b, n_b)
    significant = (error > 0.0) & (np.abs(difference) > norm.isf(0.025) * error)
    return _first(significant & (difference > THRESHOLD), every)


def argo(threshold: float) -> Rule:
    """Candidate's failures over 5 minutes above `threshold` at a look; the fourth such look fails the analysis (failureLimit: 3)."""

    def rule(counts: Floats, every: int) -> Floats:
        _, _, n_c, e_c = _at_looks(_window(counts, 20), every)
        return _first(np.cumsum(_rate(e_c, n_c) > threshold, axis=1) > 3, every)

    return rule


def flagger(counts: Floats, every: int) -> Floats:
    """Success below 99 % over the last minute at five checks, a check each minute or at each look, whichever is rarer."""
    every = max(every, 4)
    _, _, n_c, e_c = _at_looks(_window(counts, 4), every)
    return _first(np.cumsum(_rate(e_c, n_c) > 0.01, axis=1) >= 5, every)


def mann_whitney(counts: Floats, every: int) -> Floats:
    """Kayenta on failures per request and minute. It looks every ten minutes whatever `every` says."""
    runs, blocks, _ = counts.shape
    n_b, e_b, n_c, e_c = np.moveaxis(counts.reshape(runs, blocks // kayenta.POINT_BLOCKS, kayenta.POINT_BLOCKS, 4).sum(axis=2), -1, 0)
    return kayenta.rolled_back(_rate(e_b, n_b), _rate(e_c, n_c))


def obrien_fleming_half(counts: Floats, every: int) -> Floats:
    """Group-sequential z against 0.25 points, O'Brien-Fleming-like spending of one-sided 5 % over the planned looks, and > 0.5 points."""
    return _planned(counts, every, _boundary("obf", counts.shape[1] // every))


def pocock_half(counts: Floats, every: int) -> Floats:
    """The same with Pocock-like spending."""
    return _planned(counts, every, _boundary("pocock", counts.shape[1] // every))


@cache
def _boundary(kind: str, looks: int) -> Floats:
    return lan_demets((like_obrien_fleming if kind == "obf" else like_pocock)(ALPHA), looks)


def _planned(counts: Floats, every: int, boundary: Floats) -> Floats:
    n_b, e_b, n_c, e_c = _at_looks(np.cumsum(counts, axis=1), every)
    p_b, p_c = _rate(e_b, n_b), _rate(e_c, n_c)
    error = np.sqrt(p_b * (1.0 - p_b) / np.maximum(n_b, 1.0) + p_c * (1.0 - p_c) / np.maximum(n_c, 1.0))
    difference = p_c - p_b
    z = np.divide(difference - NULL, error, out=np.zeros_like(error), where=error > 0.0)
    return _first((z > boundary) & (difference > THRESHOLD), every)


def exact_half(counts: Floats, every: int) -> Floats:
    """The block e-process alone against 0.25 points, and > 0.5 points since the start or lately: no calibration, no confirmation."""
    log_e = exact_log_evidence(counts)
    reached = np.maximum.accumulate(log_e, axis=1) >= np.log(1.0 / ALPHA)
    wide = np.zeros(log_e.shape, dtype=np.bool_)
    for window in (counts.shape[1], 40, 12):
        n_b, e_b, n_c, e_c = np.moveaxis(_window(counts, window), -1, 0)
        wide |= _rate(e_c, n_c) - _rate(e_b, n_b) > THRESHOLD
    return _first((reached & wide)[:, every - 1 :: every], every)


def exact_log_evidence(counts: Floats) -> Floats:
    """log E (runs, blocks) of the judge's own e-process, from the operator's functions."""
    runs, blocks, _ = counts.shape
    ones, offset = np.ones(runs), np.full(runs, NULL)
    wealth = np.full((runs, len(eprocess.HARM_PRIOR)), eprocess.LOG_ZERO)
    past, events, spent = np.zeros(runs), np.zeros(runs), 0.0
    out = np.empty((runs, blocks))
    for k in range(blocks):
        n_b, e_b, n_c, e_c = (counts[:, k, column] for column in range(4))
        predicted = (events + 0.5) / (past + 50.0)
        block = (n_b[:, None], e_b[:, None], n_c[:, None], e_c[:, None])
        targets = eprocess.harm_targets(predicted, ones, offset)
        log_s = eprocess.block_log_evalue(predicted[:, None], targets, block, ones[:, None], offset[:, None], 1.0)
        weight = eprocess.start_weight((blocks,), 0, k, first=k == 0)
        spent = min(spent + weight, 1.0)
        wealth = eprocess.grow(wealth, weight, log_s)
        out[:, k] = eprocess.log_evidence(wealth, eprocess.HARM_PRIOR, spent)
        past, events = past + n_b, events + e_b
    return out


ASYMPTOTIC_BURN_IN, ASYMPTOTIC_TUNED_FOR = 20, 40


def asymptotic(counts: Floats, every: int) -> Floats:
    """Asymptotic confidence sequence of the Mantel-Haenszel difference per block against 0.5 points, from the 20th block on."""
    n_b, e_b, n_c, e_c = np.moveaxis(counts, -1, 0)
    u = np.where((n_b > 0) & (n_c > 0), n_b * n_c / np.maximum(n_b + n_c, 1.0) * (_rate(e_c, n_c) - _rate(e_b, n_b) - THRESHOLD), 0.0)
    t = np.arange(1, u.shape[1] + 1)
    total = np.cumsum(u, axis=1)
    spread = np.sqrt(np.maximum(np.cumsum(u * u, axis=1) / t - (total / t) ** 2, 1e-12))
    s, rho = total / spread, best_rho(ASYMPTOTIC_TUNED_FOR, 2.0 * ALPHA)
    log_e = 0.5 * np.log(4.0 * rho / (t + rho)) + s * s / (2.0 * (t + rho)) + log_ndtr(s / np.sqrt(t + rho))
    reached = (log_e >= np.log(1.0 / ALPHA)) & (t >= ASYMPTOTIC_BURN_IN)
    return _first(np.maximum.accumulate(reached, axis=1)[:, every - 1 :: every], every)


def _at_looks(cumulated: Floats, every: int) -> tuple[Floats, Floats, Floats, Floats]:
    n_b, e_b, n_c, e_c = np.moveaxis(cumulated[:, every - 1 :: every], -1, 0)
    return n_b, e_b, n_c, e_c


def _window(counts: Floats, blocks: int) -> Floats:
    """Sums over the last `blocks` blocks, or all there are."""
    cumulated = np.cumsum(counts, axis=1)
    sums: Floats = cumulated.copy()
    sums[:, blocks:] -= cumulated[:, :-blocks]
    return sums


def _rate(events: Floats, requests: Floats) -> Floats:
    rate: Floats = events / np.maximum(requests, 1.0)
    return rate


def _inverse_sum(one: Floats, other: Floats) -> Floats:
    inverse: Floats = 1.0 / np.maximum(one, 1.0) + 1.0 / np.maximum(other, 1.0)
    return inverse


def _first(fired: Flags, every: int) -> Floats:
    """Block of the first look at which a run's flag is set."""
    times: Floats = np.where(fired.any(axis=1), (fired.argmax(axis=1) + 1.0) * every, np.inf)
    return times
