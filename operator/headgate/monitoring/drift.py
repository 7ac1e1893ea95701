"""Drift: whether what a model sees, or says, is distributed as in its reference.

A feature drifts when the distance to its reference is at or beyond its limit and chance is excluded, among all features looked at. It is
WithinLimits only where the samples are large enough that a distance at the limit would not be mistaken for chance.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import numpy as np

from headgate.evidence.bets.arrays import Floats
from headgate.monitoring.bins import Codes, neighbours, rare_together, summed
from headgate.monitoring.clustering import clustering
from headgate.monitoring.divergence import MEASURES, Measured, Pair, Statistic
from headgate.monitoring.multiplicity import benjamini_hochberg
from headgate.monitoring.result import LimitVerdict, Result, not_assessed


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on a distance is Drifting, and Violated; each inclusive."""

    drifting: float = 0.1
    violated: float = 0.2

    def __post_init__(self) -> None:
        if not 0.0 < self.drifting <= self.violated:
            raise ValueError(f"limits {self.drifting:g} and {self.violated:g}: the first must be above 0 and at most the second")


@dataclass(frozen=True, slots=True)
class Rules:
    """How features are looked at. `alpha`: the expected share of false ones among those called drifting."""

    alpha: float = 0.05
    limits: Mapping[Statistic, Limits] = field(default_factory=lambda: dict.fromkeys(Statistic, Limits()))


@dataclass(frozen=True, slots=True)
class Feature:
    """Counts of one feature in two samples, by the bins of the reference, shape (stretches, bins): consecutive rows in their order.

    The last bin holds rows without a value. `coarse` are the groups of the other bins that PSI is made of; None for categories.
    """

    name: str
    reference: Floats
    current: Floats
    coarse: Codes | None


@dataclass(frozen=True, slots=True)
class Finding:
    """A result for one feature. `p` is adjusted for all features; `effective` are the independent rows the samples are worth."""

    feature: str
    result: Result
    p: float | None = None
    critical: float | None = None
    effective: tuple[float, float] | None = None

    def document(self) -> dict[str, Any]:
        """For JSON."""
        effective = None if self.effective is None else list(self.effective)
        return {"feature": self.feature} | self.result.document() | {"p": self.p, "critical": self.critical, "effective": effective}


@dataclass(frozen=True, slots=True)
class _Look:
    """One measurement, not judged yet, or why there is none."""

    feature: str
    samples: tuple[int, int]
    pair: Pair | None = None
    measured: Measured | None = None
    why: str = ""


def assess(features: Sequence[Feature], rules: Rules) -> tuple[Finding, ...]:
    """PSI and KS of each numeric feature; Cramér's V, the Jensen–Shannon distance and PSI of each categorical one."""
    looks = [look for feature in features for look in _looks(feature, rules.alpha)]
    adjusted = iter(benjamini_hochberg([look.measured.p for look in looks if look.measured is not None]))
    return tuple(_finding(look, next(adjusted), rules) if look.measured is not None else _nothing(look) for look in looks)


def _looks(feature: Feature, alpha: float) -> Iterator[_Look]:
    before, after = feature.reference.sum(axis=0), feature.current.sum(axis=0)
    samples = (int(before.sum()), int(after.sum()))
    if not all(samples):
        which = "reference" if not samples[0] else "current"
        yield _Look(feature.name, samples, why=f"the {which} sample has no rows")
        return
    groups = _groups(feature)
    clusters = [clustering(summed(sample, groups)) for sample in (feature.reference, feature.current)]
    effective = samples[0] / clusters[0].effect, samples[1] / clusters[1].effect
    dense = _dense((summed(before, groups), summed(after, groups)), effective)
    merged = (neighbours(dense) if feature.coarse is not None else rare_together(dense))[groups]
    pair = Pair(summed(before, merged), summed(after, merged), effective, max(one.unevenness for one in clusters))
    if len(pair.reference) < 2:
        yield _Look(feature.name, samples, why=_one_bin(feature, before + after))
        return
    if feature.coarse is None:
        for statistic in (Statistic.CRAMERS_V, Statistic.JS_DISTANCE, Statistic.PSI):
            yield _Look(feature.name, samples, pair, MEASURES[statistic](pair, alpha))
        return
    yield _Look(feature.name, samples, pair, MEASURES[Statistic.PSI](pair, alpha))
    rows = float(before[:-1].sum()), float(after[:-1].sum())
    if min(rows) > 0.0 and ((before + after)[:-1] > 0).sum() > 1:
        by_rank = rows[0] / clusters[0].rank_effect, rows[1] / clusters[1].rank_effect
        present = Pair(before[:-1], after[:-1], by_rank)
        yield _Look(feature.name, samples, present, MEASURES[Statistic.KS](present, alpha))


