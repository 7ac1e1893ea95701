"""Metrics and logs: what the operator tells about itself. Series of a model go with the model; none is labelled by pod or by user."""

import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

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
        self._phase = Gauge("headgate_phase", "1 for the phase the model is in.", ["namespace", "model", "phase"], **made)
        self._queries = Histogram("headgate_prometheus_query_seconds", "Samples of one profile.", ["template"], buckets=_SECONDS, **made)
        self.leader = Gauge("headgate_leader", "1 while this process holds the lease.", **made)
        self._queue = Gauge("headgate_queue_depth", "Models waiting for a decision.", **made)
        self._age = Gauge("headgate_watch_age_seconds", "Seconds since everything was last compared with full lists.", **made)
        self.loop_lag = Gauge("headgate_loop_lag_seconds", "How late the event loop ran its last heartbeat.", **made)
        self._shown: dict[tuple[str, str], str] = {}

    def watch(self, *, queue_depth: Callable[[], float], watch_age: Callable[[], float]) -> None:
        """Where gauges read from at each scrape."""
        self._queue.set_function(queue_depth)
        self._age.set_function(watch_age)

    def reconciled(self, result: str, seconds: float) -> None:
        self._reconciles.labels(result).inc()
        self._seconds.observe(seconds)

    def queried(self, template: str, seconds: float) -> None:
        self._queries.labels(template).observe(seconds)

    def decided(self, key: tuple[str, str], before: AIModelStatus, after: AIModelStatus) -> None:
        """Show where the model stands, and count what changed."""
        if before != after:
            self._decisions.labels(str(after.phase)).inc()
            known = {(entry.revision, entry.attempt) for entry in before.blocked}
            for entry in after.blocked:
                if (entry.revision, entry.attempt) not in known:
                    self._rollbacks.labels(str(entry.cause)).inc()
        self._show_phase(key, str(after.phase))
        for stand_in in StandIn:
            active = after.failover is not None and after.failover.to is stand_in
            self._failover.labels(*key, str(stand_in)).set(active)
        weights = dict(zip(_SLOTS, (slot.weight for slot in after.traffic.slots), strict=False))
        if after.traffic.mirror is not None:
            weights["mirror"] = after.traffic.mirror.permille
        for slot in _SLOTS:
            self._weight.labels(*key, slot).set(weights.get(slot, 0))

    def forget(self, key: tuple[str, str]) -> None:
        """The model is gone. Unknown models are no error."""
        phase = self._shown.pop(key, None)
        if phase is not None:
            self._phase.remove(*key, phase)
            for slot in _SLOTS:
                self._weight.remove(*key, slot)
            for stand_in in StandIn:
                self._failover.remove(*key, str(stand_in))

    def page(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def _show_phase(self, key: tuple[str, str], phase: str) -> None:
        shown = self._shown.get(key)
        if shown not in (None, phase):
            self._phase.remove(*key, shown)
        self._shown[key] = phase
        self._phase.labels(*key, phase).set(1)


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
