"""The e-process of one comparison: a fair bet against the null, renewed each block, over a grid of effects and of start times.

Arrays come first: every function broadcasts over leading axes (series: one check of one model) and ends in the axis of effects, so
that many models can be judged in one call. Source: Ville's inequality; Turner, Ly and Grünwald, arXiv 2106.02693.
"""

import numpy as np
from numpy.typing import ArrayLike

from headgate.evidence.bets.arrays import Floats
from headgate.evidence.bets.projection import project

HARM_GAPS = np.array([0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64])
"""How far beyond the null the candidate is supposed to be, as shares: small regressions and total failures at once."""
HARM_PRIOR = np.array([0.20, 0.24, 0.20, 0.12, 0.08, 0.06, 0.04, 0.03, 0.03])
GOOD_DEPTHS = np.array([0.5, 1.0, 1.5])
"""How deep inside the limit a good candidate is supposed to be: 1 is where the stable version itself would be."""
GOOD_PRIOR = np.array([0.25, 0.5, 0.25])
EFFECTS = len(HARM_GAPS) + len(GOOD_DEPTHS)

LEAST_RATE = 1e-6
"""Supposed rates stay this far from 0 and 1, so that one surprising request costs a bounded amount of evidence."""
LOG_ZERO = -1e300
"""Stands for the logarithm of nothing; finite, so that it survives JSON."""
MAX_STARTS = 240
"""Start times per stage; longer stages use a coarser grid."""


def harm_targets(stable: Floats, ratio: Floats, offset: Floats) -> Floats:
    """Supposed candidate rates beyond the limit ratio * stable + offset: shape (..., effects) for arguments of shape (...)."""
    targets: Floats = np.clip((ratio * stable + offset)[..., None] + HARM_GAPS, LEAST_RATE, 1.0 - LEAST_RATE)
    return targets


def good_targets(stable: Floats, expected: Floats, ratio: Floats, offset: Floats) -> Floats:
    """Supposed candidate rates inside the limit, around `expected`, the rate of a candidate that behaves like the stable version.

    Never below half of `expected`: a supposed rate of 0 would be ruined by the first event.
    """
    edge = ratio * stable + offset
    targets = np.maximum(edge[..., None] - (edge - expected)[..., None] * GOOD_DEPTHS, 0.5 * expected[..., None])
    clipped: Floats = np.clip(targets, LEAST_RATE, 1.0 - LEAST_RATE)
    return clipped


def block_log_evalue(
    stable: Floats, candidate: Floats, counts: tuple[Floats, Floats, Floats, Floats], ratio: Floats, offset: Floats, side: ArrayLike
) -> Floats:
    """log S of one block for the supposed rates (`stable`, `candidate`), both strictly inside (0, 1) and fixed before the block.

    `counts` is (stable requests, stable events, candidate requests, candidate events). With `side` = +1 the null is
    p_c <= ratio p_b + offset, with -1 it is p_c >= ratio p_b + offset; E[S] <= 1 for every pair of rates in it and every number of
    requests, if requests are independent. Where the supposed rates lie inside the null, or an arm has no request, log S is 0.
    Everything broadcasts.
    """
    n_b, e_b, n_c, e_c = counts
    outside = (np.asarray(side) * (candidate - ratio * stable - offset) > 0.0) & (n_b > 0.0) & (n_c > 0.0)
    x, y = project(stable, candidate, n_b, n_c, ratio, offset)
    x, y = np.where(outside, x, stable), np.where(outside, y, candidate)
    log_s: Floats = (
        e_b * np.log(stable / x)
        + (n_b - e_b) * np.log((1.0 - stable) / (1.0 - x))
        + e_c * np.log(candidate / y)
        + (n_c - e_c) * np.log((1.0 - candidate) / (1.0 - y))
    )
    return log_s


def grow(log_wealth: Floats, start_weight: ArrayLike, log_s: Floats) -> Floats:
    """log R_k = log((R_{k-1} + w_k) S_k): bets begun before this block, and those that begin with it. `start_weight` per comparison."""
    with np.errstate(divide="ignore"):
        begun = np.log(np.asarray(start_weight, dtype=np.float64))[..., None]
    grown: Floats = np.maximum(np.logaddexp(log_wealth, begun) + log_s, LOG_ZERO)
    return grown


def log_evidence(log_wealth: Floats, prior: Floats, spent: ArrayLike) -> Floats:
    """log E = log(sum_j prior_j R_j + 1 - spent): what is not yet bet counts as it is. Reduces the last axis."""
    left = 1.0 - np.asarray(spent, dtype=np.float64)
    unspent = np.where(left > 0.0, np.log(np.where(left > 0.0, left, 1.0)), LOG_ZERO)
    joined: Floats = np.logaddexp(np.logaddexp.reduce(np.log(prior) + log_wealth, axis=-1), unspent)
    return joined


def start_weight(stage_blocks: tuple[int, ...], stage: int, index: int, *, first: bool) -> float:
    """Prior weight of a regression that starts with block `index` (from 0) of `stage`.

    Half of the whole belongs to the first block compared in the attempt. The other half is shared evenly by the stages; a later stage
    gives half of its share to its own first block (a higher share of traffic is where a new regression shows) and the rest evenly to a
    grid of at most 240 starts. Summed over the planned blocks this is 1; blocks beyond the plan weigh 0.
    """
    weight = 0.5 if first else 0.0
    if not 0 <= stage < len(stage_blocks) or not 0 <= index < stage_blocks[stage]:
        return weight
    planned = stage_blocks[stage]
    stride = -(-planned // MAX_STARTS)
    starts = -(-planned // stride)
    share = 0.5 / len(stage_blocks)
    if index % stride:
        return weight
    if starts == 1:
        return weight + share
    head = 0.0 if stage == 0 else 0.5 * share
    return weight + (head if index == 0 else (share - head) / (starts - 1))
