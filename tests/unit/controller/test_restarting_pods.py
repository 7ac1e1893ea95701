"""Pods of a candidate restart under rules with headers and a mirror: no rule depends on a pod, so the route stays as it is."""

from typing import Any

import pytest
from tests.unit.controller.operator_world import KEY, POLICY, OperatorWorld, model_spec

from headgate.api.vocabulary import Phase
from headgate.kube.resources import HTTP_ROUTES, PODS, ROLLOUT_POLICIES

SHADOW = {"name": "shadow", "mirrorPercent": 100, "minDuration": "1h", "maxDuration": "9h"}
PATH = {"path": {"type": "PathPrefix", "value": "/v1/score"}}
TRAFFIC = {
    **model_spec("v1")["traffic"],
    "rules": [{"matches": [{**PATH, "headers": [{"name": "x-tenant", "value": "gold"}]}]}, {"matches": [PATH]}],
}
RESTARTING = {"conditions": [{"type": "Ready", "status": "False"}]}


def rolling(stages: list[dict[str, Any]], phase: Phase) -> OperatorWorld:
    """v2 is in its first stage beside v1, and its route has a rule by header."""
    world = OperatorWorld()
    world.api.put(ROLLOUT_POLICIES, {"metadata": {"name": "standard", "namespace": "platform"}, "spec": {"stages": stages}})
    for version in ("v1", "v2"):
        serving = {**model_spec(version)["serving"], "sideEffects": "None"}
        world.release(version, traffic=TRAFFIC, serving=serving)
        world.settle()
        if version == "v1" or phase is Phase.CANARY:
            world.approve()
            world.settle()
        if version == "v1":
            world.pass_time(2 * 3600)
            world.settle()
    assert world.status.phase is phase, world.status.conditions
    return world


def rules(world: OperatorWorld) -> list[dict[str, Any]]:
    route = world.api.find(HTTP_ROUTES, KEY.name)
    assert route is not None
    found: list[dict[str, Any]] = route["spec"]["rules"]
    return found


def candidate_pods(world: OperatorWorld) -> list[dict[str, Any]]:
    candidate = world.status.candidate
    assert candidate is not None
    return [pod for pod in world.api.of(PODS) if pod["metadata"]["labels"]["headgate.dev/revision"] == candidate.revision]


@pytest.mark.parametrize(("stages", "phase"), [([SHADOW, *POLICY["stages"]], Phase.SHADOW), (POLICY["stages"], Phase.CANARY)])
def test_pods_that_restart_one_after_the_other_change_no_rule(stages: list[dict[str, Any]], phase: Phase) -> None:
    world = rolling(stages, phase)
    before, mark = rules(world), len(world.api.writes)
    assert len(before) == 2
    mirrored = [one["type"] == "RequestMirror" for rule in before for one in rule.get("filters", ())]
    assert sum(mirrored) == (2 if phase is Phase.SHADOW else 0)
    for pod in candidate_pods(world):
        world.api.put(PODS, {**pod, "status": RESTARTING})
        world.step()
        assert rules(world) == before
        world.world_turns()
        world.settle()
    assert rules(world) == before
    assert "apply httproutes" not in world.since(mark)
    assert world.status.phase is phase
