"""The table on business value per request, known through sum and count."""

import numpy as np
from tests.statistics import kayenta
from tests.statistics.noise import HOUR, SECONDS, Floats
from tests.statistics.play import HEADGATE, WITHOUT_ARMS
from tests.statistics.tables.bench import Bench, decided, table
from tests.statistics.values import CV, Values, judge, simulate

LESS = {20.0: (0.0, 0.1, 0.2), 200.0: (0.0, 0.05, 0.1, 0.2), 2000.0: (0.0, 0.025, 0.1)}
_RULES = ("naive ratio < 0.95", "Kayenta 10 min", HEADGATE, WITHOUT_ARMS, "proven good")
_CHUNK = 50
"""Runs in memory at once."""


def naive(values: Values) -> Floats:
    """Mean since the start below 95 % of the stable version's, at any look."""
    summed = [np.cumsum(arm, axis=1) for arm in (values.stable, values.candidate)]
    stable, candidate = (arm[..., 1] / np.maximum(arm[..., 0], 1.0) for arm in summed)
    low = candidate < 0.95 * stable
    times: Floats = np.where(low.any(axis=1), low.argmax(axis=1) + 1.0, np.inf)
    return times


def mann_whitney(values: Values) -> Floats:
    """Kayenta on the mean per minute, which must not decrease."""
    minutes = [np.add.reduceat(arm, np.arange(0, HOUR, 4), axis=1) for arm in (values.stable, values.candidate)]
    stable, candidate = (minute[..., 1] / np.maximum(minute[..., 0], 1.0) for minute in minutes)
    return kayenta.rolled_back(-stable, -candidate)


def value(bench: Bench) -> str:
    parts = [
        "## Business value per request\n\n"
        f"Log-normal values, coefficient of variation {CV}; the candidate's mean is lower by the column head, the limit is 5 % less. "
        f"Rolled back within the hour / median minutes; {bench.runs} runs. An hour of history.\n"
    ]
    for rps, losses in LESS.items():
        found = [_played(bench, rps, less) for less in losses]
        rows = [[name, *(decided(one[number]) for one in found)] for number, name in enumerate(_RULES)]
        parts.append(f"### {rps:g} rps\n\n" + table(["rule", *(f"-{100 * less:g} %" for less in losses)], rows))
    return "\n".join(parts)


def _played(bench: Bench, rps: float, less: float) -> list[Floats]:
    """The block of the decision by each of _RULES."""
    bench.tell(f"value: {rps:g} rps, -{100 * less:g} %")
    rng = np.random.default_rng([bench.seed, int(rps), int(1000 * less)])
    found: list[list[Floats]] = []
    for first in range(0, bench.runs, _CHUNK):
        values = simulate(rps, less, min(_CHUNK, bench.runs - first), rng)
        known, unknown = judge(values), judge(values, arms=False)
        blocks = [times / SECONDS for times in (known.failed_at, unknown.failed_at, known.passed_at)]
        found.append([naive(values), mann_whitney(values), *blocks])
    return [np.concatenate(each) for each in zip(*found, strict=True)]
