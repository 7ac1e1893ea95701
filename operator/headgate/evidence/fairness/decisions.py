"""From counters of decisions to batches and a reading: what is remembered of one attempt, sample by sample."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import groupby

from headgate.api.vocabulary import Verdict
from headgate.evidence.check import FairnessQuestion
from headgate.evidence.counting.exposure import Exposure
from headgate.evidence.counting.series import Cursors, Increment, NoAnswer, RawSeries, TargetSamples, increments
from headgate.evidence.fairness.disparity import is_full
from headgate.evidence.fairness.judge import evaluate
from headgate.evidence.fairness.reading import FairnessReading

MOST_GROUPS = 16
"""More values of the group's label are no groups of people, and each is judged: the evidence about all would be diluted."""


@dataclass(frozen=True, slots=True)
class Watch:
    """How far the decisions of one attempt were counted. `answered` is our time of the last good answer, `error` what came instead since.

    `batches` and `pending` hold (decisions, favourable ones) by group. `found` tells that there were counters at all, `crowded` that
    they told more groups apart than are judged.
    """

    shadow: bool = False
    cursors: Cursors = field(default_factory=Cursors)
    batches: tuple[dict[str, tuple[int, int]], ...] = ()
    pending: dict[str, tuple[int, int]] = field(default_factory=dict)
    answered: float | None = None
    error: str = ""
    found: bool = False
    crowded: bool = False
    reading: FairnessReading | None = None

    @property
    def groups(self) -> frozenset[str]:
        return frozenset(name for batch in (*self.batches, self.pending) for name in batch)


def fold(watch: Watch, asked: FairnessQuestion, exposure: Exposure, answer: TargetSamples | NoAnswer, now: float) -> Watch:
    """The watch after one answer. Samples seen before change nothing; batches are cut in the order of the samples' times.

    With several processes that order depends on which samples came together, but never on how anything was decided. Decisions from before
    the first exposure of this kind (mirrored, or of users) do not count; going from shadow to canary begins a new test.
    """
    if isinstance(answer, NoAnswer):
        return replace(watch, error=f"{answer.outage}: {answer.text}")
    watch = _for_exposure(watch, exposure)
    series, crowded = _few_groups(watch, answer.series)
    cursors, steps = increments(watch.cursors, series, {})
    since = math.inf if exposure.first_exposure is None else exposure.first_exposure + answer.skew
    counted = (step for step in steps if step.count and step.time > since)
    batches, pending = _cut(watch, counted)
    return replace(
        watch,
        cursors=cursors,
        batches=batches,
        pending=pending,
        answered=now,
        error="",
        found=watch.found or bool(answer.series),
        crowded=watch.crowded or crowded,
        reading=watch.reading if len(batches) == len(watch.batches) else evaluate(batches, asked, watch.reading),
    )


def read(watch: Watch, asked: FairnessQuestion, exposure: Exposure) -> FairnessReading:
    """What is known of the present exposure. A violation stands."""
    watch = _for_exposure(watch, exposure)
    reading = watch.reading or evaluate((), asked)
    if reading.verdict is Verdict.FAIL:
        return reading
    counters = asked.counters
    if watch.crowded:
        lacking = f"the label {counters.group} of {counters.metric} has more than {MOST_GROUPS} values: these are no groups of people"
        return replace(reading, verdict=Verdict.NOT_MEASURABLE, suspected=False, worst="", detail=lacking)
    if not watch.found:
        lacking = f"the candidate's pods show no counter {counters.metric} with the labels {counters.group} and {counters.outcome}"
        return replace(reading, verdict=Verdict.NOT_MEASURABLE, detail=lacking)
    return reading


def _for_exposure(watch: Watch, exposure: Exposure) -> Watch:
    """Shadow and canary are two tests with an error budget each: what was counted for one is not counted again for the other."""
    if watch.shadow == exposure.shadow:
        return watch
    return Watch(shadow=exposure.shadow, cursors=watch.cursors, answered=watch.answered, found=watch.found, crowded=watch.crowded)


def _cut(watch: Watch, steps: Iterable[Increment]) -> tuple[tuple[dict[str, tuple[int, int]], ...], dict[str, tuple[int, int]]]:
    """All batches, and what is left for the next one."""
    batches, pending = list(watch.batches), dict(watch.pending)
    size = sum(decided for batch in batches for decided, _ in batch.values())
    for _, moment in groupby(steps, key=lambda step: step.time):
        _count(pending, moment)
        if is_full(pending, size):
            size += sum(decided for decided, _ in pending.values())
            batches.append(pending)
            pending = {}
    return tuple(batches), pending


def _count(pending: dict[str, tuple[int, int]], moment: Iterable[Increment]) -> None:
    for step in moment:
        sign, group = step.part[:1], step.part[1:]
        decided, liked = pending.get(group, (0, 0))
        pending[group] = (decided + step.count, liked + (step.count if sign == "+" else 0))


def _few_groups(watch: Watch, series: tuple[RawSeries, ...]) -> tuple[list[RawSeries], bool]:
    """The series of groups that are judged, and whether others were left out."""
    known = watch.groups
    new = sorted({one.part[1:] for one in series} - known)
    kept = known | set(new[: max(0, MOST_GROUPS - len(known))])
    few = [one for one in series if one.part[1:] in kept]
    return few, len(few) < len(series)
