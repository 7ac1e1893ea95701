"""How decisions about groups of people differ: e-values and bounds of the disparate-impact ratio and of the parity difference.

Decisions are cut into batches by their number alone, never by what was decided, and each batch is one bet against the null
"rate of the group >= ratio * rate of its reference + offset": the exact e-value that also compares two versions (`eprocess`). Batches are
independent, so the product over them is an e-process, for constant and for drifting rates: P(it ever reaches 1/alpha) <= alpha within the
null. It needs no list of start times: what a version decides by is the same from its first decision on.

Without a named reference each group is compared with the one that was treated best in the batches before. If every group keeps the limit
against the best treated one, it keeps it against any, so each such bet is fair, and what is shown about one holds against the best.

A list of batches is all there is to remember: every figure is a function of it. Batches grow with what is known, by a twentieth, so that
there are a few hundred after millions of decisions, and nothing is seen later than a twentieth more of the decisions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from headgate.evidence.bets.arrays import Floats
from headgate.evidence.bets.eprocess import LEAST_RATE, block_log_evalue
from headgate.evidence.segments.several import running_mean

Batch = Mapping[str, tuple[int, int]]
"""(decisions, favourable ones) by group."""

LEAST_BATCH = 10
_GROWTH = 20

SHARES = np.array([0.9, 0.75, 0.6, 0.4])
"""How far beyond a ratio a group is supposed to be: this share of its rate at the limit, or 1/share in the other direction."""
GAPS = np.array([0.02, 0.05, 0.1, 0.2])
"""The same for a difference of rates."""
PRIOR = np.array([0.1, 0.35, 0.4, 0.15])

_BORROWED = 5.0
"""Decisions at the common rate that each group is thought to have had before its first one."""
WIDEST_RATIO = 2.0
_HALVINGS = 11


def is_full(pending: Batch, before: int) -> bool:
    """Whether `pending` makes a batch, after `before` decisions in earlier ones. Depends on numbers of decisions only."""
    return sum(decided for decided, _ in pending.values()) >= max(LEAST_BATCH, before / _GROWTH)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Tested groups and their references, batch by batch; arrays have the shape (batches, groups).

    `rate` is the reference's rate as predicted from earlier batches. `so_far` holds (decisions, favourable ones) of the reference and
    of the group up to the end of each batch.
    """

    groups: tuple[str, ...]
    against: tuple[str, ...]
    """The reference of each group in the last batch."""
    rate: Floats
    counts: tuple[Floats, Floats, Floats, Floats]
    """Of each batch: decisions and favourable ones of the reference, then of the group."""
    present: NDArray[np.bool_]
    """Whether the group was decided about in this batch or before."""
    so_far: tuple[Floats, Floats, Floats, Floats]


def pair_up(batches: Sequence[Batch], reference: str = "") -> Pairs | None:
    """None while there are not two groups, or no decision about a named reference. Groups are in the order of their appearance."""
    names = tuple(dict.fromkeys(name for batch in batches for name, (decided, _) in batch.items() if decided))
    if len(names) < 2 or (reference and reference not in names):
        return None
    table = np.array([[batch.get(name, (0, 0)) for name in names] for batch in batches], dtype=np.float64)
    decided, liked = table[..., 0], table[..., 1]
    decided_so_far, liked_so_far = np.cumsum(decided, axis=0), np.cumsum(liked, axis=0)
    decided_before, liked_before = decided_so_far - decided, liked_so_far - liked
    common = (liked_before.sum(axis=1, keepdims=True) + 0.5) / (decided_before.sum(axis=1, keepdims=True) + 1.0)
    rates = (liked_before + _BORROWED * common) / (decided_before + _BORROWED)
    tested = [at for at, name in enumerate(names) if name != reference]
    chosen = _references(rates, decided, tested, names.index(reference) if reference else None)
    rows = np.arange(len(batches))[:, None]
    return Pairs(
        groups=tuple(names[at] for at in tested),
        against=tuple(names[at] for at in chosen[-1]),
        rate=np.clip(rates[rows, chosen], LEAST_RATE, 1.0 - LEAST_RATE),
        counts=(decided[rows, chosen], liked[rows, chosen], decided[:, tested], liked[:, tested]),
        present=decided_so_far[:, tested] > 0.0,
        so_far=(decided_so_far[rows, chosen], liked_so_far[rows, chosen], decided_so_far[:, tested], liked_so_far[:, tested]),
    )


