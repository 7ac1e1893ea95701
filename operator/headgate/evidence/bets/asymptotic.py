"""Evidence and intervals that learn the noise from the blocks themselves: for versions whose noise nobody has seen before.

Sums of weighted differences between the arms behave like a Brownian motion after some blocks, whatever the requests do inside a block.
The mixture over drifts with a normal prior gives an e-process in closed form, one-sided, and a confidence sequence, two-sided. Both are
valid asymptotically, for noise without memory longer than a block. Sources: Howard, Ramdas, McAuliffe and Sekhon, arXiv 1810.08240
(boundaries); Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, arXiv 2103.06476 (asymptotic confidence sequences).
"""

from dataclasses import dataclass, replace
from math import log
from typing import Self

import numpy as np
from scipy.special import log_ndtr

from headgate.evidence.bets.arrays import Arrays, Floats
from headgate.evidence.bets.comparison import (
    CANDIDATE_EVENTS,
    CANDIDATE_REQUESTS,
    EQUALITY,
    STABLE_EVENTS,
    STABLE_REQUESTS,
    comparable,
    excess,
    overlap,
    variance_of,
)

BURN_IN = 20
"""Blocks without a decision: an estimated variance of fewer is too uncertain."""
TUNING = 2.0 * log(1.0 / 0.1) + log(1.0 + 2.0 * log(1.0 / 0.1))
"""The prior's variance is that of the burn-in divided by this: best for a one-sided test at 5 % that ends soon after it (Howard et al.,
section 3.5)."""
_INTERVAL_BLOCKS = 20.0
"""The confidence sequence is tightest after about so many blocks like the first."""


@dataclass(frozen=True, slots=True, eq=False)
class Drift(Arrays):
    """Sums over comparable blocks of one check, any leading axes. With w the overlap of the arms and d their difference:

    `blocks` their number; `total` and `squares` of u = w (d - margin); `modelled` the variance of the sum of u at the margin, were
    requests independent; `prior` the mixture's variance, fixed when the burn-in ends; `weight` and `distance` the sums of w and w d;
    `independent` the variance of the latter at the rates observed, were requests independent; `first` that of the first block alone.
    """

    blocks: Floats
    total: Floats
    squares: Floats
    modelled: Floats
    prior: Floats
    weight: Floats
    distance: Floats
    independent: Floats
    first: Floats

    @classmethod
    def none(cls, shape: tuple[int, ...]) -> Self:
        return cls(*(np.zeros(shape) for _ in range(9)))

    @property
    def variance(self) -> Floats:
        """Of `total`: the empirical one, and never less than independent requests at the margin would have."""
        mean = self.total / np.maximum(self.blocks, 1.0)
        empirical = self.squares - self.blocks * np.square(mean)
        spread: Floats = np.maximum(empirical, self.modelled)
        return spread


def drift(before: Drift, counts: Floats, lines: Floats, rates: Floats, variance: Floats) -> Drift:
    """`before` and one more block. `lines` are at the whole margin; `rates` and `variance` as in selfnormal.standardised."""
    seen = comparable(counts)
    w = overlap(counts)
    u = w * excess(counts, lines)
    edge = np.clip(lines[..., 0] * rates + lines[..., 1], 0.0, 1.0)
    n_b, n_c = np.maximum(counts[..., STABLE_REQUESTS], 1.0), np.maximum(counts[..., CANDIDATE_REQUESTS], 1.0)
    per_candidate, per_stable = variance_of(variance, edge), variance_of(variance, rates)
    independent = w * w * _observed_variance(counts, rates, variance)
    after = Drift(
        blocks=before.blocks + seen,
        total=before.total + u,
        squares=before.squares + u * u,
        modelled=before.modelled + w * w * (per_candidate / n_c + np.square(lines[..., 0]) * per_stable / n_b),
        prior=before.prior,
        weight=before.weight + w,
        distance=before.distance + w * excess(counts, EQUALITY),
        independent=before.independent + independent,
        first=np.where(before.first > 0.0, before.first, independent),
    )
    ends = (after.blocks == BURN_IN) & (before.blocks < BURN_IN)
    return replace(after, prior=np.where(ends, after.variance / TUNING, before.prior))


