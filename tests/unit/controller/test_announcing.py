"""What becomes of people's decisions is told without keeping anybody from looking at users."""

from typing import Any

from tests.unit.controller.operator_world import OperatorWorld, in_canary

from headgate.kube.resources import GOVERNANCE_APPROVALS

MANY = 50


def answered(world: OperatorWorld) -> int:
    return sum("state" in made.get("status", {}) for made in world.api.of(GOVERNANCE_APPROVALS))


def flooded() -> OperatorWorld:
    world = in_canary()
    for number in range(MANY):
        given: dict[str, Any] = {"gate": "Deployment", "role": "fairness-audit", "subject": f"sha256:{number:064x}"}
        world.decide("Approve", "dana@bank", expiresAt="2026-05-01T00:00:00Z", **given)
    return world


def test_of_many_decisions_some_are_answered_in_each_pass_and_all_in_the_end() -> None:
    world = flooded()
    before = answered(world)
    world.step()
    assert 0 < answered(world) - before <= 20
    assert len(world.queue) == 1, "it is looked at again at once"
    world.settle()
    assert answered(world) == before + MANY
