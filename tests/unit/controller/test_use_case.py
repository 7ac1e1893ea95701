"""The UseCase gate through the whole controller: nothing is made before it is open, and approvals say what became of them."""

from typing import Any

from tests.unit.controller.operator_world import POLICY, OperatorWorld

from headgate.kube.resources import CONFIG_MAPS, DEPLOYMENTS, GOVERNANCE_APPROVALS, HTTP_ROUTES, ROLLOUT_POLICIES, SERVICES

CLASSIFIED: dict[str, Any] = {
    "classification": {"domain": "FraudDetection", "decisions": "Automated", "affectedRights": [], "practices": [], "regions": ["EU"]}
}
GATES = {"useCase": {}, "dossier": {tier: {"pieces": [], "evidence": []} for tier in ("low", "medium", "high")}}


def asking() -> OperatorWorld:
    world = OperatorWorld()
    policy = {"metadata": {"name": "standard", "namespace": "platform"}, "spec": POLICY | {"gates": GATES}}
    world.api.put(ROLLOUT_POLICIES, policy)
    world.release("v1", **CLASSIFIED)
    world.settle()
    return world


def states(world: OperatorWorld) -> list[tuple[str, str]]:
    return [(made["spec"]["role"], made.get("status", {}).get("state", "")) for made in world.api.of(GOVERNANCE_APPROVALS)]


def test_nothing_is_made_until_everybody_has_agreed_also_across_a_restart() -> None:
    world = asking()
    assert world.status.phase == "AwaitingUseCase"
    case = world.status.use_case
    assert case is not None
    given = {"gate": "UseCase", "subject": case.subject, "expiresAt": "2026-05-01T00:00:00Z"}
    world.decide("Approve", "maria@bank", role="business-owner", **given)
    world.settle()
    world.restart()
    world.settle()
    made = (DEPLOYMENTS, SERVICES, HTTP_ROUTES, CONFIG_MAPS)
    assert [kind.plural for kind in made if any(body["metadata"]["namespace"] == "lending" for body in world.api.of(kind))] == []
    assert states(world) == [("business-owner", "Counted")]
    world.decide("Approve", "rita@bank", role="risk-review", **given)
    world.decide("Approve", "fay@bank", role="fairness-audit", **given)
    world.settle()
    assert world.status.phase == "AwaitingDeployment"
    assert world.api.of(DEPLOYMENTS)
    assert states(world) == [("business-owner", "Counted"), ("risk-review", "Counted"), ("fairness-audit", "NotCounted")]


def test_a_model_that_waits_causes_no_writes() -> None:
    world = asking()
    mark = len(world.api.writes)
    for _ in range(5):
        world.pass_time(3600)
        world.step()
    assert world.since(mark) == []
