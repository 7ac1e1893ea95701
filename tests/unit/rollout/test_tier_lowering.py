"""A tier declared below the table's counts while legal-approval agrees to it, for exactly this use case, and not a moment longer."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.rollout.world import World, condition, live, spec

from headgate.api.aimodel import Classification
from headgate.api.approval import ApprovalState
from headgate.api.conditions import ConditionType
from headgate.api.gate_status import TierLoweringStatus
from headgate.api.vocabulary import Phase
from headgate.governance.approvals import Approval
from headgate.governance.classification import TableState
from headgate.governance.classification_table import BUILT_IN, Entry
from headgate.governance.trust import Trust
from headgate.rollout.decide import decide
from headgate.rollout.decision import Decision
from headgate.rollout.snapshot import ClockStep

DAY = 86_400
TEXT: dict[str, Any] = {
    "domain": "CreditScoring",
    "decisions": "HumanInTheLoop",
    "affectedRights": [],
    "practices": [],
    "regions": ["EU"],
    "declaredTier": "Medium",
}
DECLARED: dict[str, Any] = {"classification": TEXT}


def waiting(classification: dict[str, Any] = TEXT, **fields: Any) -> World:
    world = World(spec("1.0.0", classification=classification), **fields)
    world.settle()
    return world


def gate(world: World) -> TierLoweringStatus:
    assert world.status.tier_lowering
    return world.status.tier_lowering


def agree(world: World, decision: str = "Approve", by: str = "lou@bank", *, days: float = 60, **fields: Any) -> Approval:
    asked = {"gate": "TierLowering", "role": "legal-approval", "subject": gate(world).subject}
    return world.decided(decision, by, **asked | {"expiresAt": (world.now + timedelta(days=days)).isoformat()} | fields)


def reason(world: World) -> str:
    assert world.status.risk_tier
    return world.status.risk_tier.reasons[0]


def note(decision: Decision, approval: Approval) -> tuple[ApprovalState | None, str]:
    return next((told.state, told.message) for told in decision.approval_notes if told.name == approval.name)


def lowered_canary() -> World:
    """Its candidate has users, on approvals of the lower tier."""
    world = live(served=DECLARED | {"classification": TEXT | {"domain": "FraudDetection"}})
    world.release("2.0.0", **DECLARED)
    world.settle()
    agree(world)
    world.settle()
    world.good()
    world.step(15 * DAY)
    world.settle()
    world.quiet()
    world.approve()
    world.settle()
    assert (world.status.phase, world.status.tier) == (Phase.CANARY, "Medium")
    assert world.weight() > 0
    return world


def test_until_somebody_agrees_the_table_counts_and_status_says_what_is_missing() -> None:
    world = waiting()
    assert world.status.tier == "High"
    asked = gate(world)
    assert (asked.open, asked.tier, asked.declared, asked.required) == (False, "High", "Medium", ("legal-approval",))
    assert asked.missing == ("legal-approval: nobody has approved yet",)
    told = "Medium is declared, and the table says High for domain CreditScoring, which counts: lowering it needs legal-approval of subject"
    assert reason(world).startswith(f"{told} {asked.subject[7:15]} at the gate TierLowering (legal-approval: nobody has approved yet")


def test_a_tier_that_legal_agrees_to_counts() -> None:
    world = waiting()
    given = agree(world)
    decision = world.step()
    assert world.status.tier == "Medium"
    assert reason(world).startswith("Medium is declared, below the table's High, and agreed to: legal-approval: lou@bank until 2026-")
    assert gate(world).until == given.spec.expires_at
    assert note(decision, given) == (ApprovalState.COUNTED, "counts as legal-approval")
    assert world.status.risk_tier
    assert world.status.risk_tier.controls == BUILT_IN.duties.medium.controls
    world.settle()
    assert world.status.candidate
    assert world.status.candidate.gate
    assert world.status.candidate.gate.tier == "Medium"


def test_it_ends_with_the_table_tiers_longest_validity_whatever_the_approval_says() -> None:
    world = waiting()
    given = agree(world, days=300)
    world.step()
    assert gate(world).until == given.created + timedelta(days=90)


@pytest.mark.parametrize("approve_at", ["UseCase", "Deployment", "Continuation"])
def test_an_ordinary_legal_approval_lowers_nothing(approve_at: str) -> None:
    world = waiting()
    agree(world, gate=approve_at)
    world.settle()
    assert (world.status.tier, gate(world).open) == ("High", False)


OTHER = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"subject": OTHER}, "it is about subject 00000000"),
        ({"by": "owner@bank"}, "owner@bank is the technical owner, who may not give legal-approval"),
        ({"days": -1}, "it expired"),
    ],
)
def test_an_approval_that_does_not_count_lowers_nothing(fields: dict[str, Any], why: str) -> None:
    world = waiting()
    given = agree(world, **fields)
    state, message = note(world.step(), given)
    assert (world.status.tier, state) == ("High", ApprovalState.NOT_COUNTED)
    assert why in message


def test_an_approval_that_nothing_proves_lowers_nothing() -> None:
    world = waiting()
    given = agree(world)
    world.approvals[-1] = replace(given, enforced=False)
    world.settle()
    assert world.status.tier == "High"
    assert "nothing proves who made it" in gate(world).missing[0]


@pytest.mark.parametrize(("practice", "domain"), [("SocialScoring", "CreditScoring"), ("Profiling", "Alchemy")])
def test_neither_prohibited_nor_unknown_is_lowered(practice: str, domain: str) -> None:
    world = waiting()
    agree(world)
    world.settle()
    forbidden = TEXT | {"practices": [practice], "domain": domain}
    world.spec = world.spec.model_copy(update={"classification": Classification.model_validate(forbidden)})
    world.step()
    assert world.status.tier in ("Prohibited", "Unknown")
    assert world.status.tier_lowering is None


def test_it_is_about_the_use_case_and_not_about_a_version() -> None:
    world = waiting()
    agree(world)
    world.settle()
    subject = gate(world).subject
    world.release("2.0.0", **DECLARED)
    world.settle()
    assert (world.status.tier, gate(world).subject) == ("Medium", subject)
    world.release("3.0.0", classification=TEXT | {"affectedRights": ["Privacy"]})
    world.settle()
    assert (world.status.tier, gate(world).open) == ("High", False)


def test_a_table_that_says_more_than_was_agreed_on_asks_anew() -> None:
    world = waiting(TEXT | {"domain": "FraudDetection", "declaredTier": "Low"})
    agree(world)
    world.settle()
    assert world.status.tier == "Low"
    raised = BUILT_IN.model_copy(update={"domains": {**BUILT_IN.domains, "FraudDetection": Entry(tier="High")}})
    world.table = TableState(raised)
    world.settle()
    assert (world.status.tier, gate(world).open, gate(world).tier) == ("High", False, "High")


def expire(world: World) -> None:
    world.now += timedelta(days=61)


def revoke(world: World) -> None:
    agree(world, "Revoke")


def withdraw(world: World) -> None:
    world.approvals = [one for one in world.approvals if one.spec.gate != "TierLowering"]


def redefine(world: World) -> None:
    changed = Classification.model_validate(TEXT | {"affectedRights": ["Privacy"]})
    world.spec = world.spec.model_copy(update={"classification": changed})


@pytest.mark.parametrize("ends", [expire, revoke, withdraw, redefine])
def test_when_it_ends_the_candidate_leaves_its_users_until_it_is_approved_at_the_tables_tier(ends: Any) -> None:
    world = lowered_canary()
    ends(world)
    decision = world.step()
    assert (world.status.tier, world.weight()) == ("High", 0)
    reasons = [told.reason for told in decision.announcements]
    assert "TierRaised" in reasons
    assert "ApprovalLapsed" in reasons
    world.settle()
    assert world.status.phase is Phase.AWAITING_DEPLOYMENT
    assert world.status.candidate
    assert world.status.candidate.gate
    assert world.status.candidate.gate.tier == "High"


def test_when_it_ends_what_is_live_is_frozen_and_a_renewal_thaws_it() -> None:
    world = waiting()
    agree(world)
    world.settle()
    world.approve()
    world.settle()
    world.step(40 * DAY)
    world.settle()
    assert (world.status.phase, world.status.tier) == (Phase.LIVE, "Medium")
    before = dict(world.route.weights)
    world.step(30 * DAY)
    assert (world.status.phase, world.status.tier, world.route.weights) == (Phase.FROZEN, "High", before)
    assert "approved at tier Medium and the model is High now" in condition(world, ConditionType.READY)[2]
    agree(world)
    world.settle()
    assert (world.status.phase, world.status.tier) == (Phase.LIVE, "Medium")


def test_a_revoke_stands_after_its_object_is_deleted_until_legal_approves_again() -> None:
    world = waiting()
    agree(world)
    world.step(60)
    agree(world, "Revoke")
    world.step(60)
    world.approvals = [one for one in world.approvals if one.spec.decision != "Revoke"]
    world.settle()
    assert world.status.tier == "High"
    world.now += timedelta(seconds=60)
    agree(world)
    world.settle()
    assert world.status.tier == "Medium"


def test_it_looks_again_when_the_approval_ends() -> None:
    world = waiting()
    agree(world, days=0.5)
    world.settle()
    withdrawn = world.step()
    assert withdrawn.look_again is not None
    assert withdrawn.look_again <= 0.5 * DAY


@pytest.mark.parametrize(
    "unknown",
    [
        {"trust": Trust(problem="the trust store cannot be read")},
        {"trust": Trust(known=False)},
        {"approvals_known": False, "approvals": ()},
    ],
)
def test_while_nobody_can_tell_whose_approvals_count_the_tier_stays_as_it_was_known_last(unknown: dict[str, Any]) -> None:
    world = lowered_canary()
    assert tier_of_next(world, **unknown) == "Medium"
    world.now += timedelta(days=61)
    assert tier_of_next(world, **unknown) == "High"


def test_an_approval_whose_author_is_looked_for_keeps_the_tier_meanwhile() -> None:
    world = lowered_canary()
    given = tuple(one for one in world.approvals if one.spec.gate == "TierLowering")
    others = tuple(one for one in world.approvals if one.spec.gate != "TierLowering")
    assert tier_of_next(world, approvals=others, awaiting=given) == "Medium"
    assert tier_of_next(world, approvals=others) == "High"


def test_a_new_rejection_closes_it_although_nobody_can_tell_whose_approvals_count() -> None:
    world = lowered_canary()
    world.now += timedelta(seconds=60)
    agree(world, "Reject")
    assert tier_of_next(world, trust=Trust(problem="the trust store cannot be read")) == "High"


def test_a_clock_that_jumped_ends_nothing() -> None:
    world = lowered_canary()
    world.now += timedelta(days=61)
    assert tier_of_next(world, clock_step=ClockStep(61 * DAY, "the clock jumped")) == "Medium"
    withdraw(world)
    assert tier_of_next(world, clock_step=ClockStep(61 * DAY, "the clock jumped")) == "High"


def tier_of_next(world: World, **changes: Any) -> str:
    return decide(world.without(**changes)).status.tier


def test_an_approval_of_a_tier_that_nobody_declares_is_told_so() -> None:
    world = waiting()
    given = agree(world)
    world.settle()
    world.spec = world.spec.model_copy(update={"classification": Classification.model_validate(TEXT | {"declaredTier": "High"})})
    assert note(world.step(), given)[0] is ApprovalState.NOT_COUNTED
    assert world.status.tier_lowering is None
    assert world.status.tier == "High"


def test_the_audit_tells_who_lowered_a_tier_and_when_that_ended() -> None:
    world = waiting()
    given = agree(world)
    world.step()
    counted = next(one for one in world.status.pending_audit if one.what == "ApprovalCounted")
    assert (counted.by, counted.approval, counted.subject) == ("lou@bank", given.name, gate(world).subject)
    world.step(61 * DAY)
    ended = next(one for one in world.status.pending_audit if one.what == "ApprovalEnded")
    assert "no longer counts for the lower tier: it expired" in ended.why
