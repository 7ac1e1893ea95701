"""One trace: the operator's replicas, the API server, pods, gateway, Prometheus and people on one virtual time, drawn from one seed."""

import asyncio
import contextvars
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from random import Random
from typing import Any

from tests.simulation import faults, trace
from tests.simulation.apiserver.requests import Request
from tests.simulation.apiserver.server import ApiServer
from tests.simulation.autoscalers import Autoscalers
from tests.simulation.checks import SCRAPE, Checks
from tests.simulation.clock import EPOCH, VirtualLoop
from tests.simulation.cluster import Cluster
from tests.simulation.faults import Call, Faults
from tests.simulation.gateway import Gateway
from tests.simulation.people import People, Plan
from tests.simulation.pods import Pods
from tests.simulation.policies import FALLBACK, MODEL, NAMESPACE, POLICIES
from tests.simulation.prometheus import Prometheus
from tests.simulation.replica import Replica, Stream
from tests.simulation.versions import Behaviour

from headgate.api.policy import RolloutPolicySpec
from headgate.kube.resources import AIMODELS, DEPLOYMENTS, HTTP_ROUTES

Object = dict[str, Any]

BEGIN = 60.0
"""True time at which the operator starts. The cluster is older, so that its admission policies have settled."""
_LEASE = 15.0 + 2.4 + 6.0
"""Seconds until somebody leads again after the leader was lost: the lease's duration, a retry, and a process that starts."""
_FAILOVERS = 900.0
"""Seconds of pauses and trials until users are back from a stand-in, at most: two failed trials and one that passes."""
_UNSEEN = 5.0
"""Seconds of a step of a clock that the operator may take for none. Of a larger one it may not believe a second."""
_AT_REST = 5.0
"""Seconds without a write after which nothing is expected to come."""
_WAITS = frozenset(
    {
        "WaitingForApproval",
        "ApprovalMissing",
        "Paused",
        "DeadlineExceeded",
        "WaitingForCapacity",
        "CrashLoop",
        "WorkloadNotReady",
        "ApprovalLapsed",
        "StableDegraded",
        "SharedFailure",
        "Degraded",
        "RouteNotAccepted",
        "ClockStepped",
        "Failover",
        "BreakGlass",
        "Frozen",
    }
)
"""Reasons for which a candidate may stay where it is: people, the policy's declared hold, or a world that does not heal."""


