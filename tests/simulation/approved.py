"""Who approved what, read from what people made and not from what the operator says."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tests.simulation.clock import EPOCH
from tests.simulation.governed import FORGED, TRUSTED, UNSEEN
from tests.simulation.policies import ENVIRONMENT, MODEL, NAMESPACE, TECHNICAL_OWNER, classification

from headgate.api.aimodel import Classification
from headgate.api.policy import RolloutPolicySpec
from headgate.api.vocabulary import Role, Tier
from headgate.governance.subjects import deployment_statement, subject_of, use_case_statement
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
    """Why nobody can have approved the candidate, or not any more; empty if they did."""
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
    if policy.gates.use_case is not None:
        case = use_case_statement(
            environment=ENVIRONMENT,
            namespace=NAMESPACE,
            name=MODEL,
            classification=Classification.model_validate(classification(world.plan.policy, world.plan.tier)),
            requirements=None,
            vendor=None,
            tier=tier,
        )
        if why := _lacks(world, decided, policy.gates.use_case.of(tier), subject_of(case), tier):
            return f"of the use case: {why}"
    if rejection := _standing_rejection(world, decided, subject):
        return f"{rejection} stands"
    why = _lacks(world, [one for one in decided if _may_count(world, one)], policy.gates.deployment.of(tier), subject, tier)
    if why and _glass_broken(world, decided, candidate, tier):
        measured = Role.AUTOMATED_CHECKS in policy.gates.deployment.of(tier) and any(stage.is_shadow for stage in policy.stages)
        return "the glass was broken, and shadow has not passed" if measured and not _passed(candidate) else ""
    return why


def _may_count(world: "World", one: Decided) -> bool:
    """Whether the operator may still count it: it is there, and has not expired, or that is too new to be known everywhere."""
    lag = world.longest_blindness
    if world.disturbed_within(lag):
        return True
    ended = one.gone if one.gone is not None else math.inf
    if one.spec.get("expiresAt"):
        ended = min(ended, datetime.fromisoformat(one.spec["expiresAt"]).timestamp() - EPOCH + world.clock_doubt)
    return world.now() - ended <= lag


def _standing_rejection(world: "World", decided: Sequence[Decided], subject: str) -> str:
    """The name of a latched Reject or Revoke that the same role has not answered by a later approval; empty if there is none."""
    known = {latch["name"] for latch in world.status.get("latches") or ()}
    for one in decided:
        spec = one.spec
        if one.name not in known or spec.get("subject") != subject or world.now() - one.created <= world.longest_blindness:
            continue
        answers = (later for later in decided if later.created >= one.created and later.spec["decision"] == "Approve")
        if not any(later.spec["subject"] == subject and later.spec["role"] == spec["role"] for later in answers):
            return one.name
    return ""


def _passed(candidate: Object) -> bool:
    return bool(candidate.get("shadowPassed")) and "shadow" not in (candidate.get("inconclusiveAccepted") or ())


def _lacks(world: "World", decided: Sequence[Decided], roles: Sequence[Role], subject: str, tier: Tier) -> str:
    """Which role nobody can have filled; empty if there is none."""
    persons: set[str] = set()
    for role in roles:
        if role is Role.AUTOMATED_CHECKS:
            continue
        who = _approver(world, decided, role, subject, tier)
        if who is None:
            return f"nobody approved its subject as {role}"
        if tier is not Tier.LOW and who in persons:
            return f"{who} approved in two roles"
        persons.add(who)
    return ""


def _approver(world: "World", decided: Sequence[Decided], role: Role, subject: str, tier: Tier) -> str | None:
    for one in decided:
        spec = one.spec
        if spec["decision"] == "Approve" and spec["role"] == role and spec["subject"] == subject:
            if role is Role.FAIRNESS_AUDIT and spec["approver"] == TECHNICAL_OWNER:
                continue
            if FORGED in one.name or UNSEEN in one.name or not _trusted(world, str(spec["approver"]), tier):
                continue
            return str(spec["approver"])
    return None


def _glass_broken(world: "World", decided: Sequence[Decided], candidate: Object, tier: Tier) -> bool:
    """Whether two different persons did so, about this attempt, at any time."""
    target = {"revision": candidate["revision"], "attempt": candidate["attempt"]}
    persons = {
        one.spec["approver"]
        for one in decided
        if one.spec["decision"] == "BreakGlass"
        and one.spec["target"] == target
        and UNSEEN not in one.name
        and _trusted(world, one.spec["approver"], tier)
    }
    return len(persons) > 1


def _trusted(world: "World", who: str, tier: Tier) -> bool:
    return not world.plan.governed.trusted or tier is Tier.LOW or who in TRUSTED
