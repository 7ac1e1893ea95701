"""From raw counter samples to increments: every request counted once, whatever restarts, replays and gaps do."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Arm(StrEnum):
    """Whose requests a series counts: backend slot 0 or 1 of the route, or the mirrored copies."""

    STABLE = "stable"
    CANDIDATE = "candidate"
    MIRROR = "mirror"


class What(StrEnum):
    """What a series counts. `part` of the series is the response code for ANSWERED, the bucket's bound in seconds for TIMED, and for
    DECIDED the group of people after a sign: + favourable, - not. VALUED counts answers that have a value, TOTAL sums up their values, both
    by the summary's name as `part`; a sum is counted in UNITs. COARSE counts nothing: it says that latency was counted by a native
    histogram of the schema `part`, and at its bounds only."""

    ANSWERED = "answered"
    SENT = "sent"
    TIMED = "timed"
    DECIDED = "decided"
    VALUED = "valued"
    TOTAL = "total"
    COARSE = "coarse"


UNIT = 1e-9
"""Sums of values are counted in whole numbers like everything else, so that adding them up is exact."""


@dataclass(frozen=True, slots=True)
class RawSeries:
    """One counter of one process as the source returned it: `points` are (Unix time, value).

    `instance` names the scraped process: all its series are sampled together. `origin` tells apart series of one process that count
    different requests of the same arm (the rules of a route, the paths of a server); such series are summed. `segment` is the segment of
    users whose requests alone are counted, if they are counted apart.
    """

    arm: Arm
    what: What
    part: str
    instance: str
    origin: str
    points: tuple[tuple[float, float], ...]
    segment: str = ""

    @property
    def key(self) -> str:
        apart = (self.segment,) if self.segment else ()
        return "|".join((self.arm, self.what, self.part, self.origin, self.instance, *apart))


@dataclass(frozen=True, slots=True)
class TargetSamples:
    """What one good answer of the source says about one model. `skew` is the source's clock minus ours, in seconds."""

    time: float
    series: tuple[RawSeries, ...]
    skew: float = 0.0


class Outage(StrEnum):
    """Why the source gave no usable answer. None of them is evidence for or against a version."""

    TIMEOUT = "Timeout"
    UNREACHABLE = "Unreachable"
    REFUSED = "Refused"
    OVERLOADED = "Overloaded"
    BROKEN = "Broken"
    GARBLED = "Garbled"
    PARTIAL = "Partial"


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The source could not be read at `time`: hold, say so, ask again."""

    time: float
    outage: Outage
    text: str


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last sample of a series that was used."""

    time: float
    value: float


@dataclass(frozen=True, slots=True)
class Cursors:
    """How far each series was read, and when each process was sampled last: what makes replayed samples count once."""

    series: dict[str, Cursor] = field(default_factory=dict)
    instances: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Increment:
    """`count` requests in (`previous`, `time`] of one process. `count` is 0 for a sample that only says: nothing happened.

    `reset` marks a counter that restarted since `previous`: what it counted between the last sample and the restart is lost.
    """

    time: float
    previous: float
    arm: Arm
    what: What
    part: str
    instance: str
    count: int
    reset: bool = False
    segment: str = ""


def increments(cursors: Cursors, series: Iterable[RawSeries], slot_since: Mapping[Arm, float]) -> tuple[Cursors, list[Increment]]:
    """Increments since the cursors, in order of time.

    * A value below the last one is a restart: the counter counts from 0 again.
    * A series that appears in a process that was already being sampled counts from 0 since that process's previous sample. Otherwise
      its first sample is an origin: nobody knows what it counted before.
    * A step across `slot_since[arm]`, when the arm's slot got another version, is an origin, because it mixes two versions. So is the first
      sample of a series that appears in such a step, where all that came before went to another version: in the stable version's slot.
    * Samples at or before the cursor (duplicates, replays, late ones), NaN, infinite and negative values are not used.
    """
    fresh = _fresh(cursors, series)
    sampled = _sample_times(cursors, fresh)
    positions = dict(cursors.series)
    handed_over = any(key.startswith(f"{Arm.STABLE}|") for key in positions)
    found: list[Increment] = []
    for one, points in fresh:
        last = positions.get(one.key)
        since = slot_since.get(one.arm, -math.inf)
        mixed = since if one.arm is Arm.STABLE and handed_over else -math.inf
        for time, value in points:
            step = _step(one, last, time, value, sampled[one.instance], since, mixed)
            if step is not None:
                found.append(step)
            last = Cursor(time, value)
        if last is not None:
            positions[one.key] = last
    found.sort(key=lambda step: (step.time, step.instance))
    return Cursors(positions, {instance: times[-1] for instance, times in sampled.items()}), found


def _fresh(cursors: Cursors, series: Iterable[RawSeries]) -> list[tuple[RawSeries, list[tuple[float, float]]]]:
    """Per key the new finite samples in order of time. Of several series with one key (copies) the first with new samples counts."""
    gathered: dict[str, tuple[RawSeries, list[tuple[float, float]]]] = {}
    for one in series:
        key = one.key
        if key in gathered:
            continue
        cursor = cursors.series.get(key)
        after = cursor.time if cursor is not None else -math.inf
        values = {time: value for time, value in reversed(one.points) if time > after and math.isfinite(value) and value >= 0}
        if values:
            gathered[key] = (one, sorted(values.items()))
    return list(gathered.values())


def _sample_times(cursors: Cursors, fresh: list[tuple[RawSeries, list[tuple[float, float]]]]) -> dict[str, list[float]]:
    times: dict[str, set[float]] = {instance: {last} for instance, last in cursors.instances.items()}
    for one, points in fresh:
        times.setdefault(one.instance, set()).update(time for time, _ in points)
    return {instance: sorted(seen) for instance, seen in times.items() if seen}


def _step(
    one: RawSeries, last: Cursor | None, time: float, value: float, sampled: list[float], slot_since: float, mixed: float
) -> Increment | None:
    """`mixed`: what appears in a step across this time may have counted for another version."""
    if last is None:
        previous = max((other for other in sampled if other < time), default=None)
        if previous is None or previous < mixed:
            return None
        # The process was sampled before without this series: it did not exist, so it counts from 0, in whichever slot it was born.
        return Increment(time, previous, one.arm, one.what, one.part, one.instance, _whole(one, value), segment=one.segment)
    if last.time < slot_since:
        return None
    reset = value < last.value
    count = _whole(one, value) if reset else _whole(one, value) - _whole(one, last.value)
    return Increment(time, last.time, one.arm, one.what, one.part, one.instance, count, reset, one.segment)


def _whole(one: RawSeries, value: float) -> int:
    return round(value / UNIT) if one.what is What.TOTAL else round(value)
