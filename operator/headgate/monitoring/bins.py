"""Bins: where their edges lie, which bin a value falls in, and which bins are too sparse to stand alone.

As with Prometheus buckets an edge belongs to the bin below it. With k edges there are k + 1 bins: the first holds all that is at most the
first edge, the last all that is above the last one. No value is left out.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from headgate.evidence.bets.arrays import Floats

Codes = NDArray[np.intp]

PARTS = 10
"""Bins of equal shares of the reference, as PSI is usually given for."""
FINE_PARTS = 100
"""For Kolmogorov and Smirnov's distance, which loses by coarse bins."""
MOST_EDGES = 1000
FEWEST_EXPECTED = 5.0


def declared_edges(edges: Sequence[float]) -> Floats:
    """Raises ValueError, saying what is wrong, unless the edges are finite and rise."""
    found = np.asarray(edges, dtype=np.float64)
    if not 1 <= len(found) <= MOST_EDGES:
        raise ValueError(f"{len(found)} edges: give 1 to {MOST_EDGES}")
    if not np.isfinite(found).all():
        raise ValueError("an edge is not a finite number: the outer bins are open anyway")
    for low, high in pairwise(found):
        if low >= high:
            raise ValueError(f"edges must rise, and {high:g} comes after {low:g}")
    return found


def quantile_edges(values: Floats, least: float, greatest: float, parts: int) -> Floats:
    """Edges between `parts` equal shares of `values`, and around them the range: what lies outside `least`..`greatest` has bins of its own.

    `values` are finite and not empty. Equal quantiles are one edge.
    """
    inner = np.quantile(values, np.arange(1, parts) / parts, method="inverted_cdf")
    return np.unique(np.concatenate(([np.nextafter(least, -np.inf)], inner, [greatest])))


def bin_of(values: Floats, edges: Floats) -> Codes:
    """The bin of each value. Infinities lie in the outer bins; NaN has none, and must be taken out before."""
    return np.searchsorted(edges, values, side="left")


def coarser(fine: Floats, coarse: Floats) -> Codes:
    """Which bin between `coarse` edges each bin between `fine` edges lies in; the coarse edges are among the fine ones."""
    return np.searchsorted(coarse, np.append(fine, np.inf), side="left")


def summed(counts: Floats, groups: Codes) -> Floats:
    """Counts, shape (..., bins), added up by group."""
    return counts @ np.eye(int(groups.max()) + 1)[groups]


def neighbours(dense: Floats) -> Codes:
    """Groups of adjoining bins such that `dense` adds up to FEWEST_EXPECTED in each, where that is possible at all."""
    groups, total, group = np.zeros(len(dense), dtype=np.intp), 0.0, 0
    for at, weight in enumerate(dense):
        if total >= FEWEST_EXPECTED:
            total, group = 0.0, group + 1
        groups[at] = group
        total += weight
    if total < FEWEST_EXPECTED and group > 0:
        groups[groups == group] = group - 1
    return groups


def rare_together(dense: Floats) -> Codes:
    """Groups of bins without an order: each of at least FEWEST_EXPECTED by itself, all others in one, filled up from the smallest."""
    order = np.argsort(-dense, kind="stable")
    kept = int((dense >= FEWEST_EXPECTED).sum())
    if kept < len(dense) and kept > 0 and dense[order[kept:]].sum() < FEWEST_EXPECTED:
        kept -= 1
    groups = np.empty(len(dense), dtype=np.intp)
    groups[order] = np.minimum(np.arange(len(dense)), kept)
    return groups
