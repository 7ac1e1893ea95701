"""How much noisier than independent requests the stable version is, learnt from its own pods while nothing else differs between them.

Each stable pod in turn plays the candidate against the others (A/A). Errors that come in clusters (one bad client, one bad node, one slow
pod) make sums over blocks vary phi times as much as independent requests would; the evidence of a block is raised to the power 1/phi.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from headgate.evidence.bets.arrays import Arrays, Floats
from headgate.evidence.bets.comparison import (
    CANDIDATE_EVENTS,
    CANDIDATE_REQUESTS,
    EQUALITY,
    STABLE_EVENTS,
    STABLE_REQUESTS,
    comparable,
    excess,
)

SPANS = (1, 4, 12)
"""Blocks that are summed up before sums are compared: bursts may last longer than a block."""
ENOUGH_EVENTS = 20.0
"""Events of the stable version after which its noise is taken for known."""
ENOUGH_MEANS = 60.0
"""The same of means: of three pods in twenty blocks."""
LEAST_VARIANCE = 1e-30
"""Values that are all alike have none, and nobody knows for how long."""


def deviations(counts: Floats) -> tuple[Floats, Floats]:
    """Per block: the events of the arm beyond its share, u = e_c - n_c e/n, and the variance of u under independence given e and n
    (hypergeometric), n_c n_b e (n-e) / (n^2 (n-1)). What hits all arms alike cancels in u. Reduces the last axis."""
    n_b, e_b, n_c, e_c = (counts[..., k] for k in (STABLE_REQUESTS, STABLE_EVENTS, CANDIDATE_REQUESTS, CANDIDATE_EVENTS))
    both = comparable(counts)
    n, e = np.maximum(n_b + n_c, 2.0), e_b + e_c
    return both * (e_c - n_c * e / n), both * n_c * n_b * e * (n - e) / (n * n * (n - 1.0))


def mean_deviations(counts: Floats) -> tuple[Floats, Floats]:
    """The same for sums of values: z = (s_c/n_c - s_b/n_b) / sqrt(1/n_c + 1/n_b), whose square has the variance of one value for its mean,
    and 1 where the block tells something."""
    both = comparable(counts)
    n_b, n_c = np.maximum(counts[..., STABLE_REQUESTS], 1.0), np.maximum(counts[..., CANDIDATE_REQUESTS], 1.0)
    return excess(counts, EQUALITY) / np.sqrt(1.0 / n_c + 1.0 / n_b), both


def inflated(ratio: Floats, events: Floats) -> Floats:
    """phi from the observed ratio of variances: at least 1, and larger while few events were seen."""
    phi: Floats = np.maximum(ratio, 1.0) * (1.0 + 1.0 / np.sqrt(np.maximum(events, 1.0)))
    return phi


@dataclass(frozen=True, slots=True, eq=False)
class Dispersion(Arrays):
    """phi as it is learnt block by block, for comparisons with any leading axes (...).

    `open`: the sum of u of each arm in the span that is under way, shape (..., arms, spans). `squares`: of the sums of whole spans,
    (..., spans). `expected`: their variances under independence. `pending`: those of the open spans. `blocks` and `events` so far. Of
    means `expected` and `events` count what blocks of arms told something, so that the ratio of squares to it is a variance.
    """

    open: Floats
    squares: Floats
    expected: Floats
    pending: Floats
    blocks: Floats
    events: Floats

    @classmethod
    def unknown(cls, shape: tuple[int, ...], arms: int) -> Self:
        spans = len(SPANS)
        return cls(
            open=np.zeros((*shape, arms, spans)),
            squares=np.zeros((*shape, spans)),
            expected=np.zeros((*shape, spans)),
            pending=np.zeros((*shape, spans)),
            blocks=np.zeros(shape),
            events=np.zeros(shape),
        )

    @property
    def phi(self) -> Floats:
        """1 and more; infinite until enough events were seen to say so."""
        phi: Floats = np.where(self.events >= ENOUGH_EVENTS, inflated(self._ratios.max(axis=-1), self.events), np.inf)
        return phi

    @property
    def least(self) -> Floats:
        """The phi that chance does not explain: the ratios less two standard errors of a mean of squares; 1 while nothing is known."""
        least: Floats = np.where(self.events >= ENOUGH_EVENTS, np.maximum(self._certain.max(axis=-1), 1.0), 1.0)
        return least

    @property
    def variance(self) -> Floats:
        """Of one value, where means are compared; infinite until enough was seen to say so."""
        known = np.maximum(self._ratios.max(axis=-1), LEAST_VARIANCE) * inflated(np.ones(()), self.events)
        variance: Floats = np.where(self.events >= ENOUGH_MEANS, known, np.inf)
        return variance

    @property
    def least_variance(self) -> Floats:
        """The one that chance does not explain; 0 while nothing is known."""
        least: Floats = np.where(self.events >= ENOUGH_MEANS, self._certain.max(axis=-1), 0.0)
        return least

    @property
    def unevenness(self) -> Floats:
        """How many times more sums of means over a span vary than those of one block do."""
        return inflated(self._ratios.max(axis=-1) / np.maximum(self._ratios[..., 0], LEAST_VARIANCE), self.events)

    @property
    def _certain(self) -> Floats:
        sums = self.open.shape[-2] * np.floor(self.blocks[..., None] / np.array(SPANS))
        certain: Floats = self._ratios / (1.0 + 2.0 * np.sqrt(2.0 / np.maximum(sums, 1.0)))
        return certain

    @property
    def _ratios(self) -> Floats:
        ratios: Floats = np.where(self.expected > 0.0, self.squares / np.maximum(self.expected, 1e-12), 1.0)
        return ratios


def learn(before: Dispersion, counts: Floats, means: NDArray[np.bool_] | None = None) -> Dispersion:
    """`before` and one more block of A/A counts, shape (..., arms, 4). A block without any comparable arm is no block. `means` says which
    comparisons are of means, (...); None: none."""
    u, v = deviations(counts)
    events = (comparable(counts) * counts[..., CANDIDATE_EVENTS]).sum(axis=-1)
    if means is not None and means.any():
        z, one = mean_deviations(counts)
        u, v = np.where(means[..., None], z, u), np.where(means[..., None], one, v)
        events = np.where(means, one.sum(axis=-1), events)
    seen = np.asarray((comparable(counts) > 0.0).any(axis=-1))
    blocks = before.blocks + seen
    opened = before.open + u[..., None]
    pending = before.pending + v.sum(axis=-1)[..., None]
    full = np.asarray(seen[..., None] & (blocks[..., None] % np.array(SPANS) == 0))
    return Dispersion(
        open=np.where(full[..., None, :], 0.0, opened),
        squares=before.squares + np.where(full, np.square(opened).sum(axis=-2), 0.0),
        expected=before.expected + np.where(full, pending, 0.0),
        pending=np.where(full, 0.0, pending),
        blocks=blocks,
        events=before.events + events,
    )


def with_arms(before: Dispersion, arms: int) -> Dispersion:
    """The same knowledge when other pods than before play the arms: spans that were under way begin anew."""
    shape = (*before.blocks.shape, arms, len(SPANS))
    whole = before.blocks - before.blocks % SPANS[-1]
    return Dispersion(np.zeros(shape), before.squares, before.expected, np.zeros_like(before.pending), whole, before.events)
