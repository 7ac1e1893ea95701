"""The table on business value per request, known through sum and count."""

from dataclasses import dataclass

import numpy as np
from tests.statistics import kayenta
from tests.statistics.noise import HOUR, SECONDS, Floats, Rng
from tests.statistics.tables.bench import Bench, decided, table

CV = 1.3
"""Standard deviation over mean of one request's value, log-normal."""
_EXACT_UP_TO = 400.0
LESS = {20.0: (0.0, 0.1, 0.2), 200.0: (0.0, 0.05, 0.1, 0.2), 2000.0: (0.0, 0.025, 0.1)}


@dataclass(frozen=True, slots=True)
class Values:
    """Requests and sums of values per block of each arm, (runs, blocks)."""

    stable: tuple[Floats, Floats]
    candidate: tuple[Floats, Floats]


def simulate(rps: float, less: float, runs: int, rng: Rng) -> Values:
    """The candidate's mean is lower by the part `less`; its distribution has the same shape."""
    arms = []
    for rate, mean in ((0.95 * rps, 1.0), (0.05 * rps, 1.0 - less)):
        requests = rng.poisson(SECONDS * rate, (runs, HOUR))
        arms.append((requests.astype(np.float64), mean * _sums(requests, rng)))
    return Values(*arms)


def _sums(requests: np.ndarray, rng: Rng) -> Floats:
    """Sums of independent log-normal values of mean 1. Large sums are drawn log-normal themselves, with the right mean and variance."""
    if requests.mean() <= _EXACT_UP_TO:
        sigma2 = np.log1p(CV * CV)
        values = rng.lognormal(-sigma2 / 2.0, np.sqrt(sigma2), int(requests.sum()))
        ends = np.cumsum(requests.ravel())
        sums: Floats = np.diff(np.concatenate(([0.0], np.concatenate(([0.0], np.cumsum(values)))[ends]))).reshape(requests.shape)
        return sums
    sigma2 = np.log1p(CV * CV / np.maximum(requests, 1))
    drawn: Floats = requests * rng.lognormal(-sigma2 / 2.0, np.sqrt(sigma2))
    return drawn


def naive(values: Values) -> Floats:
    """Mean since the start below 95 % of the stable version's, at any look."""
    means = [
        np.cumsum(total, axis=1) / np.maximum(np.cumsum(requests, axis=1), 1.0) for requests, total in (values.stable, values.candidate)
    ]
    low = means[1] < 0.95 * means[0]
    times: Floats = np.where(low.any(axis=1), low.argmax(axis=1) + 1.0, np.inf)
    return times


def mann_whitney(values: Values) -> Floats:
    """Kayenta on the mean per minute, which must not decrease."""
    points = [
        np.add.reduceat(total, np.arange(0, HOUR, 4), axis=1) / np.maximum(np.add.reduceat(requests, np.arange(0, HOUR, 4), axis=1), 1.0)
        for requests, total in (values.stable, values.candidate)
    ]
    return kayenta.rolled_back(-points[0], -points[1])


def value(bench: Bench) -> str:
    parts = [
        "## Business value per request\n\n"
        f"Log-normal values, coefficient of variation {CV}; the candidate's mean is lower by the column head. Rolled back within the hour "
        f"/ median minutes; {bench.runs} runs. The judge has no check of means yet.\n"
    ]
    for rps, losses in LESS.items():
        found = []
        for less in losses:
            bench.tell(f"value: {rps:g} rps, -{100 * less:g} %")
            rng = np.random.default_rng([bench.seed, int(rps), int(1000 * less)])
            values = simulate(rps, less, bench.runs, rng)
            found.append((naive(values), mann_whitney(values)))
        rows = [[name, *(decided(one[number]) for one in found)] for number, name in enumerate(("naive ratio < 0.95", "Kayenta 10 min"))]
        parts.append(f"### {rps:g} rps\n\n" + table(["rule", *(f"-{100 * less:g} %" for less in losses)], rows))
    return "\n".join(parts)
