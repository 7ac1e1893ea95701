"""Pretended pods of two versions that sell: each sums up what its answers are worth, and which of its offers are taken."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from headgate.evidence.counting.series import Arm, RawSeries, TargetSamples, What

WORTH, TAKEN = "headgate_value", "headgate_conversion"


@dataclass
class Shop:
    """Three pods of the stable version and two of the candidate give `rate` answers a second each, worth 20 on average; one in four sells.
    The candidate's are worth, and sell, `better` times as much."""

    rng: np.random.Generator
    rate: float = 40.0
    better: float = 1.0
    names: tuple[tuple[Arm, str], ...] = (*((Arm.STABLE, f"old-{i}") for i in range(3)), *((Arm.CANDIDATE, f"new-{i}") for i in range(2)))
    values: dict[tuple[Arm, str, What, str], float] = field(default_factory=dict)
    points: dict[tuple[Arm, str, What, str], list[tuple[float, float]]] = field(default_factory=dict)

    def serve(self) -> None:
        for arm, pod in self.names:
            answers, better = int(self.rng.poisson(self.rate)), self.better if arm is Arm.CANDIDATE else 1.0
            self._count(arm, pod, WORTH, answers, 20.0 * better * float(self.rng.exponential(size=answers).sum()))
            self._count(arm, pod, TAKEN, answers, float(self.rng.binomial(answers, min(0.25 * better, 1.0))))

    def _count(self, arm: Arm, pod: str, summary: str, answers: int, total: float) -> None:
        for what, more in ((What.VALUED, float(answers)), (What.TOTAL, total)):
            self.values[arm, pod, what, summary] = self.values.get((arm, pod, what, summary), 0.0) + more

    def restart(self, pod: str) -> None:
        self.values = {key: value for key, value in self.values.items() if key[1] != pod}

    def scrape(self, time: float) -> None:
        for key, value in self.values.items():
            self.points.setdefault(key, []).append((time, value))

    def answer(self, after: float, until: float, arms: Iterable[Arm] = (Arm.STABLE, Arm.CANDIDATE)) -> TargetSamples:
        kept = {key: tuple(point for point in points if after < point[0] <= until) for key, points in self.points.items()}
        wanted = frozenset(arms)
        series = tuple(
            RawSeries(arm, what, summary, pod, "", points) for (arm, pod, what, summary), points in kept.items() if points and arm in wanted
        )
        return TargetSamples(until, series)

    def live(self, seconds: int, *, begin: int = 0) -> "Shop":
        for time in range(begin, begin + seconds):
            self.serve()
            self.scrape(float(time))
        return self
