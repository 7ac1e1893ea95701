"""The table on whole rollouts: three stages, three checks, one alpha."""

from dataclasses import dataclass, replace

import numpy as np
from tests.statistics import rules, slowness, times
from tests.statistics.arms import LATENCY, REJECTIONS, question
from tests.statistics.judged import HALF_POINT
from tests.statistics.noise import SECONDS, Floats, Rng
from tests.statistics.panels import CheckStream, judge
from tests.statistics.tables.bench import Bench, decided, table
from tests.statistics.times import DEFAULT_BOUNDS, Timed

from headgate.evidence.comparison import limits_of
from headgate.evidence.latency import Unresolved

STAGE, SHARES = 60, (0.05, 0.25, 0.5)
"""Blocks per stage: 15 minutes."""
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
        for number, name in enumerate(("naive z per check and stage, each minute", "**Headgate**")):
            rows.append([f"{name}, {rps:g} rps", *(decided(one[number]) for one in found)])
    return (
        "## Whole rollout\n\n"
        "5, 25, 50 % for 15 minutes each; errors and rejections (1 % each, limit 0.5 pp, weights 4 and 2) and p95 latency (205 ms, limit "
        f"50 ms, weight 3) share one α of 5 %. Independent requests, no calibration, {bench.null_runs} runs. Rolled back within the 45 "
        "minutes / median minutes.\n\n" + table(["rule", *(change.title for change in CHANGES)], rows)
    )


def _play(bench: Bench, rps: float, change: Change) -> tuple[Floats, Floats]:
    bench.tell(f"whole rollout: {change.title}, {rps:g} rps, {bench.null_runs} runs")
    rng = np.random.default_rng([bench.seed, int(rps), CHANGES.index(change), STAGE])
    shares, runs = np.repeat(SHARES, STAGE), bench.null_runs
    timed = times.simulate(rps, change.slower, DEFAULT_BOUNDS, runs, rng, shares)
    requests = (timed.stable.sum(axis=-1), timed.candidate.sum(axis=-1))
    errors, rejections = (_events(requests, worse, rng) for worse in (change.errors, change.rejections))
    naive = np.min([_per_stage(counts) for counts in (errors, rejections, _slow(timed))], axis=0)
    slow = slowness.stream(timed)
    assert not isinstance(slow, Unresolved)
    asked = question(HALF_POINT, _REJECTIONS, LATENCY, stages=(STAGE,) * len(SHARES), interval=SECONDS)
    before = timed.before.sum(axis=-1)
    return naive, judge(asked, [_stream(errors, before), _stream(rejections, before), slow], SECONDS).rolled_back


_REJECTIONS = replace(REJECTIONS, margin=HALF_POINT.margin)


def _events(requests: tuple[Floats, Floats], worse: float, rng: Rng) -> Floats:
    n_b, n_c = (arm.astype(np.int64) for arm in requests)
    return np.stack((n_b, rng.binomial(n_b, _BASE), n_c, rng.binomial(n_c, _BASE + worse)), axis=-1).astype(np.float64)


def _slow(timed: Timed) -> Floats:
    """Requests and those above 250 ms."""
    arms = [(arm.sum(axis=-1), arm[..., _SLOW_BOUND + 1 :].sum(axis=-1)) for arm in (timed.stable, timed.candidate)]
    return np.stack((*arms[0], *arms[1]), axis=-1)


def _stream(counts: Floats, before: Floats) -> CheckStream:
    """The same counts and limits for harm, act and good; the past failed at the base rate."""
    limits = limits_of(HALF_POINT.margin)
    lines = np.array([(line.ratio, line.offset) for line in (limits.harm, limits.act, limits.good)])
    learnt = counts[..., [0, 1, 1, 1]]
    past = np.stack((before, *(np.round(_BASE * before) for _ in range(3))), axis=-1)
    return CheckStream(np.repeat(counts[:, :, None], 3, axis=2), np.broadcast_to(lines, (len(counts), *lines.shape)), learnt, past)


def _per_stage(counts: Floats) -> Floats:
    """The naive rule begun anew in each stage."""
    ends = range(0, counts.shape[1], STAGE)
    times_: Floats = np.min([rules.naive(counts[:, at : at + STAGE], 4) + at for at in ends], axis=0)
    return times_
