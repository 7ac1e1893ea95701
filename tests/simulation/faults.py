"""What goes wrong, and how often: drawn from the seed at every await of an adapter, and by the clock. Each kind is one row of a table.

A trace draws a subset of all kinds (its weather), because faults that always come together hide each other. After `until` the weather
is fair.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from random import Random
from typing import TypeVar

from tests.simulation.apiserver.requests import VERSION, Response, target_of

Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Call:
    """One try of one request of the operator."""

    verb: str
    plural: str
    name: str

    @property
    def writes(self) -> bool:
        return self.verb not in ("get", "list")

    def __str__(self) -> str:
        return f"{self.verb} {self.plural}{'/' + self.name if self.name else ''}"


@lru_cache(maxsize=4096)
def call_of(method: str, path: str, content_type: str) -> Call:
    if path == VERSION:
        return Call("get", "version", "")
    target = target_of(path)
    assert target is not None
    verb = {"GET": "get" if target.name else "list", "POST": "create", "DELETE": "delete"}.get(method) or (
        "status" if target.subresource else "apply" if "apply" in content_type else "patch"
    )
    return Call(verb, target.kind.partition(".")[0], target.name)


@dataclass(frozen=True, slots=True)
class ApiFault:
    """`delay` seconds pass (shortest, longest), before the server has seen the request, or after it took effect. Then `answer` comes in
    place of the server's, or none at all (`lost`). `fate`: what becomes of the process meanwhile."""

    kind: str
    delay: tuple[float, float] = (0.0, 0.0)
    answer: Response | None = None
    lost: bool = False
    takes_effect: bool = False
    fate: str = ""
    arrives: tuple[float, float] = (0.0, 0.0)
    """Seconds after which the request takes effect although its process died or froze: it was on its way."""
    fits: Callable[[Call], bool] = lambda call: True


def _status(code: int, reason: str, message: str, **headers: str) -> Response:
    body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code}
    return Response(code, body, {key.replace("_", "-"): value for key, value in headers.items()})


_CONFLICT = _status(409, "Conflict", "the object has been modified; please apply your changes to the latest version and try again")
API_FAULTS: tuple[ApiFault, ...] = (
    ApiFault("slow-answer", delay=(0.2, 3.0), takes_effect=True),
    ApiFault("slow-way", delay=(0.2, 3.0)),
    ApiFault("conflict", answer=_CONFLICT, fits=lambda call: call.verb in ("apply", "patch", "status")),
    ApiFault("throttled", answer=_status(429, "TooManyRequests", "too many requests", Retry_After="1")),
    ApiFault("long-throttled", answer=_status(429, "TooManyRequests", "too many requests", Retry_After="30")),
    ApiFault("unavailable", answer=_status(503, "ServiceUnavailable", "etcdserver: leader changed")),
    ApiFault("broken", answer=_status(500, "InternalError", "etcdserver: request timed out"), takes_effect=True),
    ApiFault("refused", lost=True),
    ApiFault("lost-answer", delay=(0.0, 0.5), lost=True, takes_effect=True),
    ApiFault("timeout", delay=(10.0, 10.0)),
    ApiFault("late-timeout", delay=(10.0, 10.0), takes_effect=True),
    ApiFault("crash-before", fate="crash"),
    ApiFault("crash-after", fate="crash", takes_effect=True),
    ApiFault("crash-in-flight", fate="crash", arrives=(0.5, 25.0), fits=lambda call: call.writes),
    ApiFault("freeze-in-flight", fate="freeze", arrives=(0.5, 25.0), fits=lambda call: call.writes),
    ApiFault("freeze-before", fate="freeze"),
    ApiFault("freeze-after", fate="freeze", takes_effect=True),
)
WATCH_FAULTS = ("drop", "duplicate", "delay", "gone", "error", "hang-up")
SOURCE_FAULTS = (
    "slow",
    "down",
    "timeout",
    "overloaded",
    "broken",
    "refused",
    "garbled",
    "vector",
    "partial",
    "empty",
    "stale",
    "nan",
    "copies",
)
WORLD_FAULTS = (
    "compaction",
    "step-clock",
    "crash-leader",
    "freeze-leader",
    "crash-all",
    "deny-route",
    "refuse-route",
    "slow-gateway",
    "proxy-restart",
    "no-room",
    "lose-readiness",
    "crash-pod",
    "evict-pod",
    "scrape-gap",
    "collect-garbage",
)


