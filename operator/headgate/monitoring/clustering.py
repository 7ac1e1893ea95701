"""How much less clustered rows tell than independent ones. Production data comes in clusters: hours, customers, batches.

The shares of the bins are compared between neighbouring stretches of rows. That measures noise, while a step or a slope in the middle of
the sample, which is what is looked for, hardly counts. Clusters longer than about a twentieth of the sample are not seen.
Sources: Rao and Scott, Annals of Statistics 12 (1984), design effects and Satterthwaite's correction of the chi-square test.
"""

from dataclasses import dataclass

import numpy as np

from headgate.evidence.bets.arrays import Floats

_FEWEST = 8
"""Stretches. With fewer the order of rows says nothing, and they are taken for independent."""


@dataclass(frozen=True, slots=True)
class Clustering:
    """Rows / `effect` is the number of independent rows that would tell as much about the shares of bins, rows / `rank_effect` about the
    distribution function. `unevenness`: squared coefficient of variation of the effect among the directions in which shares can move.
    """

    effect: float = 1.0
    rank_effect: float = 1.0
    unevenness: float = 0.0


def clustering(stretches: Floats) -> Clustering:
    """Of counts, shape (stretches, bins): consecutive rows in their order. The larger effect of stretches and of pairs of them."""
    rows = stretches.sum(axis=1)
    shares = stretches.sum(axis=0) / max(rows.sum(), 1.0)
    used = stretches[rows > 0][:, shares > 0.0]
    shares = shares[shares > 0.0]
    if used.shape[0] < _FEWEST or len(shares) < 2:
        return Clustering()
    found = [_of_neighbours(used, shares)]
    if used.shape[0] >= 2 * _FEWEST:
        found.append(_of_neighbours(used[: len(used) // 2 * 2].reshape(-1, 2, len(shares)).sum(axis=1), shares))
    return Clustering(*(max(getattr(one, name) for one in found) for name in ("effect", "rank_effect", "unevenness")))


def _of_neighbours(stretches: Floats, shares: Floats) -> Clustering:
    rows = stretches.sum(axis=1)
    scale = np.sqrt(1.0 / (1.0 / rows[1:] + 1.0 / rows[:-1]))
    steps = scale[:, None] * np.diff(stretches / rows[:, None], axis=0)
    below = np.cumsum(shares)[:-1]
    by_rank = np.square(np.cumsum(steps, axis=1)[:, :-1]).mean(axis=0).sum() / (below * (1.0 - below)).sum()
    directions, standard = len(shares) - 1, steps / np.sqrt(shares)
    trace = float(np.square(standard).sum()) / len(steps)
    # The mean square of eigenvalues, without what the small number of steps adds to it. Steps that share a stretch are counted as 2/3.
    square = float(np.square(standard @ standard.T).sum()) / len(steps) ** 2 - 1.5 * trace**2 / len(steps)
    unevenness = directions * square / trace**2 - 1.0 if trace > 0.0 else 0.0
    return Clustering(max(1.0, trace / directions), max(1.0, float(by_rank)), min(max(0.0, unevenness), directions - 1.0))
