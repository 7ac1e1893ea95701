"""The table on latency."""

from collections import Counter
from collections.abc import Callable

import numpy as np
from tests.statistics import times
from tests.statistics.arms import LATENCY, question
from tests.statistics.noise import HOUR, SECONDS, Floats
from tests.statistics.play import HEADGATE
from tests.statistics.tables.bench import Bench, decided, table
from tests.statistics.times import DEFAULT_BOUNDS, FINE_BOUNDS, Timed

from headgate.evidence.batch import judge_streams

_CHUNK = 50
SHIFTS = (0.0, 0.025, 0.05, 0.1, 0.2)
RULES: dict[str, Callable[[Timed], Floats]] = {
    "naive p95 difference": times.naive,
    "Argo tuned p95": times.argo_tuned,
    "Flagger p99 500 ms": times.flagger,
    "Kayenta 10 min": times.mann_whitney,
}


def latency(bench: Bench) -> str:
    parts = [
        "## Latency\n\n"
        "Log-normal times, p95 205 ms; the candidate's p95 is later by the column's head; the limit is 50 ms. Rolled back within the hour "
        f"/ median minutes; {bench.runs} runs; independent requests, four stable pods, an hour of history. One look every 15 s.\n"
    ]
    for title, bounds in (("client defaults", DEFAULT_BOUNDS), ("buckets of 25 ms", FINE_BOUNDS)):
        parts.extend(f"### {title}, {rps:g} rps\n\n" + _one(bench, bounds, rps, title) for rps in (20.0, 200.0))
    return "\n".join(parts)


def _one(bench: Bench, bounds: tuple[float, ...], rps: float, title: str) -> str:
    rows: dict[str, list[str]] = {name: [] for name in (*RULES, HEADGATE)}
    words: Counter[str] = Counter()
    for shift in SHIFTS:
        bench.tell(f"latency: {title}, {rps:g} rps, +{1000 * shift:g} ms")
        rng = np.random.default_rng([bench.seed, int(rps), len(bounds), int(1000 * shift)])
        found: dict[str, list[Floats]] = {name: [] for name in rows}
        for first in range(0, bench.runs, _CHUNK):
            timed = times.simulate(rps, shift, bounds, min(_CHUNK, bench.runs - first), rng)
            stream, told = times.compared(timed)
            words.update(told)
            judged = judge_streams(question(LATENCY, stages=(HOUR,), interval=SECONDS), {LATENCY: stream})
            found[HEADGATE].append(judged.failed_at / SECONDS)
            for name, rule in RULES.items():
                found[name].append(rule(timed))
        for name, blocks in found.items():
            rows[name].append(decided(np.concatenate(blocks)))
    head = ["rule", *(f"+{1000 * shift:g} ms" for shift in SHIFTS)]
    return table(head, [[name, *row] for name, row in rows.items()]) + f"\nThe judge compares: {words.most_common(1)[0][0]}.\n"
