"""What one check compares: events of both arms, and the line between rates within the limit and rates beyond it."""

from dataclasses import dataclass

from headgate.api.quantities import Margin, Unit
from headgate.api.vocabulary import Metric
from headgate.evidence.block import ArmCounts, Block

MOST_POINTS = 0.99


@dataclass(frozen=True, slots=True)
class Line:
    """The candidate's rate is at the limit when it equals ratio * (the stable version's rate) + offset."""

    ratio: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Counts:
    """Requests of both arms and the events among them: errors, rejections or slow answers."""

    stable_requests: int = 0
    stable_events: int = 0
    candidate_requests: int = 0
    candidate_events: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.stable_requests + other.stable_requests,
            self.stable_events + other.stable_events,
            self.candidate_requests + other.candidate_requests,
            self.candidate_events + other.candidate_events,
        )

    @property
    def comparable(self) -> bool:
        """Without requests on both sides there is nothing to compare: 0 of 0 is neither good nor bad."""
        return self.stable_requests > 0 and self.candidate_requests > 0

    def excess(self, line: Line) -> float:
        """Observed candidate rate minus the limit at the observed stable rate. 0 unless comparable."""
        if not self.comparable:
            return 0.0
        stable = self.stable_events / self.stable_requests
        return self.candidate_events / self.candidate_requests - line.ratio * stable - line.offset


NOTHING = Counts()


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
    return Counts(*counted(metric, block.stable), *counted(metric, block.candidate))
