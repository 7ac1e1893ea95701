"""One scene, many runs, every rule: when each rolls back, and what it has cost until then."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from tests.statistics import rules
from tests.statistics.judged import judge
from tests.statistics.noise import Counted, Floats, Scene, simulate

Decide = Callable[[Counted, Counted], dict[str, Floats]]
"""Rollouts and their A/A arms to the block (from 1) of each decision by name, infinity if it never comes."""

HEADGATE, WITHOUT_ARMS, GOOD = "**Headgate**", "Headgate, no A/A data", "proven good"
_CHUNK = 200
"""Runs in memory at once."""
_PER_MINUTE = 4.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """`minutes` from the start of the effect to the decision, infinity if none within the hour; `excess`: failures it let happen."""

    minutes: Floats
    excess: Floats

    @property
    def share(self) -> float:
        return float(np.isfinite(self.minutes).mean())

    def quantile(self, q: float) -> float:
        """Minutes within which the part `q` of all runs is decided; infinite where fewer are."""
        rank = int(np.ceil(q * len(self.minutes))) - 1
        return float(np.sort(self.minutes)[max(rank, 0)])


def play(scene: Scene, runs: int, deciders: Sequence[Decide], seed: int) -> dict[str, Outcome]:
    """The same streams for all. They depend on the scene and the seed alone."""
    rng = np.random.default_rng([seed, zlib.crc32(repr(scene).encode())])
    found: dict[str, list[tuple[Floats, Floats]]] = {}
    for first in range(0, runs, _CHUNK):
        rollouts, arms = simulate(scene, min(_CHUNK, runs - first), rng)
        exposed = np.where(np.arange(scene.blocks) >= scene.onset, rollouts.counts[:, :, 2] * scene.effect, 0.0).cumsum(axis=1)
        for decide in deciders:
            for name, blocks in decide(rollouts, arms).items():
                last = np.minimum(blocks, scene.blocks).astype(np.int64) - 1
                cost = np.take_along_axis(exposed, last[:, None], axis=1)[:, 0]
                found.setdefault(name, []).append(((blocks - scene.onset) / _PER_MINUTE, cost))
    return {name: Outcome(*(np.concatenate(parts) for parts in zip(*pieces, strict=True))) for name, pieces in found.items()}


def plain(name: str, rule: rules.Rule, every: int = 1) -> Decide:
    """A rule that knows no A/A data."""
    return lambda rollouts, arms: {name: rule(rollouts.counts, every)}


def headgate(rollouts: Counted, arms: Counted) -> dict[str, Floats]:
    judged = judge(rollouts, arms)
    return {HEADGATE: judged.rolled_back, GOOD: judged.proven_good}


def headgate_without_arms(rollouts: Counted, arms: Counted) -> dict[str, Floats]:
    return {WITHOUT_ARMS: judge(rollouts, None).rolled_back}


def rivals(base: float) -> list[Decide]:
    """The rules to compare with, on a service that fails at rate `base`."""
    return [
        plain("naive z + 0.5 pp", rules.naive),
        plain("Argo 95 %", rules.argo(0.05)),
        plain("Argo tuned", rules.argo(base + rules.THRESHOLD)),
        plain("Flagger 99 %", rules.flagger),
        plain("Kayenta 10 min", rules.mann_whitney),
        plain("OBF half", rules.obrien_fleming_half),
        plain("Pocock half", rules.pocock_half),
        plain("exact, κ = 1", rules.exact_half),
        plain("asympCS strict", rules.asymptotic),
    ]
