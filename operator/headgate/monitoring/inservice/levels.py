"""Days of several versions beside each other: what each lost of its own baseline, how days differ, and what the version before did."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from math import sqrt
from statistics import median

from headgate.monitoring.inservice.versions import Lived, live_on
from headgate.monitoring.intervals import difference
from headgate.monitoring.windows import Baseline, Noise, Window


def by_one_baseline(windows: Sequence[Window], versions: Sequence[Lived], present: Baseline) -> Iterator[Window]:
    """Days of earlier versions as far from the present baseline as they were from their own, in standard deviations. Days about whose
    version nothing is known, or that had two, are left out."""
    for window in windows:
        version = live_on(versions, window.day)
        if version is None or version.baseline is None:
            continue
        own = float(version.baseline.share)
        yield _at(window, present.share + (window.share - own) * _wider(own, present.share))


def levelled(windows: Sequence[Window], versions: Sequence[Lived], own: Sequence[Window]) -> list[Window]:
    """The live version's `own` days after those of earlier ones, which stand around its median as they stood around the mean of their
    version, in standard deviations: steps between versions are no noise, nor is a loss of the live one.

    A mean of few days lies nearer to them than the truth does; that is made good. A single day lies on it, and is left out.
    """
    by_version: dict[date, list[Window]] = {}
    for window in windows:
        version = live_on(versions, window.day)
        if version is not None and window.day < own[0].day:
            by_version.setdefault(version.since, []).append(window)
    level, found = median(window.share for window in own), list[Window]()
    for some in by_version.values():
        if len(some) > 1:
            middle = mean(some)
            scale = _wider(middle, level) * sqrt(len(some) / (len(some) - 1))
            found += [_at(window, level + (window.share - middle) * scale) for window in some]
    return [*found, *own]


def of_the_one_before(windows: Sequence[Window], versions: Sequence[Lived]) -> list[Window]:
    """The days of the version before the live one, as they were."""
    return [window for window in windows if live_on(versions, window.day) is versions[-2]] if len(versions) > 1 else []


def regained(before: Sequence[Window], present: Sequence[Window], known: Noise) -> tuple[float, float] | None:
    """Between which shares users would win if they had the version of the days `before` again (95 %). None where it has no such days.

    Baselines are left out of it: a promise that was not kept is no reason to go back to a version that promised, and did, less.
    """
    if not before:
        return None
    then, now = ((mean(some), sum(window.labels for window in some) / known.long_run) for some in (before, present))
    return difference(then, now)


def mean(windows: Sequence[Window]) -> float:
    """The share of all their labels."""
    return sum(window.share * window.labels for window in windows) / sum(window.labels for window in windows)


def _wider(before: float, after: float) -> float:
    """How many times the standard deviation of a share of `before` that of a share of `after` is."""
    variances = before * (1.0 - before), after * (1.0 - after)
    return sqrt(variances[1] / variances[0]) if min(variances) > 0.0 else 1.0


def _at(window: Window, share: float) -> Window:
    return replace(window, share=min(max(share, 0.0), 1.0))
