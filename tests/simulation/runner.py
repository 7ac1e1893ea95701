"""Runs traces: one, or many on all cores."""

import asyncio
import gc
import logging
import math
import os
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from tests.simulation import prepared
from tests.simulation.checks import SCRAPE, Broken
from tests.simulation.clock import VirtualLoop
from tests.simulation.trace import Script, script
from tests.simulation.world import World

from headgate.controller import judging

_CHUNK = 25


@dataclass(frozen=True, slots=True)
class Result:
    """`broken` names the check, empty if all held. `seconds` is virtual time."""

    seed: int
    broken: str = ""
    message: str = ""
    phase: str = ""
    seconds: float = 0.0
    harm: tuple[tuple[str, float], ...] = ()

    def __str__(self) -> str:
        return f"seed {self.seed}: {self.message}\n  replay with: python -m tests.simulation --seed {self.seed} --verbose"


def run_one(seed: int, *, verbose: bool = False, changed: Callable[[Script], Script] = lambda drawn: drawn) -> Result:
    """The trace of `seed`, after `changed` has had its way with what was drawn. Errors of the simulation itself are raised."""
    drawn = changed(script(seed))
    if verbose:
        print(drawn)
    with _conditions(verbose), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, VirtualLoop)
        world = World(loop, drawn.plan, drawn.weather, seed, verbose)
        prepared.prepare(world)
        begun = loop.time()
        try:
            runner.run(world.live())
        except Broken as broken:
            return Result(seed, broken.name, str(broken), world.status.get("phase", ""), loop.time() - begun)
        return Result(seed, "", "", world.status.get("phase", ""), loop.time() - begun, tuple(world.checks.harm))


def run_many(seeds: range, *, workers: int | None = None, least: int = 0, until: float = math.inf) -> Iterator[Result]:
    """As they end, chunk by chunk, in the order of `seeds`. After `until`, in seconds since 1970, none is begun but the first `least`."""
    chunks = [seeds[start : start + _CHUNK] for start in range(0, len(seeds), _CHUNK)]
    ends = [math.inf if number * _CHUNK < least else until for number in range(len(chunks))]
    with ProcessPoolExecutor(workers or os.cpu_count()) as pool:
        for results in pool.map(_run_chunk, chunks, ends):
            yield from results


def _run_chunk(seeds: range, until: float) -> list[Result]:
    """With one collection of garbage at the end: inside of traces it would cost a fifth of the time."""
    results: list[Result] = []
    if time.time() > until:
        return results
    gc.disable()
    for seed in seeds:
        try:
            results.append(run_one(seed))
        except Exception:
            results.append(Result(seed, "simulation", traceback.format_exc()))
    gc.collect()
    gc.freeze()
    return results


@contextmanager
def _conditions(verbose: bool) -> Iterator[None]:
    """Logs cost more than decisions, and a judge that looks more often than Prometheus scrapes sees nothing new."""
    level, tick = logging.root.manager.disable, judging.SHORTEST_TICK
    judging.SHORTEST_TICK = SCRAPE
    if not verbose:
        logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(level)
        judging.SHORTEST_TICK = tick
