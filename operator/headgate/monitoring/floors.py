"""Whether a share keeps a floor: judged by exact bounds, so that few cases neither condemn nor acquit."""

from dataclasses import dataclass
from functools import lru_cache

from headgate.evidence.shares import clopper_pearson
from headgate.monitoring.result import LimitVerdict, Result, not_assessed

CONFIDENCE = 0.90
"""Of intervals here: each bound by itself is wrong in one of twenty."""
_MOST_CASES = 10**9


@dataclass(frozen=True, slots=True)
class Floor:
    """A share must be `least`. A shortfall of `shortfall` must show: with fewer cases than that needs, nothing is said."""

    least: float
    shortfall: float

    def __post_init__(self) -> None:
        if not 0.0 < self.shortfall <= self.least <= 1.0:
            raise ValueError(f"a shortfall of {self.shortfall:g} below {self.least:g}: it must be above 0, and no more than the floor")

    def shows(self, cases: int) -> bool:
        """Whether a share short by that much would be proven to be below the floor, with so many cases."""
        return proven_below((self.least - self.shortfall) * cases, cases, self.least)

    def needed(self) -> int:
        """The fewest cases with which it shows."""
        return _needed(self)


@lru_cache(maxsize=256)
def _needed(floor: Floor) -> int:
    low, high = 0, 1
    while not floor.shows(high) and high < _MOST_CASES:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if floor.shows(middle) else (middle, high)
    return high


def proven_below(events: float, cases: int, floor: float) -> bool:
    return cases > 0 and clopper_pearson(events, cases, CONFIDENCE)[1] < floor


def kept(statistic: str, events: int, cases: int, floor: Floor) -> Result:
    """Violated: proven to be below. WithinLimits: at or above, with enough cases. Else NotAssessed, with what would be enough.

    Raises ValueError unless 0 <= events <= cases.
    """
    if not 0 <= events <= cases:
        raise ValueError(f"{statistic}: {events} of {cases} is no share")
    if not cases:
        return not_assessed(statistic, f"no cases: {floor.needed():,} are needed", (0,))
    share, interval = events / cases, clopper_pearson(events, cases, CONFIDENCE)
    told = f"{events:,} of {cases:,} ({100 * share:.3g} %, {100 * interval[0]:.3g} to {100 * interval[1]:.3g})"
    if proven_below(events, cases, floor.least):
        verdict, why = LimitVerdict.VIOLATED, f"{told} are below {100 * floor.least:g} %"
    elif not floor.shows(cases):
        verdict, why = LimitVerdict.NOT_ASSESSED, f"{told}: {floor.needed():,} cases are needed to tell from {100 * floor.least:g} %"
    elif share < floor.least:
        verdict, why = LimitVerdict.NOT_ASSESSED, f"{told}: below {100 * floor.least:g} %, but by no more than chance does"
    else:
        verdict, why = LimitVerdict.WITHIN_LIMITS, f"{told}: {100 * floor.least:g} % or more"
    return Result(statistic, verdict, why, (cases,), share, interval)
