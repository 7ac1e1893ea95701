"""How much better or worse the candidate is, with bounds that hold at every look, in the units that people are told."""

import numpy as np

from headgate.api.quantities import Unit
from headgate.api.vocabulary import Metric
from headgate.evidence.bets import asymptotic
from headgate.evidence.bets.arrays import Floats
from headgate.evidence.bets.asymptotic import Drift
from headgate.evidence.bets.comparison import STABLE_EVENTS, STABLE_REQUESTS, limits_of
from headgate.evidence.check import Check, Worse

WIDEST = 1.0
"""Bounds are cut off here: no share differs by more, and of a mean nothing is said beyond."""


def intervals(checks: tuple[Check, ...], sums: Drift, total: Floats, dispersion: Floats, alpha: float) -> tuple[Floats, Floats, Floats]:
    """(estimate, low, high) of candidate minus stable version per check, shape (..., checks): as shares of the requests, and of means as
    parts of the stable version's. `total`: counts since the start, (..., checks, 4). `dispersion`: phi, 0 where it is not known."""
    ratios = np.array([_ratio(check) for check in checks])
    estimate, low, high = asymptotic.interval(sums, dispersion, ratios, alpha)
    means = np.array([check.is_mean for check in checks], dtype=bool)
    if means.any():
        of_means = asymptotic.interval_of_means(sums, ratios, alpha)
        level = np.abs(total[..., STABLE_EVENTS]) / np.maximum(total[..., STABLE_REQUESTS], 1.0)
        scale = np.where(level > 0.0, level, 1.0)
        estimate, low, high = (
            np.where(means, np.clip(one / scale, -WIDEST, WIDEST), other)
            for one, other in zip(of_means, (estimate, low, high), strict=True)
        )
    # Where less is worse, more is written as less.
    less = np.array([check.worse is Worse.LESS for check in checks], dtype=bool)
    return np.where(less, -estimate, estimate), np.where(less, -high, low), np.where(less, -low, high)


def _ratio(check: Check) -> float:
    """Of the line at the whole margin; that of latency is shifted and never scaled."""
    scaled = check.margin.unit is Unit.RELATIVE and check.metric is not Metric.LATENCY
    return limits_of(check).act.ratio if scaled else 1.0
