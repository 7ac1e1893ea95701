"""How much evidence a check will need, known before anything starts: the judge's own bets, with what is expected in place of what was seen.

The logarithm of a bet is a sum over requests, so its expected growth is known for every pair of rates, and so is its variance. A bet j
with growth g_j nats per second has won when its logarithm reaches ln(threshold) + ln(1/prior_j), and the best bet of the grid decides.
For small gaps and few candidate requests this is the rule of thumb n_c = 2 p(1-p) phi (ln(1/alpha) + 2.7) / gap^2. How long lucky and
unlucky runs take is the first passage of a random walk (inverse Gaussian distribution).

Where the noise of the stable version is known the bets hold three quarters of the money, so they have to win ln(4/3) more, and are tempered
by what its past can say about the noise. Where it is not, see robust_power.py.

Against simulated runs of the judge the medians are right within a factor of 1.5. Left out: what the judge must learn about the stable
version first, that several bets win together, and what the quarter on the self-normalised bet wins.
"""

from dataclasses import dataclass
from math import ceil, inf, log, sqrt

import numpy as np
from scipy.special import log_ndtr, ndtr

from headgate.evidence.bets.arrays import Floats
from headgate.evidence.bets.comparison import Line
from headgate.evidence.bets.confirmation import AGREEMENT
from headgate.evidence.bets.eprocess import GOOD_PRIOR, HARM_PRIOR, LEAST_RATE, good_targets, harm_targets
from headgate.evidence.bets.projection import project
from headgate.evidence.latency.slow_shares import Past

