"""Where traces begin: an empty cluster, or one in which a first version is live. The latter is made once by a fair trace."""

import asyncio
import pickle
from dataclasses import replace
from functools import cache
from itertools import product

from tests.simulation.apiserver.server import ApiServer
from tests.simulation.clock import VirtualLoop
from tests.simulation.faults import FAIR
from tests.simulation.governed import Governed, trust_store
from tests.simulation.people import REPLICAS, TIERS, Habits, Plan
from tests.simulation.policies import NAMESPACE, PLATFORM, POLICIES, Document
from tests.simulation.versions import GOOD
from tests.simulation.world import BEGIN, World

from headgate.kube.admission import BINDINGS, REQUIRED
from headgate.kube.admission import POLICIES as ADMISSION
from headgate.kube.resources import (
    AIMODELS,
    CUSTOM_RESOURCE_DEFINITIONS,
    EVENTS,
    GATEWAYS,
    GOVERNANCE_APPROVALS,
    LEASES,
    NAMESPACES,
    ROLLOUT_POLICIES,
    TRUST_STORES,
)


def prepare(world: World) -> None:
    """Fill the world as its plan says, and set its clock to when the operator starts."""
    if world.plan.fresh:
        _furnish(world)
        world.loop.jump(BEGIN)
    else:
        _restore(world, _live(_kind(world.plan)))
        world.people.take_over()
    if world.plan.governed.trusted:
        world.server.put(TRUST_STORES, trust_store())


def _furnish(world: World) -> None:
    """What is there before a first version is live."""
    furnish(world.server, world.plan.policy, POLICIES[world.plan.policy])
    world.people.release("good-0", GOOD)


def furnish(server: ApiServer, name: str, policy: Document) -> None:
    """What is there before the first model: admission policies, the rollout policy, the gateway."""
    for namespace in (NAMESPACE, "gateways", PLATFORM):
        server.put(NAMESPACES, {"metadata": {"name": namespace}})
    for kind in (AIMODELS, ROLLOUT_POLICIES, GOVERNANCE_APPROVALS):
        server.put(CUSTOM_RESOURCE_DEFINITIONS, {"metadata": {"name": kind.qualified}})
    for short in REQUIRED:
        required = f"headgate-{short}"
        server.put(ADMISSION, {"metadata": {"name": required}, "spec": {"validations": [{"expression": "false"}]}})
        server.put(BINDINGS, {"metadata": {"name": required}, "spec": {"policyName": required, "validationActions": ["Deny"]}})
    server.put(ROLLOUT_POLICIES, {"metadata": {"name": name, "namespace": PLATFORM}, "spec": policy})
    server.put(GATEWAYS, {"metadata": {"name": "public", "namespace": "gateways"}, "spec": {"gatewayClassName": "envoy", "listeners": []}})


def warm() -> None:
    """Make all beginnings now: for traces that run another build than the one that shall have made them."""
    for policy, tier, replicas in product(sorted(POLICIES), TIERS, REPLICAS):
        _live(_kind(Plan(policy, tier, False, replicas, 0.0, 1, False, False, False, Habits(0.0, 0.0, False), Governed(), ())))


def _kind(plan: Plan) -> Plan:
    """Of all plans that begin alike, the one that goes no further."""
    habits = Habits(patience=0.0, lasts=86_400.0, rejects=False)
    return replace(
        plan,
        fresh=True,
        rate=200.0,
        processes=1,
        meddled=False,
        fallback=False,
        autoscaled=False,
        habits=habits,
        governed=Governed(),
        acts=(),
    )


@cache
def _live(plan: Plan) -> bytes:
    """The end of a fair trace."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, VirtualLoop)
        world = World(loop, plan, FAIR, 0)
        prepare(world)
        runner.run(world.live())
        assert world.status["phase"] == "Live", world.status
        world.gateway.serve(loop.time())
        store, gateway, people, checks = world.server._store, world.gateway, world.people, world.checks
        shelves = {name: {} if name == EVENTS.qualified else shelf.objects for name, shelf in store.shelves.items()}
        for lease in shelves[LEASES.qualified].values():
            lease["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1}  # as a process leaves it that ends in peace
        memories = (
            (store, {"version": store.version}),
            (world.server._writes, {"_made": world.server._writes._made}),
            (gateway, {"taken": gateway.taken, "counters": gateway.counters, "first": gateway.first, "_until": loop.time()}),
            (world.pods, {"fleets": world.pods.fleets}),
            (world.prometheus, {"_series": world.prometheus._series, "scraped": world.prometheus.scraped}),
            (people, {"behaviours": people.behaviours, "_released": people._released, "_serial": people._serial}),
            (checks, {"allowed": checks.allowed, "decided": checks.decided, "_was_live": checks._was_live}),
            (checks._staged, {"_entered": checks._staged._entered}),
        )
        return pickle.dumps((loop.time(), shelves, [memory for _, memory in memories]))


def _restore(world: World, image: bytes) -> None:
    time, shelves, memories = pickle.loads(image)
    for name, objects in shelves.items():
        world.server._store.shelves[name].objects.update(objects)
    actors = (
        world.server._store,
        world.server._writes,
        world.gateway,
        world.pods,
        world.prometheus,
        world.people,
        world.checks,
        world.checks._staged,
    )
    for actor, memory in zip(actors, memories, strict=True):
        for name, value in memory.items():
            setattr(actor, name, value)
    world.loop.jump(time)
