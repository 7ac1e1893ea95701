"""What a request does that outlives its process."""

import asyncio
from dataclasses import replace

import pytest
from tests.simulation import prepared
from tests.simulation.apiserver.requests import Request
from tests.simulation.clock import VirtualLoop
from tests.simulation.faults import FAIR, call_of
from tests.simulation.policies import PLATFORM
from tests.simulation.replica import Wire
from tests.simulation.trace import script
from tests.simulation.world import World

from headgate.controller.parts import LEASE
from headgate.kube.resources import AIMODELS, LEASES

MERGE = "application/merge-patch+json"


@pytest.mark.parametrize(("holder", "waits"), [("headgate-a-1", True), (None, False)])
def test_a_lease_that_a_dead_process_renews_keeps_everybody_waiting_once_more(holder: str | None, waits: bool) -> None:
    """The bounds of the checks begin with it. A renewal that finds no lease changes nothing."""

    async def late() -> bool:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        plan = replace(script(0).plan, fresh=True)
        world = World(loop, plan, FAIR, 0)
        prepared.prepare(world)
        if holder:
            world.server.put(LEASES, {"metadata": {"name": LEASE, "namespace": PLATFORM}, "spec": {"holderIdentity": holder}})
        await asyncio.sleep(60.0)
        request = Request("PATCH", LEASES.path(PLATFORM, LEASE), {}, {"spec": {"leaseTransitions": 1}}, MERGE)
        Wire(world.replicas[0])._arrive(request, call_of(request.method, request.path, MERGE))
        return world.disturbed_within(0.0)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(late()) is waits


@pytest.mark.parametrize(("code", "ends"), [(410, False), (500, True), (504, True)])
def test_an_error_in_a_watch_ends_the_process_as_kopf_does_unless_the_history_is_gone(code: int, ends: bool) -> None:
    async def scene() -> str:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        world = World(loop, replace(script(0).plan, fresh=True), FAIR, 0)
        prepared.prepare(world)
        replica = world.replicas[0]
        replica.start()
        await asyncio.sleep(10.0)
        stream = world.streams[replica.name, AIMODELS.plural]
        loop.call_soon(stream._receive, {"type": "ERROR", "object": {"code": code}}, context=replica.context)
        await asyncio.sleep(20.0)
        world.over = True
        await replica.close()
        assert world.checks.broken is None
        return replica.identity.removeprefix(replica.name)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(scene()) == ("-2" if ends else "-1")
