"""Drift as other products measure it: which of their gauges, how long they have stood still, and what they say.

A gauge is a number without the size of its samples: there is no interval, and nothing here raises a severity. A gauge that stands still
proves nothing: it is within its limits only as long as it changes.
"""

from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from math import isfinite

from headgate.api.drift import DriftGauges, DriftProfile, GaugeReads
from headgate.monitoring.drift import Limits
from headgate.monitoring.inservice.assessment import Named
from headgate.monitoring.multiplicity import benjamini_hochberg
from headgate.monitoring.result import LimitVerdict, Result, not_assessed

P_VALUE, DISTANCE = "pValue", "distance"
MOST_FEATURES = 100
"""Of one gauge and model that are read."""
PATIENCE = 1200.0
"""Seconds for which a gauge may be away."""
_KEPT = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class _Preset:
    metrics: Mapping[GaugeReads, tuple[str, ...]]
    model_label: str
    feature_label: str


_PRESETS = {
    DriftProfile.TRUSTYAI: _Preset(
        {
            GaugeReads.P_VALUE: ("trustyai_approxkstest", "trustyai_kstest", "trustyai_meanshift"),
            GaugeReads.DISTANCE: ("trustyai_kstest",),
        },
        "model",
        "subcategory",
    ),
    DriftProfile.EVIDENTLY: _Preset(
        {GaugeReads.P_VALUE: ("evidently:data_drift:p_value",), GaugeReads.DISTANCE: ("evidently:data_drift:value",)},
        "dataset_name",
        "feature",
    ),
}
_NAMELESS = _Preset({}, "", "")


@dataclass(frozen=True, slots=True)
class GaugePlan:
    """Which gauges speak of one model. `limits` None for p-values; `max_age` in seconds."""

    metrics: tuple[str, ...]
    reads: GaugeReads
    model_label: str
    model: str
    feature_label: str
    revision_label: str = ""
    limits: Limits | None = None
    max_age: float = 86_400.0


def gauge_plan(name: str, written: DriftGauges, usual: Limits) -> GaugePlan:
    """Of the AIModel called `name`. `usual`: the limits of its policy."""
    preset = _PRESETS.get(written.profile, _NAMELESS)
    own = written.limits
    limits = Limits(float(own.drifting), float(own.violated)) if own is not None else usual
    return GaugePlan(
        metrics=written.metrics or preset.metrics[written.reads],
        reads=written.reads,
        model_label=written.model_label or preset.model_label,
        model=written.model or name,
        feature_label=written.feature_label or preset.feature_label,
        revision_label=written.revision_label or "",
        limits=limits if written.reads is GaugeReads.DISTANCE else None,
        max_age=float(written.max_age),
    )


@dataclass(frozen=True, slots=True)
class GaugeSample:
    """What one gauge says of a feature now; NaN where it is no number."""

    metric: str
    feature: str
    value: float


@dataclass(frozen=True, slots=True)
class Gauged:
    """What is remembered of it. `value` None: it was no number. `changed`: when it was last seen to change, None if it never was."""

    value: float | None
    seen: float
    changed: float | None = None


Remembered = MutableMapping[tuple[str, str], Gauged]
"""By metric and feature."""


def remember(known: Remembered, plan: GaugePlan | None, samples: Iterable[GaugeSample], now: float) -> None:
    """Take over what the gauges say now, and forget those that nobody reads any more or that have been away for a week."""
    wanted = plan.metrics if plan is not None else ()
    for key, before in list(known.items()):
        if key[0] not in wanted or now - before.seen > _KEPT:
            del known[key]
    for sample in samples:
        key, value = (sample.metric, sample.feature), sample.value if isfinite(sample.value) else None
        last = known.get(key)
        changed = None if last is None else now if last.value != value else last.changed
        known[key] = Gauged(value, now, changed)


