"""A quarter of a model on one page: how it does technically, for the business, in its risks, and with its users."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from headgate.api.scorecard import Dimension
from headgate.monitoring.result import LimitVerdict, Result, not_assessed

FLOOR = 0.6
"""A dimension below it is a weakness, and no other dimension makes up for it."""


WEIGHTS = {Dimension.TECHNICAL: 0.25, Dimension.BUSINESS: 0.35, Dimension.RISK: 0.25, Dimension.ADOPTION: 0.15}


@dataclass(frozen=True, slots=True)
class Indicator:
    """One figure of a dimension. `bad` scores 0 and `good` 1, linearly between and no further; either may be the larger one.

    `value` None: not measured, `missing` says why. `interval` is that of the value, where it is known. Raises ValueError for anchors that
    are equal, weights not above 0, and what is not finite.
    """

    name: str
    dimension: Dimension
    bad: float
    good: float
    value: float | None = None
    interval: tuple[float, float] | None = None
    weight: float = 1.0
    missing: str = ""

    def __post_init__(self) -> None:
        numbers = [self.bad, self.good, self.weight, *(() if self.value is None else (self.value,)), *(self.interval or ())]
        if not all(map(isfinite, numbers)) or self.bad == self.good or self.weight <= 0.0:
            raise ValueError(f"{self.name}: good and bad must differ, the weight be above 0, and every number finite")
        if self.interval is not None and (self.value is None or not self.interval[0] <= self.value <= self.interval[1]):
            raise ValueError(f"{self.name}: the interval does not hold the value")

    def score(self, value: float) -> float:
        return min(max((value - self.bad) / (self.good - self.bad), 0.0), 1.0)


def scorecard(indicators: Sequence[Indicator]) -> tuple[Result, ...]:
    """The four dimensions, and the whole as the last one."""
    dimensions = [dimension(of, indicators) for of in Dimension]
    return (*dimensions, overall(dimensions))


def dimension(of: Dimension, indicators: Sequence[Indicator]) -> Result:
    """The weighted mean of its indicators. NotAssessed if one of them is missing: it could be the worst."""
    own = [indicator for indicator in indicators if indicator.dimension is of]
    missing = [f"{one.name} ({one.missing})" if one.missing else one.name for one in own if one.value is None]
    if not own or missing:
        why = f"not measured: {', '.join(missing)}" if missing else "it has no indicators"
        return not_assessed(of, why, (len(own) - len(missing), len(own)))
    scores, total = [_scores(indicator) for indicator in own], sum(indicator.weight for indicator in own)
    low, value, high = (sum(one.weight * score[place] for one, score in zip(own, scores, strict=True)) / total for place in range(3))
    weak = [f"{one.name} {score[1]:.2f}" for one, score in zip(own, scores, strict=True) if score[1] < FLOOR]
    told = f"{value:.2f}" + (f"; weak: {', '.join(weak)}" if weak else "")
    verdict, why = (LimitVerdict.VIOLATED, f"{told}: below {FLOOR:g}") if value < FLOOR else (LimitVerdict.WITHIN_LIMITS, told)
    return Result(of, verdict, why, (len(own), len(own)), value, (low, high))


def _scores(indicator: Indicator) -> tuple[float, float, float]:
    """Low, middle and high."""
    assert indicator.value is not None
    ends = sorted(indicator.score(value) for value in (indicator.interval or (indicator.value, indicator.value)))
    return ends[0], indicator.score(indicator.value), ends[1]


def overall(dimensions: Sequence[Result]) -> Result:
    """The weighted mean of all four dimensions, by their names. Violated if one is below its floor, however good the others are;
    NotAssessed if one is missing and none is below.
    """
    by_name = {Dimension(result.statistic): result for result in dimensions}
    below = [result.statistic for result in dimensions if result.verdict is LimitVerdict.VIOLATED]
    known = {of: result for of, result in by_name.items() if result.value is not None}
    missing = [of for of in Dimension if of not in known]
    samples = (len(known), len(Dimension))
    if missing:
        told = f"not assessed: {', '.join(missing)}" + (f"; below {FLOOR:g}: {', '.join(below)}" if below else "")
        return not_assessed("overall", told, samples)
    value = sum(WEIGHTS[of] * (result.value or 0.0) for of, result in known.items())
    ends = [sum(WEIGHTS[of] * (result.interval or (0.0, 0.0))[end] for of, result in known.items()) for end in (0, 1)]
    verdict = LimitVerdict.VIOLATED if below else LimitVerdict.WITHIN_LIMITS
    why = f"{value:.2f}, but below {FLOOR:g}: {', '.join(below)}" if below else f"{value:.2f}, and every dimension {FLOOR:g} or more"
    return Result("overall", verdict, why, samples, value, (ends[0], ends[1]))
