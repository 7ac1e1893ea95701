"""RolloutPolicy: how far and how fast a new version goes, what stops it, and who must agree."""

from itertools import pairwise
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from headgate.api.base import METRIC_NAME, Count, Label, Model, each_once, list_map, rules
from headgate.api.gates import Gates
from headgate.api.monitoring import MonitoringRules
from headgate.api.notifications import Notifications
from headgate.api.quantities import AnyMargin, Duration, Margin, Permille, PointsMargin, Probability, ShareMargin, Unit
from headgate.api.replay import ReplayLimits
from headgate.api.segments import SEGMENT_REQUESTS, SEGMENTS_MOST, Segments
from headgate.api.triggers import Triggers
from headgate.api.vocabulary import SUMMED, Leave, Metric, OnDeadline, Profile
from headgate.api.windows import Windows

_IDLE = "mirrorPercent and trafficPercent must be above 0, holdbackPercent below 100: else the stage gives the candidate nothing to show"
_NOT_SHADOW = "only a shadow stage (with mirrorPercent) has a replay: users must not wait for it"
_ONE_OF = "[has(self.mirrorPercent), has(self.trafficPercent), has(self.holdbackPercent)].filter(x, x).size() == 1"


class Stage(Model):
    """One step on the way to all users. Exactly one of the three percentages says what kind it is.

    mirrorPercent: copies of requests, no user sees the answers. trafficPercent: this share of users.
    holdbackPercent: all users but this share, who stay on the stable version as the last comparison.
    """

    model_config = ConfigDict(
        json_schema_extra=rules(
            (_ONE_OF, "a stage has exactly one of mirrorPercent (shadow), trafficPercent (canary) and holdbackPercent (full)"),
            ("self.minDuration <= self.maxDuration", "minDuration must not be longer than maxDuration"),
            (
                "(!has(self.mirrorPercent) || double(self.mirrorPercent) > 0.0)"
                " && (!has(self.trafficPercent) || double(self.trafficPercent) > 0.0)"
                " && (!has(self.holdbackPercent) || double(self.holdbackPercent) < 100.0)",
                _IDLE,
            ),
            ("!has(self.replay) || has(self.mirrorPercent)", _NOT_SHADOW),
        )
    )

    name: Label
    mirror_percent: Permille | None = None
    traffic_percent: Permille | None = None
    holdback_percent: Permille | None = None
    min_duration: Duration
    max_duration: Duration
    min_requests: Count = 0
    replay: ReplayLimits | None = None
    """Compare the answers of both versions to the same requests; models say in spec.serving.replay to which. Shadow only."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = [p for p in (self.mirror_percent, self.traffic_percent, self.holdback_percent) if p is not None]
        if len(given) != 1:
            raise ValueError(
                f"stage {self.name!r} must have exactly one of mirrorPercent (shadow), trafficPercent (canary) and holdbackPercent (full)"
            )
        if 0 in (self.mirror_percent, self.traffic_percent) or self.holdback_percent == 1000:
            raise ValueError(f"stage {self.name!r}: {_IDLE}")
        if self.replay is not None and not self.is_shadow:
            raise ValueError(f"stage {self.name!r}: {_NOT_SHADOW}")
        if self.min_duration > self.max_duration:
            raise ValueError(f"stage {self.name!r}: minDuration {self.min_duration} is longer than maxDuration {self.max_duration}")
        return self

    @property
    def weight(self) -> int:
        """The candidate's share of user requests, in thousandths."""
        if self.holdback_percent is not None:
            return 1000 - self.holdback_percent
        return self.traffic_percent or 0

    @property
    def is_shadow(self) -> bool:
        return self.mirror_percent is not None

    @property
    def is_full(self) -> bool:
        return self.holdback_percent is not None


_SUMMED = f"{[str(metric) for metric in SUMMED]}"
_EITHER = "a check has exactly one of maxIncrease (more is worse) and maxDecrease (less is worse)"
_LATENCY = "latency takes a quantile and a limit in ms; the other metrics take neither"
_LESS = "only value and conversions take maxDecrease: of errors, rejections and latency more is worse"
_OWN = "only value and conversions take summary: it names a counter of the model itself"
_PART = "value takes a limit in %: what a point of it would be nobody knows"
_NOTHING = "maxDecrease must be below 100: a decrease by everything forbids nothing"