def gauged(known: Mapping[tuple[str, str], Gauged], plan: GaugePlan, alpha: float, now: float) -> tuple[Named, ...]:
    """A figure of each feature and gauge; p-values are adjusted for all of them (Benjamini and Hochberg)."""
    for metric in plan.metrics:
        if sum(name == metric for name, _ in known) > MOST_FEATURES:
            return (("", not_assessed("drift", f"{metric} tells more than {MOST_FEATURES} features apart: have it computed for fewer")),)
    own = [(metric, feature, one) for (metric, feature), one in sorted(known.items()) if metric in plan.metrics]
    if not own:
        return (("", not_assessed("drift", _absent(plan))),)
    readable = [(metric, feature, one) for metric, feature, one in own if not _unreadable(metric, one, plan, now)]
    p_values = [one.value or 0.0 for _, _, one in readable] if plan.limits is None else []
    adjusted = dict(zip(((metric, feature) for metric, feature, _ in readable), benjamini_hochberg(p_values), strict=False))
    return tuple((feature, _figure(metric, one, plan, alpha, adjusted.get((metric, feature), 1.0), now)) for metric, feature, one in own)


def _absent(plan: GaugePlan) -> str:
    return (
        f'Prometheus has no {" or ".join(plan.metrics)} with {plan.model_label}="{plan.model}" in this namespace: is it computed, scraped '
        "with the label namespace, and called so (spec.monitoring.driftGauges)?"
    )


def _unreadable(metric: str, one: Gauged, plan: GaugePlan, now: float) -> str:
    """Why the gauge says nothing; empty if it does."""
    if now - one.seen > PATIENCE:
        return f"{metric} has vanished {(now - one.seen) / 60:.0f} min ago: is it still computed and scraped?"
    if one.value is None:
        return f"{metric} is no number: look at what computes it"
    if plan.reads is GaugeReads.P_VALUE and not 0.0 <= one.value <= 1.0:
        return f"{metric} is {one.value:.4g}, which is no p-value: if it is the statistic, write `reads: Distance`"
    if one.value < 0.0:
        return f"{metric} is {one.value:.4g}, which is no distance: name a gauge that is one"
    return ""


def _figure(metric: str, one: Gauged, plan: GaugePlan, alpha: float, adjusted: float, now: float) -> Result:
    statistic = P_VALUE if plan.reads is GaugeReads.P_VALUE else DISTANCE
    why = _unreadable(metric, one, plan, now)
    if why or one.value is None:
        return not_assessed(statistic, why)
    if plan.limits is None:
        verdict = LimitVerdict.DRIFTING if adjusted <= alpha else LimitVerdict.WITHIN_LIMITS
        told = f"{metric} {one.value:.3g}, {adjusted:.3g} adjusted for all features, against {alpha:g}"
    else:
        verdict, limit = _held_against(one.value, plan.limits)
        told = f"{metric} {one.value:.3g}, against {limit:g}"
    still = _still(one, plan, now)
    if still and verdict is LimitVerdict.WITHIN_LIMITS:
        return Result(statistic, LimitVerdict.NOT_ASSESSED, f"{told}; but it {still}: nobody may be computing it", (), one.value)
    beside = f"; it {still}" if still else ""
    return Result(statistic, verdict, f"{told}; the size of its samples is not known{beside}", (), one.value)


def _held_against(value: float, limits: Limits) -> tuple[LimitVerdict, float]:
    if value >= limits.violated:
        return LimitVerdict.VIOLATED, limits.violated
    return (LimitVerdict.DRIFTING if value >= limits.drifting else LimitVerdict.WITHIN_LIMITS), limits.drifting


def _still(one: Gauged, plan: GaugePlan, now: float) -> str:
    """For how long it has stood still, if that is too long."""
    if one.changed is None:
        return "has not changed since it was first seen"
    return f"has not changed for {(now - one.changed) / 3600:.3g} h" if now - one.changed > plan.max_age else ""