class World:
    """All actors of one trace. `people` and `faults` are drawn; the rest follows."""

    def __init__(self, loop: VirtualLoop, plan: Plan, weather: faults.Weather, seed: int, verbose: bool = False) -> None:
        self.loop, self.plan, self.verbose = loop, plan, verbose
        self.over = False
        self.began = BEGIN
        self.writer: tuple[Replica, Call] | None = None
        self.disturbed_until = self._disturbed_at = 0.0
        self.clock_doubt = SCRAPE + min(abs(weather.skew), 2.0)
        """Seconds by which times may be off: the spacing of samples, and what nobody can see of a skew, and of the steps so far."""
        self.streams: dict[tuple[str, str], Stream] = {}
        self._context = contextvars.Context()
        self._deny_until = self._refuse_until = self._slow_until = self._gap_until = 0.0
        self._denied_at = self._route_written_at = -1.0
        self.taken_at = 0.0
        """When the gateway took its present weights."""
        self._rng = Random(f"{seed}/world")
        self.policy = RolloutPolicySpec.model_validate(POLICIES[plan.policy])
        self.least_stage = float(self.policy.stages[0].min_duration)
        self.longest_stage = float(self.policy.stages[0].max_duration)
        self.faults = Faults(weather, Random(f"{seed}/faults"))
        self.server = Cluster(self.machine_time, self._changed)
        self.server.admission.append(self._denied)
        self.people = People(self.server, plan, Random(f"{seed}/people"), self.now, self.later, stamp)
        self.pods = Pods(self.server, Random(f"{seed}/pods"), self.now, self.later, stamp, self.people.behaviour, self._before_change)
        self.checks = Checks(self)
        self.gateway = Gateway(
            f"{NAMESPACE}/{MODEL}",
            plan.rate,
            Random(f"{seed}/gateway"),
            self.people.behaviour,
            self.ready,
            self.checks.user_requests,
        )
        self.autoscalers = Autoscalers(self.server, Random(f"{seed}/autoscalers"))
        self.prometheus = Prometheus(weather.skew)
        self.replicas = [Replica(self, name, Random(f"{seed}/{name}")) for name in ("headgate-a", "headgate-b")[: plan.processes]]

    # -- time --

    def now(self) -> float:
        return self.loop.time()

    def machine_time(self) -> datetime:
        return datetime.fromtimestamp(EPOCH + self.loop.time(), UTC)

    def later(self, seconds: float, work: Callable[..., Any], *args: Any) -> None:
        """For everybody but the operator's processes: a call that no freeze and no crash touches."""
        self.loop.call_later(seconds, work, *args, context=self._context)

    def say(self, text: str) -> None:
        if self.verbose:
            print(f"{self.loop.time() - self.began:9.3f}  {text}")

    def ready(self, revision: str) -> int:
        """Pods that answer. The fallback always does."""
        return 1 if revision == FALLBACK else self.pods.ready(revision)

    # -- what the bounds rest on --

    def disturb(self, seconds: float = 0.0) -> None:
        """Something went wrong that the operator may need `seconds` to get over."""
        self._disturbed_at = self.now()
        leads = any(replica.leading and replica.up for replica in self.replicas)
        self.disturbed_until = max(self.disturbed_until, self.now() + seconds + (0.0 if leads else _LEASE))

    def disturbed_within(self, seconds: float) -> bool:
        return self.disturbed_until > self.now() - seconds

    @property
    def route_denied(self) -> bool:
        """Whether writes of the route may have been refused lately."""
        return self._denied_at > self.now() - 1.0

    @property
    def route_behind(self) -> bool:
        """Whether the last write of the route was refused: what it was to say is known to nobody but the status."""
        return self._denied_at > self._route_written_at

    @property
    def longest_blindness(self) -> float:
        """Seconds for which a leader may not see what its pods do: a lost event is found by the next full list."""
        weather = self.faults.weather
        struck = any("leader" in kind or kind == "crash-all" for _, kind in weather.world)
        return 45.0 if weather.watch or weather.api or struck else 3.0

    @property
    def order_bound(self) -> float:
        """Seconds from an order of a person to its effect: the watch, the queue, one pass, one retry."""
        return 3.0

    def harm_bound(self, acts: Behaviour) -> float:
        """Seconds from the first request of a harmful version to its last, in fair weather.

        Samples must show it (two scrapes; a missing answer counts once it is older than a scrape), the judge must look (one tick), the
        decision must be written and taken. A guard looks at a minute at most: who was good before must fail for a while to reach the
        guard's share of it.
        """
        tick = max(0.3, float(self.policy.analysis.interval) / 3)
        lag = 0.2 * acts.good_for / max(0.05, acts.failing - 0.2)
        return 4 * SCRAPE + 2 * tick + 1.0 + lag + max(0.0, self._slow_until - self.now())

    def fresh_seconds(self, since: float) -> float:
        """Seconds from `since` to the newest scrape that were sampled without a gap."""
        patience = max(2.0 * float(self.policy.analysis.interval), 2 * SCRAPE) + 1
        times = [since, *(time for time in self.prometheus.scraped if time > since)]
        return sum(after - before for before, after in pairwise(times) if after - before <= patience)

    # -- what the actors see --

    @property
    def status(self) -> Object:
        return self.people.status

    # -- the trace --

    async def live(self) -> None:
        """Until nothing is to be expected any more, or an invariant is broken. Raises Broken."""
        for replica in self.replicas:
            self.later(self._rng.uniform(0.0, 0.5), replica.start)
        for at, act in self.plan.acts:
            self.later(at, self._act, act)
        for at, kind in self.faults.weather.world:
            self.later(at, self._strike, kind)
        self.later(SCRAPE, self._second)
        self.began = self.checks.last_write = self.now()
        fair = self.began + max([self.faults.weather.until, *(at for at, _ in self.plan.acts)])
        self.faults.weather = self.faults.weather.shifted(self.began)
        try:
            while self.checks.broken is None:
                await asyncio.sleep(SCRAPE)
                if self.now() > fair and self._finished(fair):
                    break
            if self.checks.broken is None:
                self.checks.at_rest(self.status)
        finally:
            self.over = True
            for replica in self.replicas:
                await replica.close()
        if self.checks.broken is not None:
            raise self.checks.broken

    def _finished(self, fair: float) -> bool:
        status = self.status
        candidate = status.get("candidate")
        settled = not self.disturbed_within(0.0) and any(replica.leading for replica in self.replicas) and not self._comes_back(status)
        quiet = self.now() - max(self.checks.last_write, fair) > _AT_REST
        never_quiet = self.people.behaviour((status.get("stable") or {}).get("revision", "")).crashes > 0
        if settled and (quiet or never_quiet) and candidate is None and status.get("phase") in ("Live", "RolledBack", "Frozen"):
            return True
        if settled and quiet and candidate is None and self.people.leave_it_at_that(status):
            return True
        reasons = {c["reason"] for c in status.get("conditions") or () if c["type"] in ("Ready", "Reconciling")}
        waits = candidate is not None and reasons & _WAITS and not status.get("pendingAudit")
        starting = "WorkloadNotReady" in reasons and not quiet
        if settled and waits and self.now() - fair > _AT_REST and not starting and not self._about_to_change(candidate):
            return True
        longest = sum(float(stage.max_duration) for stage in self.policy.stages)
        bound = 3 * longest + 120.0 + (_FAILOVERS if self.plan.fallback else 0.0)
        if self.now() - max(fair, self.disturbed_until) > bound:
            self.checks.fail("ends", f"{bound:.0f} s of fair time and still {status.get('phase')}: {sorted(reasons)}")
        return False

    def _comes_back(self, status: Object) -> bool:
        """Whether users are to leave the stand-in: the stable version can answer again."""
        stable = (status.get("stable") or {}).get("revision", "")
        acts = self.people.behaviour(stable)
        can = bool(stable) and self.pods.ready(stable) > 0 and not acts.crashes and acts.failing < 0.05 and not acts.good_for
        return can and bool(status.get("failover"))

    def _about_to_change(self, candidate: Object) -> bool:
        """Approvers who will answer are not waited for in vain."""
        gate = candidate.get("gate")
        return bool(gate) and not gate.get("open") and self.people.will_answer(gate["subject"])

    def _second(self) -> None:
        if self.over:
            return
        now = self.now()
        self.gateway.serve(now)
        if now >= self._gap_until:
            self.prometheus.scrape(self.gateway.counters, now)
        self.pods.live_a_second(NAMESPACE, lambda revision: revision in self.gateway.first)
        self.people.live_a_second()
        self.autoscalers.live_a_second()
        self.checks.each_second()
        self.later(SCRAPE, self._second)

    def _act(self, name: str) -> None:
        self.say(f"people: {name}")
        self.people.act(name)

    def _before_change(self) -> None:
        self.gateway.serve(self.now())

    # -- the cluster's own controllers --

    def _changed(self, plural: str, old: Object | None, new: Object | None) -> None:
        """After every write."""
        body = new or old or {}
        name = body["metadata"]["name"]
        if self.verbose:
            trace.tell(self, plural, old, new)
        self.checks.written(plural, old, new, self.writer)
        if plural == DEPLOYMENTS.plural:
            self.later(self._rng.uniform(0.02, 0.2), self.pods.follow, name, NAMESPACE)
        if plural == HTTP_ROUTES.plural and self.writer is not None:
            self._route_written_at = self.now()
        if plural == HTTP_ROUTES.plural and new is not None and (old is None or old["spec"] != new["spec"]):
            slow = self.now() < self._slow_until
            self.later(
                self._rng.uniform(1.0, 3.0) if slow else self._rng.uniform(0.01, 0.4), self._take_route, new["metadata"]["generation"]
            )
        if plural == AIMODELS.plural and self.plan.meddled and self.writer is not None and _about_to_rise(new):
            # Just before the route is written.
            self.later(self._rng.uniform(0.0, 0.02), partial(self.people.edit_route, lowered=True))
        for (_, watched), stream in list(self.streams.items()):
            if watched == plural:
                stream.poll()

    def _take_route(self, generation: int) -> None:
        route = self.server.find(HTTP_ROUTES, MODEL, NAMESPACE)
        if route is None or route["metadata"]["generation"] != generation:
            return
        if self.now() < self._refuse_until:
            self.later(self._refuse_until - self.now(), self._take_route, generation)
            self._answer(route, "False", "NotAllowedByListeners")
            return
        self.gateway.take(route, self.now())
        self.taken_at = self.now()
        self._answer(route, "True", "Accepted")

    def _answer(self, route: Object, status: str, reason: str) -> None:
        answer(self.server, route, stamp(self.now()), status, reason)

    def _denied(self, request: Request, old: Object | None, new: Object | None) -> str | None:
        """What an admission webhook of somebody else says, while it is out of order."""
        if self.now() < self._deny_until and "/httproutes/" in request.path:
            self._denied_at = self.now()
            return 'admission webhook "routes.platform.example" denied the request: out of order'
        return None

    # -- faults of the world --

    def _strike(self, kind: str) -> None:
        self.say(f"fault: {kind}")
        STRIKES[kind](self)

    def leader(self) -> Replica:
        return next((replica for replica in self.replicas if replica.leading), self.replicas[0])

    def step_clock(self) -> None:
        """Of a machine: a process that starts on it before it is set right finds it so."""
        replica = self._rng.choice(self.replicas)
        step = self._rng.choice((-3600.0, 3600.0, -30.0, 30.0, -2.0, 2.0))
        replica.watch.offset += step
        if abs(step) <= _UNSEEN:
            self.clock_doubt += abs(step)
        self.say(f"the clock of {replica.name} is stepped by {step:+g} s")
        self.disturb(1.0)
        if self._rng.random() < 0.5:
            self.later(self._rng.uniform(0.0, 2.0), replica.kill, "its machine is reset")
        self.later(self._rng.uniform(2.0, 15.0), self._set_right, replica)

    def _set_right(self, replica: Replica) -> None:
        replica.watch.offset = 0.0
        self.disturb(5.0)

    def deny_route(self) -> None:
        self._deny_until = self.now() + self._rng.uniform(1.0, 10.0)
        self.disturb(self._deny_until - self.now() + 6.0)

    def refuse_route(self) -> None:
        self._refuse_until = self.now() + self._rng.uniform(1.0, 10.0)
        self.disturb(self._refuse_until - self.now() + 1.0)

    def slow_gateway(self) -> None:
        self._slow_until = self.now() + 10.0
        self.disturb(13.0)

    def scrape_gap(self) -> None:
        self._gap_until = self.now() + self._rng.uniform(1.0, 12.0)
        self.disturb(self._gap_until - self.now() + 1.0)

    def lose_room(self) -> None:
        self.pods.no_room = True
        self.later(self._rng.uniform(2.0, 10.0), self.find_room)

    def find_room(self) -> None:
        self.pods.no_room = False

    def befall(self, what: Callable[[Any, str], None]) -> None:
        pod = self.pods.some()
        if pod is not None:
            self.disturb(8.0)
            what(pod, NAMESPACE)

    def empty_stable(self) -> None:
        """Every pod of the live version fails its probe for a while."""
        fleet = self.pods.fleets.get((self.status.get("stable") or {}).get("revision", ""))
        self.disturb(8.0)
        for pod in [pod for pod in fleet.pods.values() if pod.ready] if fleet else ():
            self.pods.lose_readiness(pod, NAMESPACE)

    def restart_proxy(self) -> None:
        self.gateway.restart(self.now())
        self.disturb(4.0)


