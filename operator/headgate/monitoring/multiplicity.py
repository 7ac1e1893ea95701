"""Many tests at once."""

from collections.abc import Sequence

import numpy as np


def benjamini_hochberg(p: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values in the order given: with those at or below alpha called significant, an expected share of at most alpha of them is
    not (Benjamini and Hochberg 1995; valid for independent and for positively dependent tests, as of one feature by several statistics).
    """
    if not len(p):
        return ()
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(-values, kind="stable")
    scaled = values[order] * len(values) / np.arange(len(values), 0, -1)
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled), 1.0)
    return tuple(float(value) for value in adjusted)
