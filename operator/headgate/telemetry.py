"""Metrics and logs: what the operator tells about itself. Series of a model go with the model; none is labelled by pod or by user."""

import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from headgate.api.status import AIModelStatus
from headgate.api.vocabulary import StandIn

_SLOTS = ("stable", "candidate", "mirror")
_SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Telemetry:
    """All metrics, with a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        made: dict[str, Any] = {"registry": self.registry}
        self._reconciles = Counter("headgate_reconcile", "Passes over one model, by result.", ["result"], **made)
        self._seconds = Histogram("headgate_reconcile_seconds", "Duration of a pass.", buckets=_SECONDS, **made)
        self._decisions = Counter("headgate_decisions", "Decisions that changed a status, by phase.", ["phase"], **made)
        self._rollbacks = Counter("headgate_rollbacks", "Versions that lost their traffic, by cause.", ["cause"], **made)
        self._weight = Gauge("headgate_traffic_weight", "Wanted thousandths of the requests.", ["namespace", "model", "slot"], **made)
        self._failover = Gauge("headgate_failover", "1 while somebody else answers.", ["namespace", "model", "to"], **made)
        self._glass = Gauge("headgate_break_glass", "1 while two persons hold its gate open.", ["namespace", "model"], **made)
        self._phase = Gauge("headgate_phase", "1 for the phase the model is in.", ["namespace", "model", "phase"], **made)
        self._queries = Histogram("headgate_prometheus_query_seconds", "Samples of one profile.", ["template"], buckets=_SECONDS, **made)
        self._notices = Counter("headgate_notifications", "Notifications, by what became of them.", ["channel", "result"], **made)
        self._unsent = Counter("headgate_notifications_dropped", "Notifications that gave way to newer ones.", ["channel"], **made)
        self.leader = Gauge("headgate_leader", "1 while this process holds the lease.", **made)
        self._queue = Gauge("headgate_queue_depth", "Models waiting for a decision.", **made)
        self._age = Gauge("headgate_watch_age_seconds", "Seconds since everything was last compared with full lists.", **made)
        self._orphans = Gauge("headgate_orphaned_models", "Deleted models whose stable version goes on serving.", **made)
        self._kinds = Gauge("headgate_kinds_missing", "1 while CustomResourceDefinitions of Headgate are missing.", **made)
        self.loop_lag = Gauge("headgate_loop_lag_seconds", "How late the event loop ran its last heartbeat.", **made)
        self._shown: dict[tuple[str, str], _Shown] = {}

    def watch(
        self,
        *,
        queue_depth: Callable[[], float],
        watch_age: Callable[[], float],
        orphans: Callable[[], float],
        kinds_missing: Callable[[], float],
    ) -> None:
        """Where gauges read from at each scrape."""
        self._queue.set_function(queue_depth)
        self._age.set_function(watch_age)
        self._orphans.set_function(orphans)
        self._kinds.set_function(kinds_missing)

    def reconciled(self, result: str, seconds: float) -> None:
        self._reconciles.labels(result).inc()
        self._seconds.observe(seconds)

    def queried(self, template: str, seconds: float) -> None:
        self._queries.labels(template).observe(seconds)

    def notified(self, channel: str, result: str) -> None:
        """`result`: sent, refused (not tried again) or failed (tried in vain)."""
        self._notices.labels(channel, result).inc()

    def notification_dropped(self, channel: str) -> None:
        self._unsent.labels(channel).inc()

    def decided(self, key: tuple[str, str], before: AIModelStatus, after: AIModelStatus) -> None:
        """Show where the model stands, and count what changed."""
        if before != after:
            self._decisions.labels(str(after.phase)).inc()
            known = {(entry.revision, entry.attempt) for entry in before.blocked}
            for entry in after.blocked:
                if (entry.revision, entry.attempt) not in known:
                    self._rollbacks.labels(str(entry.cause)).inc()
        last, shown = self._shown.get(key), _shown(after)
        if last == shown:
            return
        self._shown[key] = shown
        if last is not None and last.phase != shown.phase:
            self._phase.remove(*key, last.phase)
        self._phase.labels(*key, shown.phase).set(1)
        for stand_in in StandIn:
            self._failover.labels(*key, str(stand_in)).set(shown.answers is stand_in)
        self._glass.labels(*key).set(shown.glass)
        for slot, weight in zip(_SLOTS, shown.weights, strict=True):
            self._weight.labels(*key, slot).set(weight)

    def forget(self, key: tuple[str, str]) -> None:
        """The model is gone. Unknown models are no error."""
        known = self._shown.pop(key, None)
        if known is not None:
            self._phase.remove(*key, known.phase)
            self._glass.remove(*key)
            for slot in _SLOTS:
                self._weight.remove(*key, slot)
            for stand_in in StandIn:
                self._failover.remove(*key, str(stand_in))

    def page(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class _Shown(NamedTuple):
    """Where a model stands, as its series say. `answers`: who stands in for it; `weights` in the order of _SLOTS."""

    phase: str
    answers: StandIn | None
    weights: tuple[int, ...]
    glass: bool = False


def _shown(status: AIModelStatus) -> _Shown:
    traffic = status.traffic
    stable, candidate, *_ = (*(slot.weight for slot in traffic.slots), 0, 0)
    mirrored = traffic.mirror.permille if traffic.mirror is not None else 0
    gate = status.candidate.gate if status.candidate is not None else None
    glass = gate is not None and gate.open and bool(gate.break_glass)
    return _Shown(str(status.phase), status.failover.to if status.failover is not None else None, (stable, candidate, mirrored), glass)


_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "settings", "k8s_ref", "k8s_skip"}
"""What every record has: the rest was given by the caller. kopf adds objects of its own that are no JSON."""


class JsonFormatter(logging.Formatter):
    """One line of JSON for each record: ts, level, logger, msg, and what the caller gave as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": record.getMessage(),
        }
        line |= {key: value for key, value in vars(record).items() if key not in _STANDARD and key not in line}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def configure_logging(level: str) -> None:
    """All loggers, kopf's included, write JSON to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # One line for each request of every library would bury the decisions.
    for name in ("httpx", "httpcore", "aiohttp", "asyncio"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
