"""From one block to the numbers of one check: what is counted, and which limit holds."""

from dataclasses import dataclass

from headgate.api.quantities import Unit
from headgate.api.vocabulary import SUMMED, Metric
from headgate.evidence.bets.comparison import NOTHING, Counts, Limits, counted, counts_of, limits_of
from headgate.evidence.check import Check
from headgate.evidence.counting.block import Block
from headgate.evidence.latency.common_bounds import choose_common
from headgate.evidence.latency.slow_shares import Choice, Past, Unresolved, pair_counts, remember, slow

Latency = Past | Choice | Unresolved
"""What is known about the buckets: not yet enough, chosen, or not enough ever."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One check in one block: `counts` of both arms for harm, act and good; NOTHING where the block compares nothing.

    `limits` is None while there are none: bounds are not chosen, or the check cannot be asked. `learnt`: the stable version's requests, and
    its events for harm, for good and at the candidate's bound for good.
    """

    counts: tuple[Counts, Counts, Counts]
    limits: Limits | None
    learnt: Counts
    latency: Latency | None


def refusal(check: Check) -> str | None:
    """Why this check can never be answered, in words for the policy's author; None if it can."""
    unit = check.margin.unit
    if check.metric is Metric.LATENCY:
        if check.quantile is None or not 0.0 < check.quantile < 1.0:
            return 'latency needs a quantile between 0 and 1, like "0.95"'
        return "latency needs a limit in ms or %" if unit is Unit.POINTS else None
    if check.metric is Metric.POD_FAILURES:
        return f"{check.metric} is a guard, not a comparison with the stable version"
    if check.metric in SUMMED and not check.summary:
        return f"{check.metric} needs the name of a summary"
    if check.is_mean:
        return f"{check.metric} needs a limit in %" if unit is not Unit.RELATIVE else None
    return f"{check.metric} needs a limit in pp or %" if unit is Unit.MILLISECONDS else None


def limits_for(check: Check, latency: Latency | None) -> Limits | None:
    """The lines of a check, or None where it has none (yet)."""
    if refusal(check) is not None:
        return None
    if check.metric is Metric.LATENCY:
        return latency.limits if isinstance(latency, Choice) else None
    return limits_of(check)


def measure(check: Check, latency: Latency | None, block: Block) -> Reading:
    """Numbers of one check. Blocks that compare nothing (unusable, an arm without requests, bounds not chosen) get empty counts."""
    limits = limits_for(check, latency)
    if limits is None:
        return _waiting(check, latency, block)
    if isinstance(latency, Choice):
        harm, act, good = (pair_counts(block, pair) for pair in (latency.harm, latency.act, latency.good))
        learnt = _slow_stable(latency, block)
    else:
        harm = act = good = counts_of(check, block)
        requests, events = counted(check, block.stable)
        learnt = (requests, events, events, events)
    if check.is_mean:
        # Values are put together until there are enough of them, whichever version they are of, if both were read.
        compares = all(check.summary in arm.summed for arm in (block.stable, block.candidate))
    else:
        compares = all(n_b > 0 and n_c > 0 for n_b, _, n_c, _ in (harm, act, good))
    if not (block.usable and compares):
        harm = act = good = NOTHING
    return Reading((harm, act, good), limits, learnt, latency)


def _waiting(check: Check, latency: Latency | None, block: Block) -> Reading:
    """Nothing to compare. A latency check looks at the stable version until it can choose among the bounds of both; they hold from the next
    block on."""
    empty = (NOTHING, NOTHING, NOTHING)
    if not isinstance(latency, Past) or check.quantile is None or refusal(check) is not None:
        return Reading(empty, None, NOTHING, latency)
    past = remember(latency, block)
    known = choose_common(past, check.quantile, check.margin, block) or past
    if isinstance(known, Choice):
        return Reading(empty, None, (known.timed, *known.slow), known)
    return Reading(empty, None, NOTHING, known)


def _slow_stable(choice: Choice, block: Block) -> Counts:
    """What the block says of the stable version's slow requests: nothing where its histogram lacks a bound."""
    places = (choice.harm.stable, choice.good.stable, choice.good.candidate)
    harm, good, level = (slow(block.stable, block.bounds, place) for place in places)
    if block.stable.timed <= 0 or harm is None or good is None or level is None:
        return NOTHING
    return (block.stable.timed, harm, good, level)
