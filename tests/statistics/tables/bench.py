"""What all tables share: how many runs, from which seed, and how a figure is written."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from tests.statistics.noise import SECONDS, Floats, Scene
from tests.statistics.play import Decide, Outcome, play

BLOCKS_PER_MINUTE = 60.0 / SECONDS


@dataclass(slots=True)
class Bench:
    """`runs` per cell where something differs, `null_runs` where nothing does."""

    runs: int = 400
    null_runs: int = 1200
    seed: int = 1
    _begun: float = field(default_factory=time.monotonic)

    def play(self, title: str, scene: Scene, deciders: Sequence[Decide], *, runs: int | None = None) -> dict[str, Outcome]:
        runs = runs if runs is not None else self.runs
        self.tell(f"{title}: {describe(scene)}, {runs} runs")
        return play(scene, runs, deciders, self.seed)

    def tell(self, text: str) -> None:
        """Progress, for whoever waits."""
        sys.stderr.write(f"{time.monotonic() - self._begun:7.0f} s  {text}\n")
        sys.stderr.flush()


def describe(scene: Scene) -> str:
    late = f" from minute {scene.onset // 4}" if scene.onset else ""
    return f"{scene.noise.value}, {scene.rps:g} rps, {percent(scene.base)}, +{100 * scene.effect:g} pp{late}"


def percent(share: float) -> str:
    """`12.5 %`; never rounded to 0 or 100 unless it is."""
    if 0.0 < share < 0.0005:
        return "< 0.1 %"
    if 0.9995 <= share < 1.0:
        return "> 99.9 %"
    return f"{100 * share:.1f} %".replace(".0 %", " %")


def minutes(value: float) -> str:
    """A time after the effect began; rules that fire before it do not detect anything."""
    if value <= 0.0:
        return "before"
    return f"{value:.2f}".rstrip("0").rstrip(".") if np.isfinite(value) else "–"


def detection(outcome: Outcome) -> str:
    """Share detected / median / 95 % time in minutes / failures on top until then."""
    cost = float(outcome.excess.mean())
    return f"{percent(outcome.share)} / {minutes(outcome.quantile(0.5))} / {minutes(outcome.quantile(0.95))} / {cost:.0f}"


def decided(blocks: Floats) -> str:
    """Share of runs decided / median minutes, of the blocks at which they are."""
    return f"{percent(float(np.isfinite(blocks).mean()))} / {minutes(float(np.median(blocks)) / BLOCKS_PER_MINUTE)}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def standard_error(runs: int, share: float = 0.5) -> str:
    return percent(float(np.sqrt(share * (1.0 - share) / runs)))


def upper_of_none(runs: int) -> str:
    """95 % upper confidence bound where none of `runs` happened."""
    return percent(1.0 - 0.05 ** (1.0 / runs))
