"""What gauges of drift say at one instant: one question for all live models, whichever products measure them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import nan

from headgate.api.drift import GaugeReads
from headgate.monitoring.inservice.gauges import MOST_FEATURES, Crowd, GaugePlan, GaugeReading, GaugeSample
from headgate.prometheus.answers import garbled, rows
from headgate.prometheus.grown import NAME
from headgate.prometheus.profiles import Labels, Target, matching, one_of

SIDE = "headgate_side"
_WORST, _NO_NUMBER, _COUNT, _SUM, _MILDEST = "worst", "nan", "count", "sum", "mildest"
_DECIMALS = 9
"""Of a sum that are compared: the order of adding is not always the same."""


@dataclass(frozen=True, slots=True, order=True)
class _Shape:
    """By which labels gauges are told apart. Plans of one shape are asked about together: labels of others would multiply their rows."""

    reads: GaugeReads
    model: str
    feature: str
    revision: str

    def side(self, name: str) -> str:
        """What a row tells, and of which shape it is."""
        return "/".join((name, self.reads, self.model, self.feature, self.revision))

    @property
    def place(self) -> str:
        """Whose gauge it is: features are counted, and cut off, for each live version by itself."""
        return ", ".join(dict.fromkeys(label for label in ("namespace", NAME, self.model, self.revision) if label))


def _shape_of(plan: GaugePlan) -> _Shape:
    return _Shape(plan.reads, plan.model_label, plan.feature_label, plan.revision_label)


def gauge_question(plans: Mapping[Target, GaugePlan]) -> str:
    """PromQL. Of several series of one feature (requests, replicas) the worst: the least p-value, the largest distance. What is no number
    is told apart: a minimum would pass over it."""
    shapes: dict[_Shape, dict[Target, GaugePlan]] = {}
    for target, plan in plans.items():
        shapes.setdefault(_shape_of(plan), {})[target] = plan
    return " or ".join(
        f'label_replace({expression}, "{SIDE}", "{shape.side(name)}", "", "")'
        for shape, own in sorted(shapes.items())
        for name, expression in _asked(shape, own).items()
    )


def _asked(shape: _Shape, plans: Mapping[Target, GaugePlan]) -> dict[str, str]:
    """The worst features, one more than are read; and where there are that many, their number, their sum, which changes as long as somebody
    computes them, and the mildest, which shows whether all are p-values, or distances, at all."""
    selector = {
        "__name__": one_of(name for plan in plans.values() for name in plan.metrics),
        "namespace": one_of(target.namespace for target in plans),
        shape.model: one_of(plan.model for plan in plans.values()),
    }
    if shape.revision:
        selector[shape.revision] = one_of(target.stable for target in plans)
    series = f'label_replace({matching(selector)}, "{NAME}", "$1", "__name__", "(.+)")'
    worst, mildest, cut = ("min", "max", "bottomk") if shape.reads is GaugeReads.P_VALUE else ("max", "min", "topk")
    by = f"{shape.place}, {shape.feature}"
    numbers = f"{worst} by ({by}) ({series} >= -Inf)"
    return {
        _WORST: f"{cut} by ({shape.place}) ({MOST_FEATURES + 1}, {numbers})",
        _NO_NUMBER: f"topk by ({shape.place}) ({MOST_FEATURES + 1}, count by ({by}) ({series} != {series}))",
        _COUNT: f"count by ({shape.place}) ({numbers}) > {MOST_FEATURES}",
        _SUM: f"sum by ({shape.place}) ({numbers}) and count by ({shape.place}) ({numbers}) > {MOST_FEATURES}",
        _MILDEST: f"{mildest} by ({shape.place}) ({series}) and count by ({shape.place}) ({numbers}) > {MOST_FEATURES}",
    }


_Places = Mapping[tuple[str, str, str], list[tuple[Labels, float]]]
"""Rows by namespace, name and side."""


def parse_gauges(body: bytes, plans: Mapping[Target, GaugePlan]) -> dict[Target, GaugeReading]:
    """What was read for each model. Raises SourceError."""
    places: dict[tuple[str, str, str], list[tuple[Labels, float]]] = {}
    for row in rows(body, "vector"):
        with garbled():
            labels: dict[str, str] = row["metric"]
            place = labels.get("namespace", ""), labels.get(NAME, ""), labels.get(SIDE, "")
            places.setdefault(place, []).append((labels, float(row["value"][1])))
    return {target: _reading(target, plan, places) for target, plan in plans.items()}


def _reading(target: Target, plan: GaugePlan, places: _Places) -> GaugeReading:
    reading = GaugeReading()
    for metric in plan.metrics:
        numbers = sorted(
            ((value, feature) for feature, value in _own(target, plan, metric, _WORST, places)), reverse=plan.reads is GaugeReads.DISTANCE
        )
        read, beyond = numbers[:MOST_FEATURES], numbers[MOST_FEATURES:]
        found = {feature: value for value, feature in read}
        # One series of a feature that is no number makes all of it unknown.
        found |= {feature: nan for feature, _ in _own(target, plan, metric, _NO_NUMBER, places)}
        reading.samples += (GaugeSample(metric, feature, value) for feature, value in found.items())
        told = {name: value for name in (_COUNT, _SUM, _MILDEST) for _, value in _own(target, plan, metric, name, places)}
        if beyond and len(told) == len((_COUNT, _SUM, _MILDEST)):
            rest = round(told[_SUM] - sum(value for value, _ in read), _DECIMALS)
            reading.crowds.append(Crowd(metric, int(told[_COUNT]) - MOST_FEATURES, beyond[0][0], told[_MILDEST], rest))
    return reading


def _own(target: Target, plan: GaugePlan, metric: str, name: str, places: _Places) -> Iterator[tuple[str, float]]:
    """Features and values of the rows that are about this live version."""
    for labels, value in places.get((target.namespace, metric, _shape_of(plan).side(name)), ()):
        live = not plan.revision_label or labels.get(plan.revision_label) == target.stable
        if live and labels.get(plan.model_label) == plan.model:
            yield labels.get(plan.feature_label, ""), value
