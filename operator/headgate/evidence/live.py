"""Guards on a version that has all users: counted from sums over all processes, so that thousands of such models fit into one answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from headgate.evidence import guards
from headgate.evidence.bets.panel import predicted
from headgate.evidence.check import Guard
from headgate.evidence.counting.series import Arm
from headgate.evidence.guards import WINDOW, Moment, Window
from headgate.evidence.power import Traffic
from headgate.evidence.view import LiveReading

SETTLE = 15.0
"""Seconds after a place changed hands in which nothing is counted there. The gateway follows at once, but requests to the version before
may still end in a timeout (15 s unless the route says otherwise), and the version that replaced it must not be blamed for them."""

_LEAST_SPAN = 20.0
"""Seconds of samples without which nothing is said of a model's traffic."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Answered requests of one place, summed over the `processes` that count it, each since its own start."""

    processes: int
    requests: int = 0
    errors: int = 0
    rejections: int = 0


@dataclass(frozen=True, slots=True)
class LiveTotals:
    """What one good answer of the source says about one model. Every counter was sampled between `oldest` and `newest`, on the source's
    clock, which is `skew` seconds ahead of ours. A place that is not in `places` was not counted by anybody."""

    oldest: float
    newest: float
    places: Mapping[Arm, Sums] = field(default_factory=dict)
    skew: float = 0.0


@dataclass(frozen=True, slots=True)
class LiveCount:
    """What is remembered of one live version between two answers. `counted` is the time of the newest sample that told something."""

    revision: str
    window: Window = field(default_factory=Window)
    last: LiveTotals | None = None
    counted: float | None = None


def fold(count: LiveCount, held: Mapping[Arm, float], totals: LiveTotals) -> LiveCount:
    """The count after one more answer. `held` says which places the version holds, and since when on our clock.

    A difference of two answers is an increment only if both lie SETTLE after the place was taken, at most a guard's window apart, and
    were summed over equally many processes without any sum falling. Everything else is an origin: a sum that lost or regained a process
    (a restart, a missed scrape) jumps by what that process counted in its life, and nobody knows how much of it is new.

    A version that lost its users and has some again is judged by what it answers now.
    """
    last = count.last
    if last is None or totals.newest < last.newest:
        return LiveCount(count.revision, last=totals)
    if totals.newest == last.newest:
        return count
    steps: list[Sums] = []
    if totals.newest - last.newest <= WINDOW:
        settled = [arm for arm, since in held.items() if since + SETTLE + totals.skew <= last.oldest]
        steps = [step for arm in settled if (step := _step(last.places.get(arm), totals.places.get(arm))) is not None]
    if not steps:
        return replace(count, last=totals)
    window, requests = _since(count.window, min(held.values()) + totals.skew), sum(step.requests for step in steps)
    if requests:
        errors, rejections = sum(step.errors for step in steps), sum(step.rejections for step in steps)
        window = guards.slide(window, Moment(totals.newest, requests, errors, rejections, missing=0))
    return LiveCount(count.revision, window, totals, totals.newest)


def _since(window: Window, taken: float) -> Window:
    return window if not window.moments or window.moments[0].time > taken else Window(tuple(m for m in window.moments if m.time > taken))


def _step(before: Sums | None, after: Sums | None) -> Sums | None:
    if before is None or after is None or before.processes != after.processes:
        return None
    requests, errors, rejections = after.requests - before.requests, after.errors - before.errors, after.rejections - before.rejections
    # Neither may the sum of the good answers fall.
    fell = min(errors, rejections, requests - errors - rejections) < 0
    return None if fell else Sums(after.processes, requests, errors, rejections)


def read(count: LiveCount, asked: Sequence[Guard], now: float) -> LiveReading | None:
    """What the guards say at `now`, on our clock; None if nothing was counted within the last 60 seconds."""
    if count.last is None or count.counted is None:
        return None
    skew = count.last.skew
    if now + skew - count.counted > WINDOW:
        return None
    readings = tuple(guards.read(guard, count.window, now + skew) for guard in asked)
    return LiveReading(count.revision, count.counted - skew, readings, _traffic(count.window))


def _traffic(window: Window) -> Traffic | None:
    """What the window says of the traffic: nobody knows how long its first moment took. Rates are drawn off 0, as the judge's are."""
    first, *others = window.moments or (None,)
    if first is None or not others or (seconds := others[-1].time - first.time) < _LEAST_SPAN:
        return None
    requests = sum(moment.requests for moment in others)
    counts = [requests, sum(moment.errors for moment in others), sum(moment.rejections for moment in others), 0]
    errors, rejections, _ = predicted(np.array(counts, dtype=np.float64)).tolist()
    return Traffic(requests / seconds, errors, rejections)
