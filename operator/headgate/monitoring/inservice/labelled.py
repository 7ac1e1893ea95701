"""How well a live model does, once the truth is known: day by day, against its pinned baseline, and in its worst segment."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from headgate.api.monitoring import Performance, PinnedBaseline
from headgate.monitoring.drift import Limits
from headgate.monitoring.inservice.assessment import Named
from headgate.monitoring.inservice.counting import PERFORMANCE, SEGMENT, shared_days
from headgate.monitoring.inservice.daily import LONGEST_LAG, Daily
from headgate.monitoring.inservice.levels import by_one_baseline, levelled, mean, of_the_one_before, regained
from headgate.monitoring.inservice.plan import Plan
from headgate.monitoring.inservice.versions import Lived, first_whole_day
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
_PATIENCE = 3
"""Days without labels that are no news, where fewer are looked at: a weekend, and the day before."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """`loss` is the figure that the severity table looks at; `alarm` when a lasting loss began; `regained` between which shares users would
    win by going back to the version before, None if that is not known."""

    figures: tuple[Named, ...]
    loss: Result
    alarm: Alarm | None = None
    regained: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()


def performance(daily: Daily, plan: Plan, asked: Performance, versions: Sequence[Lived], today: date) -> Labelled:
    """Of days that are over. `today` is the day whose decisions get their labels now (the date less the label lag). The loss and the trend
    are of the live version's days; those of `versions` before it tell how days differ, and when a loss began."""
    limits = Limits(plan.rules.loss.drifting.fraction, plan.rules.loss.violated.fraction)
    baseline, first = _baseline(asked.baseline), first_whole_day(versions)
    as_they_were = _windows(daily, PERFORMANCE, today)
    windows = list(by_one_baseline(as_they_were, versions, baseline)) if versions else as_they_were
    own = [window for window in windows if window.day >= first]
    if not own:
        return _nothing(_without_labels(daily, asked, versions, today))
    if (quiet := _quiet(daily, own[-1].day, asked, today)) is not None:
        return untold(asked, quiet)
    level = levelled(windows, versions, own)
    known = noise_beside_a_step(level)
    since = today - timedelta(days=max(asked.recent_days, _PATIENCE))
    recent = [window for window in own[-asked.recent_days :] if window.day >= since]
    loss = lost(level, len(recent), baseline, limits)
    began, alarm = since_when(windows, baseline, first, level)
    falling, _ = judged(own, Limit(baseline.share, limits.violated, _HORIZON_DAYS))
    figures: list[Named] = [("", loss), ("", began), ("", falling)]
    if asked.segment is not None:
        figures += _worst_segment(daily, asked, limits, versions, (recent[0].day, today))
    labels = Labels(sum(window.labels for window in windows) / len(windows), min(max(baseline.share, 0.001), 0.999), known)
    back = regained(of_the_one_before(as_they_were, versions)[-asked.recent_days :], recent, known)
    return Labelled(tuple(figures), loss, alarm, back, (statement(_TOLD_FALL, labels),))


def untold(asked: Performance, why: str) -> Labelled:
    """Nothing, of all that would be told."""
    return _nothing(why, "cusum", "trend", *(["segmentLoss"] if asked.segment is not None else []))


def _nothing(why: str, *others: str) -> Labelled:
    loss = not_assessed("loss", why)
    return Labelled((("", loss), *(("", not_assessed(statistic, why)) for statistic in others)), loss)


def _quiet(daily: Daily, own: date, asked: Performance, today: date) -> str | None:
    """Why nothing is said any more, where labels of the live version alone have stopped coming, the last of them of the day `own`: what
    they told is no news."""
    days = (today - own).days - 1
    if (silent := _silent(max(_labelled_days(daily, today)), asked, today)) is not None or days < max(asked.recent_days, _PATIENCE):
        return silent
    return f"no labels of the live version alone for {days} days: a candidate or a fallback answered a tenth of the users or more"


def _silent(last: date, asked: Performance, today: date) -> str | None:
    days = (today - last).days - 1
    return f"no labels for {days} days: is {asked.counter} still exported?" if days >= max(asked.recent_days, _PATIENCE) else None


def _labelled_days(daily: Daily, today: date) -> list[date]:
    return [day for day, _, _ in daily.days(PERFORMANCE) if day < today]


def _without_labels(daily: Daily, asked: Performance, versions: Sequence[Lived], today: date) -> str:
    if asked.label_lag > LONGEST_LAG * 86_400:
        return f"labelLag is longer than the {LONGEST_LAG} days that are waited for labels"
    days = _labelled_days(daily, today)
    if not versions or not days:
        return f"no full day with labels: is {asked.counter} exported with the label {asked.label}?"
    silent = _silent(max(days[-1], versions[-1].since), asked, today)
    return silent or f"no full day with labels of the live version yet, since the release of {versions[-1].since}"


def _baseline(pinned: PinnedBaseline) -> Baseline:
    return Baseline(float(pinned.share), pinned.labels)


def _windows(daily: Daily, name: str, today: date) -> list[Window]:
    """Days that are over, and on which hardly anybody got answers from others than the version that was live."""
    shared = shared_days(daily)
    return [window for window in _with_labels(daily, name) if window.day < today and window.day not in shared]


def _with_labels(daily: Daily, name: str) -> Iterator[Window]:
    for day, part, whole in daily.days(name):
        labels = round(whole)
        if labels > 0:
            yield Window(day, min(max(part / whole, 0.0), 1.0), labels)


def _worst_segment(daily: Daily, asked: Performance, limits: Limits, versions: Sequence[Lived], between: tuple[date, date]) -> list[Named]:
    """The segment that is surest to have lost: by the lower end of its interval, which allows for their number. Of the days from the first
    to before the second of `between`; those before tell how days differ."""
    names = daily.names(SEGMENT)
    if len(names) > MOST_SEGMENTS:
        why = f"label {asked.segment} has {len(names)} values, more than {MOST_SEGMENTS}: it names single things, not segments"
        return [("", not_assessed("segmentLoss", why))]
    (since, until), baseline = between, _baseline(asked.baseline)
    found = list[tuple[float, str, Result]]()
    for name in names:
        windows = _windows(daily, SEGMENT + name, until)
        recent = [window for window in windows if window.day >= since]
        labels = sum(window.labels for window in recent)
        if labels < FEWEST_LABELS:
            continue
        own = [window for window in windows if window.day >= first_whole_day(versions)]
        worth = labels / noise_beside_a_step(levelled(windows, versions, own)).long_run
        share = mean(recent)
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
