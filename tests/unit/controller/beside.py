"""A candidate in canary whose policy asks for counters of its own, and a judge that reads them."""

import asyncio
from collections.abc import Mapping
from typing import Any

from tests.unit.controller.operator_world import OperatorWorld, live

from headgate.api.vocabulary import Profile
from headgate.controller.checkpoints import Checkpoints
from headgate.controller.facts import ModelKey
from headgate.controller.judging import Judging, Samples
from headgate.controller.queue import Priority
from headgate.kube.resources import ROLLOUT_POLICIES


def in_canary_under(policy: Mapping[str, Any], mode: str = "Enforce") -> OperatorWorld:
    """v2 has 20 % of the users under this policy."""
    world = live()
    world.api.put(ROLLOUT_POLICIES, {"metadata": {"name": "standard", "namespace": "platform"}, "spec": policy})
    world.list_all()
    world.release("v2", mode=mode)
    world.settle()
    world.approve()
    world.settle()
    world.list_all()
    assert world.status.phase == "Canary", world.status.conditions
    return world


class BesideBench:
    """`beside`: what samples the model's own counters, by the judge's name for it."""

    def __init__(self, world: OperatorWorld, gateway: Samples, **beside: Samples) -> None:
        self.world, self.gateway, self._beside = world, gateway, beside
        self.woken: list[tuple[ModelKey, Priority]] = []
        self.restart()

    def restart(self) -> None:
        self.checkpoints = Checkpoints(self.world.api, self.world.cache, monotonic=self.world.seconds)
        self.judging = Judging(
            self.world.cache,
            {Profile.ENVOY_GATEWAY: self.gateway},
            self.checkpoints.recall,
            lambda key, priority: self.woken.append((key, priority)),
            wall=self.world.seconds,
            **self._beside,
        )

    def tick(self, seconds: float = 5.0) -> None:
        self.world.pass_time(seconds)
        asyncio.run(self.judging.tick())

    def write(self) -> None:
        asyncio.run(self.checkpoints.write_due(self.judging))
