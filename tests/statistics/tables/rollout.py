"""The table on whole rollouts: three stages, three checks, one alpha."""

from dataclasses import dataclass, replace

import numpy as np
from tests.statistics import rules, times
from tests.statistics.arms import LATENCY, REJECTIONS, question
from tests.statistics.judged import HALF_POINT, streams
from tests.statistics.noise import SECONDS, Counted, Floats, Rng, arms_of
from tests.statistics.play import HEADGATE
from tests.statistics.tables.bench import Bench, decided, table
from tests.statistics.times import DEFAULT_BOUNDS, Timed

from headgate.evidence.batch import Streams, judge_streams

STAGE, SHARES = 60, (0.05, 0.25, 0.5)
"""Blocks per stage: 15 minutes."""
_CHUNK = 100
_BASE = 0.01
_SLOW_BOUND = DEFAULT_BOUNDS.index(0.25)


@dataclass(frozen=True, slots=True)
class Change:
    """What the candidate does worse: shares of requests, and seconds at the 95 % quantile."""

    title: str
    errors: float = 0.0
    rejections: float = 0.0
    slower: float = 0.0


CHANGES = (
    Change("no change"),
    Change("errors +2 pp", errors=0.02),
    Change("rejections +2 pp", rejections=0.02),
    Change("p95 70 ms later", slower=0.07),
)


def rollouts(bench: Bench) -> str:
    rows = []
    for rps in (20.0, 200.0):
        found = [_play(bench, rps, change) for change in CHANGES]
        for number, name in enumerate(("naive z per check and stage, each minute", HEADGATE)):
            rows.append([f"{name}, {rps:g} rps", *(decided(one[number]) for one in found)])
    return (
        "## Whole rollout\n\n"
        "5, 25, 50 % for 15 minutes each; errors and rejections (1 % each, limit 0.5 pp, weights 4 and 2) and p95 latency (205 ms, limit "
        f"50 ms, weight 3) share one α of 5 %. Independent requests, {bench.null_runs} runs. Rolled back within the 45 "
        "minutes / median minutes.\n\n" + table(["rule", *(change.title for change in CHANGES)], rows)
    )


def _play(bench: Bench, rps: float, change: Change) -> tuple[Floats, Floats]:
    bench.tell(f"whole rollout: {change.title}, {rps:g} rps, {bench.null_runs} runs")
    rng = np.random.default_rng([bench.seed, int(rps), CHANGES.index(change), STAGE])
    sizes = [min(_CHUNK, bench.null_runs - first) for first in range(0, bench.null_runs, _CHUNK)]
    found = [_chunk(rps, change, runs, rng) for runs in sizes]
    return np.concatenate([naive for naive, _ in found]), np.concatenate([judged for _, judged in found])


def _chunk(rps: float, change: Change, runs: int, rng: Rng) -> tuple[Floats, Floats]:
    """Block of the rollback by the naive rule and by the judge."""
    shares = np.repeat(SHARES, STAGE)
    timed = times.simulate(rps, change.slower, DEFAULT_BOUNDS, runs, rng, shares)
    errors, rejections = (_events(timed, worse, rng) for worse in (change.errors, change.rejections))
    naive = np.min([_per_stage(counts) for counts in (errors.counts, rejections.counts, _slow(timed))], axis=0)
    asked = question(HALF_POINT, _REJECTIONS, LATENCY, stages=(len(shares),), interval=SECONDS)
    judged = judge_streams(asked, {HALF_POINT: errors, _REJECTIONS: rejections, LATENCY: times.compared(timed)[0]})
    return naive, judged.failed_at / SECONDS


_REJECTIONS = replace(REJECTIONS, margin=HALF_POINT.margin)


def _events(timed: Timed, worse: float, rng: Rng) -> Streams:
    """Requests that fail at the base rate, and the candidate's `worse` more often."""
    pods, candidate = timed.pods.sum(axis=-1).astype(np.int64), timed.candidate.sum(axis=-1).astype(np.int64)
    stable = np.stack((pods, rng.binomial(pods, _BASE)), axis=-1).astype(np.float64)
    of_candidate = np.stack((candidate, rng.binomial(candidate, _BASE + worse)), axis=-1)
    counts = np.concatenate((stable[:, :, timed.past :].sum(axis=1), of_candidate), axis=-1)
    ends = np.broadcast_to(SECONDS * np.arange(1, counts.shape[1] + 1), counts.shape[:2])
    return streams(Counted(ends, counts), arms_of(stable, timed.past))


def _slow(timed: Timed) -> Floats:
    """Requests and those above 250 ms."""
    arms = [(arm.sum(axis=-1), arm[..., _SLOW_BOUND + 1 :].sum(axis=-1)) for arm in (timed.stable, timed.candidate)]
    return np.stack((*arms[0], *arms[1]), axis=-1)


def _per_stage(counts: Floats) -> Floats:
    """The naive rule begun anew in each stage."""
    ends = range(0, counts.shape[1], STAGE)
    first: Floats = np.min([rules.naive(counts[:, at : at + STAGE], 4) + at for at in ends], axis=0)
    return first
