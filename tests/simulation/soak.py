"""`python -m tests.simulation.soak`: many models roll for a virtual day. What the operator remembers, its metrics and its writes stay."""

import argparse
import asyncio
import contextvars
import logging
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, cast

from tests.simulation.clock import EPOCH, VirtualLoop
from tests.simulation.cluster import Cluster
from tests.simulation.faults import FAIR, Call, Faults
from tests.simulation.gateway import Gateway
from tests.simulation.pods import Pods
from tests.simulation.policies import NAMESPACE, PEOPLE, model_spec
from tests.simulation.prepared import furnish
from tests.simulation.prometheus import Prometheus
from tests.simulation.replica import Replica
from tests.simulation.versions import GOOD, Behaviour
from tests.simulation.world import World, answer, stamp

from headgate.api.aimodel import AIModelSpec
from headgate.kube.events import EventLimits
from headgate.kube.labels import MODEL
from headgate.kube.resources import AIMODELS, DEPLOYMENTS, EVENTS, GOVERNANCE_APPROVALS, HTTP_ROUTES, LEASES
from headgate.rollout.revisions import revision_of

Object = dict[str, Any]

POLICY: Object = {
    "stages": [
        {"name": "canary", "trafficPercent": 20, "minDuration": "4m", "maxDuration": "40m", "minRequests": 100},
        {"name": "full", "holdbackPercent": 1, "minDuration": "4m", "maxDuration": "40m", "minRequests": 100},
    ],
    "checks": [{"metric": "errors", "maxIncrease": "5pp"}],
    "guards": [{"metric": "errors", "maxRate": "20pp", "minRequests": 30}],
    "analysis": {"alpha": "0.05", "beta": "0.05", "interval": "15s", "warmup": "15s", "onDeadline": "Rollback"},
    "rollbackWarm": "5m",
    "rollbackWindow": "15m",
    "lapseGrace": "1m",
}
_SCRAPE = 15.0
_PERIOD = 300.0
_RELEASES = 1800.0
"""Seconds between two versions of one model."""
_KEPT = 1800.0
"""Seconds after which Events and approvals are cleared away, as clusters do."""
_SETTLED = _RELEASES + 900.0
_SAMPLE = 60.0
_FAILING = Behaviour("failing", errors=0.6)
_BOUNDED = {"_series": EventLimits().remembered, "_buckets": EventLimits().remembered}
"""Memories of Events fill up to a number, and stay there."""
_AT_REST = 5
"""One model of so many is never released anew."""


@dataclass(slots=True)
class Report:
    """`sizes`: entries in each container that the operator keeps, looked at regularly. `series`: of its metrics. `writes`: those of the
    operator on models at rest, by kind. `ended`: where rollouts ended."""

    sizes: list[dict[str, int]] = field(default_factory=list)
    series: list[int] = field(default_factory=list)
    writes: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)

    def grown(self) -> dict[str, tuple[int, int]]:
        """What holds clearly more in the last third of the time than in the second one."""
        third = len(self.sizes) // 3
        rows = [{**sizes, "metric series": series} for sizes, series in zip(self.sizes, self.series, strict=True)]
        middle, last = rows[third : 2 * third], rows[2 * third :]
        found = {}
        for name in sorted({name for row in last for name in row}):
            before, after = (max(row.get(name, 0) for row in part) for part in (middle, last))
            if after > max(1.25 * before + 8, _BOUNDED.get(name.rpartition(".")[2], 0)):
                found[name] = before, after
        return found


