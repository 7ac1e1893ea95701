"""Who approved what, read from what people made and not from what the operator says."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.simulation.policies import ENVIRONMENT, MODEL, NAMESPACE, TECHNICAL_OWNER

from headgate.api.policy import RolloutPolicySpec
from headgate.api.vocabulary import Role, Tier
from headgate.governance.subjects import deployment_statement, subject_of
from headgate.kube.resources import CONFIG_MAPS

if TYPE_CHECKING:
    from tests.simulation.world import World

Object = dict[str, Any]


@dataclass(slots=True)
class Decided:
    """A GovernanceApproval as it was when it was made, and when its object was deleted, if it was."""

    name: str
    spec: Object
    created: float
    gone: float | None = None


def unapproved(world: "World", decided: Sequence[Decided], candidate: Object) -> str:
    """Why nobody can have approved the candidate; empty if they did."""
    copy = world.server.find(CONFIG_MAPS, candidate["policyCopy"], NAMESPACE)
    if copy is None:
        return "its policy copy is not there"
    policy = RolloutPolicySpec.model_validate_json(copy["data"]["policy.json"])
    tier = Tier(world.plan.tier)
    subject = subject_of(
        deployment_statement(
            environment=ENVIRONMENT, namespace=NAMESPACE, name=MODEL, content=candidate["content"], tier=tier, policy=policy
        )
    )
    persons: set[str] = set()
    for role in policy.gates.deployment.of(tier):
        if role is Role.AUTOMATED_CHECKS:
            continue
        who = _approver(decided, role, subject)
        if who is None:
            return f"nobody approved its subject as {role}"
        if tier is not Tier.LOW and who in persons:
            return f"{who} approved in two roles"
        persons.add(who)
    return ""


def _approver(decided: Sequence[Decided], role: Role, subject: str) -> str | None:
    for one in decided:
        spec = one.spec
        if spec["decision"] == "Approve" and spec["role"] == role and spec["subject"] == subject:
            if role is Role.FAIRNESS_AUDIT and spec["approver"] == TECHNICAL_OWNER:
                continue
            return str(spec["approver"])
    return None
