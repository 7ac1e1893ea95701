"""One question asked of several segments of users at once: whether any of them suffers, and which.

The segment that looks worst has had many chances to look bad. E-values keep both answers honest, whatever the dependence between
segments: their mean is an e-value of "no segment suffers", so the worst one decides as soon as it carries the mean to 1/alpha; and the
e-BH procedure names segments so that an expected share of at most alpha is named wrongly. Bonferroni's rule, 1/alpha times the number of
segments for one of them, never decides earlier than the mean. Sources: Vovk and Wang, arXiv 1912.06116; Wang and Ramdas, arXiv 2009.02824.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from headgate.evidence.bets.arrays import Floats


def running_mean(log_evalues: Floats, present: NDArray[np.bool_]) -> Floats:
    """log of the joined e-value after each look, from log e-values of the shape (looks, segments).

    The stake of each look is divided in proportion to what each present segment has shown before. With the same segments at all looks
    that is their mean; one that appears later joins with a share of what is there then. `present` must not depend on the outcomes.
    """
    before = np.vstack([np.zeros((1, log_evalues.shape[1])), log_evalues[:-1]])
    joined: Floats = np.cumsum(growth(before, log_evalues, present | ~present.any(axis=1, keepdims=True)))
    return joined


def growth(before: Floats, after: Floats, present: NDArray[np.bool_]) -> Floats:
    """How much the log of the joined e-value grows when those of the segments go from `before` to `after`. Reduces the last axis."""
    shares = np.where(present, before, -np.inf)
    shares = shares - np.logaddexp.reduce(shares, axis=-1, keepdims=True)
    grown: Floats = np.logaddexp.reduce(shares + after - before, axis=-1)
    return grown


def e_bh(log_evalues: Sequence[float], alpha: float) -> tuple[int, ...]:
    """Positions of the segments that stand out, strongest first: the largest k for which the k-th largest e-value is >= m / (alpha k).

    The e-values are those of one moment: running maxima are none. There may be none although the mean decides: then it is certain that some
    segment suffers, and the one with the largest is the likeliest.
    """
    ranked = sorted(range(len(log_evalues)), key=lambda i: -log_evalues[i])
    m = len(ranked)
    enough = [k for k in range(1, m + 1) if log_evalues[ranked[k - 1]] >= np.log(m / (alpha * k))]
    return tuple(ranked[: max(enough, default=0)])
