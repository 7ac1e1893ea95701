"""How much evidence a check will need where nothing is known of the stable version's noise: the asymptotic evidence, on its expected path.

Its sums are those of a Brownian motion, so half of all runs are beyond their mean, and nine of ten beyond it less 1.28 standard deviations.
The bets that count while harm is obvious are left out: they only make such harm shorter.
"""

from math import exp, inf, log

import numpy as np

from headgate.evidence.bets import asymptotic
from headgate.evidence.bets.arrays import Floats
from headgate.evidence.bets.asymptotic import BURN_IN, TUNING, Drift
from headgate.evidence.bets.calibration import ASYMPTOTIC, ROBUST_SHARES
from headgate.evidence.power import NEVER, Contest, Flow, Judging, Wait, whole

_DEVIATIONS = (0.0, 1.2816)
"""Below the mean, of the runs that are waited for: the median, and the ninth of ten."""
_BLOCKS = BURN_IN * np.geomspace(1.0, 1e6, 1400)
"""Steps of one in a hundred."""


def until_reached(flow: Flow, contest: Contest, log_threshold: float, side: float, judging: Judging) -> Wait:
    """Until the evidence has reached exp(`log_threshold`) that the candidate is beyond the line (`side` = 1), or within it (-1).

    The line is that of the whole margin, in both directions.
    """
    if flow.stable <= 0.0 or flow.candidate <= 0.0:
        return NEVER
    n_b, n_c = flow.stable * judging.interval, flow.candidate * judging.interval
    # A block without requests on one side is none.
    seen = (1.0 - exp(-n_b)) * (1.0 - exp(-n_c))
    n_b, n_c = n_b / seen, n_c / seen
    weight, line = n_b * n_c / (n_b + n_c), contest.line
    edge = min(max(line.ratio * contest.stable + line.offset, 0.0), 1.0)
    drift = side * weight * (contest.candidate - line.ratio * contest.stable - line.offset)
    actual = judging.phi * _variance(weight, contest.candidate, contest, n_b, n_c)
    each = max(actual, _variance(weight, edge, contest, n_b, n_c))
    if drift <= 0.0 or each <= 0.0:
        return NEVER
    level = log_threshold - log(ROBUST_SHARES[ASYMPTOTIC])
    typical, most = (_first(drift, actual, each, level, deviations) / seen * judging.interval for deviations in _DEVIATIONS)
    return Wait(whole(typical, judging.interval), whole(most, judging.interval))


def _variance(weight: float, candidate: float, contest: Contest, n_b: float, n_c: float) -> float:
    stable, ratio = contest.stable, contest.line.ratio
    return weight**2 * (candidate * (1.0 - candidate) / n_c + ratio**2 * stable * (1.0 - stable) / n_b)


def _first(drift: float, actual: float, each: float, level: float, deviations: float) -> float:
    """The number of blocks after which the evidence is there, `deviations` below its mean path."""
    total: Floats = drift * _BLOCKS - deviations * np.sqrt(actual * _BLOCKS)
    none = np.zeros_like(_BLOCKS)
    sums = Drift(_BLOCKS, total, none, each * _BLOCKS, none + BURN_IN * each / TUNING, none, none, none, none)
    reached = np.flatnonzero((asymptotic.log_evalue(sums, 1.0) >= level) & (total > 0.0))
    return float(_BLOCKS[reached[0]]) if len(reached) else inf
