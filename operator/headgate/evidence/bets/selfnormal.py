"""The self-normalised bet: one block is one observation, however many requests it holds, so that a burst moves it by half a nat at most.

With x the block's standardised excess over the null, exp(l x - l^2/2 (max(x,0)^2 + v)) is a factor with expectation at most 1 whenever
E[x | past] <= 0 and E[min(x,0)^2 | past] <= v, because exp(y - max(y,0)^2/2) <= 1 + y + min(y,0)^2/2 for every y.
"""

import numpy as np

from headgate.evidence.bets.arrays import Floats
from headgate.evidence.bets.comparison import CANDIDATE_REQUESTS, STABLE_REQUESTS, UNKNOWN, comparable, excess, variance_of

STAKES = np.array([1 / 320, 1 / 160, 1 / 80, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8])
STAKE_PRIOR = np.full(len(STAKES), 1 / len(STAKES))
LEAST_DEFICIT = 0.5
"""v is estimated from the stable version's own noise, but never taken to be less than that of half a standard normal variable."""


def standardised(counts: Floats, lines: Floats, rates: Floats, variance: Floats) -> Floats:
    """x of one block: the excess over `lines` (ratio, offset) divided by the standard deviation that the null predicts.

    `rates` are the stable version's, predicted from earlier blocks. `variance` is that of one request's value, where it is known from
    elsewhere; 0: that of an event with the predicted rate. 0 where the block compares nothing, or the variance is said not to be known.
    """
    ratio, offset = lines[..., 0], lines[..., 1]
    edge = np.clip(ratio * rates + offset, 0.0, 1.0)
    of_candidate, of_stable = variance_of(variance, edge), variance_of(variance, rates) * ratio * ratio
    both = comparable(counts) > 0.0
    n_b, n_c = np.where(both, counts[..., STABLE_REQUESTS], 1.0), np.where(both, counts[..., CANDIDATE_REQUESTS], 1.0)
    deviation = np.sqrt(np.maximum(of_candidate / n_c + of_stable / n_b, 1e-300))
    x: Floats = np.where(variance == UNKNOWN, 0.0, excess(counts, lines) / deviation)
    return x


def log_factors(x: Floats, deficit: Floats) -> Floats:
    """The logarithms for all stakes, shape (..., stakes); 0 for x = 0, where nothing was seen."""
    gain = x[..., None] * STAKES
    cost = 0.5 * np.square(STAKES) * (np.square(np.maximum(x, 0.0)) + deficit)[..., None]
    logs: Floats = np.where(x[..., None] == 0.0, 0.0, gain - cost)
    return logs
