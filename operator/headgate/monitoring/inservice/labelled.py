"""How well a live model does, once the truth is known: day by day, against its pinned baseline, and in its worst segment."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from headgate.api.monitoring import Performance
from headgate.monitoring.drift import Limits
from headgate.monitoring.inservice.assessment import Named
from headgate.monitoring.inservice.counting import PERFORMANCE, SEGMENT
from headgate.monitoring.inservice.daily import Daily
from headgate.monitoring.inservice.plan import Plan
from headgate.monitoring.intervals import difference
from headgate.monitoring.loss import FEWEST_LABELS, Alarm, lost, since_when
from headgate.monitoring.result import LimitVerdict, Result, not_assessed
from headgate.monitoring.trend import Limit, judged
from headgate.monitoring.trend_power import Labels, statement
from headgate.monitoring.windows import Baseline, Window, noise_beside_a_step

_EXACT = 1e9
"""Labels of a baseline that is a promise."""
_HORIZON_DAYS = 7
MOST_SEGMENTS = 16
_TOLD_FALL = 0.003


@dataclass(frozen=True, slots=True)
class Labelled:
    """`loss` is the figure that the severity table looks at; `alarm` when a lasting loss began."""

    figures: tuple[Named, ...]
    loss: Result
    alarm: Alarm | None = None
    notes: tuple[str, ...] = ()


def performance(daily: Daily, plan: Plan, asked: Performance, today: date) -> Labelled:
    """Of days that are over. `today` is the day whose decisions get their labels now (the date less the label lag)."""
    limits = Limits(plan.rules.loss.drifting.fraction, plan.rules.loss.violated.fraction)
    baseline = Baseline(float(asked.baseline.share), asked.baseline.labels)
    windows = [window for window in _windows(daily, PERFORMANCE) if window.day < today]
    if not windows:
        nothing = not_assessed("loss", f"no full day with labels yet: is {asked.counter} exported with the label {asked.label}?")
        return Labelled((("", nothing),), nothing)
    loss = lost(windows, asked.recent_days, baseline, limits)
    began, alarm = since_when(windows, baseline)
    falling, _ = judged(windows, Limit(baseline.share, limits.violated, _HORIZON_DAYS))
    figures: list[Named] = [("", loss), ("", began), ("", falling)]
    if asked.segment is not None:
        figures += _worst_segment(daily, asked, baseline, limits, today)
    labels = Labels(
        sum(window.labels for window in windows) / len(windows), min(max(baseline.share, 0.001), 0.999), noise_beside_a_step(windows)
    )
    return Labelled(tuple(figures), loss, alarm, (statement(_TOLD_FALL, labels),))


def _windows(daily: Daily, name: str) -> Iterator[Window]:
    for day, part, whole in daily.days(name):
        labels = round(whole)
        if labels > 0:
            yield Window(day, min(max(part / whole, 0.0), 1.0), labels)


def _worst_segment(daily: Daily, asked: Performance, baseline: Baseline, limits: Limits, today: date) -> list[Named]:
    """The segment that is surest to have lost: by the lower end of its interval, which allows for their number."""
    names = daily.names(SEGMENT)
    if len(names) > MOST_SEGMENTS:
        why = f"label {asked.segment} has {len(names)} values, more than {MOST_SEGMENTS}: it names single things, not segments"
        return [("", not_assessed("segmentLoss", why))]
    since, found = today - timedelta(days=asked.recent_days), list[tuple[float, str, Result]]()
    for name in names:
        part, whole = daily.total(SEGMENT + name, since, today - timedelta(days=1))
        labels = round(whole)
        if labels < FEWEST_LABELS:
            continue
        worth = labels / noise_beside_a_step(list(_windows(daily, SEGMENT + name))).long_run
        share = min(max(part / whole, 0.0), 1.0)
        interval = difference((baseline.share, baseline.labels or _EXACT), (share, worth), 1.0 - 0.05 / len(names))
        value = baseline.share - share
        found.append((interval[0], name, _judged(value, interval, limits, labels)))
    if not found:
        return [("", not_assessed("segmentLoss", f"no segment has {FEWEST_LABELS} labels in {asked.recent_days} days"))]
    _, name, result = max(found, key=lambda one: (one[0], one[1]))
    return [(name, result)]


def _judged(value: float, interval: tuple[float, float], limits: Limits, labels: int) -> Result:
    told = f"{100 * value:.3g} points lost ({100 * interval[0]:.3g} to {100 * interval[1]:.3g}), more surely than in any other segment"
    if interval[0] > 0.0 and value >= limits.drifting:
        verdict = LimitVerdict.VIOLATED if value >= limits.violated else LimitVerdict.DRIFTING
    elif interval[1] < limits.violated:
        verdict = LimitVerdict.WITHIN_LIMITS
    else:
        verdict, told = LimitVerdict.NOT_ASSESSED, f"{told}: too few labels to exclude {100 * limits.violated:.3g}"
    return Result("segmentLoss", verdict, told, (labels,), value, interval)
