"""How well a model did, day by day, once the truth is known."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise
from math import sqrt

import numpy as np

from headgate.evidence.bets.arrays import Floats


class Better(StrEnum):
    """Which way a share is better."""

    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class Window:
    """`share` of `labels` cases of one day that went well (or badly). Raises ValueError for what is no share or has no labels."""

    day: date
    share: float
    labels: int

    def __post_init__(self) -> None:
        if not 0.0 <= self.share <= 1.0 or self.labels <= 0:
            raise ValueError(f"{self.day}: a share of {self.share} of {self.labels} labels: shares are 0 to 1, of at least one label")


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the share was when the model was approved. It does not move: one that rolls along hides every slow loss.

    `labels` None: the share is a promise, not a measurement.
    """

    share: float
    labels: int | None = None


def mature(windows: Sequence[Window], lag: timedelta, today: date) -> tuple[Window, ...]:
    """Those whose labels have had time to come, in order. The first labels of a day are not like the later ones.

    Raises ValueError where two are of one day.
    """
    ordered = sorted(windows, key=lambda window: window.day)
    for one, other in pairwise(ordered):
        if one.day == other.day:
            raise ValueError(f"{one.day} is there twice: one window for each day")
    return tuple(window for window in ordered if window.day + lag <= today)


def good(windows: Sequence[Window], baseline: Baseline, better: Better) -> tuple[tuple[Window, ...], Baseline]:
    """The same as shares of which more is better."""
    if better is Better.HIGHER:
        return tuple(windows), baseline
    return tuple(replace(window, share=1.0 - window.share) for window in windows), replace(baseline, share=1.0 - baseline.share)


@dataclass(frozen=True, slots=True)
class Noise:
    """How days differ beyond a steady slope. `dispersion`: how many times more than independent cases would, at least 1; `correlation`
    of one day with the next, 0 to 0.9; both together multiply the variance of a mean of many days by `long_run`.
    """

    dispersion: float = 1.0
    correlation: float = 0.0

    @property
    def long_run(self) -> float:
        return self.dispersion * (1.0 + self.correlation) / (1.0 - self.correlation)


INDEPENDENT = Noise()


def days(windows: Sequence[Window]) -> Floats:
    """Days since the first window."""
    return np.array([(window.day - windows[0].day).days for window in windows], dtype=np.float64)


def shares(windows: Sequence[Window]) -> Floats:
    return np.array([window.share for window in windows])


def counted(windows: Sequence[Window]) -> Floats:
    """Labels of each window."""
    return np.array([window.labels for window in windows], dtype=np.float64)


def sen_slope(windows: Sequence[Window]) -> float:
    """Theil and Sen's: the median of the slopes of all pairs, in shares per day. At least two windows."""
    return float(np.median(pairwise_slopes(windows)))


def pairwise_slopes(windows: Sequence[Window]) -> Floats:
    """Of all pairs, in rising order."""
    first, second = np.triu_indices(len(windows), 1)
    at, share = days(windows), shares(windows)
    slopes: Floats = np.sort((share[second] - share[first]) / (at[second] - at[first]))
    return slopes


def noise(windows: Sequence[Window]) -> Noise:
    """Of the residuals about Sen's line. Correlation of so few days is estimated too low; that is corrected (Kendall 1954)."""
    n = len(windows)
    if n < 4:
        return INDEPENDENT
    rest = shares(windows) - sen_slope(windows) * days(windows)
    labels = counted(windows)
    level = float(np.average(shares(windows), weights=labels))
    rest = rest - np.median(rest)
    expected = max(level * (1.0 - level), 1e-9) / labels
    dispersion = float((rest * rest / expected).sum()) / (n - 2)
    scaled = rest / np.sqrt(expected)
    total = float((scaled * scaled).sum())
    # What rounding leaves of equal shares is no correlation.
    correlation = float((scaled[1:] * scaled[:-1]).sum()) / total if total > 1e-9 else 0.0
    corrected = (n * correlation + 2.0) / (n - 4) if n > 4 else 0.0
    return Noise(max(1.0, dispersion), min(max(0.0, corrected), 0.9))


_BESIDE = 4
"""Days on each side of a step."""
_CLEAR_STEP = 6.0
"""Standard errors from which on a step is none of the noise."""


def noise_beside_a_step(windows: Sequence[Window]) -> Noise:
    """A release that breaks a model makes a step. About a line through all days that would look like noise, and hide itself."""
    values, found = shares(windows), noise(windows)
    if len(windows) < 2 * _BESIDE:
        return found
    splits = range(_BESIDE, len(windows) - _BESIDE + 1)
    spread, split = min((float(values[:at].var() * at + values[at:].var() * (len(values) - at)), at) for at in splits)
    step = float(values[split:].mean() - values[:split].mean())
    error = sqrt(spread / (len(values) - 2) * (1.0 / split + 1.0 / (len(values) - split)))
    if abs(step) <= _CLEAR_STEP * error:
        return found
    level = [replace(one, share=min(max(one.share - step, 0.0), 1.0)) for one in windows[split:]]
    return min(found, noise((*windows[:split], *level)), key=lambda one: one.long_run)
