"""Simulated response times as histograms show them, and rules on quantiles of them to compare the judge with.

Times are log-normal with a 95 % quantile of 205 ms; a slower candidate has the same shape, stretched. Only counts per bucket are seen.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr
from tests.statistics import kayenta
from tests.statistics.arms import LATENCY
from tests.statistics.noise import HOUR, PODS, SECONDS, Floats, Rng

from headgate.evidence.batch import Compared
from headgate.evidence.latency import recorded as slowness
from headgate.evidence.latency.recorded import Histograms

P95, SIGMA, Z95 = 0.205, 0.55, 1.6448536269514722
MARGIN = 0.05
CANARY = np.full(HOUR, 0.05)
DEFAULT_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Of the Prometheus client for Go."""
FINE_BOUNDS = (*(round(0.025 * k, 3) for k in range(1, 41)), 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Timed:
    """Requests per bucket: of the stable pods, (runs, PODS, past + blocks, buckets), and of the candidate, (runs, blocks, buckets).

    The last bucket is what lies above all bounds.
    """

    bounds: tuple[float, ...]
    pods: Floats
    candidate: Floats

    @property
    def past(self) -> int:
        """Blocks before the rollout."""
        return int(self.pods.shape[2] - self.candidate.shape[1])

    @property
    def stable(self) -> Floats:
        """During the rollout, (runs, blocks, buckets + 1)."""
        live: Floats = self.pods[:, :, self.past :].sum(axis=1)
        return live

    @property
    def before(self) -> Floats:
        """Before it, (runs, buckets + 1)."""
        early: Floats = self.pods[:, :, : self.past].sum(axis=(1, 2))
        return early


def simulate(rps: float, slower: float, bounds: tuple[float, ...], runs: int, rng: Rng, shares: Floats = CANARY) -> Timed:
    """`slower`: what the candidate adds to the 95 % quantile, in seconds. `shares`: the candidate's part of the requests, per block.

    The history is an hour long.
    """
    per_pod = np.concatenate((np.full(HOUR, rps), rps * (1.0 - shares))) / PODS
    return Timed(
        bounds,
        _drawn(per_pod, _bucket_shares(P95, bounds), (runs, PODS, len(per_pod)), rng),
        _drawn(rps * shares, _bucket_shares(P95 + slower, bounds), (runs, len(shares)), rng),
    )


def _drawn(rps: Floats, parts: Floats, shape: tuple[int, ...], rng: Rng) -> Floats:
    requests = rng.poisson(SECONDS * rps, shape)
    buckets: Floats = rng.multinomial(requests, parts).astype(np.float64)
    return buckets


def compared(timed: Timed) -> tuple[Compared, tuple[str, ...]]:
    """The latency check as the operator reads it from histograms, and in words what each run compares."""
    counts = np.cumsum(np.stack((timed.stable, timed.candidate), axis=2), axis=-1)
    against = np.cumsum(np.stack((timed.pods.sum(axis=1, keepdims=True) - timed.pods, timed.pods), axis=3), axis=-1)
    arms, past = against[:, :, timed.past :], against[:, :, : timed.past]
    ends = np.broadcast_to(SECONDS * np.arange(1, counts.shape[1] + 1), counts.shape[:2])
    parts = (Histograms(timed.bounds, part) for part in (counts, arms, past))
    return slowness.compared(LATENCY, ends, *parts)


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
