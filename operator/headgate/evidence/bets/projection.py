"""The nearest point of a composite null hypothesis: the constrained minimum that makes one block of counts an e-value."""

import numpy as np
from numpy.typing import ArrayLike

from headgate.evidence.bets.arrays import Floats

_HALVINGS = 16
_NEWTON_STEPS = 3
"""Halvings bring Newton's method near enough to double its digits at each step: the root is known to 1e-10, as by 40 halvings."""


def project(
    stable: ArrayLike, candidate: ArrayLike, stable_requests: ArrayLike, candidate_requests: ArrayLike, ratio: ArrayLike, offset: ArrayLike
) -> tuple[Floats, Floats]:
    """The pair (x, y) with y = ratio x + offset that minimises n_b KL(stable || x) + n_c KL(candidate || y), KL of Bernoulli rates.

    All arguments broadcast against each other. Rates lie strictly inside (0, 1), ratio is above 0, and the line crosses the unit square.
    Where both request numbers are 0 any point of the line is a minimum, and some inner one is returned.

    The derivative n_b (x-s)/(x(1-x)) + r n_c (y-c)/(y(1-y)), cleared of its positive denominators, is a cubic in x that changes sign once
    between `stable` and the x at which the line meets `candidate`. Source: Turner, Ly and Grünwald, arXiv 2106.02693 (convex nulls).
    """
    s, c, n_b, n_c, r, d = np.broadcast_arrays(
        *(np.asarray(a, dtype=np.float64) for a in (stable, candidate, stable_requests, candidate_requests, ratio, offset))
    )
    cubic, square, linear, constant = _cleared_derivative(s, c, n_b, r * n_c, r, d)
    meets = (c - d) / r
    low = np.maximum(np.minimum(s, meets), np.maximum(0.0, -d / r))
    width = np.minimum(np.maximum(s, meets), np.minimum(1.0, (1.0 - d) / r)) - low
    for _ in range(_HALVINGS):
        width = width * 0.5
        middle = low + width
        low = np.where(((cubic * middle + square) * middle + linear) * middle + constant < 0.0, middle, low)
    high, x = low + width, low + 0.5 * width
    for _ in range(_NEWTON_STEPS):
        slope = (3.0 * cubic * x + 2.0 * square) * x + linear
        step = (((cubic * x + square) * x + linear) * x + constant) / np.where(slope > 0.0, slope, np.inf)
        x = np.clip(x - step, low, high)
    return x, r * x + d


def _cleared_derivative(s: Floats, c: Floats, n_b: Floats, m_c: Floats, r: Floats, d: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Coefficients, highest power first, of n_b (x-s) y(1-y) + m_c (y-c) x(1-x) with y = r x + d."""
    y0, y1, y2 = d * (1.0 - d), r * (1.0 - 2.0 * d), -r * r
    gap = d - c
    return (
        n_b * y2 - m_c * r,
        n_b * (y1 - s * y2) + m_c * (r - gap),
        n_b * (y0 - s * y1) + m_c * gap,
        -n_b * s * y0,
    )
