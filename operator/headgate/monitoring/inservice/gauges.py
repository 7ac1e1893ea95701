"""Drift as other products measure it: which of their gauges, and what is remembered of them.

Of a gauge with very many features the worst are read one by one. The others are a crowd: their number, their worst and their sum are known.
"""

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite, nan
from typing import Any, Self

from headgate.api.drift import DriftGauges, DriftProfile, GaugeReads
from headgate.monitoring.drift import Limits

P_VALUE, DISTANCE = "pValue", "distance"
MOST_FEATURES = 100
"""Of one gauge and model that are read one by one: the worst. The others are told together."""
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


@dataclass(frozen=True, slots=True)
class Crowd:
    """The features of one gauge beyond those that are read one by one: how many, their worst and mildest value, and what they add up to."""

    metric: str
    count: int
    worst: float
    mildest: float
    total: float


@dataclass(slots=True)
class GaugeReading:
    """What the gauges of one model say now."""

    samples: list[GaugeSample] = field(default_factory=list)
    crowds: list[Crowd] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Crowded:
    """What is remembered of a crowd. `summed`: its sum, as if it were one gauge."""

    crowd: Crowd
    summed: Gauged

    def row(self) -> list[str | float | None]:
        """For JSON, which has no infinity."""
        crowd, summed = self.crowd, self.summed
        bounds = [value if isfinite(value) else None for value in (crowd.worst, crowd.mildest)]
        return [crowd.metric, crowd.count, *bounds, summed.value, summed.seen, summed.changed]

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> Self:
        """The inverse of `row`; raises ValueError or TypeError for anything else."""
        metric, count, worst, mildest, total, seen, changed = row
        numbers = [nan if one is None else float(one) for one in (worst, mildest, total)]
        summed = Gauged(None if total is None else float(total), float(seen), None if changed is None else float(changed))
        return cls(Crowd(str(metric), int(count), *numbers), summed)


Remembered = MutableMapping[tuple[str, str], Gauged]
"""By metric and feature."""
Crowds = MutableMapping[str, Crowded]
"""By metric."""


def remember(known: Remembered, crowds: Crowds, plan: GaugePlan | None, reading: GaugeReading, now: float) -> None:
    """Take over what the gauges say now, and forget those that nobody reads any more or that have been away for a week. Of a gauge with a
    crowd only what is in this reading stays: which features are the worst differs from look to look, and the others have not vanished."""
    before = dict(crowds)
    crowds.clear()
    for crowd in reading.crowds:
        last = before.get(crowd.metric)
        crowds[crowd.metric] = Crowded(crowd, _moved(last.summed if last is not None else None, crowd.total, now))
    wanted, read = plan.metrics if plan is not None else (), {(sample.metric, sample.feature) for sample in reading.samples}
    for key, one in list(known.items()):
        if key[0] not in wanted or now - one.seen > _KEPT or (key[0] in crowds and key not in read):
            del known[key]
    for sample in reading.samples:
        key = sample.metric, sample.feature
        # What was in the crowd until now has changed when the crowd did.
        stood = before[sample.metric].summed if key not in known and sample.metric in before else None
        moved = _moved(known.get(key), sample.value, now)
        known[key] = replace(moved, changed=stood.changed) if stood is not None else moved
    _forget_oldest(known, wanted, now)


def _moved(last: Gauged | None, number: float, now: float) -> Gauged:
    value = number if isfinite(number) else None
    return Gauged(value, now, None if last is None else now if last.value != value else last.changed)


def _forget_oldest(known: Remembered, metrics: Iterable[str], now: float) -> None:
    """Names that come and go, as of single things, do not pile up."""
    for metric in metrics:
        gone = sorted((one.seen, key) for key, one in known.items() if key[0] == metric and one.seen != now)
        for _, key in gone[: max(len(gone) - MOST_FEATURES, 0)]:
            del known[key]