class Fleet:
    """The world of `models` models. It stands in for World towards the operator's one process: nothing goes wrong here."""

    def __init__(self, loop: VirtualLoop, models: int, seconds: float) -> None:
        self.loop, self.report, self._seconds = loop, Report(), seconds
        self.over, self.writer, self.checks = False, cast("tuple[Replica, Call] | None", None), self
        self.streams: dict[tuple[str, str], Any] = {}
        self.faults, self.prometheus = Faults(FAIR, Random("soak")), Prometheus(0.0)
        self._context, self._behaviours = contextvars.Context(), dict[str, Behaviour]()
        self._made: deque[tuple[float, Any, str]] = deque()
        self._versions: Counter[str] = Counter()
        self._answered: set[str] = set()
        self.server = Cluster(lambda: datetime.fromtimestamp(EPOCH + loop.time(), UTC), self._changed)
        self.pods = Pods(self.server, Random("pods"), loop.time, self.later, stamp, self._behaviour, self._serve)
        self.gateways = {f"m{number:03d}": self._gateway(f"m{number:03d}") for number in range(models)}
        self.replica = Replica(cast("World", self), "headgate-a", Random("a"), period=_PERIOD)

    def _gateway(self, name: str) -> Gateway:
        return Gateway(f"{NAMESPACE}/{name}", 10.0, Random(name), self._behaviour, self.pods.ready, lambda *_: None)

    def _behaviour(self, revision: str) -> Behaviour:
        return self._behaviours.get(revision, GOOD)

    # -- what the process asks of its world --

    def now(self) -> float:
        return self.loop.time()

    def later(self, seconds: float, work: Callable[..., Any], *args: Any) -> None:
        self.loop.call_later(seconds, work, *args, context=self._context)

    def say(self, text: str) -> None:
        """Nobody listens."""

    def disturb(self, seconds: float = 0.0) -> None:
        """There are no bounds here."""

    def part_ended(self, name: str, error: BaseException | None) -> None:
        raise AssertionError(f"{name} ended by itself: {error!r}")

    def write_begins(self, replica: Replica, call: Call) -> None:
        """One process alone may always write."""

    # -- the cluster --

    def _changed(self, plural: str, old: Object | None, new: Object | None) -> None:
        body = new or old or {}
        name = body["metadata"]["name"]
        if self.writer is not None:
            self._count(plural, body)
        if plural == DEPLOYMENTS.plural:
            self.later(0.2, self.pods.follow, name, NAMESPACE)
        elif plural == HTTP_ROUTES.plural and new is not None and (old is None or old["spec"] != new["spec"]):
            self.later(0.2, self._take_route, name)
        elif plural in (EVENTS.plural, GOVERNANCE_APPROVALS.plural) and old is None:
            self._made.append((self.now(), EVENTS if plural == EVENTS.plural else GOVERNANCE_APPROVALS, name))
        for (_, watched), stream in list(self.streams.items()):
            if watched == plural:
                stream.poll()

    def _count(self, plural: str, body: Object) -> None:
        model = (body["metadata"].get("labels") or {}).get(MODEL) or body["metadata"]["name"]
        if plural != LEASES.plural and model in self.gateways and self._at_rest(model) and self.now() > _SETTLED:
            self.report.writes[plural] += 1

    def _take_route(self, name: str) -> None:
        route = self.server.find(HTTP_ROUTES, name, NAMESPACE)
        if route is not None:
            self.gateways[name].take(route, self.now())
            answer(self.server, route, stamp(self.now()))

    def _serve(self) -> None:
        for gateway in self.gateways.values():
            gateway.serve(self.now())

    def _scrape(self) -> None:
        self._serve()
        self.prometheus.scrape({key: value for gateway in self.gateways.values() for key, value in gateway.counters.items()}, self.now())
        self.later(_SCRAPE, self._scrape)

    # -- people --

    def _at_rest(self, name: str) -> bool:
        return int(name[1:]) % _AT_REST == 0

    def _release(self, name: str) -> None:
        present = self.server.find(AIMODELS, name, NAMESPACE)
        status = (present or {}).get("status") or {}
        if present is None or status.get("candidate") is None:
            self.report.ended[status.get("phase", "")] += 1
            self._versions[name] += 1
            number = self._versions[name]
            spec = model_spec("soak", "Low", f"{name}-{number}", replicas=2)
            revision = revision_of(AIModelSpec.model_validate(spec), {}).revision
            self._behaviours[revision] = _FAILING if number % 2 == 0 else GOOD
            metadata = present["metadata"] if present else {"name": name, "namespace": NAMESPACE}
            self.server.put(AIMODELS, {**(present or {}), "metadata": metadata, "spec": spec})
        if not self._at_rest(name):
            self.later(_RELEASES, self._release, name)

    def _look(self) -> None:
        """Approve what waits, and clear away what is old."""
        for model in self.server.of(AIMODELS):
            gate = ((model.get("status") or {}).get("candidate") or {}).get("gate") or {}
            if gate and not gate["open"] and gate["subject"] not in self._answered:
                self._answered.add(gate["subject"])
                self._approve(model["metadata"]["name"], gate["subject"])
        while self._made and self._made[0][0] < self.now() - _KEPT:
            _, kind, name = self._made.popleft()
            self.server.remove(kind, name, NAMESPACE)
        self.later(10.0, self._look)

    def _approve(self, model: str, subject: str) -> None:
        role = "technical-validation"
        spec = {"model": model, "decision": "Approve", "approver": PEOPLE[role], "rationale": "because", "gate": "Deployment"}
        spec |= {"role": role, "subject": subject, "expiresAt": stamp(self.now() + 86_400)}
        metadata = {"name": f"{model}-{subject[-8:]}-{len(self._answered)}", "namespace": NAMESPACE}
        self.server.put(GOVERNANCE_APPROVALS, {"metadata": metadata, "spec": spec})

    # -- the run --

    async def live(self) -> None:
        """Raises AssertionError if a part of the operator ends."""
        furnish(self.server, "soak", POLICY)
        for number, name in enumerate(self.gateways):
            self.later(90.0 + number * _RELEASES / len(self.gateways), self._release, name)
        # The admission policies have been in force for a while.
        self.later(60.0, self.replica.start)
        self.later(_SCRAPE, self._scrape)
        self.later(10.0, self._look)
        try:
            while self.now() < self._seconds:
                await asyncio.sleep(_SAMPLE)
                assert self.replica.parts is not None
                self.report.sizes.append(dict(sizes(self.replica.parts)))
                self.report.series.append(sum(len(metric.samples) for metric in self.replica.parts.telemetry.registry.collect()))
        finally:
            self.over = True
            await self.replica.close()


