"""Requests without an answer, as evidence.

Two counts per arm, both lower bounds, so that requests in flight are never an alarm:

* **Overdue**: sent, and older than any plausible answer. With S(t) requests sent and A(t) answered since the first sample,
  O(t) = max(0, S(t - age) - A'(t)). A' is A without the answers that the gateway made without sending anything (connection refused, no
  endpoint): those are at least U(t) = max over s <= t of (A(s) - S(s)), because no request is answered before it is sent. `age` is
  max(2 x the stable version's p99, one scrape spacing).
* **Undelivered**: expected from the weight and never even sent (connections that hang). Given N requests of the stable version, the
  number of the candidate under the weight w is negative binomial with mean m = N w/(1-w) and standard deviation s = sqrt(N w)/(1-w); the
  deficit is max(0, 0.98 m - 4.75 s - seen): 4.75 standard deviations are one in a million, 2 % is what weights and several proxies may
  be off. Counted over epochs of 60 s.

An answer that comes after its request was called missing lowers O(t): the arm's `missing` then decreases by one and its `answered` rises
by one. Sums of both over any time therefore count each request once.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

OLDEST_AGE = 300.0
UNKNOWN_AGE = 10.0
"""Seconds to wait for an answer while nothing is known about the stable version's latency: longer than any gateway flushes histograms."""

_HISTORY = 128
_SPACING_TOLERANCE = 0.1
_MILLIONTH = 4.75
_OFF = 0.02
EPOCH = 60.0


@dataclass(frozen=True, slots=True)
class Ledger:
    """Sent against answered requests of one arm in one process. `history` holds (time, sent so far)."""

    sent: int = 0
    answered: int = 0
    unsent_answers: int = 0
    overdue: int = 0
    history: tuple[tuple[float, int], ...] = ()


def settle(ledger: Ledger, time: float, sent: int, answered: int, age: float, spacing: float) -> Ledger:
    """The ledger after a sample at `time` that brought `sent` and `answered` more requests; `overdue` is O(time)."""
    total_sent, total_answered = ledger.sent + sent, ledger.answered + answered
    unsent = max(ledger.unsent_answers, total_answered - total_sent)
    # Scrapes jitter: a sample a little younger than the age still stands for requests that are older than it.
    due = time - age + _SPACING_TOLERANCE * spacing
    due_sent = max((count for moment, count in ledger.history if moment <= due), default=0)
    overdue = max(0, due_sent - (total_answered - unsent))
    return Ledger(total_sent, total_answered, unsent, overdue, _remember(ledger.history, time, total_sent, due, age))


def _remember(history: tuple[tuple[float, int], ...], time: float, sent: int, due: float, age: float) -> tuple[tuple[float, int], ...]:
    """Keep the newest entry that is already due, all younger ones, and never more than about _HISTORY of them."""
    begin = max((at for at, (moment, _) in enumerate(history) if moment <= due), default=0)
    kept = history[begin:]
    if len(kept) > 1 and kept[-1][0] - kept[-2][0] < age / _HISTORY:
        kept = kept[:-1]
    return (*kept, (time, sent))


@dataclass(frozen=True, slots=True)
class Split:
    """Requests seen per arm since `start`, to notice what never arrived. `undelivered` is the deficit of this epoch, `skewed` whether it
    has shown a surplus at any time; `surplus` whether it or the one before has."""

    start: float | None = None
    stable: int = 0
    candidate: int = 0
    undelivered: int = 0
    surplus: bool = False
    skewed: bool = False


def compare(split: Split, time: float, share: float, stable: int, candidate: int) -> Split:
    """The split after `stable` and `candidate` more arrivals, under the candidate's `share` of user requests, 0 < share < 1.

    `surplus` tells that the candidate gets clearly more than its share, or the stable version less: then the weights in force are not
    the ones we know, and nothing may pass. A surplus takes a part of an epoch to show, so one that was seen is over after a whole epoch
    without any.
    """
    if split.start is None or time - split.start >= EPOCH:
        split = Split(start=time, surplus=split.skewed)
    stable, candidate = split.stable + stable, split.candidate + candidate
    mean = stable * share / (1 - share)
    spread = _MILLIONTH * math.sqrt(stable * share) / (1 - share)
    undelivered = max(0, math.floor((1 - _OFF) * mean - spread - candidate))
    # The allowance of a mean of zero is zero, but a few requests say nothing yet.
    skewed = split.skewed or candidate > (1 + _OFF) * mean + spread + _MILLIONTH**2 / (1 - share)
    return Split(split.start, stable, candidate, undelivered, split.surplus or skewed, skewed)


def plausible_age(buckets: Mapping[str, float], spacing: float) -> float:
    """max(2 x p99, one scrape spacing), from cumulative counts by bucket part (`0.05`, `+Inf`), never above OLDEST_AGE.

    p99 is the upper bound of the bucket it lies in, so that the age is rather too long than too short.
    """
    counts = {float(part): count for part, count in buckets.items()}
    total = counts.get(math.inf, 0.0)
    if total <= 0:
        return max(UNKNOWN_AGE, spacing)
    bounds = sorted(bound for bound in counts if math.isfinite(bound))
    p99 = next((bound for bound in bounds if counts[bound] >= 0.99 * total), bounds[-1] if bounds else UNKNOWN_AGE)
    return min(max(2 * p99, spacing), OLDEST_AGE)
