"""The stable version's noise before the rollout, from one read of its pods' counters over the past."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log

import numpy as np

from headgate.api.quantities import Unit
from headgate.api.vocabulary import Metric
from headgate.evidence.bets import enough, means
from headgate.evidence.bets.arrays import Floats
from headgate.evidence.bets.calibration import Calibration, fit
from headgate.evidence.bets.comparison import limits_of
from headgate.evidence.check import Check
from headgate.evidence.counting.series import RawSeries
from headgate.evidence.pods.arms import PodBlock, Pods, against_the_others, events_of, fold

LONGEST = 6 * 3600.0
"""Seconds of the past that are asked for at most: noise is of the present, not of another day."""
MOST_SAMPLES = 200_000
"""Samples of one model that are asked for at most; a shorter past then has to do."""
_MOST_CELLS = 20_000
"""Arms times blocks that are fitted; the newest ones."""
_BOUNDS_TRIED = 5
_NO_MARGIN = 0.0


@dataclass(frozen=True, slots=True)
class History:
    """What the past says, per check of the question.

    `fits`: the calibration of one comparison, shape (1,), by the bound of slow requests; by an empty string where a check has none. Not
    there: the past is too short, or of too few pods. `totals`: all pods' requests and events, where the check needs no bound. `pods` and
    `seconds`: how many, and how long. `bounds`: of the pods' latency buckets.
    """

    fits: tuple[Mapping[str, Calibration], ...] = ()
    totals: tuple[tuple[int, int], ...] = ()
    pods: int = 0
    seconds: float = 0.0
    bounds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Past:
    """`bounds`: the finite ones, with the share of all requests above each."""

    blocks: list[PodBlock]
    names: list[str]
    bounds: list[tuple[str, float]]


def span(series: int, spacing: float) -> float:
    """Seconds of history to ask for, when as many `series` are sampled every `spacing` seconds."""
    return float(min(LONGEST, MOST_SAMPLES / max(1, series) * max(spacing, 0.1)))


def history_of(checks: Sequence[Check], series: Iterable[RawSeries], interval: float) -> History:
    """From raw counters of the stable version's pods. Takes up to a second of computing for MOST_SAMPLES."""
    pods, blocks = fold(Pods(), series, interval)
    return history_from(checks, blocks, pods.bounds)


def history_from(checks: Sequence[Check], blocks: Sequence[PodBlock], bounds: tuple[str, ...]) -> History:
    """The same from what the pods counted in each block; `bounds` as in Pods."""
    names = sorted({pod for block in blocks for pod in block.pods})
    recent = blocks[-max(1, _MOST_CELLS // max(1, len(names))) :]
    past = _Past(list(recent), names, _histogram(recent, bounds))
    if not names:
        return History(tuple({} for _ in checks), tuple((0, 0) for _ in checks))
    fits, totals = [], []
    for check in checks:
        found = _fits(check, past)
        fits.append(found)
        counted = _counted(check, "", past)
        totals.append((int(counted[..., 0].sum()), int(counted[..., 1].sum())))
    seconds = past.blocks[-1].end - past.blocks[0].end if past.blocks else 0.0
    return History(tuple(fits), tuple(totals), len(names), seconds, bounds)


def _fits(check: Check, past: _Past) -> dict[str, Calibration]:
    tried = _near_the_quantile(check, past) if check.metric is Metric.LATENCY else ("",)
    found = {}
    for bound in tried:
        arms = np.moveaxis(against_the_others(_counted(check, bound, past)), 0, 1)
        margin = _margin(check, bound, past)
        one, depth = arms[None], np.full(1, margin)
        if check.is_mean and enough.of_means(one).all():
            found[bound] = means.fit(one)
        elif not check.is_mean and enough.of_events(one, depth).all():
            found[bound] = fit(one, depth)
    return found


def _counted(check: Check, bound: str, past: _Past) -> Floats:
    """(requests, events), shape (blocks, pods, 2); nothing where a pod was not there."""
    counted = [[events_of(check, bound, block.pods.get(pod, {})) for pod in past.names] for block in past.blocks]
    return np.array(counted, dtype=np.float64).reshape(len(past.blocks), len(past.names), 2)


def _histogram(blocks: Sequence[PodBlock], bounds: tuple[str, ...]) -> list[tuple[str, float]]:
    sums = dict.fromkeys(bounds, 0)
    for block in blocks:
        for counts in block.pods.values():
            for part in sums:
                sums[part] += counts.get(f"le {part}", 0)
    timed = sums.pop("+Inf", 0)
    return [(part, max(timed - below, 0) / timed if timed else 0.0) for part, below in sums.items()]


def _near_the_quantile(check: Check, past: _Past) -> tuple[str, ...]:
    """Bounds of which the judge may choose one: those whose shares above them are nearest to that above the quantile."""
    tail = 1.0 - (check.quantile or 0.0)
    shares = [(abs(log(max(share, 1e-9) / max(tail, 1e-9))), part) for part, share in past.bounds]
    return tuple(part for _, part in sorted(shares)[:_BOUNDS_TRIED])


def _depth(check: Check, past: _Past) -> float:
    """How far the line of being good lies above equality, at the rate of the past."""
    line, counted = limits_of(check).good, _counted(check, "", past).sum(axis=(0, 1))
    offset = line.offset if line.ratio >= 1.0 else line.offset - (1.0 - line.ratio) * counted[1] / max(counted[0], 1.0)
    return float(max(offset, _NO_MARGIN))


def _margin(check: Check, bound: str, past: _Past) -> float:
    """The whole margin as a share, for the depth of bets on being good; of latency the share between the bound less the margin and it."""
    if check.metric is not Metric.LATENCY:
        return _NO_MARGIN if check.is_mean else _depth(check, past)
    if check.margin.unit is not Unit.MILLISECONDS:
        return _NO_MARGIN
    at, known = float(bound), [(0.0, 1.0), *((float(part), share) for part, share in past.bounds)]
    lower, upper = np.interp([at - check.margin.seconds, at], [b for b, _ in known], [share for _, share in known])
    return float(max(lower - upper, _NO_MARGIN))
