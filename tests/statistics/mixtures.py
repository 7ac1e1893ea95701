"""Time-uniform bounds from the literature, for comparison with published values. The operator does not use them.

Source: Howard, Ramdas, McAuliffe and Sekhon, arXiv 1810.08240; Howard and Ramdas, arXiv 1906.09712; Lindon and Malek, arXiv 2011.03567.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, inf, log

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar
from scipy.special import betainc, betaln, gammaln, log_ndtr

Floats = NDArray[np.float64]


def best_rho(v: float, alpha: float) -> float:
    """The mixing variance that makes a two-sided normal mixture tightest at the intrinsic time `v`."""
    return v / (2.0 * log(1.0 / alpha) + log(1.0 + 2.0 * log(1.0 / alpha)))


@dataclass(frozen=True, slots=True)
class Normal:
    """Normal mixture: a sum s with variance process v has log evidence `log_value(s, v)`."""

    rho: float
    one_sided: bool

    def log_value(self, s: float, v: float) -> float:
        both = 0.5 * log(self.rho / (v + self.rho)) + s * s / (2.0 * (v + self.rho))
        return both + log(2.0) + float(log_ndtr(s / np.sqrt(v + self.rho))) if self.one_sided else both


@dataclass(frozen=True, slots=True)
class BetaBinomial:
    """Beta mixture for increments in [-g, h]; for a Bernoulli rate p it is g = p, h = 1 - p."""

    r: float
    g: float
    h: float
    one_sided: bool

    @classmethod
    def tuned(cls, v_opt: float, alpha: float, g: float, h: float, *, one_sided: bool) -> "BetaBinomial":
        rho = best_rho(v_opt, 2.0 * alpha if one_sided else alpha)
        return cls(max(rho - g * h, 1e-3 * g * h), g, h, one_sided)

    def log_value(self, s: float, v: float) -> float:
        g, h, r, width = self.g, self.h, self.r, self.g + self.h
        known = v / (g * h) * log(width) - (v + h * s) / (h * width) * log(g) - (v - g * s) / (g * width) * log(h)
        after = self._log_beta((r + v - g * s) / (g * width), (r + v + h * s) / (h * width))
        return known + after - self._log_beta(r / (g * width), r / (h * width))

    def _log_beta(self, a: float, b: float) -> float:
        part = log(betainc(a, b, self.h / (self.g + self.h))) if self.one_sided else 0.0
        return float(betaln(a, b)) + part


def bound(mixture: Normal | BetaBinomial, v: float, alpha: float) -> float:
    """The sum at which the evidence reaches 1/alpha."""
    most = v / mixture.g if isinstance(mixture, BetaBinomial) else 100.0 * np.sqrt(v + mixture.rho)
    return float(brentq(lambda s: mixture.log_value(s, v) - log(1.0 / alpha), 0.0, most * (1.0 - 1e-12), xtol=1e-10))


def bernoulli_interval(successes: float, trials: int, alpha: float, t_opt: float) -> tuple[float, float]:
    """Confidence sequence of a rate, evaluated at one time."""
    seen = successes / trials

    def excess(p: float) -> float:
        mixture = BetaBinomial.tuned(p * (1.0 - p) * t_opt, 0.05, p, 1.0 - p, one_sided=False)
        return mixture.log_value((seen - p) * trials, p * (1.0 - p) * trials) - log(1.0 / alpha)

    tiny = 1e-9
    low = float(brentq(excess, tiny, seen)) if seen > 0.0 and excess(tiny) > 0.0 else 0.0
    high = float(brentq(excess, seen, 1.0 - tiny)) if seen < 1.0 and excess(1.0 - tiny) > 0.0 else 1.0
    return low, high


def quantile_ab_p_value(one: Floats, other: Floats, tau: float, t_opt: float) -> float:
    """Always-valid p-value of "both arms have the same tau-quantile": the product of the arms' evidence, least over where it may lie."""
    v_opt = t_opt * tau * (1.0 - tau)
    mixture = BetaBinomial.tuned(v_opt, 0.05, tau, 1.0 - tau, one_sided=False)
    curves = [_evidence_against_quantile(np.sort(arm), tau, mixture) for arm in (one, other)]
    places = np.concatenate((one, other))
    least = min(sum(curve(float(x)) for curve in curves) for x in np.unique(places))
    return min(1.0, exp(-least))


def _evidence_against_quantile(values: Floats, tau: float, mixture: BetaBinomial) -> Callable[[float], float]:
    """log evidence that the tau-quantile is not x. Between the two order statistics of the least value it is that value."""
    n = len(values)

    def of_share(share: float) -> float:
        return mixture.log_value((share - tau) * n, tau * (1.0 - tau) * n)

    best = float(minimize_scalar(of_share, bounds=(1e-9, 1.0 - 1e-9), method="bounded", options={"xatol": 1e-9}).x)
    low, high = values[int(np.ceil(best * n)) - 1], values[min(int(np.floor(best * n)), n - 1)]

    def at(x: float) -> float:
        if x < low:
            return of_share(float(np.searchsorted(values, x, side="right")) / n)
        return of_share(float(np.searchsorted(values, x, side="left")) / n) if x > high else of_share(best)

    return at


def multinomial_p_values(counts: Floats, shares: Floats, k: float = 100.0) -> Floats:
    """1 / Bayes factor of Dirichlet(k shares) against `shares`, for running counts (times, arms)."""
    prior, total = k * shares, counts.sum(axis=-1)
    log_odds = gammaln(counts + prior).sum(axis=-1) - gammaln(total + k) - gammaln(prior).sum() + gammaln(k) - counts @ np.log(shares)
    p: Floats = np.exp(-log_odds)
    return p


def first_crossing(paths: Floats, boundary: Floats) -> Floats:
    """Index (from 1) of the first time each path (runs, times) exceeds the boundary, or infinity."""
    crossed = paths > boundary
    times: Floats = np.where(crossed.any(axis=1), crossed.argmax(axis=1) + 1.0, inf)
    return times
