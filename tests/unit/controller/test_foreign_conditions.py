"""Conditions that `headgate monitor` writes: the operator neither takes them for a change nor writes them."""

from copy import deepcopy
from typing import Any

import pytest
from tests.unit.controller.operator_world import KEY, OperatorWorld, live

from headgate.api.conditions import WATCHED
from headgate.kube.resources import AIMODELS


def say(world: OperatorWorld, kind: str, message: str) -> None:
    """As the monitor's server-side apply leaves the object."""
    model = deepcopy(world.api.find(AIMODELS, KEY.name))
    assert model is not None
    known = {one["type"]: one for one in model["status"]["conditions"]}
    told: dict[str, Any] = {"type": kind, "status": "False", "reason": "Drifting", "message": message}
    known[kind] = told | {"observedGeneration": 1, "lastTransitionTime": "2026-03-01T00:00:00.000000Z"}
    model["status"]["conditions"] = list(known.values())
    world.api.put(AIMODELS, model)


@pytest.mark.parametrize("kind", sorted(WATCHED))
def test_a_live_model_whose_drift_is_told_again_and_again_causes_no_write(kind: str) -> None:
    world = live()
    mark = len(world.api.writes)
    for number in range(3):
        say(world, kind, f"psi 0.1{number}")
        world.settle()
    assert world.since(mark) == []


def test_what_the_operator_writes_leaves_them_out() -> None:
    world = live()
    say(world, "DriftWithinLimits", "psi 0.15")
    world.release("v2")
    mark = len(world.api.writes)
    world.step()
    written = [write.body for write in world.api.writes[mark:] if write.short == "status aimodels"]
    assert written
    assert all(one["type"] not in WATCHED for body in written for one in body["conditions"])