class Check(Model):
    """Compare the candidate with the stable version, side by side. Exactly one limit says how much worse it may be: `maxIncrease` where
    more is worse, `maxDecrease` where less is."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("has(self.maxIncrease) != has(self.maxDecrease)", _EITHER),
            (
                "has(self.maxIncrease) == has(self.maxDecrease) || (self.metric == 'latency') == has(self.quantile)"
                " && (self.metric == 'latency') == (has(self.maxIncrease) && self.maxIncrease.endsWith('ms'))"
                f" || has(self.maxDecrease) && !(self.metric in {_SUMMED})",
                _LATENCY,
            ),
            (f"!has(self.maxDecrease) || has(self.maxIncrease) || self.metric in {_SUMMED}", _LESS),
            (f"!has(self.summary) || self.metric in {_SUMMED}", _OWN),
            (
                "self.metric != 'value' || !(has(self.maxIncrease) && self.maxIncrease.endsWith('pp')"
                " || has(self.maxDecrease) && self.maxDecrease.endsWith('pp'))",
                _PART,
            ),
            ("!has(self.maxDecrease) || !self.maxDecrease.matches('^0*[1-9][0-9]{2}')", _NOTHING),
            ("self.metric != 'podFailures'", "podFailures has no comparison: use it as a guard"),
        )
    )

    metric: Metric
    max_increase: AnyMargin | None = None
    max_decrease: ShareMargin | None = None
    quantile: Probability | None = None
    summary: Annotated[str, Field(pattern=METRIC_NAME, max_length=120)] | None = None
    """For value and conversions: the summary or histogram of the model whose `_sum` and `_count` are compared. Left out: `headgate_value`
    and `headgate_conversion`."""
    weight: Annotated[int, Field(ge=1, le=100)] = 1
    required: bool = True
    segments: Segments | None = None
    """Look also at segments of users, one by one."""

    @property
    def limit(self) -> Margin:
        """Whichever of the two limits is set."""
        found = self.max_increase or self.max_decrease
        assert found is not None, _EITHER
        return found

    @model_validator(mode="after")
    def _fits_metric(self) -> Self:
        latency, summed = self.metric is Metric.LATENCY, self.metric in SUMMED
        if (self.max_increase is None) is (self.max_decrease is None):
            raise ValueError(_EITHER)
        if self.metric is Metric.POD_FAILURES:
            raise ValueError("podFailures has no comparison: use it as a guard")
        if self.max_decrease is not None and not summed:
            raise ValueError(_LESS)
        if latency != (self.quantile is not None) or latency != (self.limit.unit is Unit.MILLISECONDS):
            raise ValueError(f'{_LATENCY} (quantile: "0.95", maxIncrease: 50ms)')
        if self.summary is not None and not summed:
            raise ValueError(_OWN)
        if self.metric is Metric.VALUE and self.limit.unit is not Unit.RELATIVE:
            raise ValueError(_PART)
        if self.max_decrease is not None and self.max_decrease.value >= 100:
            raise ValueError(_NOTHING)
        return self


_ONE_SPLIT = "checks with segments must all write the same ones: a model's users are split in one way"
_CHECK_RULES = rules(
    (
        "self.all(c, !has(c.segments) || self.all(d, !has(d.segments) || (c.segments.label == d.segments.label"
        f" && c.segments.?most.orValue({SEGMENTS_MOST}) == d.segments.?most.orValue({SEGMENTS_MOST})"
        f" && c.segments.?minRequests.orValue({SEGMENT_REQUESTS}) == d.segments.?minRequests.orValue({SEGMENT_REQUESTS}))))",
        _ONE_SPLIT,
    )
)

_GUARD_KINDS = (
    "a guard is {metric: errors or rejections, maxRate: 20pp, minRequests: 30} or {metric: podFailures, maxRestarts: 3, window: 60s}"
)


class Guard(Model):
    """An absolute limit for either version: no statistics, no warm-up."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "self.metric == 'podFailures' ? has(self.maxRestarts) && has(self.window) && !has(self.maxRate)"
                " : has(self.maxRate) && !has(self.maxRestarts) && self.metric in ['errors', 'rejections']",
                _GUARD_KINDS,
            )
        )
    )

    metric: Metric
    max_rate: PointsMargin | None = None
    min_requests: Annotated[int, Field(ge=1, le=100_000)] = 30
    max_restarts: Annotated[int, Field(ge=1, le=100)] | None = None
    window: Duration | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.metric is Metric.POD_FAILURES:
            right = self.max_restarts is not None and self.window is not None and self.max_rate is None
        else:
            right = self.metric in (Metric.ERRORS, Metric.REJECTIONS) and self.max_rate is not None and self.max_restarts is None
        if not right:
            raise ValueError(_GUARD_KINDS)
        return self


class Analysis(Model):
    """alpha: chance of rolling back a version within all limits, over the whole rollout. beta: of calling one at a limit good."""

    alpha: Probability = Probability(0.05)
    beta: Probability = Probability(0.05)
    interval: Duration = Duration(15)
    warmup: Duration = Duration(60)
    max_retries: Annotated[int, Field(ge=0, le=10)] = 2
    on_deadline: OnDeadline = OnDeadline.ROLLBACK
    observe: Leave | None = None
    """Whether models may set spec.mode: Observe, with which evidence decides nothing. Left out: Forbidden."""


