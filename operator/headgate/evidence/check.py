"""What the judge is asked: the checks of a policy, and the error budget of one attempt."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from headgate.api import policy
from headgate.api.quantities import Margin
from headgate.api.vocabulary import Metric


class Worse(StrEnum):
    """Which way a metric gets worse."""

    MORE = "more"
    LESS = "less"


@dataclass(frozen=True, slots=True)
class Check:
    """Compare one metric of the candidate with the stable version. `weight` is its share of alpha, before normalisation."""

    metric: Metric
    margin: Margin
    weight: float = 1.0
    required: bool = True
    quantile: float | None = None
    """For latency: which quantile the margin speaks about."""
    worse: Worse = Worse.MORE
    summary: str = ""
    """For value and conversions: whose `_sum` and `_count` are compared."""

    @property
    def is_mean(self) -> bool:
        """Whether sums of values are compared, of which nobody knows how much single ones differ; all else counts events."""
        return self.metric is Metric.VALUE


@dataclass(frozen=True, slots=True)
class Guard:
    """An absolute limit that either arm must keep, whatever the other does. `max_rate` is a share in 0..1."""

    metric: Metric
    max_rate: float
    min_requests: int


def request_guards(written: Iterable[policy.Guard]) -> tuple[Guard, ...]:
    """Those of a policy's guards that request counters answer; pod failures are read from the pods."""
    return tuple(
        Guard(metric=guard.metric, max_rate=guard.max_rate.fraction, min_requests=guard.min_requests)
        for guard in written
        if guard.max_rate is not None
    )


@dataclass(frozen=True, slots=True)
class DecisionCounters:
    """Where a model counts its decisions: one counter, with a label for the group of people and one for the outcome."""

    metric: str = "headgate_decisions_total"
    group: str = "group"
    outcome: str = "outcome"
    favourable: tuple[str, ...] = ("favourable",)


@dataclass(frozen=True, slots=True)
class FairnessQuestion:
    """Compare the candidate's decisions about groups of people with each other; limits are shares in 0..1.

    `min_ratio` is the least ratio of a group's favourable rate to its reference's, `max_difference` how far below it may lie. Without a
    named `reference` it is the group that is treated best. Groups with fewer than `min_decisions` are not judged. `alpha` is a budget of
    its own: the chance that a candidate within all limits is called unfair, over all looks and groups.
    """

    min_ratio: float
    alpha: float
    max_difference: float | None = None
    reference: str = ""
    min_decisions: int = 30
    required: bool = False
    counters: DecisionCounters = DecisionCounters()


@dataclass(frozen=True, slots=True)
class SegmentsQuestion:
    """Compare each segment of users with the same segment at the stable version. `label` of the counters tells segments apart, `most` are
    judged. One with fewer than `min_requests` compared requests of either version needs no proof of being good.

    `alpha` is the chance of rolling back a candidate within all limits in all segments, over all looks, checks and segments. `each` is what
    every one of them is asked; its alpha, that of the intervals, holds for all together.
    """

    label: str
    most: int
    min_requests: int
    alpha: float
    each: "Question"


@dataclass(frozen=True, slots=True)
class Question:
    """All that one attempt (or its shadow, with a budget of its own) is asked.

    `alpha` bounds the chance of rolling back a candidate within all limits, over all looks, checks and stages; `beta` the chance that
    one at a limit is called good. `stage_blocks` is the planned number of blocks of each stage, in order: start times of late
    regressions get their prior weight from it (at most 240 starts per stage). `first_stage` is the index of the first of them among all
    stages of the attempt: a shadow stage is asked a question of its own.
    """

    checks: tuple[Check, ...]
    guards: tuple[Guard, ...]
    alpha: float
    beta: float
    interval: float
    warmup: float
    stage_blocks: tuple[int, ...]
    first_stage: int = 0
    fairness: FairnessQuestion | None = None
    segments: SegmentsQuestion | None = None
