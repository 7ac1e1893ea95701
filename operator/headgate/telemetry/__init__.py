"""Metrics: what the operator tells about itself. Series of a model go with the model; none is labelled by pod or by user."""

from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from headgate.api.vocabulary import Phase, RollbackCause
from headgate.evidence.counting.series import Outage
from headgate.rollout.decision import Decision
from headgate.rollout.snapshot import Snapshot
from headgate.telemetry.models import ModelSeries

_SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
RESULTS = ("done", "conflict", "not-leading", "unreadable", "failed", "error")
"""How a pass may end."""
_ANSWERED = "Answered"
_OUTAGES = (Outage.TIMEOUT, Outage.UNREACHABLE, Outage.REFUSED, Outage.OVERLOADED, Outage.BROKEN)
"""Those that show before an answer is read."""


class Telemetry:
    """All metrics, with a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        made: dict[str, Any] = {"registry": self.registry}
        self._reconciles = Counter("headgate_reconcile", "Passes over one model, by result.", ["result"], **made)
        self._seconds = Histogram("headgate_reconcile_seconds", "Duration of a pass.", buckets=_SECONDS, **made)
        self._decisions = Counter("headgate_decisions", "Decisions that changed a status, by phase.", ["phase"], **made)
        self._rollbacks = Counter("headgate_rollbacks", "Versions that lost their traffic, by cause.", ["cause"], **made)
        self._queries = Histogram("headgate_prometheus_query_seconds", "Samples of one profile.", ["template"], buckets=_SECONDS, **made)
        self._answers = Counter("headgate_prometheus_queries", "Questions to Prometheus, by what came of them.", ["result"], **made)
        self._up = Gauge("headgate_prometheus_up", "1 if the last question was answered, NaN before the first.", **made)
        self._notices = Counter("headgate_notifications", "Notifications, by what became of them.", ["channel", "result"], **made)
        self._unsent = Counter("headgate_notifications_dropped", "Notifications that gave way to newer ones.", ["channel"], **made)
        self.leader = Gauge("headgate_leader", "1 while this process holds the lease and decides.", **made)
        self._queue = Gauge("headgate_queue_depth", "Models waiting for a decision.", **made)
        self._age = Gauge("headgate_watch_age_seconds", "Seconds since everything was last compared with full lists.", **made)
        self._orphans = Gauge("headgate_orphaned_models", "Deleted models whose stable version goes on serving.", **made)
        self._kinds = Gauge("headgate_kinds_missing", "1 while CustomResourceDefinitions of Headgate are missing.", **made)
        self._governance = Gauge("headgate_governance_enforced", "1 while the admission policies are in force.", **made)
        self._clock = Gauge("headgate_clock_trusted", "1 while the operator trusts its time of day.", **made)
        self.loop_lag = Gauge("headgate_loop_lag_seconds", "How late the event loop ran its last heartbeat.", **made)
        self._models = ModelSeries(self.registry)
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        """A counter that appears with its first event is no increase to Prometheus."""
        for counter, values in (
            (self._reconciles, RESULTS),
            (self._decisions, Phase),
            (self._rollbacks, RollbackCause),
            (self._answers, (_ANSWERED, *_OUTAGES)),
        ):
            for value in values:
                counter.labels(str(value))
        self._up.set(float("nan"))

    def watch(
        self,
        *,
        queue_depth: Callable[[], float],
        watch_age: Callable[[], float],
        orphans: Callable[[], float],
        kinds_missing: Callable[[], float],
        governance_enforced: Callable[[], float],
        clock_trusted: Callable[[], float],
    ) -> None:
        """Where gauges read from at each scrape."""
        self._queue.set_function(queue_depth)
        self._age.set_function(watch_age)
        self._orphans.set_function(orphans)
        self._kinds.set_function(kinds_missing)
        self._governance.set_function(governance_enforced)
        self._clock.set_function(clock_trusted)

    def reconciled(self, result: str, seconds: float) -> None:
        self._reconciles.labels(result).inc()
        self._seconds.observe(seconds)

    def queried(self, template: str, seconds: float) -> None:
        self._queries.labels(template).observe(seconds)

    def answered(self, outage: Outage | None) -> None:
        """Prometheus gave a good answer (None), or none."""
        self._answers.labels(_ANSWERED if outage is None else str(outage)).inc()
        self._up.set(outage is None)

    def notified(self, channel: str, result: str) -> None:
        """`result`: sent, refused (not tried again) or failed (tried in vain)."""
        self._notices.labels(channel, result).inc()

    def notification_dropped(self, channel: str) -> None:
        self._unsent.labels(channel).inc()

    def decided(self, key: tuple[str, str], snapshot: Snapshot, decision: Decision) -> None:
        """Show where the model stands, and count what changed."""
        before, after = snapshot.status, decision.status
        if before != after:
            self._decisions.labels(str(after.phase)).inc()
            known = {(entry.revision, entry.attempt) for entry in before.blocked}
            for entry in after.blocked:
                if (entry.revision, entry.attempt) not in known:
                    self._rollbacks.labels(str(entry.cause)).inc()
        self._models.show(key, snapshot, decision)

    def forget(self, key: tuple[str, str]) -> None:
        """The model is gone. Unknown models are no error."""
        self._models.forget(key)

    def page(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self.registry)
