"""How far two samples lie apart, what chance alone would do, and between which values the true distance lies.

With shares p and q of the reference and of the present, and r = (p + q) / 2, near p = q all of these are the same number d = sum (p-q)^2/r
in different units: PSI = d, Cramér's V = sqrt(d/4), the Jensen–Shannon distance = sqrt(d / (8 ln 2)). Under no drift h·d is chi-square with
bins - 1 degrees of freedom, with h = 1/(1/n + 1/m), and at a true distance δ non-central with h·δ (Yurdakul 2018 for PSI). n and m are
effective numbers: rows divided by their design effect; where rows come in clusters, the bins are fewer independent directions than they
seem, and the degrees of freedom are divided by 1 + unevenness (Satterthwaite).
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from math import log, sqrt

import numpy as np
from scipy.special import chdtrc, chdtri, chndtr, chndtrinc, kolmogi, kolmogorov, ndtri, rel_entr

from headgate.evidence.bets.arrays import Floats

CONFIDENCE = 0.95
"""Of every interval here."""
_LN2 = log(2.0)
_LARGE = 1e3


class Statistic(StrEnum):
    """The distances, as they are named in reports."""

    PSI = "psi"
    KS = "ks"
    CRAMERS_V = "cramersV"
    JS_DISTANCE = "jsDistance"


@dataclass(frozen=True, slots=True)
class Pair:
    """Counts in the same bins of two samples, neither empty, and how many independent rows each is worth (clustering.Clustering)."""

    reference: Floats
    current: Floats
    effective: tuple[float, float]
    unevenness: float = 0.0

    @property
    def precision(self) -> float:
        """h of the module."""
        n, m = self.effective
        return 1.0 / (1.0 / n + 1.0 / m)

    @property
    def shares(self) -> tuple[Floats, Floats]:
        return self.reference / self.reference.sum(), self.current / self.current.sum()


@dataclass(frozen=True, slots=True)
class Measured:
    """A distance; `p` is the chance of one as large without drift; `critical` the distance that chance exceeds with probability alpha."""

    statistic: Statistic
    value: float
    interval: tuple[float, float]
    p: float
    critical: float


def psi(pair: Pair, alpha: float) -> Measured:
    """Population stability index. Half a row is added to each bin (Jeffreys), so that an empty one has a share that fits the sample."""
    p, q = (_smoothed(counts) for counts in (pair.reference, pair.current))
    logs = np.log(p / q)
    value = float(((p - q) * logs).sum())
    spread = _delta(pair, (p, logs + 1.0 - q / p), (q, -logs + 1.0 - p / q))
    chance = Chance(len(p) - 1, pair)
    return Measured(Statistic.PSI, value, _interval(value, chance, spread), chance.p(value), chance.critical(alpha))


def js_distance(pair: Pair, alpha: float) -> Measured:
    """Jensen–Shannon distance to the base 2, 0 for equal and 1 for disjoint samples."""
    p, q = pair.shares
    middle = (p + q) / 2
    value = float((rel_entr(p, middle) + rel_entr(q, middle)).sum()) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        of_p, of_q = (np.where(x > 0.0, 0.5 * np.log(x / middle), 0.0) for x in (p, q))
    chance = Chance(len(p) - 1, pair, 8.0)
    low, high = _interval(value, chance, _delta(pair, (p, of_p), (q, of_q)))

    def distance(nats: float) -> float:
        return sqrt(min(max(nats, 0.0) / _LN2, 1.0))

    interval = (distance(low), distance(high))
    return Measured(Statistic.JS_DISTANCE, distance(value), interval, chance.p(value), distance(chance.critical(alpha)))


def cramers_v(pair: Pair, alpha: float) -> Measured:
    """Chi-square test of homogeneity: both samples are random. Effect: Cramér's V as if both were equally large, so that it depends on
    the shares alone.
    """
    p, q = pair.shares
    n, m = pair.reference.sum(), pair.current.sum()
    pooled = (pair.reference + pair.current) / (n + m)
    filled = pooled > 0.0
    differences = np.square(p - q)[filled]
    squared = float((differences / (2.0 * (p + q)[filled])).sum())
    chance = Chance(int(filled.sum()) - 1, pair, 4.0)
    both = np.where(p + q > 0.0, p + q, 1.0)
    slopes = [(side * 2.0 * (p - q) * both - np.square(p - q)) / (2.0 * np.square(both)) for side in (1.0, -1.0)]
    low, high = _interval(squared, chance, _delta(pair, (p, slopes[0]), (q, slopes[1])))
    tested = chance.p(float((differences / pooled[filled]).sum()) / 4.0)
    v, below, above, critical = (sqrt(min(number, 1.0)) for number in (squared, low, high, chance.critical(alpha)))
    return Measured(Statistic.CRAMERS_V, v, (below, above), tested, critical)


def ks(pair: Pair, alpha: float) -> Measured:
    """Kolmogorov and Smirnov's distance at the edges of the bins: at most the true one, and so is its significance.

    Interval: Dvoretzky–Kiefer–Wolfowitz for each sample, with Massart's constant.
    """
    p, q = pair.shares
    value = min(float(np.abs(np.cumsum(p - q)).max()), 1.0)
    root = sqrt(pair.precision)
    margin = sum(sqrt(log(4.0 / (1.0 - CONFIDENCE)) / (2.0 * n)) for n in pair.effective)
    interval = (max(0.0, value - margin), min(1.0, value + margin))
    return Measured(Statistic.KS, value, interval, float(kolmogorov(root * value)), min(float(kolmogi(alpha)) / root, 1.0))


MEASURES: dict[Statistic, Callable[[Pair, float], Measured]] = {
    Statistic.PSI: psi,
    Statistic.KS: ks,
    Statistic.CRAMERS_V: cramers_v,
    Statistic.JS_DISTANCE: js_distance,
}


def _smoothed(counts: Floats) -> Floats:
    shares: Floats = (counts + 0.5) / (counts.sum() + 0.5 * len(counts))
    return shares


def _delta(pair: Pair, *arms: tuple[Floats, Floats]) -> float:
    """Standard deviation by the delta method, from the shares and the derivative by them of each sample."""
    variance = 0.0
    for (shares, slope), n in zip(arms, pair.effective, strict=True):
        mean = float((shares * slope).sum())
        variance += float((shares * np.square(slope - mean)).sum()) / n
    return sqrt(variance)


def _interval(value: float, chance: "Chance", spread: float) -> tuple[float, float]:
    """The wider of what the non-central chi-square and the delta method say: the first is right near no drift, the second far from it."""
    low, high = chance.interval(value)
    reach = float(ndtri(0.5 + CONFIDENCE / 2)) * spread
    return max(0.0, min(low, value - reach)), max(high, value + reach)


@dataclass(frozen=True, slots=True)
class Chance:
    """What a distance of one pair of samples does without drift; it is in `unit`-ths of d."""

    bins_less_one: int
    pair: Pair
    unit: float = 1.0

    @property
    def _dof(self) -> float:
        return self.bins_less_one / self._scale

    @property
    def _scale(self) -> float:
        return 1.0 + self.pair.unevenness

    def p(self, value: float) -> float:
        return float(chdtrc(self._dof, self._standard(value)))

    def critical(self, alpha: float) -> float:
        return self._of_standard(float(chdtri(self._dof, alpha)))

    def interval(self, value: float) -> tuple[float, float]:
        low, high = noncentral(self._standard(value), self._dof)
        return self._of_standard(low), self._of_standard(high)

    def _standard(self, value: float) -> float:
        return value * self.unit * self.pair.precision / self._scale

    def _of_standard(self, x: float) -> float:
        return x * self._scale / self.pair.precision / self.unit


def noncentral(x: float, dof: float) -> tuple[float, float]:
    """Between which non-centralities the chi-square variable lies that gave `x`."""
    bounds = []
    for chance in (0.5 + CONFIDENCE / 2, 0.5 - CONFIDENCE / 2):
        if x > _LARGE * max(dof, 1.0):
            bounds.append((sqrt(x) - float(ndtri(chance))) ** 2)
        else:
            bounds.append(float(chndtrinc(x, dof, chance)) if chndtr(x, dof, 0.0) > chance else 0.0)
    return bounds[0], bounds[1]
