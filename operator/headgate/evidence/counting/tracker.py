"""Samples folded into blocks on a fixed grid, and what guards and stage counters need beside them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from statistics import median

from headgate.evidence import guards
from headgate.evidence.counting import missing, tally
from headgate.evidence.counting.block import Block
from headgate.evidence.counting.exposure import Exposure
from headgate.evidence.counting.missing import Ledger, Split
from headgate.evidence.counting.series import Arm, Cursors, Increment, TargetSamples, What, increments
from headgate.evidence.counting.tally import Counts, OpenBlock
from headgate.evidence.guards import Moment, Window

_SPANS = 9
_MEMORY = 2000.0
_SILENT_RATE = 0.2
_SILENT_LEAST = 5


@dataclass(frozen=True, slots=True)
class StageCount:
    """What minDuration and minRequests count, of one stage since it was entered. `entered` is None where an earlier release counted."""

    stage: int = 0
    fresh_seconds: float = 0.0
    requests: int = 0
    entered: float | None = None
    copyable: int = 0
    """In shadow: the stable version's requests, by the gateway's counters and after warm-up,"""
    due: float = 0.0
    """how many copies of them were due,"""
    copied: int = 0
    """and how many were sent."""

    def fits(self, exposure: Exposure) -> bool:
        return self.stage == exposure.stage and self.entered in (None, exposure.entered)

    def of(self, exposure: Exposure) -> "StageCount":
        """The count to go on with: a stage that begins, or begins anew, starts from nothing."""
        if not self.fits(exposure):
            return StageCount(exposure.stage, entered=exposure.entered)
        return self if self.entered is not None else replace(self, entered=exposure.entered)


@dataclass(frozen=True, slots=True)
class Tracker:
    """How far the samples of one attempt were counted. `spans` are the latest times between samples, `front` is the time up to which
    every arm was sampled, `buckets` the recent latency of the stable version, `late` the late answers owed per arm."""

    cursors: Cursors = field(default_factory=Cursors)
    seen: dict[str, float] = field(default_factory=dict)
    newest: dict[Arm, float] = field(default_factory=dict)
    front: float | None = None
    spans: tuple[float, ...] = ()
    closed: float | None = None
    open: tuple[OpenBlock, ...] = ()
    ledgers: dict[str, Ledger] = field(default_factory=dict)
    split: Split = field(default_factory=Split)
    buckets: dict[str, float] = field(default_factory=dict)
    bounds: dict[Arm, tuple[str, ...]] = field(default_factory=dict)
    late: dict[Arm, int] = field(default_factory=dict)
    stable: Window = field(default_factory=Window)
    candidate: Window = field(default_factory=Window)
    count: StageCount = field(default_factory=StageCount)
    exposure: Exposure | None = None

    @property
    def as_of(self) -> float | None:
        """Time of the newest sample used, on the source's clock."""
        return max(self.seen.values(), default=None)

    def spacing(self, interval: float) -> float:
        """Usual seconds between two samples of a series."""
        return median(self.spans) if self.spans else interval

    def patience(self, interval: float) -> float:
        """Seconds without a sample after which a process counts as gone, and a longer step as a gap."""
        return max(2 * interval, 2 * self.spacing(interval)) + 1


@dataclass(frozen=True, slots=True)
class Closed:
    """A block that no later sample changes, and the stage it belongs to. `segments`: the same block of the segments of users that were
    counted apart."""

    block: Block
    stage: int
    segments: Mapping[str, Block] = field(default_factory=dict)


