"""Kayenta's Mann-Whitney judge on one point per minute and arm, emulated from its source (spinnaker/kayenta a69573be).

High, for a metric that must not increase: the lower end of the 98 % interval of the shift exceeds 0.25 x |estimated shift|, and the ratio
of the means is at least 1. Kayenta finds interval and estimate by a root search over a step function; its steps are the pairwise
differences, so they are order statistics here. Differences from the original: no noise is added to constant series, and points are never
NaN or outliers.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

Floats = NDArray[np.float64]

_Z = float(norm.isf(0.01))
TOLERANCE = 0.25
POINT_BLOCKS, LOOK_BLOCKS = 4, 40
"""One point a minute, one judgement every ten minutes over all points so far, in blocks of 15 s."""


def is_high(control: Floats, experiment: Floats) -> NDArray[np.bool_]:
    """One verdict per row of (rows, points)."""
    low, estimate = _shift(control, experiment)
    mean = control.mean(axis=-1)
    larger = experiment.mean(axis=-1) >= mean
    equal = (np.sort(control, axis=-1) == np.sort(experiment, axis=-1)).all(axis=-1) if control.shape == experiment.shape else False
    high: NDArray[np.bool_] = (low > TOLERANCE * np.abs(estimate)) & (larger | (mean == 0.0)) & ~np.asarray(equal)
    return high


def _shift(control: Floats, experiment: Floats) -> tuple[Floats, Floats]:
    """Lower end of the interval of the shift, and the Hodges-Lehmann estimate."""
    m, n = control.shape[-1], experiment.shape[-1]
    differences = np.sort((experiment[:, :, None] - control[:, None, :]).reshape(len(control), m * n), axis=-1)
    ties = _ties(control) + _ties(experiment)
    sigma = np.sqrt(m * n / 12.0 * (m + n + 1.0 - ties / ((m + n) * (m + n - 1.0))))
    # The statistic is significant left of the d at which still `needed` differences are as large; with too few points nowhere.
    needed = np.ceil(m * n / 2.0 + 0.5 + _Z * sigma).astype(np.int64)
    index = np.clip(m * n - needed, 0, m * n - 1)
    return np.take_along_axis(differences, index[:, None], axis=-1)[:, 0], np.median(differences, axis=-1)


def _ties(values: Floats) -> Floats:
    """Sum of t^3 - t over groups of t equal values."""
    alike = (values[:, :, None] == values[:, None, :]).sum(axis=-1)
    ties: Floats = (alike.astype(np.float64) ** 2 - 1.0).sum(axis=-1)
    return ties


def rolled_back(control: Floats, experiment: Floats) -> Floats:
    """Block (from 1) of the first failed judgement of each run, or infinity, for one point per minute: (runs, minutes)."""
    times = np.full(len(control), np.inf)
    step = LOOK_BLOCKS // POINT_BLOCKS
    for points in range(step, control.shape[1] + 1, step):
        open_ = np.isinf(times)
        high = is_high(control[open_, :points], experiment[open_, :points])
        times[np.flatnonzero(open_)[high]] = points * POINT_BLOCKS
    return times
