"""Simulated business value per request, and the judge on it: sums and counts per pod and block, single values log-normal."""

from dataclasses import dataclass

import numpy as np
from tests.statistics.arms import question
from tests.statistics.judged import streams
from tests.statistics.noise import HOUR, PODS, SECONDS, Counted, Floats, Rng, arms_of

from headgate.api.quantities import Margin, Unit
from headgate.api.vocabulary import Metric
from headgate.evidence.batch import Outcomes, judge_streams
from headgate.evidence.check import Check, Worse

CV = 1.3
"""Standard deviation over mean of one request's value."""
SHARE = 0.05
_EXACT_UP_TO = 400.0
CHECK = Check(Metric.VALUE, Margin(5, Unit.RELATIVE), worse=Worse.LESS, summary="headgate_value")


@dataclass(frozen=True, slots=True)
class Values:
    """Requests and sums of values per block: of each stable pod (runs, PODS, history + blocks, 2), and of the candidate."""

    pods: Floats
    candidate: Floats
    history: int

    @property
    def stable(self) -> Floats:
        """All pods together during the rollout, (runs, blocks, 2)."""
        total: Floats = self.pods[:, :, self.history :].sum(axis=1)
        return total


def simulate(rps: float, less: float, runs: int, rng: Rng, *, history: int = HOUR, cv: float = CV) -> Values:
    """The candidate's mean is lower by the part `less`; its distribution has the same shape."""
    pods = _drawn((1.0 - SHARE) * rps / PODS, (runs, PODS, history + HOUR), cv, rng)
    return Values(pods, _drawn(SHARE * rps, (runs, HOUR), cv, rng) * np.array([1.0, 1.0 - less]), history)


def _drawn(rps: float, shape: tuple[int, ...], cv: float, rng: Rng) -> Floats:
    requests = rng.poisson(SECONDS * rps, shape)
    return np.stack((requests.astype(np.float64), _sums(requests, cv, rng)), axis=-1)


def _sums(requests: np.ndarray, cv: float, rng: Rng) -> Floats:
    """Sums of independent log-normal values of mean 1. Large sums are drawn log-normal themselves, with the right mean and variance."""
    if requests.mean() <= _EXACT_UP_TO:
        sigma2 = np.log1p(cv * cv)
        values = rng.lognormal(-sigma2 / 2.0, np.sqrt(sigma2), int(requests.sum()))
        ends = np.cumsum(requests.ravel())
        sums: Floats = np.diff(np.concatenate(([0.0], np.concatenate(([0.0], np.cumsum(values)))[ends]))).reshape(requests.shape)
        return sums
    sigma2 = np.log1p(cv * cv / np.maximum(requests, 1))
    drawn: Floats = requests * rng.lognormal(-sigma2 / 2.0, np.sqrt(sigma2))
    return drawn


def judge(values: Values, *, arms: bool = True) -> Outcomes:
    """A limit of 5 % less over an hour, looked at after every block. Without `arms` nothing is known of how much values differ."""
    counts = np.concatenate((values.stable, values.candidate), axis=-1)
    ends = np.broadcast_to(SECONDS * np.arange(1, HOUR + 1), counts.shape[:-1])
    told = streams(Counted(ends, counts), arms_of(values.pods, values.history) if arms else None)
    return judge_streams(question(CHECK, stages=(HOUR,), interval=SECONDS), {CHECK: told.signed(CHECK)})
