"""Models that vanish with their CustomResourceDefinition were deleted by nobody."""

import asyncio
from typing import Any
from unittest.mock import Mock

import pytest
from tests.unit.controller.aftermath import after_its_end, names, revisions
from tests.unit.controller.operator_world import in_canary

from headgate.controller.orphans import GRACE
from headgate.kube.errors import Forbidden
from headgate.kube.resources import AIMODELS, CUSTOM_RESOURCE_DEFINITIONS, ROLLOUT_POLICIES


@pytest.mark.parametrize("how", ["being deleted", "gone", "replaced"])
def test_models_that_vanish_with_their_definition_are_not_taken_for_deleted(how: str) -> None:
    world = in_canary()
    before, weights = names(world.api), world.weights
    name = AIMODELS.qualified
    assert asyncio.run(world.kinds.present_since(world.seconds()))
    if how != "being deleted":
        world.api.remove(CUSTOM_RESOURCE_DEFINITIONS, name, "")
    if how == "replaced":
        world.api.put(CUSTOM_RESOURCE_DEFINITIONS, {"metadata": {"name": name}, "spec": {}})
    if how == "being deleted":
        world.api.put(CUSTOM_RESOURCE_DEFINITIONS, {"metadata": {"name": name, "deletionTimestamp": "2026-03-01T00:00:00Z"}, "spec": {}})
    world.api.remove(AIMODELS, "credit")
    mark = len(world.api.writes)
    after_its_end(world, 2 * GRACE)
    assert world.since(mark) == []
    assert ("were replaced" if how == "replaced" else "missing: aimodels.headgate.dev") in world.kinds.problem
    world.api.put(CUSTOM_RESOURCE_DEFINITIONS, {"metadata": {"name": name, "deletionTimestamp": None}, "spec": {}})
    world.restart()
    after_its_end(world, GRACE - 60)
    assert world.since(mark) == [], "the models are being applied again"
    world.release("v2")
    world.settle()
    assert world.weights == weights
    assert names(world.api) == before
    assert world.status.phase == "Canary"


def test_the_process_ends_when_lost_definitions_are_back() -> None:
    world = in_canary()

    async def scene() -> None:
        task = asyncio.create_task(world.kinds.run())
        await asyncio.sleep(0)
        task.cancel()
        world.api.remove(CUSTOM_RESOURCE_DEFINITIONS, ROLLOUT_POLICIES.qualified, "")
        world.pass_time(1)
        assert not await world.kinds.present_since(world.seconds() - 0.5)
        world.api.put(CUSTOM_RESOURCE_DEFINITIONS, {"metadata": {"name": ROLLOUT_POLICIES.qualified}, "spec": {}})
        await asyncio.wait_for(world.kinds.run(), 5)

    asyncio.run(scene())


def test_rights_of_an_older_chart_do_not_stop_anything() -> None:
    world = in_canary()
    stable, _ = revisions(world)

    async def forbidden(*_: Any) -> Any:
        raise Forbidden("may not get customresourcedefinitions", status=403)

    world.kinds._api = Mock(get=forbidden)
    world.api.remove(AIMODELS, "credit")
    world.step()
    assert world.weights == {stable: 1000}
