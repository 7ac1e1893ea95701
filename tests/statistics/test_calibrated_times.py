"""The demo's promises with the calibrated judge: 80 requests/s on the stable version's pods, 20 on the candidate, blocks of 1 s.

Bad versions leave as fast as the demo says, with the pods' past, without it, and with too few pods; and noise that only looks like harm
takes no version back.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

import numpy as np
import pytest
from tests.statistics.arms import ENVOY_BOUNDS, ERRORS, LATENCY, REJECTIONS, arm, block, question

from headgate.api.vocabulary import Verdict
from headgate.evidence import judge
from headgate.evidence.counting.block import ArmCounts
from headgate.evidence.counting.series import Arm, RawSeries, What
from headgate.evidence.pods import calibrating
from headgate.evidence.pods.history import History, history_of
from headgate.evidence.pods.state import Noise
from headgate.evidence.view import NoiseMode

ASKED = question(ERRORS, REJECTIONS, LATENCY, stages=(240, 120, 120))
NEVER = 10_000
Behaviour = Callable[[np.random.Generator, float], ArmCounts]


def usual(rng: np.random.Generator, rate: float) -> ArmCounts:
    return arm(rng, rate, errors=0.005)


def clustered(share: float, size: int) -> Behaviour:
    """`share` of the requests fails, `size` at a time."""

    def behave(rng: np.random.Generator, rate: float) -> ArmCounts:
        one = arm(rng, rate)
        failed = min(size * int(rng.poisson(rate * share / size)), one.requests)
        return ArmCounts(one.requests, failed, 0, 0, one.timed, one.below)

    return behave


def worse(**changes: float) -> Behaviour:
    return lambda rng, rate: arm(rng, rate, **({"errors": 0.005} | changes))


def together(arms: list[ArmCounts]) -> ArmCounts:
    below = tuple(sum(one.below[i] for one in arms) for i in range(len(ENVOY_BOUNDS)))
    requests, errors, rejections, timed = (
        sum(getattr(one, name) for one in arms) for name in ("requests", "errors", "rejections", "timed")
    )
    return ArmCounts(requests, errors, rejections, 0, timed, below)


@dataclass
class Rollout:
    """`pods` of the stable version, of which `past` seconds are known."""

    rng: np.random.Generator
    pods: int
    past: int
    stable: Behaviour = usual
    modes: tuple[NoiseMode, ...] = ()
    _sums: dict[tuple[int, What, str], int] = field(default_factory=dict)

    def until(self, verdict: Verdict, candidate: Behaviour, limit: int = 240) -> int:
        """Seconds until the verdict; the first two are warm-up."""
        state, known = judge.start(ASKED), Noise.unknown(ASKED.checks)
        if self.past:
            known = calibrating.take_history(known, self._history())
        for k in range(limit):
            pods = [self.stable(self.rng, 80 / self.pods) for _ in range(self.pods)]
            known = calibrating.take_pods(known, ASKED.checks, self._samples(k, pods), 1.0, float(k))
            one = block(float(k), together(pods), candidate(self.rng, 20), usable=k >= 2)
            known = calibrating.before_block(known, ASKED.checks, state.latency, one, 1.0)
            state = judge.advance(state, ASKED, one, 0, known.now)
            self.modes = known.modes
            if judge.assess(state, ASKED).verdict is verdict:
                return k + 1
        return NEVER

    def _history(self) -> History:
        sums, points = dict[tuple[int, What, str], int](), dict[tuple[int, What, str], list[tuple[float, float]]]()
        for second in range(-self.past, 0):
            for pod in range(self.pods):
                self._count(sums, pod, self.stable(self.rng, 100 / self.pods))
            for key, value in sums.items():
                points.setdefault(key, []).append((float(second), float(value)))
        series = (RawSeries(Arm.STABLE, what, part, f"pod-{pod}", "", tuple(seen)) for (pod, what, part), seen in points.items())
        return history_of(ASKED.checks, series, 1.0)

    def _samples(self, second: int, pods: list[ArmCounts]) -> list[RawSeries]:
        for pod, one in enumerate(pods):
            self._count(self._sums, pod, one)
        return [
            RawSeries(Arm.STABLE, what, part, f"pod-{pod}", "", ((float(second), float(value)),))
            for (pod, what, part), value in self._sums.items()
        ]

    @staticmethod
    def _count(sums: dict[tuple[int, What, str], int], pod: int, one: ArmCounts) -> None:
        parts = [(What.ANSWERED, "200", one.requests - one.errors - one.rejections), (What.ANSWERED, "500", one.errors)]
        parts += [(What.ANSWERED, "422", one.rejections), (What.TIMED, "+Inf", one.timed)]
        parts += [(What.TIMED, f"{bound:.9g}", below) for bound, below in zip(ENVOY_BOUNDS, one.below, strict=True)]
        for what, part, count in parts:
            sums[pod, what, part] = sums.get((pod, what, part), 0) + count


KNOWN, FRESH, FEW = (3, 120), (3, 0), (2, 120)
"""Pods of the stable version, and seconds of their past: three with one, three without, and two."""


@pytest.mark.parametrize(
    ("version", "candidate", "pods", "seconds"),
    [
        ("v3", worse(errors=0.03), KNOWN, 60),
        ("v3", worse(errors=0.03), FRESH, 100),
        ("v3", worse(errors=0.03), FEW, 100),
        *[("v5", worse(slower=0.1), pods, 12) for pods in (KNOWN, FRESH, FEW)],
        *[("v8", worse(rejections=1.0), pods, 12) for pods in (KNOWN, FRESH, FEW)],
        *[("v4", worse(errors=1.0), pods, 12) for pods in (KNOWN, FRESH, FEW)],
    ],
)
def test_the_demos_bad_versions_are_found_in_time(version: str, candidate: Behaviour, pods: tuple[int, int], seconds: int) -> None:
    rng = np.random.default_rng(31)
    times = [Rollout(rng, *pods).until(Verdict.FAIL, candidate) for _ in range(9)]
    print(version, pods, sorted(times))
    assert median(times) <= seconds


@pytest.mark.parametrize(("pods", "seconds"), [(KNOWN, 100), (FRESH, 150), (FEW, 120)])
def test_an_identical_version_is_proven_good_within_the_demos_stage(pods: tuple[int, int], seconds: int) -> None:
    rng = np.random.default_rng(32)
    times = [Rollout(rng, *pods).until(Verdict.PASS, usual) for _ in range(9)]
    print(pods, sorted(times))
    assert median(times) <= seconds
    assert max(times) < NEVER


BURSTS, CLUSTERS = clustered(0.05, 12), clustered(0.01, 9)


@pytest.mark.parametrize(("pods", "noise"), [(KNOWN, BURSTS), (FRESH, BURSTS), (KNOWN, CLUSTERS), (FRESH, CLUSTERS), (FEW, CLUSTERS)])
def test_errors_in_clusters_take_no_identical_version_back(pods: tuple[int, int], noise: Behaviour) -> None:
    """12 rollouts of four minutes: promised, on average, 0.6 at most."""
    rng = np.random.default_rng(33)
    failed = sum(Rollout(rng, *pods, stable=noise).until(Verdict.FAIL, noise) < NEVER for _ in range(12))
    assert failed <= 2


def test_taken_for_independent_the_same_bursts_take_it_back() -> None:
    rng, failed = np.random.default_rng(34), 0
    for _ in range(12):
        state = judge.start(ASKED)
        for k in range(240):
            state = judge.advance(state, ASKED, block(float(k), BURSTS(rng, 80), BURSTS(rng, 20), usable=k >= 2), 0)
        failed += judge.assess(state, ASKED).verdict is Verdict.FAIL
    assert failed >= 6


@pytest.mark.parametrize(("pods", "mode"), [(KNOWN, NoiseMode.HISTORY), (FRESH, NoiseMode.LEARNING), (FEW, NoiseMode.ROBUST)])
def test_each_case_is_treated_as_it_is_meant_to_be(pods: tuple[int, int], mode: NoiseMode) -> None:
    rollout = Rollout(np.random.default_rng(35), *pods)
    rollout.until(Verdict.FAIL, usual, limit=10)
    assert set(rollout.modes) == {mode}
