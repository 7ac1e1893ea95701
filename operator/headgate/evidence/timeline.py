"""What is kept of an attempt over time, for pictures: few points, evenly spread, from its first block to the latest one.

Numbers are rounded when they are taken, so that what was written down and read again is equal to what was kept.
"""

import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, fields, replace
from itertools import pairwise
from math import isfinite, log10
from statistics import median
from typing import Any, Self

from headgate.api.vocabulary import Metric, Verdict
from headgate.evidence.check import Check, Question
from headgate.evidence.counting.exposure import Exposure
from headgate.evidence.judge import Judgement
from headgate.evidence.view import CheckReading

TIMELINE_KEY = "timeline.json"
MOST = 240
"""Points. An even number: of one more, every second one includes the first and the last."""
_MOST_MARKS = 16
_FORMAT = 1
_HUNDREDTHS, _MILLIONTHS = 100, 1_000_000
"""Evidence is kept in hundredths of log10, shares in millionths: whole numbers are half as long as decimals."""
_STANDING = struct.Struct("<7i")
_UNITS = (_HUNDREDTHS, _HUNDREDTHS, *([_MILLIONTHS] * 5))


@dataclass(frozen=True, slots=True)
class Standing:
    """One check at one moment. `harm` and `good` are log10 of the e-values (running maxima). The others are shares: both versions' rates
    since this comparison began, the confidence sequence of their difference at level 1 - alpha, and the limit for it. Of a value they are
    parts of the stable version's mean, and both rates lie below or above that."""

    harm: float
    good: float
    stable: float
    candidate: float
    low: float
    high: float
    limit: float

    @property
    def compared(self) -> bool:
        """Whether anything is known of the difference."""
        return self.low > -1.0 or self.high < 1.0


@dataclass(frozen=True, slots=True)
class Point:
    """The attempt after one block that ended at `time`, Unix seconds on the operator's clock. `harm` is log10 of the joint evidence.

    `packed` are the checks: as objects they would take four times the memory, and a thousand models may be on their way at once.
    """

    time: float
    stage: int
    harm: float
    packed: bytes = b""

    @classmethod
    def of(cls, time: float, stage: int, harm: float, checks: Iterable[Standing]) -> Self:
        """Rounded to what is kept."""
        packed = b"".join(
            _STANDING.pack(*(round(value * unit) for value, unit in zip(astuple(check), _UNITS, strict=True))) for check in checks
        )
        return cls(round(time, 1), stage, round(harm, 2), packed)

    @property
    def checks(self) -> tuple[Standing, ...]:
        return tuple(
            Standing(*(number / unit for number, unit in zip(numbers, _UNITS, strict=True)))
            for numbers in _STANDING.iter_unpack(self.packed)
        )


@dataclass(frozen=True, slots=True)
class StageLook:
    """What a stage is called, which share of the requests reached the candidate there at last (as copies if `mirrored`), and the error
    budget it was judged by: harm decides at 1/alpha, being good at 1/beta."""

    name: str
    share: float
    mirrored: bool
    alpha: float
    beta: float


@dataclass(frozen=True, slots=True)
class Mark:
    """When the checks were decided: Fail, because of `check`, or Pass."""

    time: float
    stage: int
    verdict: Verdict
    check: str = ""


@dataclass(frozen=True, slots=True)
class Timeline:
    """`checks` names the entries of Point.checks. At most MOST `points` in order of time; the first and the latest are always among them,
    the others at least `spacing` seconds apart. `stages` by their index in the attempt."""

    checks: tuple[str, ...] = ()
    stages: Mapping[int, StageLook] = field(default_factory=dict)
    points: tuple[Point, ...] = ()
    marks: tuple[Mark, ...] = ()
    spacing: float = 0.0


def record(timeline: Timeline, question: Question, exposure: Exposure, time: float, judged: Judgement, stage: int) -> Timeline:
    """The timeline after one block of `stage` that ended at `time`. A time that is not after the latest changes nothing; other checks
    than before begin anew."""
    names = tuple(name_of(check) for check in question.checks)
    if names != timeline.checks:
        timeline = Timeline(names)
    time = round(time, 1)
    if timeline.points and time <= timeline.points[-1].time:
        return timeline
    looks = dict(timeline.stages)
    if stage == exposure.stage or stage not in looks or looks[stage].mirrored != exposure.shadow:
        # A judge that begins with a stage owes nothing to the one before, whose last blocks close late.
        stage = exposure.stage
        share = exposure.mirrored if exposure.shadow else exposure.share
        looks[stage] = StageLook(exposure.stage_name, _share(share), exposure.shadow, question.alpha, question.beta)
    point = Point.of(time, stage, _evidence(judged.harm), (_standing(check) for check in judged.checks))
    marks = _marked(timeline.marks, looks, point, judged, names)
    return _taken(replace(timeline, stages=looks, marks=marks), point)


def name_of(check: Check) -> str:
    """How a check is called beside others: `latency p95`."""
    return f"{check.metric} p{check.quantile * 100:g}" if check.quantile is not None else str(check.metric)


def is_relative(name: str) -> bool:
    """Whether the entry `name` of `Timeline.checks` is told in parts of the stable version's mean."""
    return name == Metric.VALUE


