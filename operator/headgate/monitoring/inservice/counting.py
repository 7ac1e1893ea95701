"""What grew of a model's counters between two instants, added to what is remembered of it."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from math import inf, isfinite

from headgate.api.monitoring import FEATURE_LABEL
from headgate.monitoring.inservice.binning import MOST_BUCKETS, MOST_ROWS, Labels, Row, bins_of, too_many_buckets
from headgate.monitoring.inservice.daily import LONGEST_LAG, Daily
from headgate.monitoring.inservice.gauges import GaugeReading, remember
from headgate.monitoring.inservice.memory import Memory, utc_day
from headgate.monitoring.inservice.plan import LATENCY, FeaturePlan, Plan
from headgate.monitoring.inservice.reference import Reference
from headgate.monitoring.oversight import MOST_REVIEWERS

MOST_REVIEWER_ROWS = 4 * MOST_REVIEWERS
"""Rows of one metric that are read where persons are told apart."""
_CUT_FOR = 86_400.0
"""Seconds for which nothing is told of a metric of which rows were cut off: in quiet hours there are fewer."""

PERFORMANCE, REVIEWS, SEEDED, AUDITED, WORTH = "performance", "reviews", "seeded", "audited", "worth"
WORTH_SHOWN = "worthShown"
"""Looks that found the summary, whether or not anything was answered."""
ELSEWHERE = "elsewhere"
"""Seconds, each times the share of the users that a candidate or a fallback answered, and seconds in which one did."""
_SHARED = 0.1 * 86_400.0
"""From so much on a day is nobody's: a candidate that fails all of its cases would take a loss of ten points to the live version."""
P95, P99, UP = "p95", "p99", "up"
SEGMENT, GROUP, REVIEWER = "segment/", "group/", "reviewer/"
"""Names of daily sums; the last three are followed by what they tell apart."""


@dataclass(slots=True)
class Grown:
    """Increments of one live version. By series name, rows; `probes` are (successful, all)."""

    histograms: dict[str, list[Row]] = field(default_factory=dict)
    counters: dict[str, list[Row]] = field(default_factory=dict)
    reviewers: dict[str, list[Row]] = field(default_factory=dict)
    probes: tuple[float, float] | None = None
    gauges: GaugeReading = field(default_factory=GaugeReading)
    """As they were at the end."""


def fold(memory: Memory, plan: Plan, reference: Reference | None, grown: Grown, start: float, end: float) -> None:
    """Count what grew between `start` and `end`. `memory` fits to the plan and the reference (Memory.fit)."""
    memory.as_of = end
    _distributions(memory, plan, reference, grown, (start, end))
    remember(memory.gauges, memory.crowds, plan.gauges, grown.gauges, end)
    counted = _Counted(memory, grown, end, frozenset(feature.metric for feature in plan.features))
    counted.performance(plan)
    counted.oversight(plan)
    counted.fairness(plan)
    counted.worth(plan)
    counted.vendor(plan)


def count_elsewhere(memory: Memory, share: float, start: float, end: float) -> None:
    """So large a share of the users got their answers from others than the live version between `start` and `end`. Labels do not tell who
    answered."""
    if share > 0.0:
        memory.daily.add(ELSEWHERE, utc_day(end - 1.0), share * (end - start), end - start)


def shared_days(daily: Daily) -> frozenset[date]:
    """Days on which others than the live version gave a tenth of the answers or more."""
    return frozenset(day for day, seconds, _ in daily.days(ELSEWHERE) if seconds >= _SHARED)


def _distributions(memory: Memory, plan: Plan, reference: Reference | None, grown: Grown, between: tuple[float, float]) -> None:
    rows = {id(one): one.sliding.move(*between) for one in (memory.inputs, memory.outputs) if one is not None}
    windows = memory.windows()
    for feature in plan.features:
        memory.trouble.pop(feature.name, None)
        own = of_feature(feature, grown)
        if own:
            memory.seen[feature.name] = between[1]
        if not own or reference is None or feature.name not in windows:
            continue
        try:
            counts = bins_of(feature, own, reference.features[feature.name])
        except ValueError as error:
            memory.trouble[feature.name] = str(error)
            continue
        window = windows[feature.name]
        window.sliding.counts[rows[id(window)], window.columns[feature.name]] += counts


def of_feature(feature: FeaturePlan, grown: Grown) -> list[Row]:
    """The rows of one feature. Series without the label `feature` belong to whoever names the metric."""
    found = grown.histograms.get(f"{feature.metric}_bucket", ()) if feature.numeric else grown.counters.get(feature.metric, ())
    return [row for row in found if row[0].get(FEATURE_LABEL) in (feature.name, "", None)]


def cut_off(memory: Memory, metric: str, now: float) -> str:
    """Why nothing can be told of a metric; empty unless it had more rows than are read. Persons are told apart as REVIEWER and the name."""
    at = memory.cut.get(metric)
    if at is None or now - at >= _CUT_FOR:
        return ""
    most = MOST_REVIEWER_ROWS if metric.startswith(REVIEWER) else MOST_ROWS
    return (
        f"{metric.removeprefix(REVIEWER)} has more than {most} rows, and the smaller ones are cut off, so that no share is right: one of "
        "its labels tells single things apart"
    )