_WIDEST = 1e4
_HALVINGS = 20
"""Of a range of 10^8 in ratio: the answer is known to 20 ppm."""
_PARTS = np.array([[0.5], [0.9]])


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a model's users send now: requests per second, and which share of them fails or is rejected. None: not known.

    `latency` is the histogram of as many answers as were seen.
    """

    requests: float
    errors: float | None = None
    rejections: float | None = None
    latency: Past | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    """Requests per second that each version gets."""

    stable: float
    candidate: float


@dataclass(frozen=True, slots=True)
class Contest:
    """True rates of both versions, as shares in 0..1, and the border of the null between them."""

    stable: float
    candidate: float
    line: Line


@dataclass(frozen=True, slots=True)
class Wait:
    """Seconds of comparison, in whole blocks, until half of all runs are decided (`typical`), and nine in ten (`most`). inf: never."""

    typical: float
    most: float

    def after(self, seconds: float) -> "Wait":
        """The same, begun `seconds` later."""
        return Wait(self.typical + seconds, self.most + seconds)

    def not_before(self, seconds: float) -> "Wait":
        return Wait(max(self.typical, seconds), max(self.most, seconds))


NEVER = Wait(inf, inf)


@dataclass(frozen=True, slots=True)
class Judging:
    """How it is judged: `interval` is the length of a block in seconds, `phi` the dispersion of the events (1 if requests fail
    independently).

    `share`: the part of the money that is on the bets. `events`: those of the stable version's past, by which its dispersion is known; the
    fewer, the larger it is taken to be.
    """

    interval: float
    phi: float = 1.0
    share: float = 1.0
    events: float = inf

    @property
    def kappa(self) -> float:
        """The power of the bets, as `noise.inflated` has it."""
        return 1.0 / (self.phi * (1.0 + 1.0 / sqrt(max(self.events, 1.0))))


def until_harm(flow: Flow, contest: Contest, log_threshold: float, judging: Judging) -> Wait:
    """Until the test for harm has reached exp(`log_threshold`), which includes what a check's weight and the prior of the start cost, and
    enough blocks agree: k blocks of equal excess g and variance v do when k = 4 (1 + v/g^2)."""
    stable, line = np.array(_supposed(contest.stable)), contest.line
    targets = harm_targets(stable, np.array(line.ratio), np.array(line.offset))
    proven = _first(flow, contest, targets, log_threshold - np.log(HARM_PRIOR), 1.0, judging)
    return proven.not_before(until_agreed(flow, contest, judging))


def until_good(flow: Flow, contest: Contest, log_threshold: float, judging: Judging) -> Wait:
    """Until the test for being good has reached exp(`log_threshold`), for a candidate that behaves like the stable version."""
    stable, line = np.array(_supposed(contest.stable)), contest.line
    targets = good_targets(stable, np.array(_supposed(contest.candidate)), np.array(line.ratio), np.array(line.offset))
    return _first(flow, contest, targets, log_threshold - np.log(GOOD_PRIOR), -1.0, judging)


def growth(flow: Flow, contest: Contest, targets: Floats, side: float) -> tuple[Floats, Floats]:
    """Mean and variance of log S per second for each supposed candidate rate. `side` as in `eprocess.block_log_evalue`; the numbers of
    requests are Poisson. Both versions must get some."""
    supposed, line = _supposed(contest.stable), contest.line
    outside = side * (targets - line.ratio * supposed - line.offset) > 0.0
    x, y = project(supposed, targets, flow.stable, flow.candidate, line.ratio, line.offset)
    x, y = np.where(outside, x, supposed), np.where(outside, y, targets)
    mean, variance = np.zeros(targets.shape), np.zeros(targets.shape)
    for requests, rate, said, edge in ((flow.stable, contest.stable, supposed, x), (flow.candidate, contest.candidate, targets, y)):
        event, none = np.log(said / edge), np.log((1.0 - said) / (1.0 - edge))
        mean += requests * (rate * event + (1.0 - rate) * none)
        variance += requests * (rate * event**2 + (1.0 - rate) * none**2)
    return mean, variance


def _first(flow: Flow, contest: Contest, targets: Floats, levels: Floats, side: float, judging: Judging) -> Wait:
    if flow.stable <= 0.0 or flow.candidate <= 0.0:
        return NEVER
    mean, variance = growth(flow, contest, targets, side)
    winning = mean > 0.0
    if not winning.any():
        return NEVER
    kappa, level = judging.kappa, levels[winning] - log(judging.share)
    drift, spread = kappa * mean[winning], kappa**2 * judging.phi * variance[winning]
    typical, most = _passage(drift, spread, level).min(axis=-1).tolist()
    return Wait(whole(typical, judging.interval), whole(most, judging.interval))


def _passage(drift: Floats, variance: Floats, level: Floats) -> Floats:
    """Seconds until random walks have reached their `level`, shape (2, walks): in half of all runs, and in nine of ten. These are quantiles
    of inverse Gaussian distributions: P(T <= t) = N((drift t - level)/s) + exp(2 drift level / variance) N(-(drift t + level)/s), with
    s = sqrt(variance t)."""
    mean = level / drift * np.ones_like(_PARTS)
    low: Floats
    high: Floats
    low, high = mean / _WIDEST, mean * _WIDEST
    for _ in range(_HALVINGS):
        t = np.sqrt(low * high)
        s = np.sqrt(variance * t)
        reached = ndtr((drift * t - level) / s) + np.exp(2.0 * drift * level / variance + log_ndtr(-(drift * t + level) / s))
        low, high = np.where(reached < _PARTS, t, low), np.where(reached < _PARTS, high, t)
    return high


def until_agreed(flow: Flow, contest: Contest, judging: Judging) -> float:
    """Seconds until enough blocks agree that the candidate is beyond the null."""
    line = contest.line
    excess = contest.candidate - line.ratio * contest.stable - line.offset
    if excess <= 0.0 or flow.stable <= 0.0 or flow.candidate <= 0.0:
        return inf
    noise = _variance(contest.candidate) / flow.candidate + line.ratio**2 * _variance(contest.stable) / flow.stable
    return whole(AGREEMENT**2 * (judging.interval + judging.phi * noise / excess**2), judging.interval)


def _variance(rate: float) -> float:
    return rate * (1.0 - rate)


def whole(seconds: float, interval: float) -> float:
    """`seconds` until the end of the block they end in: verdicts come with whole blocks."""
    return ceil(seconds / interval - 1e-9) * interval if seconds < inf else inf


def _supposed(rate: float) -> float:
    return min(max(rate, LEAST_RATE), 1.0 - LEAST_RATE)
