"""What one check compares: events of both arms, and the line between rates within the limit and rates beyond it."""

from dataclasses import dataclass

import numpy as np

from headgate.api.quantities import Unit
from headgate.api.vocabulary import Metric
from headgate.evidence.bets.arrays import Floats
from headgate.evidence.check import Check, Worse
from headgate.evidence.counting.block import ArmCounts, Block

MOST_POINTS = 0.99
STABLE_REQUESTS, STABLE_EVENTS, CANDIDATE_REQUESTS, CANDIDATE_EVENTS = range(4)
"""The last axis of arrays of counts."""
Counts = tuple[float, float, float, float]
"""The same of one check: requests and events (errors, rejections, slow answers) of the stable version, then of the candidate. Of values
the events are their sum, so that a rate is a mean; where less is worse its sign is turned, so that more is always worse."""
NOTHING: Counts = (0.0, 0.0, 0.0, 0.0)
EQUALITY: Floats = np.array([1.0, 0.0])
"""The line (ratio, offset) on which both versions have the same rate."""

UNKNOWN = -1.0
"""Stands for the variance of a value where it is not known. That of an event follows from its rate, and is written as 0."""


@dataclass(frozen=True, slots=True)
class Line:
    """The candidate's rate is at the limit when it equals ratio * (the stable version's rate) + offset."""

    ratio: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Limits:
    """The three lines of a check.

    `harm` is the null of the test for harm, half a margin away from equality: evidence builds up twice as fast as against the whole
    margin. `act` is the whole margin, which the observed difference must exceed as well. `good` is the null of the proof of being good.
    """

    harm: Line
    act: Line
    good: Line


def limits_of(check: Check) -> Limits:
    """For shares and means. Raises ValueError for a margin in ms. 100 points or more would forbid nothing and are read as 99."""
    share = check.margin.fraction
    if check.margin.unit is not Unit.RELATIVE:
        share = min(share, MOST_POINTS)
    half, whole = _line(check, share / 2), _line(check, share)
    return Limits(harm=half, act=whole, good=whole)


def _line(check: Check, share: float) -> Line:
    if check.margin.unit is not Unit.RELATIVE:
        return Line(offset=share)
    if check.worse is Worse.MORE:
        return Line(ratio=1.0 + share)
    # Of misses: 1 - p_c = (1 - s)(1 - p_b) + s is p_c = (1 - s) p_b.
    return Line(ratio=1.0 - share, offset=0.0 if check.is_mean else share)


def summed(check: Check, answers: float, total: float) -> tuple[float, float]:
    """(requests, events) of a check of sums, from answers and the sum of their values. A conversion is a value of 0 or 1: where fewer are
    worse, those without one are the events."""
    if check.is_mean:
        return answers, total if check.worse is Worse.MORE else -total
    hits = min(max(total, 0.0), answers)
    return answers, hits if check.worse is Worse.MORE else answers - hits


def comparable(counts: Floats) -> Floats:
    """1 where both arms have requests, else 0: 0 of 0 is neither good nor bad. Reduces the last axis."""
    both: Floats = ((counts[..., STABLE_REQUESTS] > 0.0) & (counts[..., CANDIDATE_REQUESTS] > 0.0)).astype(np.float64)
    return both


def excess(counts: Floats, lines: Floats) -> Floats:
    """Observed candidate rate minus the limit at the observed stable rate; 0 unless comparable. Lines as (ratio, offset)."""
    both = comparable(counts) > 0.0
    n_b, n_c = np.where(both, counts[..., STABLE_REQUESTS], 1.0), np.where(both, counts[..., CANDIDATE_REQUESTS], 1.0)
    beyond = counts[..., CANDIDATE_EVENTS] / n_c - lines[..., 0] * counts[..., STABLE_EVENTS] / n_b - lines[..., 1]
    observed: Floats = np.where(both, beyond, 0.0)
    return observed


def variance_of(variance: Floats, rates: Floats) -> Floats:
    """Of one request: that of an event with the rate where `variance` is 0. Not known: nothing is assumed, 0."""
    found: Floats = np.where(variance == 0.0, rates * (1.0 - rates), np.maximum(variance, 0.0))
    return found


def overlap(counts: Floats) -> Floats:
    """n_b n_c / (n_b + n_c), the weight of a block in a sum of differences (Mantel and Haenszel); 0 unless comparable."""
    n_b, n_c = counts[..., STABLE_REQUESTS], counts[..., CANDIDATE_REQUESTS]
    weight: Floats = n_b * n_c / np.maximum(n_b + n_c, 1.0)
    return weight


def counted(check: Check, arm: ArmCounts) -> tuple[float, float]:
    """(requests, events) of one arm. A request without an answer is a failed request; it says nothing about rejections."""
    if check.summary:
        return summed(check, *arm.summed.get(check.summary, (0.0, 0.0)))
    if check.metric is Metric.ERRORS:
        requests, events = arm.requests + arm.missing, arm.errors + arm.missing
    else:
        requests, events = arm.requests, arm.rejections
    # Counters of one arm can be read a moment apart; more events than requests would make a rate above 1.
    return requests, min(events, requests)


def counts_of(check: Check, block: Block) -> Counts:
    """Both arms of one block, for all but latency."""
    return (*counted(check, block.stable), *counted(check, block.candidate))
