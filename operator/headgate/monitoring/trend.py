"""Whether a share falls steadily, how far it will have fallen, and when it reaches its limit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import sqrt

import numpy as np
from scipy.special import ndtr, ndtri

from headgate.evidence.bets.arrays import Floats
from headgate.monitoring.result import LimitVerdict, Result, not_assessed
from headgate.monitoring.windows import Noise, Window, counted, days, noise, pairwise_slopes, sen_slope, shares

FEWEST_DAYS = 14
"""With seven, a fall that halves the model's worth in two months is mostly missed, and chance is often taken for a fall."""
_Z = float(ndtri(0.975))
_FURTHEST = 3650


@dataclass(frozen=True, slots=True)
class Trend:
    """Of a share of which more is better. `slope` per day; `level` on the `last` day by Sen's line; `p` of a fall by chance, one-sided.

    `deviation` of the level in the middle of the days, `center` days before the last one.
    """

    last: date
    slope: float
    interval: tuple[float, float]
    level: float
    p: float
    deviation: float
    center: float
    noise: Noise

    def projected(self, ahead: int) -> tuple[float, tuple[float, float]]:
        """The share so many days after the last one, and its 95 % interval; both inside 0..1."""
        middle = self.level + self.slope * ahead
        reach = (self.interval[1] - self.interval[0]) / 2 * (self.center + ahead)
        spread = sqrt(reach**2 + (_Z * self.deviation) ** 2)
        low, value, high = (min(max(number, 0.0), 1.0) for number in (middle - spread, middle, middle + spread))
        return value, (low, high)

    def breach(self, limit: float) -> "Breach | None":
        """When the share falls below `limit`; None if it does not within ten years."""
        lows, values, highs = [], [], []
        for ahead in range(_FURTHEST):
            value, (low, high) = self.projected(ahead)
            lows.append(low < limit)
            values.append(value < limit)
            highs.append(high < limit)
        earliest, day, latest = (self._day(_first(below)) for below in (lows, values, highs))
        return None if day is None else Breach(day, earliest or day, latest)

    def _day(self, ahead: int | None) -> date | None:
        return None if ahead is None else self.last + timedelta(days=ahead)


@dataclass(frozen=True, slots=True)
class Limit:
    """A loss of so much of a share that was `baseline`, looked for so many days ahead."""

    baseline: float
    loss: float
    horizon: int

    @property
    def share(self) -> float:
        return self.baseline - self.loss


@dataclass(frozen=True, slots=True)
class Breach:
    """`day` by the line; with 95 % confidence between `earliest` and `latest`, None for perhaps never."""

    day: date
    earliest: date
    latest: date | None

    def __str__(self) -> str:
        latest = "perhaps never" if self.latest is None else f"{self.latest}"
        return f"{self.day} ({self.earliest} to {latest})"


def _first(found: Iterable[bool]) -> int | None:
    return next((number for number, yes in enumerate(found) if yes), None)


def trend(windows: Sequence[Window]) -> Trend:
    """Mann and Kendall's test with the variance that correlated days have (Yue and Wang 2004), and Sen's slope with its interval.

    `windows` are mature, in order, at least FEWEST_DAYS.
    """
    found = noise(windows)
    slopes, slope = pairwise_slopes(windows), sen_slope(windows)
    variance = _kendall_variance(shares(windows)) * _inflation(len(windows), found.correlation)
    score = float(np.sign(slopes).sum())
    z = (score - np.sign(score)) / sqrt(variance) if variance > 0.0 else 0.0
    at, labels = days(windows), counted(windows)
    level = float(np.median(shares(windows) - slope * (at - at[-1])))
    share = float(np.average(shares(windows), weights=labels))
    deviation = sqrt(share * (1.0 - share) / labels.sum() * found.long_run)
    interval = _sen_interval(slopes, slope, variance)
    return Trend(windows[-1].day, slope, interval, level, float(ndtr(z)), deviation, float(at[-1] - at.mean()), found)


def _kendall_variance(values: Floats) -> float:
    n = len(values)
    _, ties = np.unique(values, return_counts=True)
    return float(n * (n - 1) * (2 * n + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()) / 18.0


def _inflation(n: int, correlation: float) -> float:
    lags = np.arange(1, n)
    return 1.0 + 2.0 * float(((1.0 - lags / n) * correlation**lags).sum())


def _sen_interval(slopes: Floats, slope: float, variance: float) -> tuple[float, float]:
    """Of the ranks among all pairs' slopes that a normal score allows (Gilbert 1987)."""
    reach = _Z * sqrt(variance)
    low, high = (len(slopes) - reach) / 2, (len(slopes) + reach) / 2 + 1
    first, last = max(int(low) - 1, 0), min(int(np.ceil(high)) - 1, len(slopes) - 1)
    return min(float(slopes[first]), slope), max(float(slopes[last]), slope)


def judged(windows: Sequence[Window], limit: Limit, alpha: float = 0.05) -> tuple[Result, Trend | None]:
    """Violated: it falls, and the limit is passed. Drifting: it falls, and will be there within the horizon. The value is the loss per day.

    WithinLimits only where a fall that reaches the limit in time would have been seen.
    """
    samples = (len(windows), int(sum(window.labels for window in windows)))
    if len(windows) < FEWEST_DAYS:
        return not_assessed("trend", f"{len(windows)} days with mature labels: {FEWEST_DAYS} at least are needed", samples), None
    found = trend(windows)
    verdict, why = _verdict(found, limit, alpha)
    return Result("trend", verdict, why, samples, -found.slope, (-found.interval[1], -found.interval[0])), found


def _verdict(found: Trend, limit: Limit, alpha: float) -> tuple[LimitVerdict, str]:
    losing, lost = f"loses {-100 * found.slope:.3g} points a day", f"{100 * limit.loss:.3g} points"
    ahead, _ = found.projected(limit.horizon)
    falls = found.p <= alpha
    if falls and found.level < limit.share:
        return LimitVerdict.VIOLATED, f"{losing}, and has lost {100 * (limit.baseline - found.level):.3g}: {lost} or more"
    if falls and ahead < limit.share:
        return LimitVerdict.DRIFTING, f"{losing}: breaches a loss of {lost} on {found.breach(limit.share)}"
    needed = (found.level - limit.share) / limit.horizon
    reach = (found.interval[1] - found.interval[0]) / 2
    if needed < reach:
        return LimitVerdict.NOT_ASSESSED, (
            f"{100 * max(needed, 0.0):.3g} points a day would make a loss of {lost} within {limit.horizon} days, and the slope is known to "
            f"{100 * reach:.3g} only"
        )
    if falls:
        return LimitVerdict.WITHIN_LIMITS, f"{losing}, and not {lost} within {limit.horizon} days"
    return LimitVerdict.WITHIN_LIMITS, f"no fall is seen (p {found.p:.2g}), and one to a loss of {lost} in {limit.horizon} days would be"