STRIKES: dict[str, Callable[[World], None]] = {
    "compaction": lambda world: world.server.compact(),
    "step-clock": World.step_clock,
    "crash-leader": lambda world: world.leader().kill("struck"),
    "freeze-leader": lambda world: world.leader().freeze(world._rng.uniform(1.0, 25.0)),
    "crash-all": lambda world: [replica.kill("struck") for replica in world.replicas],
    "deny-route": World.deny_route,
    "refuse-route": World.refuse_route,
    "slow-gateway": World.slow_gateway,
    "proxy-restart": World.restart_proxy,
    "no-room": World.lose_room,
    "lose-readiness": lambda world: world.befall(world.pods.lose_readiness),
    "empty-stable": World.empty_stable,
    "crash-pod": lambda world: world.befall(world.pods.crash),
    "evict-pod": lambda world: world.befall(world.pods.evict),
    "scrape-gap": World.scrape_gap,
    "collect-garbage": lambda world: world.server.collect_garbage(),
}


def _about_to_rise(model: Object | None) -> bool:
    """Whether a later stage was decided whose weights nobody has taken yet."""
    stage = (((model or {}).get("status") or {}).get("candidate") or {}).get("stage") or {}
    return stage.get("index", 0) > 0 and not stage.get("effective")


def answer(server: ApiServer, route: Object, time: str, status: str = "True", reason: str = "Accepted") -> None:
    """What the gateway writes about a route."""
    seen = {"reason": reason, "message": reason, "observedGeneration": route["metadata"]["generation"], "lastTransitionTime": time}
    conditions = [{"type": kind, "status": status if kind == "Accepted" else "True", **seen} for kind in ("Accepted", "ResolvedRefs")]
    parents = [
        {"parentRef": ref, "controllerName": "gateway.envoyproxy.io/gatewayclass-controller", "conditions": conditions}
        for ref in route["spec"]["parentRefs"]
    ]
    server.put(HTTP_ROUTES, {**route, "status": {"parents": parents}})


def stamp(moment: float) -> str:
    """A true time of the trace as the API spells times."""
    return f"{datetime.fromtimestamp(EPOCH + moment, UTC).isoformat()[:19]}Z"