def fold(tracker: Tracker, exposure: Exposure, samples: TargetSamples) -> tuple[Tracker, list[Closed]]:
    """The tracker after `samples`, and the blocks that are over now.

    Samples are taken in order of time, each under the exposure in force at its time; so the same samples give the same blocks, however
    they are cut into answers. A sample too late for its block is counted in the oldest open one. A block is over when every live
    process was sampled at or after its end; one without a sample for max(2 intervals, 2 spacings) + 1 s is not live.
    """
    shifted = exposure_at_source(exposure, samples.skew)
    cursors, steps = increments(tracker.cursors, samples.series, shifted.slot_since)
    if _entered_again(tracker.exposure, exposure):
        # What the guards saw before the candidate lost its users was answered then.
        tracker = replace(tracker, candidate=Window())
    folding = _Folding(replace(tracker, cursors=cursors, buckets=tracker.buckets or _life_buckets(cursors, steps)), shifted)
    for time, moment in groupby(steps, key=lambda step: step.time):
        for instance, group in groupby(moment, key=lambda step: step.instance):
            folding.sample(time, instance, list(group))
        folding.close(time)
    return folding.finish(), folding.closed


def _entered_again(before: Exposure | None, after: Exposure) -> bool:
    """Whether the candidate was without traffic in between: stages only follow each other upwards. One whose entry is as old as its first
    user never lost any: only its status was lost."""
    if before is None or not before.entered:
        # An earlier release did not write it down.
        return False
    stayed = after.candidate is not Arm.MIRROR and after.first_exposure == after.entered
    return before.entered < after.entered and before.stage >= after.stage and not stayed


def exposure_at_source(exposure: Exposure, skew: float) -> Exposure:
    """The exposure with its times on the source's clock."""
    if skew == 0:
        return exposure
    since = None if exposure.since is None else exposure.since + skew
    first = None if exposure.first_exposure is None else exposure.first_exposure + skew
    return replace(exposure, since=since, first_exposure=first, slot_since={arm: at + skew for arm, at in exposure.slot_since.items()})


def silent(window: Window) -> bool:
    """Whether the stable version itself leaves so many requests unanswered that a comparison means nothing."""
    absent = sum(moment.missing for moment in window.moments)
    return absent >= max(_SILENT_LEAST, _SILENT_RATE * (absent + sum(moment.requests for moment in window.moments)))


