"""What is told of one attempt over time, whatever it is shown in: its points, its turning points, and the sentences. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median

from headgate.api.status import Blocked
from headgate.api.vocabulary import Phase, Verdict
from headgate.cli.refused import Refused
from headgate.cli.showing.explain import blocked_words, reading_words
from headgate.cli.view import ModelView
from headgate.evidence.timeline import Point, StageLook, Timeline

HIGHEST = 6.0
"""log10 of the largest evidence shown: beyond it more says nothing more."""
_WAIT_SHARE, _WAIT_STEPS = 0.2, 10.0
"""A time without points is a wait if it is longer than this share of the others together, and than so many usual steps."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A turning point. `time` in Unix seconds."""

    time: float
    words: str
    good: bool


@dataclass(frozen=True, slots=True)
class Story:
    """One attempt. `details` say of each check what is compared; `sentences` are the readings as they were published last."""

    title: str
    details: tuple[str, ...]
    timeline: Timeline
    moments: tuple[Moment, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Band:
    """The time from `begin` to `end` that one stage was judged. `look` is None if nothing is known of it."""

    begin: float
    end: float
    look: StageLook | None

    @property
    def words(self) -> str:
        """`canary 5 %`; a shadow has no share."""
        if self.look is None:
            return ""
        return f"{self.look.name} {'(copies)' if self.look.mirrored else f'{self.look.share * 100:g} %'}"


def story_of(view: ModelView) -> Story:
    """Of the attempt measured last, also when it is over. Raises Refused if there is nothing to tell."""
    evidence, timeline = view.evidence, view.timeline
    place = f"{view.namespace}/{view.name}"
    if evidence is None:
        raise Refused(f"no evidence of {place} is published yet, or you may not read ConfigMaps of {view.namespace}")
    blocked = next((entry for entry in reversed(view.status.blocked) if str(entry.attempt) == evidence.attempt), None)
    if timeline is None or not timeline.points:
        why = blocked_words(blocked) if blocked else "its first block is not over yet"
        raise Refused(f"nothing was kept of attempt {evidence.attempt} of {place} over time: {why}")
    if not timeline.checks:
        raise Refused(f"attempt {evidence.attempt} of {place} was not compared with anything: there was no stable version beside it")
    version = _version(view, evidence.attempt, timeline, blocked)
    title = f"{place}: {f'{version}, ' if version else ''}attempt {evidence.attempt}"
    told = (f"{blocked_words(blocked)}.",) if blocked else ()
    details = tuple(check.detail for check in evidence.checks)
    moments = tuple(_moments(view, evidence.attempt, timeline, blocked))
    return Story(title, details, timeline, moments, (*told, *reading_words(view, evidence)))


def _version(view: ModelView, attempt: str, timeline: Timeline, blocked: Blocked | None) -> str:
    candidate = view.status.candidate
    if candidate is not None and str(candidate.attempt) == attempt:
        return candidate.version
    if blocked is not None:
        return blocked.version
    return view.status.stable.version if view.status.stable and _went_live(view, attempt, timeline) else ""


def _went_live(view: ModelView, attempt: str, timeline: Timeline) -> bool:
    status = view.status
    if status.candidate is not None or status.stable is None or status.phase is not Phase.LIVE or str(status.attempts) != attempt:
        return False
    return status.stable.live_since.timestamp() > timeline.points[0].time


def _moments(view: ModelView, attempt: str, timeline: Timeline, blocked: Blocked | None) -> Iterator[Moment]:
    for mark in timeline.marks:
        if mark.verdict is Verdict.PASS:
            yield Moment(mark.time, "proven good", good=True)
        elif blocked is None:
            yield Moment(mark.time, f"proven bad: {mark.check}", good=False)
    if blocked is not None:
        yield Moment(blocked.at.timestamp(), f"taken back: {blocked.cause}", good=False)
    elif view.status.stable is not None and _went_live(view, attempt, timeline):
        yield Moment(view.status.stable.live_since.timestamp(), "live", good=True)


def spells(points: tuple[Point, ...]) -> tuple[tuple[Point, ...], ...]:
    """The points, cut at long waits: for an approval, or for a source that did not answer."""
    steps = [after.time - before.time for before, after in pairwise(points)]
    usual = median(steps) if steps else 0.0
    together = sum(step for step in steps if step <= _WAIT_STEPS * usual)
    cuts = [k + 1 for k, step in enumerate(steps) if step > _WAIT_STEPS * usual and step > _WAIT_SHARE * together]
    return tuple(points[begin:end] for begin, end in pairwise((0, *cuts, len(points))))


def comparisons(points: tuple[Point, ...], timeline: Timeline) -> Iterator[tuple[Point, ...]]:
    """The points, cut where the comparison begins anew: shadow and canary have one each."""
    begin = 0
    for k, (before, after) in enumerate(pairwise(points), 1):
        if _mirrored(timeline, before) != _mirrored(timeline, after):
            yield points[begin:k]
            begin = k
    yield points[begin:]


def _mirrored(timeline: Timeline, point: Point) -> bool:
    look = timeline.stages.get(point.stage)
    return look is not None and look.mirrored


def bands(points: tuple[Point, ...], timeline: Timeline) -> Iterator[Band]:
    """The stages, one after the other."""
    begin = points[0]
    for before, after in pairwise(points):
        if after.stage != before.stage:
            yield Band(begin.time, before.time, timeline.stages.get(before.stage))
            begin = before if _mirrored(timeline, before) == _mirrored(timeline, after) else after
    yield Band(begin.time, points[-1].time, timeline.stages.get(points[-1].stage))


def moment_of(time: float) -> datetime:
    """In UTC."""
    return datetime.fromtimestamp(time, UTC)
