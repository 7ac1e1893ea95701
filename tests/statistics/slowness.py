"""The latency check of the judge on simulated histograms: bounds chosen as the operator chooses them, then one panel for all runs."""

from collections import Counter

import numpy as np
from tests.statistics.arms import LATENCY, question
from tests.statistics.noise import HOUR, SECONDS, Floats
from tests.statistics.panels import CheckStream, Judged, judge
from tests.statistics.times import Timed

from headgate.evidence.latency import Choice, Past, Unresolved, choose


def stream(timed: Timed) -> CheckStream | Unresolved:
    """`Unresolved` where the buckets cannot answer, by the past of the first run."""
    choices = [_choice(timed, run) for run in range(len(timed.before))]
    if any(isinstance(choice, Unresolved) for choice in choices):
        return next(choice for choice in choices if isinstance(choice, Unresolved))
    chosen = [choice for choice in choices if isinstance(choice, Choice)]
    counts = np.empty((*timed.stable.shape[:2], 3, 4))
    learnt = np.empty((*timed.stable.shape[:2], 4))
    stable, candidate = _slow(timed.stable), _slow(timed.candidate)
    for run, choice in enumerate(chosen):
        for side, pair in enumerate((choice.harm, choice.act, choice.good)):
            at = [timed.bounds.index(bound) + 1 for bound in (pair.stable, pair.candidate)]
            counts[run, :, side] = np.stack(
                (stable[run, :, 0], stable[run, :, at[0]], candidate[run, :, 0], candidate[run, :, at[1]]), axis=-1
            )
        places = (choice.harm.stable, choice.good.stable, choice.good.candidate)
        learnt[run] = stable[run][:, [0, *(timed.bounds.index(bound) + 1 for bound in places)]]
    lines = np.array([[(line.ratio, line.offset) for line in (c.limits.harm, c.limits.act, c.limits.good)] for c in chosen])
    return CheckStream(counts, lines, learnt, np.array([(c.timed, *c.slow) for c in chosen], dtype=np.float64))


def rolled_back(timed: Timed) -> Judged | Unresolved:
    """Block of each decision at a limit of 50 ms on p95."""
    found = stream(timed)
    if isinstance(found, Unresolved):
        return found
    return judge(question(LATENCY, stages=(HOUR,), interval=SECONDS), [found], SECONDS)


def how(timed: Timed) -> str:
    """What the most runs compare, in the operator's words."""
    return Counter(_choice(timed, run).detail for run in range(min(20, len(timed.before)))).most_common(1)[0][0]


def _choice(timed: Timed, run: int) -> Choice | Unresolved:
    below = np.cumsum(timed.before[run])
    past = Past(timed.bounds, int(below[-1]), tuple(int(n) for n in below[:-1]))
    choice = choose(past, LATENCY.quantile or 0.95, LATENCY.margin)
    assert choice is not None, "an hour of requests is enough to choose from"
    return choice


def _slow(buckets: Floats) -> Floats:
    """Requests above each bound, (..., bounds + 1); the first column is all of them."""
    slow: Floats = np.cumsum(buckets[..., ::-1], axis=-1)[..., ::-1]
    return slow
