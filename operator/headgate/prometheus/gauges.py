"""What gauges of drift say at one instant: one question for all live models, whichever products measure them."""

from collections.abc import Iterator, Mapping
from math import isnan, nan

from headgate.api.drift import GaugeReads
from headgate.monitoring.inservice.gauges import MOST_FEATURES, GaugePlan, GaugeSample
from headgate.prometheus.answers import garbled, rows
from headgate.prometheus.grown import NAME
from headgate.prometheus.profiles import Labels, Target, matching, one_of

SIDE = "headgate_side"
_LOW, _HIGH, _NO_NUMBER = "low", "high", "nan"
_SIDES = {GaugeReads.P_VALUE: _LOW, GaugeReads.DISTANCE: _HIGH}


def gauge_question(plans: Mapping[Target, GaugePlan]) -> str:
    """PromQL. Of several series of one feature (requests, replicas) the worst: the least p-value, the largest distance. What is no number
    is told apart: a minimum would pass over it."""
    spaces = {"namespace": one_of(target.namespace for target in plans)}
    models = sorted({plan.model_label for plan in plans.values()})
    told = {label for plan in plans.values() for label in (plan.feature_label, plan.revision_label) if label}
    place = ", ".join(dict.fromkeys(("namespace", NAME, *models)))
    by = ", ".join(dict.fromkeys(("namespace", NAME, *models, *sorted(told))))

    def named(reads: GaugeReads | None) -> str:
        names = one_of(name for plan in plans.values() for name in plan.metrics if reads in (plan.reads, None))
        return f'label_replace({matching({"__name__": names} | spaces)}, "{NAME}", "$1", "__name__", "(.+)")'

    wanted = {plan.reads for plan in plans.values()}
    parts = []
    if GaugeReads.P_VALUE in wanted:
        parts.append((_LOW, f"bottomk by ({place}) ({MOST_FEATURES + 1}, min by ({by}) ({named(GaugeReads.P_VALUE)} >= -Inf))"))
    if GaugeReads.DISTANCE in wanted:
        parts.append((_HIGH, f"topk by ({place}) ({MOST_FEATURES + 1}, max by ({by}) ({named(GaugeReads.DISTANCE)} >= -Inf))"))
    everything = named(None)
    parts.append((_NO_NUMBER, f"topk by ({place}) ({MOST_FEATURES + 1}, count by ({by}) ({everything} != {everything}))"))
    return " or ".join(f'label_replace({expression}, "{SIDE}", "{side}", "", "")' for side, expression in parts)


def parse_gauges(body: bytes, plans: Mapping[Target, GaugePlan]) -> dict[Target, list[GaugeSample]]:
    """The samples of each model. Raises SourceError."""
    by_place: dict[tuple[str, str], list[tuple[Labels, float]]] = {}
    for row in rows(body, "vector"):
        with garbled():
            labels: dict[str, str] = row["metric"]
            by_place.setdefault((labels.get("namespace", ""), labels.get(NAME, "")), []).append((labels, float(row["value"][1])))
    return {target: list(_samples(target, plan, by_place)) for target, plan in plans.items()}


def _samples(target: Target, plan: GaugePlan, by_place: Mapping[tuple[str, str], list[tuple[Labels, float]]]) -> Iterator[GaugeSample]:
    worse = min if plan.reads is GaugeReads.P_VALUE else max
    for metric in plan.metrics:
        found: dict[str, float] = {}
        for labels, value in by_place.get((target.namespace, metric), ()):
            side, feature = labels.get(SIDE), labels.get(plan.feature_label, "")
            if labels.get(plan.model_label) != plan.model or side not in (_SIDES[plan.reads], _NO_NUMBER):
                continue
            if plan.revision_label and labels.get(plan.revision_label) != target.stable:
                continue
            # One series of a feature that is no number makes all of it unknown.
            read = nan if side == _NO_NUMBER else value
            known = found.get(feature, read)
            found[feature] = nan if isnan(known) or isnan(read) else worse(known, read)
        yield from (GaugeSample(metric, feature, value) for feature, value in found.items())