def _groups(feature: Feature) -> Codes:
    """The bins that tests are made of; rows without a value are one of their own."""
    if feature.coarse is None:
        return np.arange(feature.reference.shape[1])
    return np.append(feature.coarse, feature.coarse.max() + 1)


def _dense(counts: tuple[Floats, Floats], effective: tuple[float, float]) -> Floats:
    """Of each bin, how many independent rows the smaller sample has there, or should have if nothing drifted: the larger of both."""
    scaled = [sample * (size / sample.sum()) for sample, size in zip(counts, effective, strict=True)]
    smaller = int(effective[1] < effective[0])
    expected = (scaled[0] + scaled[1]) * (effective[smaller] / sum(effective))
    dense: Floats = np.maximum(expected, scaled[smaller])
    return dense


def _one_bin(feature: Feature, counts: Floats) -> str:
    if (counts > 0).sum() <= 1:
        return "all rows of both samples are alike (one class, one value or one bin): there is nothing to compare"
    return (
        "no two bins have 5 independent rows each: too few rows, or too many different values"
        if feature.coarse is None
        else "no two bins have 5 independent rows each: too few rows, or edges that do not divide them"
    )


def _nothing(look: _Look) -> Finding:
    return Finding(look.feature, not_assessed("drift", look.why, look.samples))


def _finding(look: _Look, p: float, rules: Rules) -> Finding:
    assert look.measured is not None
    assert look.pair is not None
    measured, limits = look.measured, rules.limits[look.measured.statistic]
    verdict, why = _judged(measured, p, limits, rules.alpha, look.pair)
    result = Result(measured.statistic, verdict, why, look.samples, measured.value, measured.interval)
    return Finding(look.feature, result, p, measured.critical, look.pair.effective)


def _judged(measured: Measured, p: float, limits: Limits, alpha: float, pair: Pair) -> tuple[LimitVerdict, str]:
    value = f"{measured.value:.3g}"
    if p <= alpha and measured.value >= limits.drifting:
        violated = measured.value >= limits.violated
        verdict, limit = (LimitVerdict.VIOLATED, limits.violated) if violated else (LimitVerdict.DRIFTING, limits.drifting)
        return verdict, f"{value} is at or beyond {limit:g}, and chance alone reaches {measured.critical:.3g} once in {1 / alpha:.0f} times"
    n, m = pair.effective
    if measured.critical > limits.drifting:
        return LimitVerdict.NOT_ASSESSED, (
            f"chance alone reaches {measured.critical:.3g} with {n:.0f} and {m:.0f} independent rows, so {limits.drifting:g} could not be "
            f"told from it: about {_enough(measured, limits, pair):,} in each sample would be enough"
        )
    if measured.value >= limits.drifting:
        return (
            LimitVerdict.NOT_ASSESSED,
            f"{value} is beyond {limits.drifting:g}, but among so many features chance is not excluded (p {p:.2g})",
        )
    chance = "within what chance does" if p > alpha else "more than chance does, and too little to matter"
    return LimitVerdict.WITHIN_LIMITS, f"{value} is below {limits.drifting:g}: {chance}"


def _enough(measured: Measured, limits: Limits, pair: Pair) -> int:
    """Independent rows, equal in both samples, with which chance alone stays below the limit."""
    power = 1 if measured.statistic is Statistic.PSI else 2
    return ceil(2.0 * pair.precision * (measured.critical / limits.drifting) ** power)
