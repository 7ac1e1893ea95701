"""What is asked about one live model: which series of its pods count what."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from math import ceil
from typing import Protocol

from headgate.api.aimodel import AIModelSpec
from headgate.api.monitoring import (
    PREDICTIONS,
    Monitoring,
    MonitoringRules,
    Oversight,
    Performance,
    PinnedBaseline,
    Reviewers,
    Watched,
    WorthWatched,
)
from headgate.api.policy import RolloutPolicySpec
from headgate.api.quantities import Margin
from headgate.api.scorecard import Scorecard
from headgate.api.triggers import Fairness
from headgate.api.value_case import ValueCase
from headgate.monitoring.drift import Limits
from headgate.monitoring.inservice.gauges import GaugePlan, gauge_plan
from headgate.monitoring.value import case_of
from headgate.monitoring.vendor import Sla

LATENCY = "http_request_duration_seconds"
"""The histogram by which a vendor's response times are watched."""


@dataclass(frozen=True, slots=True)
class FeaturePlan:
    """One distribution: a histogram's name without `_bucket`, or a counter and the label that names the class."""

    name: str
    metric: str
    label: str = ""

    @property
    def numeric(self) -> bool:
        return not self.label


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What one version is measured against: it is written for the version that it comes with, and says nothing about another one.

    `reference`: the name of the ConfigMap, and the digest.
    """

    reference: tuple[str, str] | None = None
    baseline: PinnedBaseline | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is watched of one model, `namespace/name`. What is not asked for is None."""

    model: str
    features: tuple[FeaturePlan, ...] = ()
    performance: Performance | None = None
    oversight: Oversight | None = None
    fairness: Fairness | None = None
    worth: WorthWatched | None = None
    sla: Sla | None = None
    gauges: GaugePlan | None = None
    """Of other products that measure drift."""
    scorecard: Scorecard | None = None
    rules: MonitoringRules = field(default_factory=MonitoringRules)
    window: timedelta = timedelta(days=1)
    interval: timedelta = timedelta(minutes=5)
    reference: tuple[str, str] | None = None
    """The name of the ConfigMap, and the digest."""

    @property
    def yardstick(self) -> Yardstick:
        return Yardstick(self.reference, self.performance.baseline if self.performance is not None else None)

    @property
    def label_lag(self) -> timedelta:
        """How long after a decision its truth is known, rounded up to days."""
        return timedelta(days=ceil(float(self.performance.label_lag) / 86_400)) if self.performance is not None else timedelta(0)

    def measured_by(self, yardstick: Yardstick) -> "Plan":
        """The same questions, answered against another yardstick. Performance that has no baseline there is not watched."""
        performance = None
        if self.performance is not None and yardstick.baseline is not None:
            performance = self.performance.model_copy(update={"baseline": yardstick.baseline})
        return replace(self, reference=yardstick.reference, performance=performance)

    @property
    def histograms(self) -> frozenset[str]:
        """Series names."""
        names = {f"{feature.metric}_bucket" for feature in self.features if feature.numeric}
        return frozenset(names | ({f"{LATENCY}_bucket"} if self.sla else set()))

    @property
    def counters(self) -> dict[str, frozenset[str]]:
        """Names of series that the live version's pods count, and the labels by which they are told apart."""
        wanted: dict[str, set[str]] = {}
        for feature in self.features:
            if not feature.numeric:
                wanted.setdefault(feature.metric, set()).add(feature.label)
        if (fair := self.fairness) is not None:
            wanted.setdefault(fair.metric, set()).update({fair.group_label, fair.outcome_label})
        if self.worth is not None:
            for end in ("_sum", "_count"):
                wanted.setdefault(self.worth.summary + end, set())
        return {name: frozenset(labels) for name, labels in wanted.items()}

    @property
    def applications(self) -> dict[str, frozenset[str]]:
        """The same for what applications count that know the truth, or whose users review: their pods have no revision of the model."""
        wanted: dict[str, set[str]] = {}
        if (rated := self.performance) is not None:
            wanted.setdefault(rated.counter, set()).update({rated.label, rated.segment or rated.label})
        if (looked := self.oversight) is not None:
            wanted.setdefault(looked.reviews, set()).add(looked.outcome_label)
            wanted.setdefault(looked.seeded, set()).add(looked.outcome_label)
            wanted.setdefault(looked.routed, set()).add(looked.route_label)
        return {name: frozenset(labels) for name, labels in wanted.items()}

    @property
    def reviewers(self) -> dict[str, frozenset[str]]:
        """The same for counters that tell persons apart; empty unless that is switched on."""
        looked = self.oversight
        if looked is None or looked.reviewers is not Reviewers.HASHED:
            return {}
        return {looked.reviews: frozenset({looked.reviewer_label, looked.outcome_label})}

    @property
    def empty(self) -> bool:
        return not (self.histograms or self.counters or self.applications or self.sla or self.gauges or self.scorecard)


