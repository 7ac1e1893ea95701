"""What one check compares: events of both arms, and the line between rates within the limit and rates beyond it."""

from dataclasses import dataclass

import numpy as np

from headgate.api.quantities import Margin, Unit
from headgate.api.vocabulary import Metric
from headgate.evidence.arrays import Floats
from headgate.evidence.block import ArmCounts, Block

MOST_POINTS = 0.99
STABLE_REQUESTS, STABLE_EVENTS, CANDIDATE_REQUESTS, CANDIDATE_EVENTS = range(4)
"""The last axis of arrays of counts."""
Counts = tuple[float, float, float, float]
"""The same of one check: requests and events (errors, rejections, slow answers) of the stable version, then of the candidate."""
NOTHING: Counts = (0.0, 0.0, 0.0, 0.0)
EQUALITY: Floats = np.array([1.0, 0.0])
"""The line (ratio, offset) on which both versions have the same rate."""


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


def limits_of(margin: Margin) -> Limits:
    """For shares. Raises ValueError for a margin in ms. 100 points or more would forbid nothing and are read as 99."""
    share = margin.fraction
    if margin.unit is Unit.RELATIVE:
        whole, half = Line(ratio=1.0 + share), Line(ratio=1.0 + share / 2)
    else:
        share = min(share, MOST_POINTS)
        whole, half = Line(offset=share), Line(offset=share / 2)
    return Limits(harm=half, act=whole, good=whole)


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


def overlap(counts: Floats) -> Floats:
    """n_b n_c / (n_b + n_c), the weight of a block in a sum of differences (Mantel and Haenszel); 0 unless comparable."""
    n_b, n_c = counts[..., STABLE_REQUESTS], counts[..., CANDIDATE_REQUESTS]
    weight: Floats = n_b * n_c / np.maximum(n_b + n_c, 1.0)
    return weight


def counted(metric: Metric, arm: ArmCounts) -> tuple[int, int]:
    """(requests, events) of one arm. A request without an answer is a failed request; it says nothing about rejections."""
    if metric is Metric.ERRORS:
        requests, events = arm.requests + arm.missing, arm.errors + arm.missing
    else:
        requests, events = arm.requests, arm.rejections
    # Counters of one arm can be read a moment apart; more events than requests would make a rate above 1.
    return requests, min(events, requests)


def counts_of(metric: Metric, block: Block) -> Counts:
    """Both arms of one block, for errors and rejections."""
    return (*counted(metric, block.stable), *counted(metric, block.candidate))
