"""The composition root: parts that fit together, and a start in the right order."""

import asyncio

import httpx
import pytest
from tests.unit.controller.operator_world import KEY, OperatorWorld, live, model_spec

from headgate.config import Settings
from headgate.controller.parts import Parts
from headgate.controller.queue import Priority
from headgate.kube.admission import POLICIES
from headgate.kube.resources import AIMODELS
from headgate.prometheus.client import PrometheusClient

SETTINGS = Settings("headgate-system", "platform", "http://prometheus.invalid", "test", "pod-0")


def nothing(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"status": "success", "data": {"resultType": "matrix", "result": []}})


def parts_of(world: OperatorWorld, *, leading: bool = True) -> Parts:
    prometheus = PrometheusClient(SETTINGS.prometheus_url, transport=httpx.MockTransport(nothing))
    return Parts(SETTINGS, world.api, prometheus, lambda: leading)


@pytest.fixture
def world() -> OperatorWorld:
    made = live()
    made.release("v2")
    return made


def test_the_parts_bring_a_new_version_to_its_gate(world: OperatorWorld) -> None:
    async def scene() -> None:
        parts = parts_of(world)
        await parts.intake.fill()
        await parts.check_enforcement()
        for _ in range(6):
            assert await parts.reconciler.handle(KEY) == "done"
            world.world_turns()
            await parts.intake.fill()
        await parts.judging.tick()
        parts.queue.close()

    asyncio.run(scene())
    assert world.status.phase == "AwaitingDeployment"


def test_a_standby_reads_everything_and_writes_nothing(world: OperatorWorld) -> None:
    async def scene() -> str:
        parts = parts_of(world, leading=False)
        await parts.intake.fill()
        assert parts.health.missing() == []
        result = await parts.reconciler.handle(KEY)
        parts.queue.close()
        return result

    mark = len(world.api.writes)
    assert asyncio.run(scene()) == "not-leading"
    assert world.since(mark) == []


def test_models_in_rollout_are_decided_first(world: OperatorWorld) -> None:
    async def scene() -> list[str]:
        for number in range(5):
            made = world.api.put(AIMODELS, {"metadata": {"name": f"a-{number}", "namespace": "lending"}, "spec": model_spec("v1")})
            world.api.put(AIMODELS, {**made, "status": {"observedGeneration": made["metadata"]["generation"]}})
        parts = parts_of(world)
        await parts.intake.fill()
        parts.decide_all()
        return [(await parts.queue.get(Priority.STABLE)).name for _ in range(3)]

    assert asyncio.run(scene())[0] == KEY.name


def test_every_model_is_decided_anew_when_governance_is_no_longer_enforced(world: OperatorWorld) -> None:
    async def scene() -> tuple[int, int]:
        parts = parts_of(world)
        await parts.intake.fill()
        await parts.check_enforcement()
        while len(parts.queue):
            parts.queue.done(await parts.queue.get())
        await parts.check_enforcement()
        unchanged = len(parts.queue)
        del world.api.objects[(POLICIES.plural, "", "headgate-pods")]
        await parts.check_enforcement()
        return unchanged, len(parts.queue)

    assert asyncio.run(scene()) == (0, 1)


def test_a_model_whose_approvals_wait_for_a_look_is_decided_anew_after_it(world: OperatorWorld) -> None:
    world.settle()

    async def scene() -> list[int]:
        parts, waiting = parts_of(world), []
        await parts.intake.fill()
        await parts.check_enforcement()
        world.approve()
        await parts.intake.fill()
        while len(parts.queue):
            parts.queue.done(await parts.queue.get())
        await parts.reconciler.handle(KEY)
        for _ in range(2):
            await parts.check_enforcement()
            waiting.append(len(parts.queue))
            while len(parts.queue):
                parts.queue.done(await parts.queue.get())
        return waiting

    assert asyncio.run(scene()) == [1, 0]