class Metrics(Model):
    """Where the counters come from."""

    profile: Profile = Profile.ENVOY_GATEWAY


_WEIGHTS = (
    "self.map(s, has(s.holdbackPercent) ? 1000 - int(double(s.holdbackPercent) * 10.0 + 0.5)"
    " : has(s.trafficPercent) ? int(double(s.trafficPercent) * 10.0 + 0.5) : 0)"
)
_RISING = "each stage must give the candidate more traffic than the one before"
_STAGE_RULES = rules(
    (f"[0,1,2,3,4,5,6,7,8,9,10].all(i, i + 1 >= self.size() || {_WEIGHTS}[i] < {_WEIGHTS}[i + 1])", _RISING),
    ("self.all(s, self.filter(t, t.name == s.name).size() == 1)", "stage names must be different"),
    ("has(self[self.size() - 1].holdbackPercent)", "the last stage must be the full one, with holdbackPercent"),
    ("self.filter(s, has(s.holdbackPercent)).size() == 1", "only the last stage may have holdbackPercent"),
    (
        "self.filter(s, has(s.mirrorPercent)).size() <= 1 && (!self.exists(s, has(s.mirrorPercent)) || has(self[0].mirrorPercent))",
        "shadow is one stage, and the first",
    ),
)


class RolloutPolicySpec(Model):
    """What the platform and risk team write."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "self.stages.all(s, s.minDuration >= self.analysis.warmup + self.analysis.warmup"
                " + self.analysis.interval + self.analysis.interval + self.analysis.interval + self.analysis.interval)",
                "every minDuration must be at least 2 x analysis.warmup + 4 x analysis.interval: less is too short to judge anything",
            )
        )
    )

    metrics: Metrics = Metrics()
    stages: Annotated[
        tuple[Stage, ...], Field(min_length=1, max_length=12, json_schema_extra=_STAGE_RULES | {"x-kubernetes-list-type": "atomic"})
    ]
    checks: Annotated[
        tuple[Check, ...], Field(min_length=1, max_length=8, json_schema_extra=_CHECK_RULES | list_map("metric")), each_once("metric")
    ] = (
        Check(metric=Metric.ERRORS, max_increase=Margin(0.5, Unit.POINTS), weight=4),
        Check(metric=Metric.REJECTIONS, max_increase=Margin(1, Unit.POINTS), weight=2),
    )
    guards: Annotated[tuple[Guard, ...], Field(max_length=8, json_schema_extra=list_map("metric")), each_once("metric")] = (
        Guard(metric=Metric.ERRORS, max_rate=Margin(20, Unit.POINTS), min_requests=30),
        Guard(metric=Metric.POD_FAILURES, max_restarts=3, window=Duration(60)),
    )
    triggers: Triggers | None = None
    analysis: Analysis = Analysis()
    gates: Gates = Gates()
    rollback_window: Duration = Duration(7 * 86_400)
    rollback_warm: Duration = Duration(3_600)
    lapse_grace: Duration = Duration(86_400)
    """How long a candidate may keep its traffic after one of its approvals lapsed."""
    windows: Windows | None = None
    """When a version may move upward; any time if left out. An edit binds at once, also rollouts under way."""
    notifications: Notifications | None = None
    """Who is told what outside the cluster. An edit binds at once, and is no part of what people approve."""

    monitoring: MonitoringRules | None = None
    """Limits for live models. No part of what people approve: it says nothing about how a version gets its users."""

    @property
    def segments(self) -> Segments | None:
        """How users are split for the checks that ask for it; None if none does."""
        return next((check.segments for check in self.checks if check.segments is not None), None)

    @model_validator(mode="after")
    def _one_split(self) -> Self:
        if any(check.segments not in (None, self.segments) for check in self.checks):
            raise ValueError(_ONE_SPLIT)
        return self

    @model_validator(mode="after")
    def _stage_order(self) -> Self:
        names = [stage.name for stage in self.stages]
        if len(set(names)) != len(names):
            raise ValueError("stage names must be different")
        if [s.is_full for s in self.stages] != [False] * (len(self.stages) - 1) + [True]:
            raise ValueError("the last stage, and only the last, must be the full one, with holdbackPercent")
        if any(s.is_shadow for s in self.stages[1:]):
            raise ValueError("shadow is one stage, and the first")
        weights = [stage.weight for stage in self.stages]
        if any(later <= earlier for earlier, later in pairwise(weights)):
            raise ValueError(_RISING)
        shortest = 2 * self.analysis.warmup + 4 * self.analysis.interval
        for stage in self.stages:
            if stage.min_duration < shortest:
                raise ValueError(
                    f"stage {stage.name!r}: minDuration {stage.min_duration} is too short to judge anything: "
                    f"at least 2 x warmup + 4 x interval = {Duration(shortest)}"
                )
        return self