def _taken(timeline: Timeline, point: Point) -> Timeline:
    """With `point` as the latest. The one before stays if it is far enough from its predecessor. When there are too many, every second
    one goes, and from then on points keep the usual distance of those that stay: a long wait within an attempt does not count."""
    points = timeline.points
    if len(points) > 1 and points[-1].time - points[-2].time < timeline.spacing:
        points = points[:-1]
    points = (*points, point)
    if len(points) <= MOST:
        return replace(timeline, points=points)
    kept = points[::2]
    return replace(timeline, points=kept, spacing=median(after.time - before.time for before, after in pairwise(kept)))


def _marked(
    marks: tuple[Mark, ...], looks: Mapping[int, StageLook], point: Point, judged: Judgement, names: Sequence[str]
) -> tuple[Mark, ...]:
    """Each decision of a judge once; shadow and canary have a judge each."""
    if judged.verdict not in (Verdict.PASS, Verdict.FAIL):
        return marks
    last = marks[-1] if marks else None
    if last is not None and last.verdict is judged.verdict and looks[last.stage].mirrored == looks[point.stage].mirrored:
        return marks
    blamed = next((name for name, check in zip(names, judged.checks, strict=True) if check.verdict is Verdict.FAIL), "")
    return (*marks, Mark(point.time, point.stage, judged.verdict, blamed))[-_MOST_MARKS:]


def _standing(check: CheckReading) -> Standing:
    stable, candidate = check.stable_events / max(check.stable_requests, 1), check.candidate_events / max(check.candidate_requests, 1)
    if check.metric is Metric.VALUE:
        stable, candidate = 0.0, check.difference
    shares = (stable, candidate, check.low, check.high, check.limit)
    return Standing(_evidence(check.harm), _evidence(check.good), *(_share(share) for share in shares))


def _evidence(e: float) -> float:
    return log10(e) if isfinite(e) and e > 1.0 else 0.0


def _share(share: float) -> float:
    return min(max(share, -1.0), 1.0) if isfinite(share) else 0.0


def to_json(timeline: Timeline) -> dict[str, Any]:
    """Columns of finite numbers, in the units above."""
    points = timeline.points
    standings = [point.checks for point in points]
    return {
        "format": _FORMAT,
        "spacing": timeline.spacing,
        "stages": {str(index): list(astuple(look)) for index, look in timeline.stages.items()},
        "marks": [[mark.time, mark.stage, str(mark.verdict), mark.check] for mark in timeline.marks],
        "time": [point.time for point in points],
        "stage": [point.stage for point in points],
        "harm": _whole((point.harm for point in points), _HUNDREDTHS),
        "checks": [{"name": name} | _columns([checks[i] for checks in standings]) for i, name in enumerate(timeline.checks)],
    }


def _columns(standings: Sequence[Standing]) -> dict[str, list[int]]:
    return {f.name: _whole((getattr(one, f.name) for one in standings), unit) for f, unit in zip(fields(Standing), _UNITS, strict=True)}


def from_json(data: Any) -> Timeline:
    """The inverse of `to_json`. Raises ValueError if `data` was not written by it in this format."""
    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        raise ValueError("not a timeline of this release")
    try:
        named = tuple(zip(fields(Standing), _UNITS, strict=True))
        columns = [[_numbers(check[f.name], unit) for f, unit in named] for check in data["checks"]]
        rows = [[Standing(*row) for row in zip(*check, strict=True)] for check in columns]
        times = _numbers(data["time"], 1)
        standings = list(zip(*rows, strict=True)) if rows else [()] * len(times)
        parts = zip(times, data["stage"], _numbers(data["harm"], _HUNDREDTHS), standings, strict=True)
        return Timeline(
            checks=tuple(str(check["name"]) for check in data["checks"]),
            stages={int(index): _look(*look) for index, look in data["stages"].items()},
            points=tuple(Point.of(time, int(stage), harm, checks) for time, stage, harm, checks in parts),
            marks=tuple(Mark(float(time), int(stage), Verdict(verdict), str(check)) for time, stage, verdict, check in data["marks"]),
            spacing=float(data["spacing"]),
        )
    except (AttributeError, KeyError, TypeError, OverflowError, struct.error) as error:
        raise ValueError(f"not a timeline: {error!r}") from error


def recalled(data: Any) -> Timeline:
    """As `from_json`; an empty timeline for anything else, because evidence is worth more than its picture."""
    try:
        return from_json(data)
    except ValueError:
        return Timeline()


def decode(text: str) -> Timeline:
    """A published timeline. Raises ValueError for any other text."""
    return from_json(json.loads(text))


def _look(name: str, share: float, mirrored: bool, alpha: float, beta: float) -> StageLook:
    share, alpha, beta = _numbers((share, alpha, beta), 1)
    return StageLook(str(name), share, bool(mirrored), alpha, beta)


def _whole(values: Iterable[float], unit: int) -> list[int]:
    return [round(value * unit) for value in values]


def _numbers(values: Sequence[float], unit: int) -> list[float]:
    numbers = [value / unit for value in values]
    if not all(isfinite(number) for number in numbers):
        raise ValueError("not a timeline: it has infinite numbers")
    return numbers
