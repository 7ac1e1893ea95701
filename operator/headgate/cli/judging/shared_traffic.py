"""Traffic that one version answered, shared out between two: what both would have counted, had some of its pods' requests been others'.

The candidate gets the requests of whole pods, in turn, and of the last one a part that is drawn at random, because failures come in
clusters by pod. Copies in shadow are taken the same way, and the stable version keeps its requests.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from headgate.evidence.counting.series import Arm, RawSeries, What
from headgate.evidence.counting.tally import Counts

GATEWAY = "gateway"
_CODES = (("errors", "500"), ("rejections", "422"))


@dataclass(frozen=True, slots=True)
class Shared:
    """One block: what each stable pod and the candidate counted."""

    stable: Mapping[str, Counts]
    candidate: Counts


def shared(pods: Mapping[str, Counts], order: Sequence[str], share: float, rng: np.random.Generator, *, copied: bool) -> Shared:
    """`share` of all requests for the candidate, from the pods in this order."""
    left = {pod: dict(pods[pod]) for pod in order}
    wanted = int(share * sum(counts.get("requests", 0) for counts in pods.values()) + rng.random())
    taken: Counts = {}
    for pod in order:
        requests = left[pod].get("requests", 0)
        part = dict(left[pod]) if wanted >= requests else _part(left[pod], wanted, rng)
        wanted -= part.get("requests", 0)
        for name, number in part.items():
            taken[name] = taken.get(name, 0) + number
            if not copied:
                left[pod][name] -= number
    return Shared(left, taken)


def _part(counts: Counts, number: int, rng: np.random.Generator) -> Counts:
    """`number` of the requests, each as likely as any other."""
    requests = counts.get("requests", 0)
    errors = min(counts.get("errors", 0), requests)
    rejections = min(counts.get("rejections", 0), requests - errors)
    failed, rejected, _ = rng.multivariate_hypergeometric([errors, rejections, requests - errors - rejections], number)
    part = {"requests": number, "errors": int(failed), "rejections": int(rejected)}
    bounds = sorted((name for name in counts if name.startswith("le ")), key=lambda name: float(name.removeprefix("le ")))
    if not bounds:
        return {name: value for name, value in part.items() if name in counts}
    steps = np.maximum(np.diff([0, *(counts[name] for name in bounds)]), 0)
    timed = min(int(steps.sum()), round(steps.sum() * number / max(requests, 1)))
    drawn = np.cumsum(rng.multivariate_hypergeometric(steps, timed))
    return {name: value for name, value in part.items() if name in counts} | {
        name: int(value) for name, value in zip(bounds, drawn, strict=True)
    }


@dataclass
class Counters:
    """Counters as a gateway and the stable version's pods would show them, growing block by block."""

    _values: dict[tuple[str, Arm, What, str], int] = field(default_factory=dict)

    def count(self, block: Shared, arm: Arm) -> None:
        """`arm`: where the gateway counts the candidate."""
        for pod, counts in block.stable.items():
            self._add(GATEWAY, Arm.STABLE, counts)
            self._add(f"pod {pod}", Arm.STABLE, counts)
        self._add(GATEWAY, arm, block.candidate)

    def _add(self, instance: str, arm: Arm, counts: Counts) -> None:
        answered = counts.get("requests", 0)
        parts = [(What.ANSWERED, code, counts.get(kind, 0)) for kind, code in _CODES]
        parts.append((What.ANSWERED, "200", answered - sum(number for _, _, number in parts)))
        parts += [(What.TIMED, name.removeprefix("le "), number) for name, number in counts.items() if name.startswith("le ")]
        for what, part, number in parts:
            key = (instance, arm, what, part)
            self._values[key] = self._values.get(key, 0) + number

    def of_gateway(self, time: float) -> tuple[RawSeries, ...]:
        return tuple(self._series(time, GATEWAY))

    def of_pods(self, time: float) -> tuple[RawSeries, ...]:
        return tuple(self._series(time, "pod "))

    def _series(self, time: float, prefix: str) -> Iterator[RawSeries]:
        for (instance, arm, what, part), value in self._values.items():
            if instance.startswith(prefix):
                yield RawSeries(arm, what, part, instance, "", ((time, float(value)),))
