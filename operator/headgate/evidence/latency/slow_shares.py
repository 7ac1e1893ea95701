"""Latency as a comparison of slow shares: which bucket bounds can answer "the candidate's quantile is m slower".

Histograms say how many requests took at most a bound, and nothing in between. The bounds are chosen once per attempt, from the stable
version's past alone, so that whatever is counted later stays a fair test.
"""

from dataclasses import dataclass
from math import exp, isfinite, log

import numpy as np
from scipy.special import ndtr, ndtri

from headgate.api.quantities import Margin, Unit
from headgate.evidence.bets.comparison import NOTHING, Counts, Limits, Line
from headgate.evidence.counting.block import ArmCounts, Block

SLOW_EVENTS_NEEDED = 10
"""Expected requests of the stable version above the quantile before bounds are chosen: 200 requests for a p95."""
NEAR_QUANTILE = (1 / 3, 1.5)
"""A proof of being good speaks about the quantile when the stable share above its bound is within these factors of 1 - q."""
COARSEST = 5.0
"""Interpolation is refused where the quantile's bucket is wider than this many margins."""


@dataclass(frozen=True, slots=True)
class Pair:
    """P(candidate above `candidate` s) against P(stable above `stable` s) + `offset`."""

    stable: float
    candidate: float
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Past:
    """The stable version's histogram until the bounds are chosen; `below` is cumulative over `bounds`, which are finite."""

    bounds: tuple[float, ...] = ()
    timed: int = 0
    below: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """The pairs compared for the rest of the attempt."""

    harm: Pair
    act: Pair
    good: Pair
    timed: int
    slow: tuple[int, int, int]
    """Of `timed` past requests of the stable version: how many above harm.stable, good.stable, good.candidate."""
    detail: str
    lacks: str = ""
    """Where a comparison is interpolated: between which bounds, and which to add. Empty if nothing is."""

    @property
    def limits(self) -> Limits:
        return Limits(*(Line(offset=pair.offset) for pair in (self.harm, self.act, self.good)))

    @property
    def bounds(self) -> set[float]:
        """That both histograms must have."""
        return {bound for pair in (self.harm, self.act, self.good) for bound in (pair.stable, pair.candidate)}


@dataclass(frozen=True, slots=True)
class Unresolved:
    """The buckets cannot tell a difference of the margin; `detail` names the bounds to add."""

    detail: str


def remember(past: Past, block: Block) -> Past:
    """Add the stable version's histogram of one block. Other bounds than before start the memory anew."""
    arm = block.stable
    finite = [i for i, bound in enumerate(block.bounds) if isfinite(bound)]
    if arm.timed <= 0 or len(arm.below) != len(block.bounds) or not finite:
        return past
    bounds, below = tuple(block.bounds[i] for i in finite), tuple(arm.below[i] for i in finite)
    if past.bounds != bounds:
        return Past(bounds, arm.timed, below)
    return Past(bounds, past.timed + arm.timed, tuple(a + b for a, b in zip(past.below, below, strict=True)))


def slow(arm: ArmCounts, bounds: tuple[float, ...], bound: float) -> int | None:
    """Requests of one arm that took longer than `bound` seconds, or None where the histogram has no such bound."""
    if bound not in bounds or len(arm.below) != len(bounds):
        return None
    return min(max(arm.timed - arm.below[bounds.index(bound)], 0), arm.timed)


def pair_counts(block: Block, pair: Pair) -> Counts:
    """Slow requests of both arms; empty Counts where the block's histograms lack the bounds."""
    stable = slow(block.stable, block.bounds, pair.stable)
    candidate = slow(block.candidate, block.bounds, pair.candidate)
    if stable is None or candidate is None:
        return NOTHING
    return (block.stable.timed, stable, block.candidate.timed, candidate)


def choose(past: Past, quantile: float, margin: Margin) -> Choice | Unresolved | None:
    """Bounds for "the candidate's `quantile` is `margin` slower", or None while the past is too short to choose from.

    Where bounds lie about a margin apart, each arm gets its own bound and no assumption is needed: "the candidate is at most m slower,
    in stochastic order" implies P(Y_c > b_j) <= P(Y_b > b_i) for b_j >= b_i + m, and "at least m slower" implies
    P(Y_c > b_j) >= P(Y_b > b_i) for b_j <= b_i + m. Between wider bounds both arms share one bound and the offset is the stable
    version's share between b - m and b, with normal quantiles interpolated over the logarithm of time; this needs a smooth distribution
    and says so in `detail`. A relative margin is a part of the stable version's own quantile.
    """
    tail = 1.0 - quantile
    if past.timed * tail < SLOW_EVENTS_NEEDED * (1.0 - 1e-9):
        return None
    view = _View(past)
    bounds = list(past.bounds)
    at = view.quantile(quantile)
    if not bounds or at is None:
        longest = max(bounds, default=1.0)
        told = f"p{100 * quantile:g} of the stable version lies above the last latency bucket of {in_ms(longest)}"
        return Unresolved(f"{told}; add longer bounds, like {in_ms(2 * longest)} and {in_ms(4 * longest)}")
    m = _width(margin, at)
    nearest = min(bounds, key=lambda b: abs(log(view.above(b) / tail)))
    harm, act = _harm_pairs(bounds, nearest, m)
    good = _good_pair(bounds, nearest, m, tail, view)
    low, high = _bucket(bounds, at)
    jump = f"latency buckets jump from {in_ms(low)} to {in_ms(high)}, where p{100 * quantile:g} lies; a difference of {in_ms(m)}"
    missing = "add bounds near " + ", ".join(f"{1000 * max(at + k * m, 0.0005):.3g}ms" for k in (-0.5, 0, 0.5, 1))
    if (act is None or good is None) and high - low > COARSEST * m:
        return Unresolved(f"{jump} cannot be seen: {missing}")
    lacks = f"{jump} is interpolated: {missing}" if act is None or good is None else ""
    words = []
    if act is None:
        harm, act = (Pair(nearest, nearest, view.between(nearest - part * m, nearest)) for part in (0.5, 1.0))
        words.append(f"limit interpolated between bounds {in_ms(low)} and {in_ms(high)}")
    if good is None:
        good = Pair(nearest, nearest, view.between(nearest - m, nearest))
        words.append("proof of being good interpolated")
    words.insert(
        0, f"above {in_ms(act.candidate)}, stable above {in_ms(act.stable)}; good: {in_ms(good.candidate)} against {in_ms(good.stable)}"
    )
    counted = (view.slow(harm.stable), view.slow(good.stable), view.slow(good.candidate))
    return Choice(harm, act, good, past.timed, counted, "; ".join(words), lacks)


