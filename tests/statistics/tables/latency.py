"""The table on latency."""

from collections.abc import Callable

import numpy as np
from tests.statistics import slowness, times
from tests.statistics.noise import Floats
from tests.statistics.tables.bench import Bench, decided, table
from tests.statistics.times import DEFAULT_BOUNDS, FINE_BOUNDS, Timed

from headgate.evidence.latency import Unresolved

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
        f"/ median minutes; {bench.runs} runs; independent requests, no calibration. One look every 15 s.\n"
    ]
    for title, bounds in (("client defaults", DEFAULT_BOUNDS), ("buckets of 25 ms", FINE_BOUNDS)):
        parts.extend(f"### {title}, {rps:g} rps\n\n" + _one(bench, bounds, rps, title) for rps in (20.0, 200.0))
    return "\n".join(parts)


def _one(bench: Bench, bounds: tuple[float, ...], rps: float, title: str) -> str:
    cells: dict[str, list[str]] = {name: [] for name in (*RULES, "**Headgate**")}
    words = ""
    for shift in SHIFTS:
        bench.tell(f"latency: {title}, {rps:g} rps, +{1000 * shift:g} ms")
        rng = np.random.default_rng([bench.seed, int(rps), len(bounds), int(1000 * shift)])
        timed = times.simulate(rps, shift, bounds, bench.runs, rng)
        for name, rule in RULES.items():
            cells[name].append(decided(rule(timed)))
        judged = slowness.rolled_back(timed)
        cells["**Headgate**"].append("not measurable" if isinstance(judged, Unresolved) else decided(judged.rolled_back))
        words = words or slowness.how(timed)
    head = ["rule", *(f"+{1000 * shift:g} ms" for shift in SHIFTS)]
    return table(head, [[name, *row] for name, row in cells.items()]) + f"\nThe judge compares: {words}.\n"
