"""Simulated counts of a rollout hour: what the judge and the rules it is compared with are shown.

A scene says how much traffic there is, how often requests fail, what the candidate changes, and how failures are scattered. `simulate`
plays it many times at once. One run is a stable version of four pods and a candidate of one; hours before the rollout, and the rollout
itself, are cut into blocks of 15 s. Everything follows from the seed.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rng = np.random.Generator

SECONDS = 15.0
HOUR = 240
PODS = 4
BATCH = 5.0
"""Mean size of a batch of requests that fail or succeed together. Sizes are geometric, so errors have (2 - 1/5) / (1/5) = 9 times the
variance of independent ones."""
BURST, BURST_BLOCKS = 0.10, 4
SHARED_EVERY, POD_EVERY = 80, 240
"""Mean distance between bursts, in blocks: 20 minutes for the whole service, an hour for one pod."""


class Noise(Enum):
    """How failures are scattered. STALE_*: the history is quiet (independent requests), only the rollout itself is noisy."""

    IID = "iid"
    SHARED = "shared"
    CLUSTER = "cluster"
    PODBURST = "podburst"
    DRIFT = "drift+share"
    STALE_CLUSTER = "stale cluster"
    STALE_PODBURST = "stale podburst"


_CLUSTERED = {Noise.CLUSTER, Noise.STALE_CLUSTER}
_POD_BURSTS = {Noise.PODBURST, Noise.STALE_PODBURST}
REPRESENTATIVE = (Noise.IID, Noise.SHARED, Noise.CLUSTER, Noise.PODBURST, Noise.DRIFT)
"""Noise of which the stable version's own history shows the same kind."""


class Streams(Protocol):
    """`ends`: (..., blocks), seconds since the rollout began. `counts`: (..., blocks, 4), stable requests and events, then candidate's."""

    @property
    def ends(self) -> Floats: ...
    @property
    def counts(self) -> Floats: ...


@dataclass(frozen=True, slots=True)
class Counted:
    """The streams of a simulation."""

    ends: Floats
    counts: Floats


@dataclass(frozen=True, slots=True)
class Scene:
    """One cell of the tables. `effect` is added to the candidate's failure rate from block `onset` on."""

    rps: float = 200.0
    base: float = 0.01
    effect: float = 0.0
    noise: Noise = Noise.IID
    onset: int = 0
    share: float = 0.05
    blocks: int = HOUR
    history: int = 6 * HOUR


def simulate(scene: Scene, runs: int, rng: Rng) -> tuple[Counted, Counted]:
    """The rollouts, shape (runs, blocks, 4), and the A/A arms, shape (runs, PODS, history + blocks, 4).

    An arm sets one stable pod against the other three: as the candidate against the stable version. Its history ends one block before
    the rollout begins; its live part has the very requests that the rollout compares the candidate with.
    """
    quiet = Noise.IID if scene.noise in (Noise.STALE_CLUSTER, Noise.STALE_PODBURST, Noise.DRIFT) else scene.noise
    past = _pods(quiet, np.full(scene.history, scene.rps / PODS), np.full(scene.history, scene.base), runs, rng)[0]
    share, base = np.full(scene.blocks, scene.share), np.full(scene.blocks, scene.base)
    if scene.noise is Noise.DRIFT:
        late = np.arange(scene.blocks) >= scene.blocks // 2
        share, base = np.where(late, 10.0 * share, share), np.where(late, 3.0 * base, base)
    live, shared = _pods(scene.noise, scene.rps * (1.0 - share) / PODS, base, runs, rng)
    worse = np.where(np.arange(scene.blocks) >= scene.onset, base + scene.effect, base)
    candidate = _unit(scene.noise, scene.rps * share, worse + shared + _own(scene.noise, runs, scene.blocks, rng), rng)
    counts = np.concatenate((live.sum(axis=1), candidate), axis=-1)
    ends = np.broadcast_to(SECONDS * np.arange(1, scene.blocks + 1), counts.shape[:-1])
    return Counted(ends, counts), arms_of(np.concatenate((past, live), axis=2), scene.history)


def arms_of(pods: Floats, history: int) -> Counted:
    """Each pod against the others. `pods`: requests and events, (runs, PODS, blocks, 2), the first `history` blocks before the rollout."""
    counts = np.concatenate((pods.sum(axis=1, keepdims=True) - pods, pods), axis=-1)
    number = np.arange(pods.shape[2])
    ends = SECONDS * np.where(number < history, number - history, number - history + 1)
    return Counted(np.broadcast_to(ends, counts.shape[:-1]), counts)


def _pods(noise: Noise, rps: Floats, base: Floats, runs: int, rng: Rng) -> tuple[Floats, Floats]:
    """Counts (runs, PODS, blocks, 2) of the stable pods, and the failure rate (runs, blocks) that all of the service has on top."""
    blocks = len(rps)
    shared = _bursts(runs, blocks, SHARED_EVERY, rng) if noise is Noise.SHARED else np.zeros((runs, blocks))
    units = [_unit(noise, rps, base + shared + _own(noise, runs, blocks, rng), rng) for _ in range(PODS)]
    return np.stack(units, axis=1), shared


def _own(noise: Noise, runs: int, blocks: int, rng: Rng) -> Floats:
    """What one pod fails more often than the service, by itself."""
    return _bursts(runs, blocks, POD_EVERY, rng) if noise in _POD_BURSTS else np.zeros((runs, blocks))


def _bursts(runs: int, blocks: int, every: int, rng: Rng) -> Floats:
    """BURST during one minute, at random every so often."""
    starts = rng.random((runs, blocks + BURST_BLOCKS)) < 1.0 / every
    lasting = np.stack([starts[:, k : k + blocks] for k in range(BURST_BLOCKS)]).any(axis=0)
    extra: Floats = np.where(lasting, BURST, 0.0)
    return extra


def _unit(noise: Noise, rps: Floats, rate: Floats, rng: Rng) -> Floats:
    """Requests and failures (runs, blocks, 2) of one pod, for its failure rate per run and block."""
    expected = SECONDS * rps
    if noise in _CLUSTERED:
        failed = _batches(expected / BATCH * rate, rng)
        return np.stack((failed + _batches(expected / BATCH * (1.0 - rate), rng), failed), axis=-1)
    requests = rng.poisson(np.broadcast_to(expected, rate.shape))
    return np.stack((requests, rng.binomial(requests, rate)), axis=-1).astype(np.float64)


def _batches(expected: Floats, rng: Rng) -> Floats:
    """Requests in a Poisson number of batches of geometric size."""
    number = rng.poisson(expected)
    more = np.zeros(number.shape)
    some = number > 0
    more[some] = rng.negative_binomial(number[some], 1.0 / BATCH)
    requests: Floats = number + more
    return requests