def slow_when_later(past: Past, quantile: float, margin: Margin, margins: float, bound: float) -> float:
    """The share above `bound` of a version whose every answer comes `margins` margins later than the stable version's did."""
    view = _View(past)
    at = view.quantile(quantile)
    return 1.0 - view.cumulative(bound - margins * _width(margin, at if at is not None else 0.0))


def _width(margin: Margin, at: float) -> float:
    """A margin in seconds; a relative one is a part of the quantile `at`."""
    return margin.fraction * at if margin.unit is Unit.RELATIVE else margin.seconds


def _harm_pairs(bounds: list[float], start: float, m: float) -> tuple[Pair, Pair | None]:
    """Pairs for half the margin (the null) and the whole margin (the observed difference); None where no bound is near b_i + m."""
    half = next((b for b in bounds if b >= _short(start + m / 2)), start)
    above = next((b for b in bounds if b >= _short(start + m)), None)
    if above is None or above > start + 2 * m:
        above = max((b for b in bounds if start + m / 2 <= b <= start + m), default=None)
    if above is None or half > above or half == start:
        return Pair(start, start), None
    return Pair(start, half), Pair(start, above)


def _good_pair(bounds: list[float], nearest: float, m: float, tail: float, view: "_View") -> Pair | None:
    """The most informative pair at most m apart, whose stable bound still speaks about the quantile."""
    best: tuple[float, Pair] | None = None
    for b in bounds:
        if b != nearest and not NEAR_QUANTILE[0] * tail <= view.above(b) <= NEAR_QUANTILE[1] * tail:
            continue
        reach = max(other for other in bounds if other <= b + m + 1e-9)
        if reach <= b:
            continue
        information = _divergence(view.above(reach), view.above(b))
        if best is None or information > best[0]:
            best = (information, Pair(b, reach))
    return best[1] if best else None


def _divergence(p: float, q: float) -> float:
    """Evidence per candidate request against rate q when the rate is p, in nats."""
    return p * log(p / q) + (1.0 - p) * log((1.0 - p) / (1.0 - q))


def _bucket(bounds: list[float], at: float) -> tuple[float, float]:
    high = next(b for b in bounds if b >= _short(at))
    return max((b for b in bounds if b < high), default=0.0), high


def _short(seconds: float) -> float:
    """Bounds are decimal fractions: 0.025 + 0.025 must find 0.05."""
    return seconds - 1e-9


def in_ms(seconds: float) -> str:
    return f"{1000 * seconds:.4g}ms"


class _View:
    """The stable version's distribution as its histogram shows it, shares kept off 0 and 1 by half a request."""

    def __init__(self, past: Past) -> None:
        self._past = past
        finite = [(b, n) for b, n in zip(past.bounds, past.below, strict=True) if b > 0.0]
        self._log = np.log([b for b, _ in finite]) if finite else np.array([])
        shares = (np.array([float(n) for _, n in finite]) + 0.5) / (past.timed + 1.0)
        self._share = np.maximum.accumulate(np.clip(shares, 1e-9, 1.0 - 1e-9)) if finite else shares

    def slow(self, bound: float) -> int:
        return max(self._past.timed - self._past.below[self._past.bounds.index(bound)], 0)

    def above(self, bound: float) -> float:
        return min(max((self.slow(bound) + 0.5) / (self._past.timed + 1.0), 1e-9), 1.0 - 1e-9)

    def cumulative(self, seconds: float) -> float:
        """F, with normal quantiles linear in log time between bounds, and proportional to time below the first."""
        first = float(np.exp(self._log[0]))
        if seconds <= first:
            return float(self._share[0]) * max(seconds, 0.0) / first
        return float(ndtr(np.interp(log(seconds), self._log, ndtri(self._share))))

    def between(self, low: float, high: float) -> float:
        return max(self.cumulative(high) - self.cumulative(low), 0.0)

    def quantile(self, q: float) -> float | None:
        """None where q lies above the last bound."""
        if not self._log.size or self._share[-1] < q:
            return None
        if q <= self._share[0]:
            return float(exp(self._log[0]) * q / self._share[0])
        return exp(float(np.interp(ndtri(q), ndtri(self._share), self._log)))
