"""Many tests at once."""

from collections.abc import Sequence

import numpy as np


def benjamini_hochberg(p: Sequence[float], counts: Sequence[int] | None = None) -> tuple[float, ...]:
    """Adjusted p-values in the order given: with those at or below alpha called significant, an expected share of at most alpha of them is
    not (Benjamini and Hochberg 1995; valid for independent and for positively dependent tests, as of one feature by several statistics).
    `counts`: for how many tests that found the same each stands, if not for one; none for 0.
    """
    if not len(p):
        return ()
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(-values, kind="stable")
    each = np.ones(len(values)) if counts is None else np.asarray(counts, dtype=np.float64)
    ranks = np.cumsum(each[order[::-1]])[::-1]
    scaled = values[order] * each.sum() / ranks
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled), 1.0)
    return tuple(float(value) for value in adjusted)
