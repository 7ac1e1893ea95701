"""The judge of fairness: a list of batches in, a reading out.

Two tests share the batches. The one for a violation has the limit itself as its null: a version exactly at the limit is taken back with a
chance of at most alpha, over all looks, groups and limits. The other has half of the limit as its null (ratio 0.9 where the limit is 0.8)
and needs an observed value beyond the whole limit; it is sooner, and takes nothing back: it only keeps a suspected version from rising.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from headgate.api.vocabulary import Verdict
from headgate.evidence.bets.arrays import Floats
from headgate.evidence.check import FairnessQuestion
from headgate.evidence.fairness.disparity import Batch, Lines, Pairs, bounds, log_evidence, pair_up
from headgate.evidence.fairness.reading import FairnessReading, GroupReading
from headgate.evidence.segments.several import e_bh, running_mean

_LARGEST_LOG = 700.0
_BOUNDS_GROWTH = 1.25
"""Bounds cost twenty times what the verdict costs: they are found anew after a quarter more decisions, and with a violation."""


@dataclass(frozen=True, slots=True)
class _Bounded:
    """Bounds and the number of decisions that they rest on."""

    decisions: int
    ratio: tuple[float, float] | None
    difference: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Finding:
    """Where one of the two tests stands, look by look. Tests are all groups against the first limit, then against the second.

    `decided` says at which looks the evidence was enough and the group that carried it (`blamed`, a position) observed beyond the limit.
    """

    log_evalues: Floats
    joined: Floats
    decided: NDArray[np.bool_]
    blamed: NDArray[np.intp]

    @property
    def first(self) -> int | None:
        """The first look at which it was decided."""
        return int(np.argmax(self.decided)) if self.decided.any() else None


def evaluate(batches: Sequence[Batch], asked: FairnessQuestion, before: FairnessReading | None = None) -> FairnessReading:
    """What the batches say. `before` is a reading of an earlier part of them, whose bounds need not be found again; it changes nothing."""
    unknown = _nothing_known(batches, asked)
    pairs = pair_up(batches, asked.reference)
    enough = _enough(pairs, asked) if pairs is not None else np.array([[False]])
    if pairs is None or not enough[-1].any():
        return unknown
    violation, suspicion = findings(pairs, asked)
    at = violation.first
    group = _lowest(pairs, enough[-1]) if at is None else int(violation.blamed[at]) % len(pairs.groups)
    known = _bounds(batches, asked, at, before)
    ratio, difference = _observed(pairs, group)
    return replace(
        unknown,
        verdict=Verdict.FAIL if at is not None else Verdict.PASS if _within(known, asked) else Verdict.INCONCLUSIVE,
        suspected=at is None and bool(suspicion.decided[-1]),
        worst=pairs.groups[group],
        against=pairs.against[group],
        ratio=ratio,
        difference=difference,
        ratio_bounds=known.ratio,
        difference_bounds=known.difference,
        bounds_decisions=known.decisions,
        harm=exp(min(max(0.0, float(violation.joined.max())), _LARGEST_LOG)),
        named=_named(pairs, violation, asked.alpha),
        detail="",
    )


def _nothing_known(batches: Sequence[Batch], asked: FairnessQuestion) -> FairnessReading:
    totals = _totals(batches)
    return FairnessReading(
        required=asked.required,
        groups=totals,
        ratio_limit=asked.min_ratio,
        difference_limit=asked.max_difference,
        detail=_lacking(totals, asked),
    )


def _named(pairs: Pairs, violation: Finding, alpha: float) -> tuple[str, ...]:
    """The groups that stand out at the moment of the decision: e-values of one moment, as e-BH needs them."""
    if violation.first is None:
        return ()
    tests = e_bh(violation.log_evalues[violation.first].tolist(), alpha)
    return tuple(dict.fromkeys(pairs.groups[test % len(pairs.groups)] for test in tests))


def findings(pairs: Pairs, asked: FairnessQuestion) -> tuple[Finding, Finding]:
    """The tests for a violation and for a suspicion. A violation stands; a suspicion is over when what is observed is within the limit."""
    limits = [(asked.min_ratio, 0.0), ((1.0 + asked.min_ratio) / 2, 0.0)]
    if asked.max_difference is not None:
        limits += [(1.0, -asked.max_difference), (1.0, -asked.max_difference / 2)]
    ratio, offset = np.array(limits).T
    found = log_evidence(pairs, Lines(ratio, offset, np.full(len(limits), -1.0), offset == 0.0))
    enough = _enough(pairs, asked)
    beyond = np.concatenate([_beyond(pairs, *limit) & enough for limit in limits[::2]], axis=1)
    present = np.tile(pairs.present, (1, len(limits) // 2))
    whole, half = (np.concatenate(list(found[start::2]), axis=1) for start in (0, 1))
    return _finding(whole, present, beyond, asked.alpha), _finding(half, present, beyond, asked.alpha)


def _finding(log_evalues: Floats, present: NDArray[np.bool_], beyond: NDArray[np.bool_], alpha: float) -> Finding:
    joined = running_mean(log_evalues, present)
    enough = np.maximum.accumulate(joined) >= -log(alpha)
    blamed = np.argmax(np.where(beyond, log_evalues, -np.inf), axis=1)
    return Finding(log_evalues, joined, enough & beyond.any(axis=1), blamed)


def _beyond(pairs: Pairs, ratio: float, offset: float) -> NDArray[np.bool_]:
    """Whether what was observed up to each look is beyond a limit, shape (batches, groups)."""
    reference, group = _rates(pairs)
    return group < ratio * reference + offset


def _rates(pairs: Pairs) -> tuple[Floats, Floats]:
    n_b, e_b, n_c, e_c = pairs.so_far
    return e_b / np.maximum(n_b, 1.0), e_c / np.maximum(n_c, 1.0)


def _lowest(pairs: Pairs, enough: NDArray[np.bool_]) -> int:
    reference, group = _rates(pairs)
    ratios = group[-1] / np.maximum(reference[-1], 1e-12)
    return int(np.argmin(np.where(enough, ratios, np.inf)))


def _observed(pairs: Pairs, group: int) -> tuple[float | None, float]:
    reference, rate = (float(array[-1, group]) for array in _rates(pairs))
    return (rate / reference if reference > 0.0 else None), rate - reference


def _bounds(batches: Sequence[Batch], asked: FairnessQuestion, decided: int | None, before: FairnessReading | None) -> _Bounded:
    """Bounds at the last look at which they were due: the same ones, however the looks were cut into answers."""
    sizes = np.cumsum([sum(number for number, _ in batch.values()) for batch in batches])
    steps = np.floor(np.log(np.maximum(sizes, 1)) / log(_BOUNDS_GROWTH))
    due = int(np.flatnonzero(np.diff(steps, prepend=-1.0))[-1])
    look = due if decided is None else max(due, decided)
    size = int(sizes[look])
    if before is not None and before.bounds_decisions == size:
        return _Bounded(size, before.ratio_bounds, before.difference_bounds)
    pairs = pair_up(batches[: look + 1], asked.reference)
    counted = _enough(pairs, asked)[-1] if pairs is not None else np.array([False])
    if pairs is None or not counted.any():
        return _Bounded(size, None, None)
    found = bounds(pairs, asked.alpha, counted)
    low, high = found.ratio
    # Nobody is treated better than the best.
    highest = high if asked.reference else min(high, 1.0)
    least, most = found.difference
    return _Bounded(size, (low, highest), (least, most if asked.reference else min(most, 0.0)))


def _enough(pairs: Pairs, asked: FairnessQuestion) -> NDArray[np.bool_]:
    """Whether both the group and its reference have the least number of decisions, shape (batches, groups)."""
    return np.minimum(pairs.so_far[0], pairs.so_far[2]) >= asked.min_decisions


def _within(known: _Bounded, asked: FairnessQuestion) -> bool:
    ratio = known.ratio is not None and known.ratio[0] >= asked.min_ratio
    difference = asked.max_difference is None or (known.difference is not None and known.difference[0] >= -asked.max_difference)
    return ratio and difference


def _totals(batches: Sequence[Batch]) -> tuple[GroupReading, ...]:
    """By group, those with most decisions first."""
    totals: dict[str, tuple[int, int]] = {}
    for batch in batches:
        for group, (decided, liked) in batch.items():
            before = totals.get(group, (0, 0))
            totals[group] = (before[0] + decided, before[1] + liked)
    found = [GroupReading(group, decided, liked) for group, (decided, liked) in totals.items()]
    return tuple(sorted(found, key=lambda one: (-one.decisions, one.group)))


def _lacking(totals: tuple[GroupReading, ...], asked: FairnessQuestion) -> str:
    """What there is too little of, in words."""
    if asked.reference and all(one.group != asked.reference for one in totals):
        return f"no decision about the reference group {asked.reference} yet"
    counted = ", ".join(f"{one.decisions:,} in group {one.group}" for one in totals) or "none"
    return f"two groups with {asked.min_decisions} decisions each are needed to compare: {counted} so far"
