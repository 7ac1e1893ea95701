"""How much of its pinned baseline a model has lost, and since when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import exp, log, sqrt

import numpy as np

from headgate.evidence.bets.arrays import Floats
from headgate.monitoring.drift import Limits
from headgate.monitoring.intervals import difference
from headgate.monitoring.result import LimitVerdict, Result, not_assessed
from headgate.monitoring.trend import FEWEST_DAYS
from headgate.monitoring.windows import Baseline, Noise, Window, counted, noise_beside_a_step, shares

LOSS_LIMITS = Limits(0.03, 0.05)
FALSE_ALARM_DAYS = 365
"""The mean time between false alarms of the cumulative sum."""
FEWEST_LABELS = 100
_ALLOWANCE = 0.5
"""Standard deviations of a day; falls of twice as much are seen soonest."""
_MOST = 2.0
"""Thresholds that the sum reaches at the most: a loss that was made good is over within weeks, however large it was."""
_NOISE_DAYS = 28
_EXACT = 1e9
"""Labels of a baseline that is a promise."""


def lost(windows: Sequence[Window], recent: int, baseline: Baseline, limits: Limits = LOSS_LIMITS) -> Result:
    """Baseline minus the share of the last `recent` windows. They are mature, and of a share of which more is better."""
    present = windows[-recent:]
    samples = _samples(present, baseline)
    if samples[1] < FEWEST_LABELS:
        return not_assessed("loss", f"{samples[1]} mature labels: {FEWEST_LABELS} at least are needed", samples)
    value, interval = _loss(present, baseline, noise_beside_a_step(windows))
    verdict, why = _verdict(value, interval, limits)
    return Result("loss", verdict, why, samples, value, interval)


def _samples(windows: Sequence[Window], baseline: Baseline) -> tuple[int, int]:
    return baseline.labels or 0, int(sum(window.labels for window in windows))


def _loss(windows: Sequence[Window], baseline: Baseline, known: Noise) -> tuple[float, tuple[float, float]]:
    present = float(np.average(shares(windows), weights=counted(windows)))
    worth = float(counted(windows).sum()) / known.long_run
    return baseline.share - present, difference((baseline.share, baseline.labels or _EXACT), (present, worth))


def _verdict(value: float, interval: tuple[float, float], limits: Limits) -> tuple[LimitVerdict, str]:
    low, high = (100 * bound for bound in interval)
    told = f"{100 * value:.3g} points lost ({low:.3g} to {high:.3g})"
    if interval[0] > 0.0 and value >= limits.drifting:
        if value >= limits.violated:
            return LimitVerdict.VIOLATED, f"{told}: {100 * limits.violated:.3g} or more"
        return LimitVerdict.DRIFTING, f"{told}: {100 * limits.drifting:.3g} or more"
    if interval[1] < limits.violated:
        return LimitVerdict.WITHIN_LIMITS, f"{told}: less than {100 * limits.violated:.3g}"
    return LimitVerdict.NOT_ASSESSED, f"{told}: too few labels to exclude {100 * limits.violated:.3g}"


@dataclass(frozen=True, slots=True)
class Alarm:
    """When the cumulative sum went beyond its threshold; the likeliest day on which the loss was there first, and between which it began
    (95 %). Without the first of these it may be older than all days that are known. `lost`: between which shares is lost since then.
    """

    raised: date
    onset: date
    between: tuple[date | None, date]
    lost: tuple[float, float]


def cusum(
    windows: Sequence[Window], baseline: Baseline, known: Noise, false_alarm_days: float = FALSE_ALARM_DAYS, since: date = date.min
) -> Alarm | None:
    """Page's one-sided cumulative sum of daily losses against a baseline that does not move, in standard deviations of a day.

    May be looked at each day: without a loss it alarms once in `false_alarm_days` days on average. An alarm ends when the sum is back at 0.
    The sum begins `since` the live version; days before it only date a loss that was there from its first day on.
    A measured baseline may be too high by chance; its own standard deviation is allowed for. `known` is the noise of days without loss.
    """
    limit, total, raised = threshold(false_alarm_days), 0.0, None
    losses = _standardised(windows, baseline, known)
    own = next((at for at, window in enumerate(windows) if window.day >= since), len(windows))
    for window, loss in zip(windows[own:], losses[own:], strict=True):
        total = min(max(0.0, total + loss - _ALLOWANCE), _MOST * limit)
        if total == 0.0:
            raised = None
        elif total > limit and raised is None:
            raised = window.day
    if raised is None:
        return None
    found = tuple(own + at for at in onset(losses[own:]))
    first, likeliest, last = onset(losses) if found[0] == own else found
    _, lasting = _loss(windows[likeliest:], baseline, known)
    return Alarm(raised, windows[likeliest].day, (_at_the_earliest(windows, first), windows[last].day), lasting)


def _at_the_earliest(windows: Sequence[Window], first: int) -> date | None:
    """What a day has lost may have been lost since the last day with labels before it."""
    return windows[first - 1].day + timedelta(days=1) if first else None


def _standardised(windows: Sequence[Window], baseline: Baseline, known: Noise) -> Floats:
    variance = _variance(baseline)
    allowed = sqrt(variance / (baseline.labels or _EXACT))
    deviations = np.sqrt(np.maximum(variance / counted(windows) * known.long_run, 1e-12))
    losses: Floats = (baseline.share - shares(windows) - allowed) / deviations
    return losses


def _variance(baseline: Baseline) -> float:
    """Of one case. Few labels that were all good do not say that none is bad: two more of each kind are added (Agresti and Coull 1998)."""
    labels = baseline.labels or _EXACT
    share = (baseline.share * labels + 2.0) / (labels + 4.0)
    return share * (1.0 - share)


def onset(losses: Floats) -> tuple[int, int, int]:
    """Positions: the earliest, the likeliest and the latest at which standard normal values began to have a mean above 0, and kept it.

    By the likelihood ratio of each beginning (Siegmund 1988); with 95 % confidence between the outer ones.
    """
    n = len(losses)
    since = np.maximum(np.cumsum(losses[::-1])[::-1], 0.0)
    support = np.square(since) / (n - np.arange(n)) / 2.0
    close = np.flatnonzero(support >= support.max() - log(20.0))
    return int(close[0]), int(np.argmax(support)), int(close[-1])


def since_when(
    windows: Sequence[Window], baseline: Baseline, since: date = date.min, levelled: Sequence[Window] = ()
) -> tuple[Result, Alarm | None]:
    """Whether the cumulative sum alarms; the value is the loss since the onset, or of all days `since` the live version. Noise is that of
    the first days; where versions changed, of the same days `levelled`."""
    samples = _samples(windows, baseline)
    if len(windows) < FEWEST_DAYS:
        return not_assessed("cusum", f"{len(windows)} days with mature labels: {FEWEST_DAYS} at least are needed", samples), None
    known = noise_beside_a_step((levelled or windows)[:_NOISE_DAYS])
    alarm = cusum(windows, baseline, known, since=since)
    counted_in = [window for window in windows if window.day >= (since if alarm is None else alarm.onset)]
    value, interval = _loss(counted_in, baseline, known)
    if alarm is None:
        why = f"no lasting loss: the sum of losses stays below its threshold, which chance crosses once in {FALSE_ALARM_DAYS} days"
        return Result("cusum", LimitVerdict.WITHIN_LIMITS, why, samples, value, interval), None
    first, last = alarm.between
    began = f"{first} to {last}" if first is not None else f"{last} at the latest; it may be older than all days that are known"
    why = f"lasting loss since about {alarm.onset} ({began}), noticed on {alarm.raised}"
    return Result("cusum", LimitVerdict.DRIFTING, why, samples, value, interval), alarm


def threshold(run_length: float) -> float:
    """Of the cumulative sum of standard normal values for this mean time to a false alarm (Siegmund 1985), by bisection."""
    low, high = 0.0, 2.0 + log(2.0 + run_length)
    for _ in range(60):
        middle = (low + high) / 2
        reach = 2.0 * _ALLOWANCE * (middle + 1.166)
        low, high = (middle, high) if (exp(reach) - reach - 1.0) / (2.0 * _ALLOWANCE**2) < run_length else (low, middle)
    return high
