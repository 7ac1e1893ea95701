"""Events of events.k8s.io/v1: what happened to an object, once per decision, repeats folded into a series.

Writing an event may fail without consequence: the failure is logged, never raised.
"""

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from headgate.kube.errors import KubeError, NotFound
from headgate.kube.interface import KubeApi
from headgate.kube.labels import FIELD_MANAGER
from headgate.kube.lease import Clocks
from headgate.kube.lease_record import micro_time
from headgate.kube.resources import EVENTS

log = logging.getLogger(__name__)

Value = TypeVar("Value")

CONTROLLER = "headgate.dev/operator"
NOTE_BYTES = 1024
_WORD_CHARACTERS = 128
_NAME_CHARACTERS = 200


class EventType(StrEnum):
    """Warning: somebody may have to act."""

    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True)
class Regarding:
    """The object an event is about. `namespace` is empty for cluster-scoped objects: their events live in `default`."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str

    def reference(self) -> dict[str, str]:
        fields = {"apiVersion": self.api_version, "kind": self.kind, "namespace": self.namespace, "name": self.name, "uid": self.uid}
        return {key: value for key, value in fields.items() if value}


@dataclass(frozen=True, slots=True)
class Happening:
    """`action`: what Headgate did, `reason`: why, one CamelCase word each. `note`: for people, cut at 1 kB."""

    action: str
    reason: str
    note: str
    type: EventType = EventType.NORMAL


@dataclass(frozen=True, slots=True)
class EventLimits:
    """Repeats within `window` seconds share one event. Each object has `burst` writes, and one more per `refill` seconds.

    At most `remembered` distinct events and objects are kept in memory; the longest unused is forgotten first.
    """

    window: float = 600.0
    burst: int = 25
    refill: float = 300.0
    remembered: int = 4096


@dataclass(slots=True)
class _Series:
    """One event on the server, and how often it happened. `name` is empty until it was written."""

    first_at: float
    count: int = 0
    name: str = ""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float


class EventRecorder:
    """Writes events as CONTROLLER. `instance` names this process, at most 128 characters (the pod's name)."""

    def __init__(self, api: KubeApi, instance: str, *, limits: EventLimits | None = None, clocks: Clocks | None = None) -> None:
        self._api = api
        self._instance = instance[:_WORD_CHARACTERS] or "headgate"
        self._limits = limits or EventLimits()
        self._clocks = clocks or Clocks()
        self._series: OrderedDict[str, _Series] = OrderedDict()
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    async def record(self, regarding: Regarding, happening: Happening) -> None:
        """Writes a new event, or counts it on to one of the same object, reason and note. Never raises KubeError."""
        note = _cut(happening.note)
        key = hashlib.sha256("\0".join((regarding.uid, happening.reason, note)).encode()).hexdigest()[:16]
        now = self._clocks.monotonic()
        series = _recall(self._series, key, lambda: _Series(now), self._limits.remembered)
        if now - series.first_at >= self._limits.window:
            series = self._series[key] = _Series(now)
        series.count += 1
        if not self._spend(regarding.uid, now):
            # Still counted: the next write that is allowed carries the true number.
            log.debug("event held back", extra={"object": regarding.name, "reason": happening.reason})
            return
        try:
            async with series.lock:
                await self._write(series, key, regarding, happening, note)
        except KubeError as error:
            log.warning("could not write the event %s: %s", happening.reason, error, extra={"object": regarding.name})

    async def _write(self, series: _Series, key: str, regarding: Regarding, happening: Happening, note: str) -> None:
        namespace = regarding.namespace or "default"
        if series.name:
            progress = {"series": {"count": series.count, "lastObservedTime": micro_time(self._clocks.wall())}}
            try:
                await self._api.patch(EVENTS, series.name, namespace, progress, field_manager=FIELD_MANAGER)
                return
            except NotFound:
                # The server drops events after a while, one hour by default.
                series.name = ""
        body = self._body(series, key, regarding, happening, note)
        await self._api.create(EVENTS, body, field_manager=FIELD_MANAGER)
        series.name = body["metadata"]["name"]

    def _body(self, series: _Series, key: str, regarding: Regarding, happening: Happening, note: str) -> dict[str, Any]:
        wall = self._clocks.wall()
        now = micro_time(wall)
        body: dict[str, Any] = {
            # Unique per occurrence, as an event that came back after the window is a new one.
            "metadata": {
                "name": f"{regarding.name[:_NAME_CHARACTERS]}.{key}{int(wall.timestamp() * 1e6):x}",
                "namespace": regarding.namespace or "default",
            },
            "eventTime": now,
            "regarding": regarding.reference(),
            "reportingController": CONTROLLER,
            "reportingInstance": self._instance,
            "action": happening.action[:_WORD_CHARACTERS],
            "reason": happening.reason[:_WORD_CHARACTERS],
            "note": note,
            "type": str(happening.type),
        }
        if series.count > 1:
            body["series"] = {"count": series.count, "lastObservedTime": now}
        return body

    def _spend(self, uid: str, now: float) -> bool:
        limits = self._limits
        bucket = _recall(self._buckets, uid, lambda: _Bucket(limits.burst, now), limits.remembered)
        bucket.tokens = min(float(limits.burst), bucket.tokens + (now - bucket.filled_at) / limits.refill)
        bucket.filled_at = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True


def _recall(memory: OrderedDict[str, Value], key: str, make: Callable[[], Value], limit: int) -> Value:
    """The value under `key`, made if new; the longest unused gives way."""
    if key not in memory:
        memory[key] = make()
        if len(memory) > limit:
            memory.popitem(last=False)
    memory.move_to_end(key)
    return memory[key]


def _cut(note: str) -> str:
    """At most NOTE_BYTES of UTF-8, the server's limit, without a broken character at the end."""
    encoded = note.encode()
    if len(encoded) <= NOTE_BYTES:
        return note
    return encoded[: NOTE_BYTES - 3].decode(errors="ignore") + "…"
