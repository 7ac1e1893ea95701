"""What the monitor tells about live models and about itself. Series of a model go with the model."""

from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from headgate.monitor.models import ModelKey
from headgate.monitoring.inservice.assessment import Assessment, Kind
from headgate.monitoring.inservice.gauges import P_VALUE
from headgate.monitoring.result import LimitVerdict

_SECONDS = (0.1, 0.5, 1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0)
_WORST_FIRST = (LimitVerdict.VIOLATED, LimitVerdict.DRIFTING, LimitVerdict.WITHIN_LIMITS, LimitVerdict.NOT_ASSESSED)


@dataclass(frozen=True, slots=True)
class _Shown:
    """The series of one model: verdict and value by kind, the severity, and scores by part of the scorecard."""

    verdicts: dict[Kind, LimitVerdict] = field(default_factory=dict)
    values: dict[Kind, float] = field(default_factory=dict)
    severity: str = ""
    scores: dict[str, float] = field(default_factory=dict)


class MonitorMetrics:
    """All metrics, with a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        made: dict[str, Any] = {"registry": self.registry}
        one = ["namespace", "model", "kind"]
        self._verdict = Gauge("headgate_monitor_verdict", "1 for what is said of a live model.", [*one, "verdict"], **made)
        self._value = Gauge("headgate_monitor_value", "The worst figure of a kind.", one, **made)
        self._score = Gauge(
            "headgate_monitor_scorecard",
            "Score from 0 to 1 of a part of the scorecard; only while all of it is measured.",
            ["namespace", "model", "part"],
            **made,
        )
        self._response = Gauge("headgate_monitor_response", "1 for the severity.", ["namespace", "model", "severity"], **made)
        self.last_success = Gauge("headgate_monitor_last_success_timestamp_seconds", "When a whole round was last done.", **made)
        self.seconds = Histogram("headgate_monitor_seconds", "Duration of a round over all models.", buckets=_SECONDS, **made)
        self.models = Gauge("headgate_monitor_models", "Live models that are watched.", **made)
        self.queries = Counter("headgate_monitor_queries", "Questions to Prometheus.", ["template", "result"], **made)
        self.leader = Gauge("headgate_monitor_leader", "1 while this process holds the lease.", **made)
        self._shown: dict[ModelKey, _Shown] = {}

    def assessed(self, key: ModelKey, found: Assessment) -> None:
        """Show what is said of a model, instead of what was said before."""
        shown = _Shown(
            {kind: found.verdict(kind) for kind in found.figures},
            {kind: value for kind in found.figures if (value := _worst_value(found, kind)) is not None},
            str(found.response.severity) if found.response is not None else "",
            {result.statistic.lower(): result.value for result in found.scores if result.value is not None},
        )
        before = self._shown.get(key, _Shown())
        self._shown[key] = shown
        for kind, verdict in before.verdicts.items():
            if shown.verdicts.get(kind) is not verdict:
                self._verdict.remove(*key, str(kind), str(verdict))
        for kind in before.values.keys() - shown.values.keys():
            self._value.remove(*key, str(kind))
        for part in before.scores.keys() - shown.scores.keys():
            self._score.remove(*key, part)
        if before.severity and before.severity != shown.severity:
            self._response.remove(*key, before.severity)
        for kind, verdict in shown.verdicts.items():
            self._verdict.labels(*key, str(kind), str(verdict)).set(1)
        for kind, value in shown.values.items():
            self._value.labels(*key, str(kind)).set(value)
        for part, value in shown.scores.items():
            self._score.labels(*key, part).set(value)
        if shown.severity:
            self._response.labels(*key, shown.severity).set(1)

    def forget(self, key: ModelKey) -> None:
        """The model is gone, or is not watched any more. Unknown models are no error."""
        if key in self._shown:
            self.assessed(key, Assessment({}))
            del self._shown[key]

    def page(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self.registry)


def _worst_value(found: Assessment, kind: Kind) -> float | None:
    """Of the figures of the worst verdict that has numbers, the largest. p-values are none of them: less is worse."""
    figures = [result for _, result in found.counting(kind) if result.statistic != P_VALUE]
    numbers = [(result.verdict, result.value) for result in figures if result.value is not None]
    if not numbers:
        return None
    verdict = min((verdict for verdict, _ in numbers), key=_WORST_FIRST.index)
    return max(value for one, value in numbers if one is verdict)
