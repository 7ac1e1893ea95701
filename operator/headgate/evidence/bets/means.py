"""Calibration of comparisons of means, known by sum and count alone: how much single values differ is learnt between blocks.

With z = (s_c/n_c - s_b/n_b) / sqrt(1/n_c + 1/n_b) of an A/A block, the mean of z^2 is the variance of one value, whatever the numbers of
values are. Sums of z over more blocks show values that are high or low together for longer than a block.
"""

import numpy as np

from headgate.evidence.bets.arrays import Floats
from headgate.evidence.bets.calibration import FEWEST_ARMS, Calibration, by_span
from headgate.evidence.bets.comparison import CANDIDATE_EVENTS, CANDIDATE_REQUESTS
from headgate.evidence.bets.noise import LEAST_VARIANCE, SPANS, inflated, mean_deviations
from headgate.evidence.bets.selfnormal import LEAST_DEFICIT

_LEAST_VARIATION = 1e-3
"""Values are never taken to be more alike than this part of their mean."""


def fit(arms: Floats) -> Calibration:
    """From A/A counts (..., arms, blocks, 4), whose events are sums of values: as calibration.fit for events.

    All the money is on the self-normalised bet: exact bets need events. Raises ValueError for fewer than FEWEST_ARMS arms.
    """
    if arms.shape[-3] < FEWEST_ARMS:
        raise ValueError(f"{arms.shape[-3]} pods are too few to tell their noise: at least {FEWEST_ARMS}")
    z, seen = mean_deviations(arms)
    number = np.maximum(seen.sum(axis=(-1, -2)), 1.0)
    squares = [np.square(by_span(z, span)).sum(axis=(-1, -2)) / number for span in SPANS]
    mean = arms[..., CANDIDATE_EVENTS].sum(axis=(-1, -2)) / np.maximum(arms[..., CANDIDATE_REQUESTS].sum(axis=(-1, -2)), 1.0)
    least = np.maximum(np.square(_LEAST_VARIATION * mean), LEAST_VARIANCE)
    worst = inflated(np.max(squares, axis=0) / np.maximum(squares[0], least), number)
    variance = np.maximum(squares[0], least) * worst
    x = z / np.sqrt(variance)[..., None, None]
    deficit = np.stack([np.square(np.minimum(side * x, 0.0)).sum(axis=(-1, -2)) / number for side in (1.0, -1.0)], axis=-1)
    return Calibration.of_mean(variance, np.maximum(deficit, LEAST_DEFICIT), phi=worst)