class _Folding:
    """A Tracker being moved on, sample by sample."""

    def __init__(self, tracker: Tracker, exposure: Exposure) -> None:
        self.now = replace(
            tracker,
            seen=dict(tracker.seen),
            newest=dict(tracker.newest),
            ledgers=dict(tracker.ledgers),
            buckets=dict(tracker.buckets),
            bounds=dict(tracker.bounds),
            late=dict(tracker.late),
        )
        self.before, self.after = tracker.exposure, exposure
        self.closed: list[Closed] = []
        if self.before is not None and self.before.candidate is not exposure.candidate:
            # Mirrored requests are not user requests: nothing of the shadow counts for or against the canary.
            self.now = replace(self.now, candidate=Window(), late={}, front=None)

    def finish(self) -> Tracker:
        return replace(self.now, count=self.now.count.of(self.after), exposure=self.after)

    def sample(self, time: float, instance: str, steps: list[Increment]) -> None:
        """Take what one process was seen to have counted at `time`."""
        exposure = self._in_force(time)
        counts: dict[Arm, Counts] = {Arm.STABLE: {}, exposure.candidate: {}}
        steps = [step for step in steps if step.arm in counts]
        if not steps:
            return
        previous = min(step.previous for step in steps)
        self.now = replace(self.now, spans=(*self.now.spans, time - max(step.previous for step in steps))[-_SPANS:])
        self.now.seen[instance] = max(time, self.now.seen.get(instance, time))
        for step in steps:
            self._count(counts[step.arm], step)
        if exposure.sees_missing:
            self._missing(time, instance, steps, counts, exposure)
        self._advance_stage(time, counts[exposure.candidate], exposure)
        self._watch(time, previous, counts, exposure)
        self._put(time, previous, counts, exposure)

    def _in_force(self, time: float) -> Exposure:
        """Samples from before the new weights belong to the exposure they replaced, also when they are read later."""
        before, after = self.before, self.after
        if before is None or before.candidate is not after.candidate or (before.stage == after.stage and before.since == after.since):
            return after
        return before if after.since is None or time <= after.since else after

    def _count(self, counts: Counts, step: Increment) -> None:
        tally.add(counts, step)
        self.now.newest[step.arm] = max(step.time, self.now.newest.get(step.arm, step.time))
        if step.what is not What.TIMED:
            return
        known = self.now.bounds.get(step.arm, ())
        if step.part not in known:
            self.now.bounds[step.arm] = (*known, step.part)
        if step.arm is Arm.STABLE:
            self.now.buckets[step.part] = self.now.buckets.get(step.part, 0.0) + step.count

    def _missing(self, time: float, instance: str, steps: list[Increment], counts: dict[Arm, Counts], exposure: Exposure) -> None:
        if self.now.buckets.get("+Inf", 0.0) > _MEMORY:
            self.now = replace(self.now, buckets={part: count / 2 for part, count in self.now.buckets.items()})
        spacing = self.now.spacing(exposure.interval)
        age = missing.plausible_age(self.now.buckets, spacing)
        arrived: dict[Arm, int] = {}
        for arm, counted in counts.items():
            key = f"{arm}|{instance}"
            ledger = self.now.ledgers.get(key, Ledger())
            restarted = any(step.reset and step.what is What.SENT and step.arm is arm for step in steps)
            if restarted or (ledger.history and ledger.history[-1][0] < exposure.slot_since.get(arm, -math.inf)):
                ledger = Ledger()
            after = missing.settle(ledger, time, counted.get("sent", 0), counted.get("requests", 0), age, spacing)
            self.now.ledgers[key] = after
            arrived[arm] = counted.get("sent", 0) + after.unsent_answers - ledger.unsent_answers
            counted["missing"] = after.overdue - ledger.overdue
        # Without counters of the candidate nothing is known, not even that nothing arrived.
        if exposure.candidate is Arm.MIRROR and min(step.previous for step in steps) >= exposure.judged_from:
            self._copies(counts[Arm.STABLE].get("sent", 0), counts[Arm.MIRROR].get("sent", 0), exposure)
        counted_apart = exposure.candidate is Arm.CANDIDATE and exposure.has_stable and any(step.arm is Arm.CANDIDATE for step in steps)
        if counted_apart and 0 < exposure.share < 1:
            self._undelivered(time, arrived, min(step.previous for step in steps), counts[Arm.CANDIDATE], exposure)

    def _copies(self, requests: int, copies: int, exposure: Exposure) -> None:
        """A process that sends no copies at all has no counter of them, and owes them all the same."""
        count = self.now.count.of(exposure)
        due = count.due + requests * exposure.mirrored
        self.now = replace(self.now, count=replace(count, copyable=count.copyable + requests, due=due, copied=count.copied + copies))

    def _undelivered(self, time: float, arrived: dict[Arm, int], previous: float, counts: Counts, exposure: Exposure) -> None:
        if previous < exposure.judged_from:
            # Proxies take up new weights one after the other: an old weight is not the candidate's fault.
            self.now = replace(self.now, split=Split())
            return
        before = self.now.split
        after = missing.compare(before, time, exposure.share, arrived[Arm.STABLE], arrived[Arm.CANDIDATE])
        counts["missing"] += after.undelivered - (before.undelivered if after.start == before.start else 0)
        self.now = replace(self.now, split=after)

    def _advance_stage(self, time: float, counts: Counts, exposure: Exposure) -> None:
        arms = (Arm.STABLE, exposure.candidate) if exposure.has_stable else (exposure.candidate,)
        count, front = self.now.count.of(exposure), self.now.front
        reached = min((self.now.newest.get(arm, -math.inf) for arm in arms), default=-math.inf)
        if exposure.since is not None and time > exposure.since:
            fresh = 0.0
            if front is not None and front < reached <= front + self.now.patience(exposure.interval):
                fresh = max(0.0, reached - max(front, exposure.since))
            answered = counts.get("requests", 0) + counts.get("missing", 0)
            count = replace(count, fresh_seconds=count.fresh_seconds + fresh, requests=max(0, count.requests + answered))
        self.now = replace(self.now, count=count, front=reached if math.isfinite(reached) else front)

    def _watch(self, time: float, previous: float, counts: dict[Arm, Counts], exposure: Exposure) -> None:
        if time - previous > guards.WINDOW:
            return
        if exposure.candidate is not Arm.STABLE:
            self.now = replace(self.now, stable=guards.slide(self.now.stable, _moment(time, counts[Arm.STABLE])))
        if exposure.first_exposure is not None and time > exposure.first_exposure:
            self.now = replace(self.now, candidate=guards.slide(self.now.candidate, _moment(time, counts[exposure.candidate])))

    def _put(self, time: float, previous: float, counts: dict[Arm, Counts], exposure: Exposure) -> None:
        interval = exposure.interval
        end = math.ceil(time / interval) * interval
        if self.now.closed is not None and end <= self.now.closed:
            end = min((block.end for block in self.now.open), default=self.now.closed + interval)
        block = next((block for block in self.now.open if block.end == end), None) or OpenBlock(end, exposure.stage)
        stable, candidate = dict(block.stable), dict(block.candidate)
        tally.merge(stable, counts[Arm.STABLE])
        tally.merge(candidate, counts[exposure.candidate])
        usable = block.usable and previous >= exposure.judged_from and time - previous <= self.now.patience(interval)
        others = [other for other in self.now.open if other.end != end]
        changed = OpenBlock(end, exposure.stage, usable, stable, candidate)
        self.now = replace(self.now, open=tuple(sorted((*others, changed), key=lambda one: one.end)))

    def close(self, time: float) -> None:
        """Close the blocks that all samples up to `time` have passed."""
        exposure = self._in_force(time)
        alive_since = time - self.now.patience(exposure.interval)
        reached = min((last for last in self.now.seen.values() if last >= alive_since), default=-math.inf)
        while self.now.open and self.now.open[0].end <= reached:
            block, rest = self.now.open[0], self.now.open[1:]
            stable = tally.owing(block.stable, self.now.late.pop(Arm.STABLE, 0))
            candidate = tally.owing(block.candidate, self.now.late.pop(exposure.candidate, 0))
            comparable = exposure.has_stable and not silent(self.now.stable)
            bounds = self._bounds(exposure)
            whole, stable_late, candidate_late = tally.close(replace(block, stable=stable, candidate=candidate), bounds, usable=comparable)
            apart = {name: tally.close(one, bounds, usable=comparable)[0] for name, one in tally.by_segment(block).items()}
            self.now.late.update({Arm.STABLE: stable_late, exposure.candidate: candidate_late})
            self.closed.append(Closed(whole, block.stage, apart))
            self.now = replace(self.now, open=rest, closed=block.end)

    def _bounds(self, exposure: Exposure) -> tuple[str, ...]:
        """Bounds that both arms are counted by; one arm's, while the other has no histogram yet."""
        one, other = self.now.bounds.get(Arm.STABLE, ()), self.now.bounds.get(exposure.candidate, ())
        return tally.finite(tuple(bound for bound in one if bound in other) if one and other else one or other)


def _moment(time: float, counts: Mapping[str, int]) -> Moment:
    requests, errors, rejections, absent = (counts.get(name, 0) for name in ("requests", "errors", "rejections", "missing"))
    return Moment(time, requests, errors, rejections, absent)


def _life_buckets(cursors: Cursors, steps: list[Increment]) -> dict[str, float]:
    """Latency of the stable version over the life of its counters until the first sample, as if of at most 1,000 requests."""
    counts: dict[str, float] = {}
    for key, cursor in cursors.series.items():
        arm, what, part, _ = key.split("|", 3)
        if arm == Arm.STABLE and what == What.TIMED:
            counts[part] = counts.get(part, 0.0) + cursor.value
    for step in steps:
        if step.arm is Arm.STABLE and step.what is What.TIMED:
            counts[step.part] -= step.count
    total = counts.get("+Inf", 0.0)
    return {part: count * min(1.0, 1000.0 / total) for part, count in counts.items()} if total > 0 else {}