@dataclass(frozen=True, slots=True)
class Weather:
    """Which kinds of faults this trace knows, how likely one is at each await, and until when."""

    until: float
    api: tuple[ApiFault, ...]
    watch: tuple[str, ...]
    source: tuple[str, ...]
    world: tuple[tuple[float, str], ...]
    """Moments and kinds."""
    api_rate: float
    watch_rate: float
    source_rate: float
    skew: float

    def shifted(self, seconds: float) -> "Weather":
        return replace(self, until=self.until + seconds)

    def __str__(self) -> str:
        kinds = [fault.kind for fault in self.api]
        return (
            f"faults until {self.until:.1f} s; API {self.api_rate:.3f} {kinds}; watches {self.watch_rate:.3f} {list(self.watch)}; "
            f"Prometheus {self.source_rate:.3f} {list(self.source)}; skew {self.skew:+g} s; "
            + ", ".join(f"{kind} at {at:.1f} s" for at, kind in self.world)
        )


FAIR = Weather(0.0, (), (), (), (), 0.0, 0.0, 0.0, 0.0)


def draw(rng: Random) -> Weather:
    until = rng.choice((0.0, 5.0, 12.0, 20.0, 30.0)) * rng.uniform(0.7, 1.3)
    moments = sorted((rng.uniform(0.5, max(until, 0.6)), rng.choice(WORLD_FAULTS)) for _ in range(rng.choice((0, 0, 1, 2, 4))))
    return Weather(
        until=until,
        api=_some(rng, API_FAULTS),
        watch=_some(rng, WATCH_FAULTS),
        source=_some(rng, SOURCE_FAULTS),
        world=tuple(moments) if until else (),
        api_rate=rng.choice((0.0, 0.01, 0.03, 0.1)),
        watch_rate=rng.choice((0.0, 0.01, 0.05)),
        source_rate=rng.choice((0.0, 0.05, 0.3)),
        skew=rng.choice((0.0, 0.0, 0.0, 0.3, -0.7, 3.0, -4.0, 40.0)),
    )


def _some(rng: Random, kinds: tuple[Kind, ...]) -> tuple[Kind, ...]:
    share = rng.choice((0.15, 0.4))
    return tuple(kind for kind in kinds if rng.random() < share)


class Faults:
    """Draws. Every caller says when it asks: after `weather.until` there are no faults."""

    def __init__(self, weather: Weather, rng: Random) -> None:
        self.weather = weather
        self._rng = rng

    def usual(self) -> float:
        """Seconds that any answer takes."""
        return self._rng.uniform(0.001, 0.02)

    def between(self, span: tuple[float, float]) -> float:
        return self._rng.uniform(*span) if span[1] else 0.0

    def api(self, call: Call, now: float) -> ApiFault | None:
        weather = self.weather
        if now >= weather.until or not weather.api or self._rng.random() >= weather.api_rate:
            return None
        fault = self._rng.choice(weather.api)
        return fault if fault.fits(call) else None

    def watch(self, now: float) -> str:
        weather = self.weather
        if now >= weather.until or not weather.watch or self._rng.random() >= weather.watch_rate:
            return ""
        return self._rng.choice(weather.watch)

    def source(self, now: float) -> str:
        weather = self.weather
        if now >= weather.until or not weather.source or self._rng.random() >= weather.source_rate:
            return ""
        return self._rng.choice(weather.source)
