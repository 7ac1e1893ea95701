"""From one block to the numbers of one check: what is counted, which limit holds, what was expected beforehand."""

from dataclasses import dataclass

from headgate.api.quantities import Unit
from headgate.api.vocabulary import Metric
from headgate.evidence.block import Block
from headgate.evidence.check import Check
from headgate.evidence.comparison import NOTHING, Counts, Limits, Line, counted, counts_of, limits_of
from headgate.evidence.eprocess import LEAST_RATE
from headgate.evidence.latency import Choice, Past, Unresolved, choose, pair_counts, remember, slow

HISTORY = 50_000.0
"""Requests of the stable version that a prediction rests on; older ones fade, so that it follows a drifting rate."""
_PRIOR_EVENTS, _PRIOR_REQUESTS = 0.5, 50.0

Latency = Past | Choice | Unresolved
"""What is known about the buckets: not yet enough, chosen, or not enough ever."""


@dataclass(frozen=True, slots=True)
class History:
    """Past requests of the stable version and its events at three places, which differ for latency only.

    `harm` and `good`: at the stable version's own bound of the two tests; `level`: at the candidate's bound of the test for being good.
    """

    requests: float = 0.0
    harm: float = 0.0
    good: float = 0.0
    level: float = 0.0

    def plus(self, requests: int, harm: int, good: int, level: int) -> "History":
        total = self.requests + requests
        keep = min(1.0, HISTORY / total) if total > 0.0 else 1.0
        return History(total * keep, (self.harm + harm) * keep, (self.good + good) * keep, (self.level + level) * keep)

    def rate(self, events: float) -> float:
        predicted = (events + _PRIOR_EVENTS) / (self.requests + _PRIOR_REQUESTS)
        return min(max(predicted, LEAST_RATE), 1.0 - LEAST_RATE)


UNKNOWN = History()


@dataclass(frozen=True, slots=True)
class Reading:
    """One check in one block. `row` is (rate, n_b, e_b, n_c, e_c, ratio, offset) for harm, the same for good, and the expected rate.

    Rates in `row` come from earlier blocks only; `history` and `latency` include this one. `limits` is None while bounds are not chosen.
    """

    row: tuple[float, ...]
    harm: Counts
    act: Counts
    limits: Limits | None
    history: History
    latency: Latency | None


def refusal(check: Check) -> str | None:
    """Why this check can never be answered, in words for the policy's author; None if it can."""
    unit = check.margin.unit
    if check.metric is Metric.LATENCY:
        if check.quantile is None or not 0.0 < check.quantile < 1.0:
            return 'latency needs a quantile between 0 and 1, like "0.95"'
        return "latency needs a limit in ms or %" if unit is Unit.POINTS else None
    if check.metric not in (Metric.ERRORS, Metric.REJECTIONS):
        return f"{check.metric} is a guard, not a comparison with the stable version"
    return f"{check.metric} needs a limit in pp or %" if unit is Unit.MILLISECONDS else None


def limits_for(check: Check, latency: Latency | None) -> Limits | None:
    """The lines of a check, or None where it has none (yet)."""
    if refusal(check) is not None:
        return None
    if check.metric is Metric.LATENCY:
        return latency.limits if isinstance(latency, Choice) else None
    return limits_of(check.margin)


def measure(check: Check, history: History, latency: Latency | None, block: Block) -> Reading:
    """Numbers of one check. Blocks that compare nothing (unusable, an arm without requests, bounds not chosen) get empty counts."""
    limits = limits_for(check, latency)
    if limits is None:
        return _waiting(check, history, latency, block)
    if isinstance(latency, Choice):
        harm, act, good = (pair_counts(block, pair) for pair in (latency.harm, latency.act, latency.good))
        learnt = _with_latency(history, latency, block)
    else:
        harm = act = good = counts_of(check.metric, block)
        requests, events = counted(check.metric, block.stable)
        learnt = history.plus(requests, events, events, events)
    if not (block.usable and harm.comparable and act.comparable and good.comparable):
        harm = act = good = NOTHING
    row = (
        *_half(history.rate(history.harm), harm, limits.harm),
        *_half(history.rate(history.good), good, limits.good),
        history.rate(history.level),
    )
    return Reading(row, harm, act, limits, learnt, latency)


def _half(rate: float, counts: Counts, line: Line) -> tuple[float, ...]:
    return (
        rate,
        counts.stable_requests,
        counts.stable_events,
        counts.candidate_requests,
        counts.candidate_events,
        line.ratio,
        line.offset,
    )


def _waiting(check: Check, history: History, latency: Latency | None, block: Block) -> Reading:
    """Nothing to compare. A latency check looks at the stable version until it can choose its bounds; they hold from the next block on."""
    known: Latency | None = latency
    learnt = history
    if isinstance(latency, Past) and check.quantile is not None and refusal(check) is None:
        past = remember(latency, block)
        known = choose(past, check.quantile, check.margin) or past
        if isinstance(known, Choice):
            learnt = UNKNOWN.plus(known.timed, *known.slow)
    half = _half(history.rate(0.0), NOTHING, Line())
    return Reading((*half, *half, half[0]), NOTHING, NOTHING, None, learnt, known)


def _with_latency(history: History, choice: Choice, block: Block) -> History:
    places = (choice.harm.stable, choice.good.stable, choice.good.candidate)
    counts = [slow(block.stable, block.bounds, place) for place in places]
    if block.stable.timed <= 0 or any(count is None for count in counts):
        return history
    return history.plus(block.stable.timed, *(count for count in counts if count is not None))
