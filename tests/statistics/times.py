"""Simulated response times as histograms show them, and rules on quantiles of them to compare the judge with.

Times are log-normal with a 95 % quantile of 205 ms; a slower candidate has the same shape, stretched. Only counts per bucket are seen.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr
from tests.statistics import kayenta
from tests.statistics.noise import HOUR, SECONDS, Floats, Rng

P95, SIGMA, Z95 = 0.205, 0.55, 1.6448536269514722
MARGIN = 0.05
CANARY = np.full(HOUR, 0.05)
DEFAULT_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Of the Prometheus client for Go."""
FINE_BOUNDS = (*(round(0.025 * k, 3) for k in range(1, 41)), 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Timed:
    """Requests per bucket of each arm, (runs, blocks, buckets + 1), and of the stable version's hour before, (runs, buckets + 1)."""

    bounds: tuple[float, ...]
    stable: Floats
    candidate: Floats
    before: Floats


def simulate(rps: float, slower: float, bounds: tuple[float, ...], runs: int, rng: Rng, shares: Floats = CANARY) -> Timed:
    """`slower`: what the candidate adds to the 95 % quantile, in seconds. `shares`: the candidate's part of the requests, per block."""
    stable, candidate = _bucket_shares(P95, bounds), _bucket_shares(P95 + slower, bounds)

    def drawn(expected: Floats, parts: Floats, shape: tuple[int, ...]) -> Floats:
        return rng.multinomial(rng.poisson(expected, shape), parts).astype(np.float64)

    return Timed(
        bounds,
        drawn(SECONDS * rps * (1.0 - shares), stable, (runs, len(shares))),
        drawn(SECONDS * rps * shares, candidate, (runs, len(shares))),
        drawn(np.array(3600.0 * rps), stable, (runs,)),
    )


def _bucket_shares(p95: float, bounds: tuple[float, ...]) -> Floats:
    below = ndtr(Z95 + np.log(np.array(bounds) / p95) / SIGMA)
    shares: Floats = np.diff(np.concatenate(([0.0], below, [1.0])))
    return shares


def quantile(buckets: Floats, bounds: tuple[float, ...], q: float) -> Floats:
    """As Prometheus interpolates it: linear inside a bucket, the last bound where it lies above; 0 where nothing was counted."""
    below = np.cumsum(buckets, axis=-1)
    wanted = q * below[..., -1:]
    index = np.minimum((below < wanted).sum(axis=-1), len(bounds) - 1)[..., None]
    low = np.concatenate(([0.0], np.array(bounds)[:-1]))
    under = np.take_along_axis(np.concatenate((np.zeros_like(below[..., :1]), below), axis=-1), index, axis=-1)
    inside = np.take_along_axis(buckets, index, axis=-1)
    start, width = low[index], (np.array(bounds) - low)[index]
    part = np.clip(np.divide(wanted - under, inside, out=np.zeros_like(wanted), where=inside > 0.0), 0.0, 1.0)
    value: Floats = (start + width * part)[..., 0]
    return value


def naive(timed: Timed) -> Floats:
    """p95 since the start more than the margin apart, at any look."""
    p95 = [quantile(np.cumsum(arm, axis=1), timed.bounds, 0.95) for arm in (timed.candidate, timed.stable)]
    return _first(p95[0] - p95[1] > MARGIN)


def argo_tuned(timed: Timed) -> Floats:
    """p95 over 5 minutes above what it was before plus the margin, at a fourth look."""
    limit = quantile(timed.before, timed.bounds, 0.95)[:, None] + MARGIN
    return _first(np.cumsum(quantile(_window(timed.candidate, 20), timed.bounds, 0.95) > limit, axis=1) > 3)


def flagger(timed: Timed) -> Floats:
    """p99 over a minute above 500 ms at five checks, one each minute."""
    late = quantile(_window(timed.candidate, 4)[:, 3::4], timed.bounds, 0.99) > 0.5
    return _first(np.cumsum(late, axis=1) >= 5) * 4.0


def mann_whitney(timed: Timed) -> Floats:
    """Kayenta on p95 per minute."""
    arms = [quantile(_window(arm, 4)[:, 3::4], timed.bounds, 0.95) for arm in (timed.stable, timed.candidate)]
    return kayenta.rolled_back(*arms)


def _window(buckets: Floats, blocks: int) -> Floats:
    cumulated = np.cumsum(buckets, axis=1)
    sums: Floats = cumulated.copy()
    sums[:, blocks:] -= cumulated[:, :-blocks]
    return sums


def _first(fired: np.ndarray) -> Floats:
    times: Floats = np.where(fired.any(axis=1), fired.argmax(axis=1) + 1.0, np.inf)
    return times
