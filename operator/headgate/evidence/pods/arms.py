"""What each pod of the stable version counted, in blocks on a fixed grid: the arms of comparisons in which nothing differs (A/A)."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from statistics import median

import numpy as np

from headgate.api.vocabulary import Metric
from headgate.evidence.bets.arrays import Floats
from headgate.evidence.bets.comparison import summed
from headgate.evidence.check import Check
from headgate.evidence.counting import tally
from headgate.evidence.counting.series import Arm, Cursors, Increment, RawSeries, What, increments
from headgate.evidence.counting.tally import Counts
from headgate.evidence.latency import native

MOST_PODS = 64
"""Pods that are looked at. More of them tell nothing more about noise."""
_SPANS = 9
_JITTER = 0.1
_FORGET = 900.0
"""Seconds after which a counter that is not read any more is forgotten."""


@dataclass(frozen=True, slots=True)
class PodBlock:
    """One interval of the grid: what each pod counted. Pods that were alive and counted nothing are there as well."""

    end: float
    pods: dict[str, Counts] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pods:
    """How far the pods' samples were counted. `seen`: time of each pod's last sample. `spans`: the latest times between two samples.
    `grid`: seconds of a block, 0 until the spacing of samples is known. `open`: blocks that samples may still belong to; `closed`: end of
    the last one that is over. `bounds`: upper bounds of latency buckets that the pods have, as parts of series."""

    cursors: Cursors = field(default_factory=Cursors)
    seen: dict[str, float] = field(default_factory=dict)
    spans: tuple[float, ...] = ()
    grid: float = 0.0
    open: tuple[PodBlock, ...] = ()
    closed: float | None = None
    bounds: tuple[str, ...] = ()

    @property
    def alive(self) -> int:
        """Pods that were sampled when the newest sample was taken, or shortly before."""
        return len(self.alive_at(max(self.seen.values(), default=0.0)))

    def alive_at(self, time: float) -> tuple[str, ...]:
        return tuple(sorted(pod for pod, last in self.seen.items() if last >= time - self.patience))

    @property
    def count_answers(self) -> bool:
        """Whether requests are counted by status code, and not by latency alone."""
        return any(key.startswith(f"{Arm.STABLE}|{What.ANSWERED}|") for key in self.cursors.series)

    def have(self, summary: str) -> bool:
        """Whether the pods count by this summary of their own."""
        return any(key.split("|", 3)[1:3] == [What.VALUED, summary] for key in self.cursors.series)

    @property
    def patience(self) -> float:
        """Seconds without a sample after which a pod counts as gone, and a longer step as a gap."""
        return max(2 * self.grid, 2 * self.spacing) + 1

    @property
    def spacing(self) -> float:
        """Usual seconds between two samples of a pod; 0 while unknown."""
        return median(self.spans) if self.spans else 0.0


def fold(pods: Pods, series: Iterable[RawSeries], interval: float) -> tuple[Pods, list[PodBlock]]:
    """`pods` after one answer, and the blocks that are over now.

    Samples are taken in order of time, so the same samples give the same blocks, however they are cut into answers. `interval` is that
    of the judge's blocks; where pods are sampled less often, blocks are a whole number of intervals long.
    """
    wanted = _of_pods(pods, series)
    cursors, steps = increments(pods.cursors, wanted, {})
    bounds = tuple(sorted({*pods.bounds, *(one.part for one in wanted if one.what is What.TIMED)}, key=float))
    counting = _Counting(replace(pods, cursors=cursors, bounds=bounds), interval)
    for time, moment in groupby(steps, key=lambda step: step.time):
        for pod, group in groupby(moment, key=lambda step: step.instance):
            counting.sample(time, pod, list(group))
        counting.close(time)
    return counting.finish(), counting.over


def _of_pods(pods: Pods, series: Iterable[RawSeries]) -> list[RawSeries]:
    """Those of the pods that are known already, and of others in order of their names while there is room."""
    every = list(series)
    new = sorted({one.instance for one in every} - set(pods.seen))
    kept = {*pods.seen, *new[: max(0, MOST_PODS - len(pods.seen))]}
    return [one for one in every if one.instance in kept]


class _Counting:
    """Pods being moved on, sample by sample."""

    def __init__(self, pods: Pods, interval: float) -> None:
        self._pods, self._interval = pods, interval
        self._seen = dict(pods.seen)
        self._open = {block.end: {pod: dict(counts) for pod, counts in block.pods.items()} for block in pods.open}
        self.over: list[PodBlock] = []

    def finish(self) -> Pods:
        since = max(self._seen.values(), default=0.0) - _FORGET
        kept = {key: cursor for key, cursor in self._pods.cursors.series.items() if cursor.time >= since}
        instances = {pod: last for pod, last in self._pods.cursors.instances.items() if last >= since}
        return replace(
            self._pods,
            cursors=Cursors(kept, instances),
            seen={pod: last for pod, last in self._seen.items() if last >= since},
            open=tuple(PodBlock(end, self._open[end]) for end in sorted(self._open)),
        )

    def sample(self, time: float, pod: str, steps: list[Increment]) -> None:
        spans = (*self._pods.spans, time - max(step.previous for step in steps))[-_SPANS:]
        self._pods = replace(self._pods, spans=spans, grid=self._pods.grid or _grid(median(spans), self._interval))
        self._seen[pod] = max(time, self._seen.get(pod, time))
        if time - min(step.previous for step in steps) > self._pods.patience:
            return
        counts = self._block(time).setdefault(pod, {})
        for step in tally.coherent(steps):
            tally.add(counts, step)

    def _block(self, time: float) -> dict[str, Counts]:
        grid, closed = self._pods.grid, self._pods.closed
        end = math.ceil(time / grid) * grid
        if closed is not None and end <= closed:
            end = min(self._open, default=closed + grid)
        return self._open.setdefault(end, {})

    def close(self, time: float) -> None:
        """Close the blocks that every pod that is alive was sampled after."""
        alive = [pod for pod, last in self._seen.items() if last >= time - self._pods.patience]
        reached = min((self._seen[pod] for pod in alive), default=-math.inf)
        for end in sorted(end for end in self._open if end <= reached):
            counted = self._open.pop(end)
            self.over.append(PodBlock(end, {pod: counted.get(pod, {}) for pod in sorted({*alive, *counted})}))
            self._pods = replace(self._pods, closed=end)


def _grid(spacing: float, interval: float) -> float:
    return interval * max(1, math.ceil(spacing / interval - _JITTER))


def events_of(check: Check, bound: str, counts: Counts) -> tuple[float, float]:
    """(requests, events) of one pod in one block, as the judge counts them. `bound` is that of the slow requests, empty for other checks
    and while it is not chosen: then nothing is counted of a latency check."""
    if check.metric is Metric.LATENCY:
        timed = counts.get("le +Inf", 0) if bound and native.exact(bound, tally.schema_of(counts)) else 0
        return timed, min(max(timed - counts.get(f"le {bound}", 0), 0), timed)
    if check.summary:
        return summed(check, *tally.summed(counts, check.summary))
    requests = counts.get("requests", 0)
    return requests, min(counts.get("errors" if check.metric is Metric.ERRORS else "rejections", 0), requests)


def against_the_others(counted: Floats) -> Floats:
    """A/A counts (..., arms, 4) from (requests, events) of each pod, (..., arms, 2): the others of the same block together are the
    stable version, the pod itself is the candidate."""
    others = counted.sum(axis=-2, keepdims=True) - counted
    both: Floats = np.concatenate((others, counted), axis=-1)
    return both


def arms_of(checks: Sequence[Check], bounds: Sequence[str], block: PodBlock) -> Floats:
    """A/A counts of one block, (checks, arms, 4), the arms in order of the pods' names."""
    counted = [
        [events_of(check, bound, block.pods[pod]) for pod in sorted(block.pods)] for check, bound in zip(checks, bounds, strict=True)
    ]
    return against_the_others(np.array(counted, dtype=np.float64).reshape(len(counted), len(block.pods), 2))
