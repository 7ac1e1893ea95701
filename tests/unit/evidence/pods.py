"""Pretended pods of a stable version: each counts its own requests."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from headgate.evidence.counting.series import Arm, RawSeries, TargetSamples, What

BOUNDS = ("0.025", "0.05", "0.1", "0.25")
Share = Callable[[np.random.Generator, int], int]


@dataclass
class StablePods:
    """`serve` counts one interval of `rate` requests on each pod; `errors` draws how many of a number of requests fail. A fifth of the
    requests takes 30 ms, one in twenty 60 ms, the others 10 ms."""

    rng: np.random.Generator
    names: tuple[str, ...] = ("a", "b", "c")
    rate: float = 30.0
    errors: Share = lambda rng, n: int(rng.binomial(n, 0.01))
    bounds: tuple[str, ...] = BOUNDS
    values: dict[tuple[str, What, str], int] = field(default_factory=dict)
    points: dict[tuple[str, What, str], list[tuple[float, float]]] = field(default_factory=dict)

    def serve(self) -> None:
        for pod in self.names:
            requests = int(self.rng.poisson(self.rate))
            failed = min(self.errors(self.rng, requests), requests)
            slow, slower = int(self.rng.binomial(requests, 0.2)), int(self.rng.binomial(requests, 0.05))
            self._count(pod, What.ANSWERED, "200", requests - failed)
            self._count(pod, What.ANSWERED, "500", failed)
            below = {"0.025": requests - max(slow, slower), "0.05": requests - slower}
            for bound in (*self.bounds, "+Inf"):
                self._count(pod, What.TIMED, bound, below.get(bound, requests))

    def _count(self, pod: str, what: What, part: str, by: int) -> None:
        self.values[pod, what, part] = self.values.get((pod, what, part), 0) + by

    def scrape(self, time: float, *, but: str = "") -> None:
        for (pod, what, part), value in self.values.items():
            if pod in self.names and pod != but:
                self.points.setdefault((pod, what, part), []).append((time, float(value)))

    def series(self, after: float = -1e9, until: float = float("inf")) -> tuple[RawSeries, ...]:
        kept = {key: tuple(point for point in points if after < point[0] <= until) for key, points in self.points.items()}
        return tuple(RawSeries(Arm.STABLE, what, part, pod, "", points) for (pod, what, part), points in kept.items() if points)

    def answer(self, after: float = -1e9, until: float = float("inf")) -> TargetSamples:
        return TargetSamples(until, self.series(after, until))

    def live(self, seconds: int, *, begin: int = 0, every: int = 1) -> "StablePods":
        for time in range(begin, begin + seconds, every):
            self.serve()
            self.scrape(float(time))
        return self


def in_clusters(rng: np.random.Generator, requests: int) -> int:
    """One request in a hundred, nine at a time."""
    return 9 * int(rng.poisson(requests * 0.01 / 9))