def reviewer_hash(model: str, reviewer: str) -> str:
    """Tells reviewers of one model apart, and does not name them."""
    return hashlib.sha256(f"{model}\0{reviewer}".encode()).hexdigest()[:12]


@dataclass(slots=True)
class _Counted:
    """Daily sums, from the rows of one look."""

    memory: Memory
    grown: Grown
    end: float
    of_features: frozenset[str]
    """Metrics of which each feature has rows of its own, with the label `feature`."""

    def _rows(self, metric: str) -> list[Row]:
        rows = self._whole(metric, self.grown.counters.get(metric, ()), MOST_ROWS)
        if rows:
            self.memory.seen[metric] = self.end
        return rows

    def _whole(self, metric: str, rows: Sequence[Row], most: int) -> list[Row]:
        """None of what was cut off: the largest rows are no sample of all."""
        # Elsewhere `feature` is a label like any other: the rows are cut off together.
        counts = Counter(labels.get(FEATURE_LABEL, "") if metric in self.of_features else "" for labels, _ in rows)
        if max(counts.values(), default=0) <= most:
            return [row for row in rows if isfinite(row[1])]
        self.memory.cut[metric] = self.end
        return []

    def _add(self, name: str, part: float, whole: float, lag: float = 0.0) -> None:
        if whole > 0.0:
            # What grew up to midnight is of the day that ends there.
            self.memory.daily.add(name, utc_day(self.end - 1.0 - lag), part, whole)

    def performance(self, plan: Plan) -> None:
        asked = plan.performance
        if asked is None or asked.label_lag > LONGEST_LAG * 86_400:
            return
        lag, sums = float(asked.label_lag), dict[str, tuple[float, float]]()
        for labels, value in self._rows(asked.counter):
            good = value if labels.get(asked.label) in asked.good else 0.0
            _into(sums, PERFORMANCE, good, value)
            if asked.segment is not None:
                _into(sums, SEGMENT + labels.get(asked.segment, ""), good, value)
        for name, (part, whole) in sums.items():
            self._add(name, part, whole, lag)

    def oversight(self, plan: Plan) -> None:
        asked = plan.oversight
        if asked is None:
            return
        decided = {*asked.automatic, *asked.audited}
        for name, metric, label, wanted in (
            (REVIEWS, asked.reviews, asked.outcome_label, asked.changed),
            (SEEDED, asked.seeded, asked.outcome_label, asked.found),
            (AUDITED, asked.routed, asked.route_label, asked.audited),
        ):
            rows = [row for row in self._rows(metric) if name != AUDITED or row[0].get(label) in decided]
            self._add(name, sum(value for labels, value in rows if labels.get(label) in wanted), sum(value for _, value in rows))
        sums: dict[str, tuple[float, float]] = {}
        for labels, value in self._whole(REVIEWER + asked.reviews, self.grown.reviewers.get(asked.reviews, ()), MOST_REVIEWER_ROWS):
            changed = value if labels.get(asked.outcome_label) in asked.changed else 0.0
            _into(sums, REVIEWER + reviewer_hash(plan.model, labels.get(asked.reviewer_label, "")), changed, value)
        for name, (part, whole) in sums.items():
            self._add(name, part, whole)

    def fairness(self, plan: Plan) -> None:
        asked = plan.fairness
        if asked is None:
            return
        sums: dict[str, tuple[float, float]] = {}
        for labels, value in self._rows(asked.metric):
            if group := labels.get(asked.group_label):
                _into(sums, GROUP + group, value if labels.get(asked.outcome_label) in asked.favourable else 0.0, value)
        for name, (part, whole) in sums.items():
            self._add(name, part, whole)

    def worth(self, plan: Plan) -> None:
        if plan.worth is not None:
            totals, answers = (self._rows(plan.worth.summary + end) for end in ("_sum", "_count"))
            self._add(WORTH, sum(value for _, value in totals), sum(value for _, value in answers))
            self._add(WORTH_SHOWN, float(bool(answers)), float(bool(answers)))

    def vendor(self, plan: Plan) -> None:
        if plan.sla is None:
            return
        rows = self.grown.histograms.get(f"{LATENCY}_bucket", ())
        by_bound: dict[float, float] = {}
        for labels, value in rows:
            bound = _bound(labels)
            if isfinite(value) and bound is not None:
                by_bound[bound] = by_bound.get(bound, 0.0) + value
        for name, promised in ((P95, plan.sla.p95.total_seconds()), (P99, plan.sla.p99.total_seconds())):
            self.memory.trouble.pop(name, None)
            if len(rows) > MOST_BUCKETS:
                self.memory.trouble[name] = too_many_buckets(LATENCY)
            elif by_bound and promised not in by_bound:
                self.memory.trouble[name] = f"{LATENCY} has no bucket that ends at {promised:g} s: add that bound to the histogram"
            elif by_bound:
                self._add(name, by_bound[promised], by_bound.get(inf, 0.0))
        if self.grown.probes is not None:
            self._add(UP, *self.grown.probes)


def _bound(labels: Labels) -> float | None:
    """Of a bucket; None if it is no number."""
    try:
        return float(labels.get("le", ""))
    except ValueError:
        return None


def _into(sums: dict[str, tuple[float, float]], name: str, part: float, whole: float) -> None:
    before = sums.get(name, (0.0, 0.0))
    sums[name] = before[0] + part, before[1] + whole