class Promised(Protocol):
    """A vendor's promises as an AIModel writes them."""

    @property
    def accuracy(self) -> float: ...
    @property
    def p95(self) -> Margin: ...
    @property
    def p99(self) -> Margin: ...
    @property
    def uptime(self) -> float: ...
    @property
    def tolerance(self) -> float: ...
    @property
    def quarters(self) -> int: ...


def sla_of(promised: Promised) -> Sla:
    """The same as it is watched. Times are in milliseconds."""
    return Sla(
        accuracy=float(promised.accuracy),
        p95=timedelta(seconds=promised.p95.seconds),
        p99=timedelta(seconds=promised.p99.seconds),
        uptime=float(promised.uptime),
        tolerance=float(promised.tolerance),
        quarters=promised.quarters,
    )


def plan_of(model: str, spec: AIModelSpec, policy: RolloutPolicySpec | None, sla: Sla | None = None) -> Plan:
    """Of a model and its policy; without a policy that can be read the limits are the usual ones. `sla`: what its vendor promises."""
    watched = spec.monitoring or Monitoring()
    triggers = policy.triggers if policy is not None else None
    named: list[tuple[str, Watched]] = [(feature.name, feature) for feature in watched.features]
    if watched.predictions is not None:
        named.append((PREDICTIONS, watched.predictions))
    limits = (policy.monitoring if policy is not None else None) or MonitoringRules()
    return Plan(
        model=model,
        features=tuple(_feature(name, one) for name, one in named),
        performance=watched.performance,
        oversight=spec.oversight,
        # Decisions of a live version are watched for those who ask for monitoring at all.
        fairness=triggers.fairness if triggers is not None and spec.monitoring is not None else None,
        worth=_worth(watched.value, spec.value_case),
        sla=sla,
        gauges=_gauges(model, watched, limits),
        scorecard=watched.scorecard,
        rules=limits,
        window=timedelta(seconds=watched.window),
        interval=timedelta(seconds=watched.interval),
        reference=(watched.reference.config_map, watched.reference.digest) if watched.reference is not None else None,
    )


def _gauges(model: str, watched: Monitoring, rules: MonitoringRules) -> GaugePlan | None:
    if watched.drift_gauges is None:
        return None
    return gauge_plan(model.rpartition("/")[2], watched.drift_gauges, Limits(float(rules.drift.drifting), float(rules.drift.violated)))


def _worth(watched: WorthWatched | None, case: ValueCase | None) -> WorthWatched | None:
    """Planned is what the value case plans, unless something else is written."""
    if watched is None or case is None or watched.planned_per_year is not None:
        return watched
    planned = round(case_of(case).planned(case.counted))
    return watched.model_copy(update={"planned_per_year": planned}) if planned > 0 else watched


def _feature(name: str, one: Watched) -> FeaturePlan:
    if one.histogram is not None:
        return FeaturePlan(name, one.histogram)
    assert one.counter is not None
    return FeaturePlan(name, one.counter, one.label)