def _observed_variance(counts: Floats, rates: Floats, variance: Floats) -> Floats:
    """Of the difference of one block, each arm's rate drawn towards the predicted one by one request."""
    n_b, n_c = counts[..., STABLE_REQUESTS], counts[..., CANDIDATE_REQUESTS]
    stable = np.clip((counts[..., STABLE_EVENTS] + rates) / (n_b + 1.0), 0.0, 1.0)
    candidate = np.clip((counts[..., CANDIDATE_EVENTS] + rates) / (n_c + 1.0), 0.0, 1.0)
    per_candidate, per_stable = variance_of(variance, candidate), variance_of(variance, stable)
    of_block: Floats = per_candidate / np.maximum(n_c, 1.0) + per_stable / np.maximum(n_b, 1.0)
    return of_block


def log_evalue(sums: Drift, side: float) -> Floats:
    """log of the evidence that the candidate is beyond the margin (`side` = 1), or within it (-1); 0 until the burn-in is over."""
    v, rho, s = sums.variance, np.maximum(sums.prior, 1e-300), side * sums.total
    known = (sums.blocks >= BURN_IN) & (sums.prior > 0.0)
    width = np.where(known, v + rho, 1.0)
    value = 0.5 * np.log(4.0 * rho / width) + np.square(s) / (2.0 * width) + log_ndtr(s / np.sqrt(width))
    evidence: Floats = np.where(known, value, 0.0)
    return evidence


def interval(sums: Drift, dispersion: Floats, ratio: Floats, alpha: float) -> tuple[Floats, Floats, Floats]:
    """(estimate, low, high) of the candidate's rate minus the stable version's, averaged over the blocks; valid at every look.

    `dispersion` multiplies the variance of independent requests; where it is 0 nothing is known of it, and the blocks themselves
    tell it once there are BURN_IN of them. Before, and where nothing was compared, it is the whole of [-1, 1]. `ratio`: that of the line
    of `drift`.
    """
    calibrated, settled = dispersion > 0.0, _is_settled(sums)
    known = (sums.weight > 0.0) & (calibrated | settled)
    weight = np.where(sums.weight > 0.0, sums.weight, 1.0)
    phi = np.maximum(dispersion, 1.0)
    v = np.maximum(np.where(calibrated, sums.independent * phi, np.maximum(sums.independent, _empirical(sums, ratio))), 1e-300)
    # Either way the variance of as many blocks: the burn-in's own is TUNING times the prior.
    rho = np.maximum(np.where(calibrated, sums.first * phi * _INTERVAL_BLOCKS, sums.prior * TUNING), 1e-300)
    radius = np.sqrt((v + rho) * (np.log((v + rho) / rho) + 2.0 * log(1.0 / alpha))) / weight
    estimate = np.where(sums.weight > 0.0, sums.distance / weight, 0.0)
    return estimate, np.where(known, estimate - radius, -1.0), np.where(known, estimate + radius, 1.0)


def interval_of_means(sums: Drift, ratio: Floats, alpha: float) -> tuple[Floats, Floats, Floats]:
    """The same for means, infinite until something is known of how much values differ: from A/A data, or from BURN_IN blocks.

    `ratio` is that of the line of `drift`.
    """
    calibrated, settled = sums.first > 0.0, _is_settled(sums)
    known = calibrated | settled
    v = np.maximum(sums.independent, _empirical(sums, ratio))
    rho = np.where(calibrated, sums.first * _INTERVAL_BLOCKS, np.where(settled, sums.prior, 1.0))
    weight = np.where(known, sums.weight, 1.0)
    radius = np.sqrt((v + rho) * (np.log((v + rho) / rho) + 2.0 * log(1.0 / alpha))) / weight
    estimate = np.where(sums.weight > 0.0, sums.distance / np.maximum(sums.weight, 1e-300), 0.0)
    return estimate, np.where(known, estimate - radius, -np.inf), np.where(known, estimate + radius, np.inf)


def _is_settled(sums: Drift) -> np.ndarray:
    """Whether the variance is known from enough blocks."""
    settled: np.ndarray = (sums.blocks >= BURN_IN) & (sums.prior > 0.0)
    return settled


def _empirical(sums: Drift, ratio: Floats) -> Floats:
    """The variance of the sums of w (c - ratio b), taken for that of w (c - b); where ratio is below 1 it is too small in b by ratio
    squared at most, which is made up for."""
    variance: Floats = sums.variance / np.clip(np.square(ratio), 1e-6, 1.0)
    return variance