def _references(rates: Floats, decided: Floats, tested: list[int], named: int | None) -> NDArray[np.intp]:
    """Position of the reference, shape (batches, tested groups)."""
    if named is not None:
        return np.full((len(rates), len(tested)), named, dtype=np.intp)
    # Of equals the largest: how many decisions there are says nothing about how they turned out.
    order = rates + 1e-9 * decided / (1.0 + decided.max())
    others = np.arange(rates.shape[1])
    return np.stack([np.argmax(np.where(others == at, -inf, order), axis=1) for at in tested], axis=1)


@dataclass(frozen=True, slots=True)
class Lines:
    """Nulls, one per entry of the arrays: with side -1 "the group's rate is at ratio * reference + offset or above", with +1 "or below".

    Supposed rates lie beyond the line by SHARES where `by_ratio`, else by GAPS.
    """

    ratio: Floats
    offset: Floats
    side: Floats
    by_ratio: NDArray[np.bool_]


def log_evidence(pairs: Pairs, lines: Lines) -> Floats:
    """log E against each line after each batch, shape (lines, batches, groups)."""
    ratio, offset, side = (array.reshape(-1, 1, 1, 1) for array in (lines.ratio, lines.offset, lines.side))
    by_ratio = lines.by_ratio.reshape(-1, 1, 1, 1)
    rate = pairs.rate[..., None]
    edge = ratio * rate + offset
    supposed = np.where(by_ratio, np.where(side < 0.0, edge * SHARES, edge / SHARES), edge + side * GAPS)
    supposed = np.clip(supposed, LEAST_RATE, 1.0 - LEAST_RATE)
    n_b, e_b, n_c, e_c = (array[..., None] for array in pairs.counts)
    bets = np.cumsum(block_log_evalue(rate, supposed, (n_b, e_b, n_c, e_c), ratio, offset, side), axis=1)
    together: Floats = np.logaddexp.reduce(np.log(PRIOR) + bets, axis=-1)
    return together


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between which values the smallest ratio and the lowest difference of any group to its reference lie."""

    ratio: tuple[float, float]
    difference: tuple[float, float]


def bounds(pairs: Pairs, alpha: float, counted: NDArray[np.bool_]) -> Bounds:
    """Each bound by itself is wrong, at any look, with a chance of at most `alpha`. `counted` says which groups the lower ones speak of.

    Upper: the least value that the joined evidence excludes, since one group below it is enough. Lower: the greatest that the evidence
    about every counted group excludes. Known to 0.001; a ratio of WIDEST_RATIO or a difference of 1 (or 0, or -1) means: not known.
    """
    inside, outside = np.array([0.0, WIDEST_RATIO, -1.0, 1.0]), np.array([WIDEST_RATIO, 0.0, 1.0, -1.0])
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        excluded = _excluded(pairs, middle, alpha, counted)
        inside, outside = np.where(excluded, inside, middle), np.where(excluded, middle, outside)
    high, low, most, least = (float(value) for value in outside)
    return Bounds((low, high), (least, most))


def _excluded(pairs: Pairs, value: Floats, alpha: float, counted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether (ratio from above, ratio from below, difference from above, difference from below) are excluded."""
    by_ratio = np.array([True, True, False, False])
    lines = Lines(np.where(by_ratio, value, 1.0), np.where(by_ratio, 0.0, value), np.array([-1.0, 1.0, -1.0, 1.0]), by_ratio)
    found, needed = log_evidence(pairs, lines), -np.log(alpha)
    above = [running_mean(found[at], pairs.present).max() >= needed for at in (0, 2)]
    below = [bool(counted.any()) and found[at][:, counted].max(axis=0).min() >= needed for at in (1, 3)]
    return np.array([above[0], below[0], above[1], below[1]])
