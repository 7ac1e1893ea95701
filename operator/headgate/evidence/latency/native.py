"""Native (exponential) histograms as cumulative counts at fixed bounds, so that they are judged like any other buckets.

A native histogram of schema s has its bounds at the powers of 2**(2**-s), and lists only buckets that hold something. Every bound of schema
FINEST is one of each finer schema too: the counts at the fixed bounds are exact, also across a change of schema. A coarser histogram has
counts at every 2**(FINEST - s)-th of them only, and says so, because a bound that is not counted is not the same as one that nobody passed.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from math import ceil, isfinite, log2

FINEST = 3
"""Bounds 9 % apart: a difference of 50 ms is told at 250 ms and more between neighbours, and at any time between bounds further apart."""
_PER_OCTAVE = 2**FINEST
_EXPONENTS = range(-61, 28)
"""From 5 ms to 10 s, in eighths of an octave."""
BOUNDS: tuple[str, ...] = tuple(f"{2.0 ** (at / _PER_OCTAVE):.9g}" for at in _EXPONENTS)
"""As parts of series, in seconds."""
_POSITIONS = dict(zip(BOUNDS, _EXPONENTS, strict=True))
_ROUNDING = 1e-6

Bucket = tuple[float, float, float]
"""(lower bound, upper bound, count), lower exclusive and upper inclusive, in seconds."""
Sample = tuple[float, float, Sequence[Bucket]]
"""(Unix time, count of all, buckets in ascending order)."""


def exact(bound: str, schema: int) -> bool:
    """Whether histograms of this schema are counted at a bound. A bound of another layout is not theirs to say."""
    at = _POSITIONS.get(bound)
    return at is None or schema >= FINEST or at % 2 ** (FINEST - schema) == 0


def cumulated(samples: Iterable[Sample]) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    """Per bound, and for `+Inf`, the points (time, count up to it). Samples that are no exponential histogram are left out."""
    points: dict[str, list[tuple[float, float]]] = {bound: [] for bound in (*BOUNDS, "+Inf")}
    for time, count, buckets in samples:
        schema = schema_of(buckets)
        if schema is None:
            continue
        points["+Inf"].append((time, count))
        for bound, below in zip(BOUNDS, _below(buckets), strict=True):
            if exact(bound, schema):
                points[bound].append((time, below))
    return ((bound, found) for bound, found in points.items() if found)


def coarse(samples: Iterable[Sample]) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    """Per schema coarser than FINEST the points (time, 0) at which it was in use."""
    points: dict[str, list[tuple[float, float]]] = {}
    for time, _, buckets in samples:
        schema = schema_of(buckets)
        if schema is not None and schema < FINEST:
            points.setdefault(str(schema), []).append((time, 0.0))
    return iter(points.items())


def schema_of(buckets: Sequence[Bucket]) -> int | None:
    """FINEST for buckets of it and of any finer schema, and where nothing tells; None where the bounds are no powers of 2**(2**-s)."""
    found = FINEST
    for low, high, _ in buckets:
        if low <= 0.0 or not isfinite(high):
            continue
        width = log2(high / low)
        schema = round(-log2(width)) if width > 0.0 else FINEST
        place = log2(high) * 2.0**schema
        if abs(width * 2.0**schema - 1.0) > _ROUNDING or abs(place - round(place)) > _ROUNDING * max(1.0, abs(place)):
            return None
        found = min(found, schema)
    return found


def _below(buckets: Sequence[Bucket]) -> Iterator[float]:
    counts = [0.0] * (len(BOUNDS) + 1)
    for _, high, count in buckets:
        at = _EXPONENTS.start if high <= 0.0 else ceil(log2(high) * _PER_OCTAVE - _ROUNDING) if isfinite(high) else _EXPONENTS.stop
        counts[bisect_left(_EXPONENTS, at)] += count
    return accumulate(counts[:-1])
