"""Conditions for acting beyond the e-value. They can only delay a rollback, so they need no error budget.

Two of them: the observed difference exceeds the whole margin, since the start or over the last 10 or 3 minutes; and the excess is
seen in several blocks, not in one burst. A difference of 50 points needs neither patience nor agreement.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from headgate.evidence.bets.arrays import Arrays, Floats
from headgate.evidence.bets.comparison import CANDIDATE_REQUESTS, EQUALITY, comparable, excess, overlap

TAIL = 40
SPANS = (4, 12, TAIL)
"""Blocks over which agreement is looked for, besides the whole run."""
AGREEMENT = 2.0
"""A sum of k equal excesses is sqrt(k) times their root sum of squares: 2 asks for at least four blocks."""
_ROUNDING = 1e-9
OBVIOUS_EXCESS = 0.5
OBVIOUS_REQUESTS = 30
OBVIOUS_BLOCKS = 2
BIN_SECONDS = 30.0
WINDOWS = (6, 20)
"""Windows of 3 and 10 minutes, in bins; the oldest bin is whole or absent, so a window may be up to one bin short."""


@dataclass(frozen=True, slots=True, eq=False)
class Confirmation(Arrays):
    """Memory of comparisons with any leading axes. All windows end with the newest entry; what never was is 0.

    `total`: counts since the start. `sums`: the weighted excess and its squares. `tail`: the weighted excess of the last blocks.
    `latest`: the counts of the last two; nothing of means, where one answer may outweigh all others. `bins`: counts per half minute, up to
    the one numbered `newest`.
    """

    total: Floats
    sums: Floats
    tail: Floats
    latest: Floats
    bins: Floats
    newest: Floats

    @classmethod
    def empty(cls, shape: tuple[int, ...]) -> Self:
        return cls(
            total=np.zeros((*shape, 4)),
            sums=np.zeros((*shape, 2)),
            tail=np.zeros((*shape, TAIL)),
            latest=np.zeros((*shape, OBVIOUS_BLOCKS, 4)),
            bins=np.zeros((*shape, WINDOWS[-1], 4)),
            newest=np.zeros(shape),
        )


def observe(memory: Confirmation, end: Floats, harm: Floats, act: Floats, line: Floats, events: Floats) -> Confirmation:
    """Add one block that ended at `end` (seconds). `harm` and `act` are its counts for the two lines, `line` the harm null. `events` is 1
    for counted events, 0 for means.

    A block that is not comparable is no block.
    """
    seen = comparable(harm) > 0.0
    u = overlap(harm) * excess(harm, line)
    now = np.where(seen, np.floor_divide(end, BIN_SECONDS), memory.newest)
    latest = np.concatenate((memory.latest[..., 1:, :], (events[..., None] * harm)[..., None, :]), axis=-2)
    bins = _shifted(memory.bins, np.clip(now - memory.newest, 0, WINDOWS[-1]).astype(np.intp))
    bins[..., -1, :] += np.where(seen[..., None], act, 0.0)
    return Confirmation(
        total=memory.total + np.where(seen[..., None], act, 0.0),
        sums=memory.sums + np.stack((u, u * u), axis=-1),
        tail=np.where(seen[..., None], np.concatenate((memory.tail[..., 1:], u[..., None]), axis=-1), memory.tail),
        latest=np.where(seen[..., None, None], latest, memory.latest),
        bins=bins,
        newest=now,
    )


def _shifted(bins: Floats, by: np.ndarray) -> Floats:
    """Each window moved on by its own number of bins."""
    if not by.any():
        return bins.copy()
    index = np.arange(WINDOWS[-1]) + by[..., None]
    moved: Floats = np.take_along_axis(bins, np.minimum(index, WINDOWS[-1] - 1)[..., None], axis=-2)
    moved[index >= WINDOWS[-1]] = 0.0
    return moved


def agreed(memory: Confirmation) -> np.ndarray:
    """Is the excess spread over at least four blocks, over the run or one of its latest spans?"""
    found = _spread(memory.sums[..., 0], memory.sums[..., 1])
    for span in SPANS:
        latest = memory.tail[..., -span:]
        found |= _spread(latest.sum(axis=-1), np.square(latest).sum(axis=-1))
    return found


def _spread(total: Floats, squares: Floats) -> np.ndarray:
    spread: np.ndarray = (total > 0.0) & (total >= AGREEMENT * np.sqrt(squares) * (1.0 - _ROUNDING))
    return spread


def exceeds(memory: Confirmation, line: Floats) -> np.ndarray:
    """Is the observed candidate rate above the whole margin, since the start or lately?"""
    found: np.ndarray = excess(memory.total, line) > 0.0
    for window in WINDOWS:
        found |= excess(memory.bins[..., -window:, :].sum(axis=-2), line) > 0.0
    return found


def obvious(memory: Confirmation) -> np.ndarray:
    """Is the candidate at least 50 points worse on at least 30 requests in the last two blocks?"""
    counts = memory.latest.sum(axis=-2)
    worse: np.ndarray = (counts[..., CANDIDATE_REQUESTS] >= OBVIOUS_REQUESTS) & (excess(counts, EQUALITY) >= OBVIOUS_EXCESS)
    return worse


def glaring(memory: Confirmation) -> np.ndarray:
    """The same, and at least 50 points in each of the two: no single burst of failures looks like that, however large."""
    each: np.ndarray = excess(memory.latest, EQUALITY) >= OBVIOUS_EXCESS
    found: np.ndarray = obvious(memory) & each.all(axis=-1)
    return found


def confirmed(memory: Confirmation, act: Floats) -> np.ndarray:
    """May a rollback be based on these checks?"""
    confirmed: np.ndarray = obvious(memory) | (exceeds(memory, act) & agreed(memory))
    return confirmed