def sizes(part: Any) -> Iterator[tuple[str, int]]:
    """Entries of every container that objects of the operator keep, by where it is. Containers in containers of one place are added up."""
    found: Counter[str] = Counter()
    seen: set[int] = set()
    todo = [("", part)]
    while todo:
        path, one = todo.pop()
        if id(one) in seen or isinstance(one, str | bytes | int | float | type(None)):
            continue
        seen.add(id(one))
        if isinstance(one, dict | list | set | tuple | deque):
            if not isinstance(one, tuple):
                found[path] += len(one)
            todo += [(f"{path}[]", item) for item in (one.values() if isinstance(one, dict) else one)]
        elif type(one).__module__.startswith("headgate."):
            names = vars(one) if hasattr(one, "__dict__") else getattr(type(one), "__slots__", ())
            todo += [(f"{path}.{name}", getattr(one, name, None)) for name in names]
    yield from found.items()


def soak(models: int, seconds: float) -> Report:
    """`seconds` of virtual time."""
    logging.disable(logging.WARNING)
    try:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            loop = runner.get_loop()
            assert isinstance(loop, VirtualLoop)
            fleet = Fleet(loop, models, seconds)
            runner.run(fleet.live())
            return fleet.report
    finally:
        logging.disable(logging.NOTSET)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.soak", description=__doc__)
    parser.add_argument("--models", type=int, default=50)
    parser.add_argument("--hours", type=float, default=24.0)
    asked = parser.parse_args()
    report = soak(asked.models, asked.hours * 3600)
    grown, kept = report.grown(), [sum(one.values()) for one in report.sizes]
    print(f"{asked.models} models, {asked.hours:g} h; versions released from {dict(report.ended)}")
    print(f"entries kept {kept[len(kept) // 3]} -> {kept[-1]}, metric series {report.series[len(kept) // 3]} -> {report.series[-1]}")
    print(f"grown: {grown or 'nothing'}; writes on models at rest: {dict(report.writes) or 'none'}")
    return 1 if grown or report.writes else 0


if __name__ == "__main__":
    sys.exit(main())
