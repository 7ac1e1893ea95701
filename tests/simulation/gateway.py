"""The gateway: takes the route, serves users by the weights it has taken, and counts as Envoy Gateway's Envoys do.

Counters belong to places of the route (slot 0, slot 1, the mirror), not to versions, and outlive a change of hands.
"""

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.simulation.versions import GOOD, Behaviour

BUCKETS = (25.0, 100.0, 500.0, 1000.0)
"""Upper bounds in milliseconds."""
_TIMEOUT = 10.0
"""Seconds after which the gateway answers 504 in place of a silent version."""

Fields = Mapping[str, Any]
Counters = dict[tuple[str, str, str], int]
"""By cluster, metric name without its common prefix, and code or bound."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where requests go: a version's Service, its share of 1000, and the cluster that counts them."""

    revision: str
    share: int
    cluster: str


@dataclass(slots=True)
class Taken:
    """The route as the proxies serve it now."""

    generation: int = 0
    slots: tuple[Place, ...] = ()
    mirror: Place | None = None


@dataclass(slots=True)
class Served:
    """Requests of users since the trace began. `unserved`: no version could be asked at all (no route, no place)."""

    by_revision: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    no_endpoint: Counter[str] = field(default_factory=Counter)
    unserved: int = 0


class Gateway:
    """`behaviour` and `ready` tell about a revision at the moment of asking; `told` gets each revision that users reach."""

    def __init__(
        self,
        prefix: str,
        rate: float,
        rng: Random,
        behaviour: Callable[[str], Behaviour],
        ready: Callable[[str], int],
        told: Callable[[str, int, float], None],
    ) -> None:
        self._prefix, self._rate, self._rng = prefix, rate, rng
        self._behaviour, self._ready, self._told = behaviour, ready, told
        self.taken = Taken()
        self.counters: Counters = {}
        self.served = Served()
        self.first: dict[str, float] = {}
        """When each revision got its first request, of users or copied."""
        self._until = 0.0
        self._carry = 0.0
        self._late: deque[tuple[float, str, int]] = deque()

    def requests_in(self, seconds: float, revision: str) -> float:
        """How many a version gets in that time, as the route is now."""
        shares = sum(place.share for place in self.taken.slots)
        mine = sum(place.share for place in self.taken.slots if place.revision == revision)
        return self._rate * seconds * mine / shares if shares else 0.0

    def take(self, route: Fields, now: float) -> None:
        """From `now` on the weights of `route` are in force."""
        self.serve(now)
        self.taken = read(self._prefix, route)

    def restart(self, now: float) -> None:
        """The proxy's process is replaced: its counters begin at 0."""
        self.serve(now)
        self.counters = {}
        self._late.clear()

    def serve(self, now: float) -> None:
        """Serve users up to `now` with what is taken and ready. To be called before anything changes."""
        began, self._until = self._until, now
        if now <= began:
            return
        self._carry += self._rate * (now - began)
        requests = int(self._carry)
        self._carry -= requests
        while self._late and self._late[0][0] <= now:
            _, cluster, number = self._late.popleft()
            self._count(cluster, "upstream_rq", "504", number)
        if not requests:
            return
        left, shares = requests, sum(place.share for place in self.taken.slots)
        if not shares:
            self.served.unserved += requests
            return
        for place in self.taken.slots:
            number = left if place is self.taken.slots[-1] else min(left, _binomial(self._rng, requests, place.share / shares))
            left -= number
            if number:
                self._users(place, number, now)
        mirror = self.taken.mirror
        if mirror is not None:
            self._requests(mirror, _binomial(self._rng, requests, mirror.share / 1000), now)

    def _users(self, place: Place, number: int, now: float) -> None:
        self.served.by_revision[place.revision] += number
        self._told(place.revision, number, now)
        failed = self._requests(place, number, now)
        self.served.failed[place.revision] += failed
        if failed and not self._ready(place.revision):
            self.served.no_endpoint[place.revision] += failed

    def _requests(self, place: Place, number: int, now: float) -> int:
        """Send `number` requests to a version and count what comes back. Returns how many failed."""
        if not self._ready(place.revision):
            self._count(place.cluster, "upstream_rq", "503", number)
            return number
        acts, began = self._behaviour(place.revision), self.first.setdefault(place.revision, now)
        if now - began < acts.good_for:
            acts = GOOD
        unreachable, silent = _binomial(self._rng, number, acts.unreachable), _binomial(self._rng, number, acts.silent)
        sent = number - unreachable
        silent = min(silent, sent)
        answered = sent - silent
        errors = min(answered, _binomial(self._rng, answered, acts.errors))
        rejected = min(answered - errors, _binomial(self._rng, answered, acts.rejections))
        self._count(place.cluster, "upstream_rq_total", "", sent)
        for code, count in (("200", answered - errors - rejected), ("500", errors), ("422", rejected)):
            self._count(place.cluster, "upstream_rq", code, count)
        if silent or unreachable:
            self._late.append((now + _TIMEOUT, place.cluster, silent + unreachable))
        self._time(place.cluster, answered, acts.latency * 1000)
        return errors + silent + unreachable

    def _time(self, cluster: str, answered: int, usual: float) -> None:
        slower = _binomial(self._rng, answered, 0.02)
        for bound in BUCKETS:
            within = (answered - slower if usual <= bound else 0) + (slower if 2 * usual <= bound else 0)
            self._count(cluster, "upstream_rq_time_bucket", f"{bound:g}", within)
        self._count(cluster, "upstream_rq_time_bucket", "+Inf", answered)

    def _count(self, cluster: str, name: str, part: str, number: int) -> None:
        if number or (name != "upstream_rq" and (cluster, name, part) not in self.counters):
            key = (cluster, name, part)
            self.counters[key] = self.counters.get(key, 0) + number


def read(prefix: str, route: Fields) -> Taken:
    """The first rule of an HTTPRoute, as Envoy Gateway makes clusters of it: places by position."""
    rule = (route["spec"].get("rules") or [{}])[0]
    cluster = f"httproute/{prefix}/rule/0"
    slots = tuple(
        Place(_revision(backend["name"]), int(backend.get("weight", 1)), f"{cluster}/backend/{position}")
        for position, backend in enumerate(rule.get("backendRefs") or ())
        if backend.get("weight", 1)
    )
    mirror = None
    for one in rule.get("filters") or ():
        copied = one.get("requestMirror")
        if copied:
            fraction = copied.get("fraction") or {"numerator": copied.get("percent", 100), "denominator": 100}
            share = 1000 * fraction["numerator"] // fraction.get("denominator", 100)
            mirror = Place(_revision(copied["backendRef"]["name"]), share, f"{cluster}-mirror-0")
    return Taken(route["metadata"].get("generation", 0), slots, mirror)


def shares(route: Fields | None) -> dict[str, int]:
    """Thousandths by revision."""
    found: dict[str, int] = {}
    # A fallback is no revision, and stands by the name of its Service.
    for place in read("", route).slots if route else ():
        found[place.revision] = found.get(place.revision, 0) + place.share
    return found


def _revision(service: str) -> str:
    return service.rpartition("-")[2]


def _binomial(rng: Random, number: int, share: float) -> int:
    """Drawn for few, its normal approximation for many."""
    if share <= 0 or number <= 0:
        return 0
    if share >= 1:
        return number
    mean = number * share
    if number < 12:
        return sum(rng.random() < share for _ in range(number))
    return max(0, min(number, round(rng.gauss(mean, (mean * (1 - share)) ** 0.5))))
