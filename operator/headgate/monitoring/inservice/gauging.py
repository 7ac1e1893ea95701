"""What gauges of drift that other products compute come to.

A gauge is a number without the size of its samples: there is no interval, and nothing here raises a severity. A gauge that stands still
proves nothing: it is within its limits only as long as it changes.
"""

from collections.abc import Mapping, Sequence
from math import isfinite

from headgate.api.drift import GaugeReads
from headgate.monitoring.drift import Limits
from headgate.monitoring.inservice.assessment import Named
from headgate.monitoring.inservice.gauges import DISTANCE, P_VALUE, Crowd, Crowded, Gauged, GaugePlan
from headgate.monitoring.multiplicity import benjamini_hochberg
from headgate.monitoring.result import LimitVerdict, Result, not_assessed

PATIENCE = 1200.0
"""Seconds for which a gauge may be away."""


def gauged(
    known: Mapping[tuple[str, str], Gauged], crowds: Mapping[str, Crowded], plan: GaugePlan, alpha: float, now: float
) -> tuple[Named, ...]:
    """A figure of each feature and gauge, and one of each crowd; p-values are adjusted for all of them (Benjamini and Hochberg)."""
    own = [(metric, feature, one) for (metric, feature), one in sorted(known.items()) if metric in plan.metrics]
    if not own:
        return (("", not_assessed("drift", _absent(plan))),)
    beyond = [one for metric, one in sorted(crowds.items()) if metric in plan.metrics]
    readable = [place for place, (metric, _, one) in enumerate(own) if not _unreadable(metric, one, plan, now)]
    p_values = [own[place][2].value or 0.0 for place in readable] if plan.limits is None else []
    adjusted, of_crowds = _adjusted(p_values, [one.crowd for one in beyond] if plan.limits is None else [])
    ranges = dict(zip(readable, adjusted, strict=False))
    return (
        *((feature, _figure(metric, one, plan, alpha, ranges.get(at, _NEVER), now)) for at, (metric, feature, one) in enumerate(own)),
        *(("", _of_crowd(one, plan, alpha, of_crowds[at] if of_crowds else _NEVER, now)) for at, one in enumerate(beyond)),
    )


_Range = tuple[float, float]
"""Between which an adjusted p-value lies."""
_NEVER = (1.0, 1.0)


def _adjusted(p_values: Sequence[float], crowds: Sequence[Crowd]) -> tuple[list[_Range], list[_Range]]:
    """Of those read, and of the worst of each crowd. What is not known of a crowd is somewhere between its worst and 1."""
    worst = [min(max(one.worst, 0.0), 1.0) for one in crowds]
    ones, unread = [1] * len(p_values), [one.count - 1 for one in crowds if one.count > 1]
    least = benjamini_hochberg([*p_values, *worst], [*ones, *(one.count for one in crowds)])
    most = benjamini_hochberg([*p_values, *worst, *(1.0 for _ in unread)], [*ones, *(1 for _ in crowds), *unread])
    both = list(zip(least, most, strict=False))
    return both[: len(p_values)], both[len(p_values) :]


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


def _figure(metric: str, one: Gauged, plan: GaugePlan, alpha: float, adjusted: _Range, now: float) -> Result:
    statistic = P_VALUE if plan.reads is GaugeReads.P_VALUE else DISTANCE
    why = _unreadable(metric, one, plan, now)
    if why or one.value is None:
        return not_assessed(statistic, why)
    verdict, against = _held_against(one.value, plan.limits) if plan.limits is not None else _by_chance(adjusted, alpha)
    return _told(f"{metric} {one.value:.3g}, {against}", verdict, one.value, one, plan, now)


def _of_crowd(one: Crowded, plan: GaugePlan, alpha: float, adjusted: _Range, now: float) -> Result:
    """No feature of the crowd is worse than its worst."""
    statistic, crowd = P_VALUE if plan.reads is GaugeReads.P_VALUE else DISTANCE, one.crowd
    for value in (crowd.worst, crowd.mildest):
        why = _unreadable(crowd.metric, Gauged(value if isfinite(value) else None, one.summed.seen), plan, now)
        if why:
            return not_assessed(statistic, f"{crowd.count:,} features more: {why}")
    verdict, against = _held_against(crowd.worst, plan.limits) if plan.limits is not None else _by_chance(adjusted, alpha)
    told = f"{crowd.metric} of {crowd.count:,} features more, {crowd.worst:.3g} the worst, {against}"
    return _told(told, verdict, crowd.worst, one.summed, plan, now)


def _told(told: str, verdict: LimitVerdict, value: float, moved: Gauged, plan: GaugePlan, now: float) -> Result:
    """What stands still proves nothing: it clears nobody."""
    statistic, still = P_VALUE if plan.reads is GaugeReads.P_VALUE else DISTANCE, _still(moved, plan, now)
    if still and verdict is LimitVerdict.WITHIN_LIMITS:
        return Result(statistic, LimitVerdict.NOT_ASSESSED, f"{told}; but it {still}: nobody may be computing it", (), value)
    beside = f"; it {still}" if still else ""
    return Result(statistic, verdict, f"{told}; the size of its samples is not known{beside}", (), value)


def _held_against(value: float, limits: Limits) -> tuple[LimitVerdict, str]:
    if value >= limits.violated:
        return LimitVerdict.VIOLATED, f"against {limits.violated:g}"
    return LimitVerdict.DRIFTING if value >= limits.drifting else LimitVerdict.WITHIN_LIMITS, f"against {limits.drifting:g}"


def _by_chance(adjusted: _Range, alpha: float) -> tuple[LimitVerdict, str]:
    least, most = adjusted
    if least <= alpha < most:
        return LimitVerdict.NOT_ASSESSED, (
            f"between {least:.3g} and {most:.3g} adjusted for all features, against {alpha:g}: too many of them to read each"
        )
    verdict = LimitVerdict.DRIFTING if most <= alpha else LimitVerdict.WITHIN_LIMITS
    return verdict, f"{most if most <= alpha else least:.3g} adjusted for all features, against {alpha:g}"


def _still(one: Gauged, plan: GaugePlan, now: float) -> str:
    """For how long it has stood still, if that is too long."""
    if one.changed is None:
        return "has not changed since it was first seen"
    return f"has not changed for {(now - one.changed) / 3600:.3g} h" if now - one.changed > plan.max_age else ""
