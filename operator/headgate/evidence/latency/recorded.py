"""Latency of many recorded rollouts, as comparisons of slow shares: for each series the bounds that the operator would have chosen."""

from dataclasses import dataclass

import numpy as np

from headgate.evidence.batch import Compared
from headgate.evidence.bets.arrays import Floats
from headgate.evidence.bets.comparison import EQUALITY, Line
from headgate.evidence.check import Check
from headgate.evidence.latency.slow_shares import Choice, Past, Unresolved, choose


@dataclass(frozen=True, slots=True)
class Histograms:
    """Cumulative latency counts of both arms: (..., 2, bounds + 1), the stable version first; the last count is of all timed requests."""

    bounds: tuple[float, ...]
    counts: Floats


def compared(
    check: Check, ends: Floats, blocks: Histograms, arms: Histograms | None = None, past: Histograms | None = None
) -> tuple[Compared, tuple[str, ...]]:
    """`check`, a latency check with a quantile, in every series, and in words what each compares.

    `blocks.counts` is (series, blocks, 2, ...), those of `arms` and `past` (series, arms, blocks, 2, ...) as in batch.Streams. Series
    whose buckets cannot tell the margin compare nothing.
    """
    series, number = ends.shape
    counts, learnt = np.zeros((series, number, 3, 4)), np.zeros((series, number, 4))
    lines = np.broadcast_to(EQUALITY, (series, 3, 2)).copy()
    slow_arms, slow_past = _places(arms), _places(past)
    words = []
    for one in range(series):
        known, first = _chosen(check, blocks.bounds, blocks.counts[one], None if past is None else past.counts[one])
        words.append(known.detail if known is not None else "too few requests to choose latency bounds")
        if not isinstance(known, Choice):
            continue
        lines[one] = [(line.ratio, line.offset) for line in _lines(known)]
        pairs = (known.harm, known.act, known.good)
        for place, pair in enumerate(pairs):
            counts[one, first:, place] = _slow(blocks, one, pair.stable, pair.candidate)[first:]
        harm, good, level = (_slow(blocks, one, at, at) for at in (known.harm.stable, known.good.stable, known.good.candidate))
        learnt[one, first:] = np.stack((harm[:, 0], harm[:, 1], good[:, 1], level[:, 1]), axis=-1)[first:]
        for source, slow in ((arms, slow_arms), (past, slow_past)):
            if source is not None and slow is not None:
                slow[one] = _slow(source, one, known.harm.stable, known.harm.stable)
    return Compared(ends, counts, lines, learnt, slow_arms, slow_past), tuple(words)


def _places(source: Histograms | None) -> Floats | None:
    return None if source is None else np.zeros((*source.counts.shape[:3], 4))


def _lines(choice: Choice) -> tuple[Line, Line, Line]:
    limits = choice.limits
    return limits.harm, limits.act, limits.good


def _chosen(check: Check, bounds: tuple[float, ...], blocks: Floats, past: Floats | None) -> tuple[Choice | Unresolved | None, int]:
    """The choice made from the past, else as soon as the stable version has shown enough; and the first block that it holds for."""
    if check.quantile is None:
        raise ValueError("a latency check needs a quantile")
    before = np.zeros(len(bounds) + 1) if past is None else past[..., 1, :].sum(axis=(0, 1))
    seen = before
    for first in range(len(blocks) + 1):
        known = choose(Past(bounds, int(seen[-1]), tuple(int(count) for count in seen[:-1])), check.quantile, check.margin)
        if known is not None:
            return known, first
        if first < len(blocks):
            seen = seen + blocks[first, 0]
    return None, len(blocks)


def _slow(source: Histograms, series: int, stable: float, candidate: float) -> Floats:
    """Timed and slow requests of both arms, (..., 4)."""
    own = source.counts[series]
    columns = []
    for arm, bound in ((0, stable), (1, candidate)):
        timed = own[..., arm, -1]
        columns += [timed, np.clip(timed - own[..., arm, source.bounds.index(bound)], 0.0, timed)]
    return np.stack(columns, axis=-1)
