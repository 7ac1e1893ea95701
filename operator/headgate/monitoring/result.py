"""What every watch of a live model answers: a number, how sure it is, and whether it keeps its limit."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import Any


class LimitVerdict(StrEnum):
    """How a measured figure stands to its limits. What could not be measured, or not well enough, is NotAssessed, never WithinLimits."""

    WITHIN_LIMITS = "WithinLimits"
    DRIFTING = "Drifting"
    VIOLATED = "Violated"
    NOT_ASSESSED = "NotAssessed"


_WORST_FIRST = (LimitVerdict.VIOLATED, LimitVerdict.DRIFTING, LimitVerdict.NOT_ASSESSED)


@dataclass(frozen=True, slots=True)
class Result:
    """One figure. `interval` covers the true value, with the confidence that its maker states; `samples` are what it was made of.

    A figure without a verdict may be told, but nothing that was judged lacks its number: ValueError, also for NaN and infinities. Only a
    figure that somebody else made, of samples that are not known, has no interval.
    """

    statistic: str
    verdict: LimitVerdict
    why: str
    samples: tuple[int, ...] = ()
    value: float | None = None
    interval: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        numbers = [number for number in (self.value, *(self.interval or ())) if number is not None]
        if not all(isfinite(number) for number in numbers):
            raise ValueError(f"{self.statistic}: {numbers} are not all finite")
        if self.verdict is not LimitVerdict.NOT_ASSESSED and (self.value is None or (self.interval is None and self.samples)):
            raise ValueError(f"{self.statistic}: {self.verdict} without a number and its interval")

    def document(self) -> dict[str, Any]:
        """For JSON; null for what is not known."""
        return {
            "statistic": self.statistic,
            "value": self.value,
            "interval": None if self.interval is None else list(self.interval),
            "samples": list(self.samples),
            "verdict": self.verdict.value,
            "why": self.why,
        }


def not_assessed(statistic: str, why: str, samples: tuple[int, ...] = ()) -> Result:
    """Nothing is known of the figure, for this reason."""
    return Result(statistic, LimitVerdict.NOT_ASSESSED, why, samples)


def worst(verdicts: Iterable[LimitVerdict]) -> LimitVerdict:
    """Violated before Drifting before NotAssessed; NotAssessed where there is none at all."""
    found = set(verdicts)
    if not found:
        return LimitVerdict.NOT_ASSESSED
    return next((verdict for verdict in _WORST_FIRST if verdict in found), LimitVerdict.WITHIN_LIMITS)
