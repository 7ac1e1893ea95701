"""Persons who come and go in the trust store while their approvals carry a rollout, and decisions that come through Git."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.unit.rollout.world import PEOPLE, START, World, condition, in_canary, live

from headgate.api.conditions import ConditionType
from headgate.api.trust_store import TrustStoreSpec
from headgate.api.vocabulary import Phase
from headgate.governance.approvals import Approval
from headgate.governance.signatures import public_key_of, signed
from headgate.governance.trust import Trust
from headgate.rollout.decide import decide

DANAS = Ed25519PrivateKey.from_private_bytes(b"d" * 32)
OWNER = {"name": "owner", "usernames": ["owner@bank"], "roles": ["technical-validation"]}


def trusting(*without: str, **roles: list[str]) -> Trust:
    """Everybody of PEOPLE but `without`, and the owner; `roles` by first name instead of the usual one."""
    persons = [{"name": who.partition("@")[0], "usernames": [who], "roles": [role]} for role, who in PEOPLE.items()]
    ends = (START + timedelta(days=3000)).isoformat()
    key = {"publicKey": public_key_of(DANAS), "validFrom": START.isoformat(), "validUntil": ends}
    chosen = [
        {**one, "roles": roles.get(str(one["name"]), one["roles"]), "trainingValidUntil": ends, "keys": [key] * (one["name"] == "dana")}
        for one in (*persons, OWNER)
        if one["name"] not in without
    ]
    return Trust("test", TrustStoreSpec.model_validate({"persons": chosen}))


def by_git(world: World, decision: str, key: Ed25519PrivateKey = DANAS, **fields: Any) -> Approval:
    """Brought by a GitOps tool: admission proves nothing of it."""
    made = world.decided(decision, "dana@bank", gate="Deployment", role="fairness-audit", subject=subject(world), **fields)
    spec = signed(made.spec, namespace="lending", environment="test", at=world.now, key=key)
    world.approvals[-1] = replace(made, spec=spec, enforced=False)
    return world.approvals[-1]


def subject(world: World) -> str:
    assert world.status.candidate
    assert world.status.candidate.gate
    return world.status.candidate.gate.subject


def note(world: World, approval: Approval) -> tuple[str, str]:
    found = [n for n in world.step().approval_notes if n.name == approval.name]
    return str(found[-1].state), found[-1].message


def test_a_trust_store_that_comes_with_everybody_changes_nothing() -> None:
    world = in_canary()
    world.trust = trusting()
    world.settle()
    assert (world.status.phase, world.weight()) == (Phase.CANARY, 50)


def test_a_removed_person_stops_counting_in_the_middle_of_a_rollout() -> None:
    world = in_canary()
    world.trust = trusting("dana")
    world.good()
    world.settle()
    assert world.weight() == 50, "nothing rises"
    reason, words = condition(world, ConditionType.APPROVED)[1:]
    assert reason == "ApprovalLapsed"
    assert "dana@bank is no person of the trust store" in words
    world.trust = trusting()
    world.settle()
    assert world.status.live == "2.0.0"


def test_nothing_rises_and_nothing_falls_while_nobody_can_read_who_is_trusted() -> None:
    world = in_canary()
    world.trust = Trust("test", problem="the trust store cannot be read")
    world.good()
    world.settle()
    world.step(10 * 86_400)
    world.settle()
    assert (world.status.phase, world.weight()) == (Phase.CANARY, 50)
    assert "cannot be read" in condition(world, ConditionType.APPROVED)[2]


def test_harm_needs_nobodys_trust() -> None:
    world = in_canary()
    world.trust = Trust("test", known=False)
    world.guard()
    world.step()
    assert world.weight() == 0


def test_before_the_store_was_looked_for_the_gate_stays_as_it_was() -> None:
    world = in_canary()
    before = world.status.candidate.gate if world.status.candidate else None
    world.trust = Trust("test", known=False)
    world.approvals.clear()
    world.settle()
    assert world.status.candidate
    assert world.status.candidate.gate == before


def waiting(trust: Trust) -> World:
    """2.0.0 waits for fairness-audit alone."""
    world = live()
    world.trust = trust
    world.release("2.0.0")
    world.settle()
    world.good()
    world.settle()
    world.quiet()
    world.approve(roles=("technical-validation", "security-review"))
    world.settle()
    assert world.status.phase is Phase.AWAITING_DEPLOYMENT
    return world


def ends(world: World) -> str:
    return (world.now + timedelta(days=60)).isoformat()


def test_a_signed_approval_opens_the_gate_and_says_so() -> None:
    world = waiting(trusting())
    approval = by_git(world, "Approve", expiresAt=ends(world))
    assert note(world, approval) == ("Counted", "counts as fairness-audit")
    world.settle()
    assert world.weight() == 50


def test_an_unverified_approval_has_no_effect_and_shows_why() -> None:
    world = waiting(trusting())
    approval = by_git(world, "Approve", Ed25519PrivateKey.from_private_bytes(b"e" * 32), expiresAt=ends(world))
    state, words = note(world, approval)
    assert state == "Unverified"
    assert "none of dana's" in words
    world.settle()
    assert world.status.phase is Phase.AWAITING_DEPLOYMENT


def test_a_signed_rejection_that_does_not_verify_stops_nothing() -> None:
    world = in_canary()
    world.trust = trusting()
    approval = by_git(world, "Reject", Ed25519PrivateKey.from_private_bytes(b"e" * 32))
    assert note(world, approval)[0] == "Unverified"
    world.settle()
    assert (world.weight(), world.status.latches) == (50, ())


def test_a_verified_rejection_stays_latched_when_its_author_is_no_longer_trusted() -> None:
    world = in_canary()
    world.trust = trusting()
    rejection = by_git(world, "Reject")
    world.settle()
    assert world.status.phase is Phase.ROLLED_BACK
    assert [latch.name for latch in world.status.latches] == [rejection.name]
    world.trust = trusting("dana", sam=["security-review", "fairness-audit"])
    world.step(3600)
    world.decided("Retry")
    world.quiet()
    world.settle()
    world.good()
    world.settle()
    world.approve(roles=("technical-validation", "security-review"))
    world.good()
    world.settle()
    assert world.status.phase is Phase.AWAITING_DEPLOYMENT
    assert "fairness-audit: rejected by dana@bank" in condition(world, ConditionType.APPROVED)[2]


def test_an_object_that_cannot_be_read_is_told_so() -> None:
    told = decide(live().without(unreadable={"of-tomorrow": "spec.wish: Extra inputs are not permitted"})).approval_notes
    assert [(n.name, str(n.state), n.message) for n in told if n.name == "of-tomorrow"] == [
        ("of-tomorrow", "NotCounted", "it cannot be read: spec.wish: Extra inputs are not permitted")
    ]


UNREADABLE = (Trust("test", problem="the trust store cannot be read"), Trust("test", known=False))


def answered() -> World:
    """2.0.0 is live; dana rejected it on its way, approved it a day later, and it was tried again."""
    world = in_canary()
    asked = {"gate": "Deployment", "role": "fairness-audit", "subject": subject(world)}
    world.now += timedelta(days=1)
    world.decided("Reject", "dana@bank", **asked)
    world.settle()
    world.now += timedelta(days=1)
    world.decided("Approve", "dana@bank", expiresAt=ends(world), **asked)
    world.decided("Retry")
    world.trust = trusting()
    world.good()
    world.settle()
    world.settle()
    assert world.status.live == "2.0.0"
    return world


@pytest.mark.parametrize("trust", UNREADABLE)
def test_an_answered_rejection_stays_answered_while_nobody_can_read_who_is_trusted(trust: Trust) -> None:
    world = answered()
    world.trust = trust
    world.settle()
    assert (world.status.live, world.status.phase) == ("2.0.0", Phase.LIVE)


@pytest.mark.parametrize("trust", UNREADABLE)
def test_a_new_rejection_stands_all_the_same(trust: Trust) -> None:
    world = answered()
    assert world.status.stable
    world.trust = trust
    world.now += timedelta(days=1)
    world.decided("Reject", "dana@bank", gate="Deployment", role="fairness-audit", subject=world.status.stable.subject)
    world.settle()
    assert world.status.live == "1.0.0"


@pytest.mark.parametrize("trust", UNREADABLE)
def test_nothing_is_answered_meanwhile(trust: Trust) -> None:
    """A version that was rejected is no earlier version to go back to, whoever approves it now."""
    world = answered()
    assert world.status.stable
    asked = {"gate": "Deployment", "role": "fairness-audit", "subject": world.status.stable.subject}
    world.now += timedelta(days=1)
    world.decided("Reject", "dana@bank", **asked)
    world.settle()
    assert world.status.live == "1.0.0"
    world.trust = trust
    world.now += timedelta(days=1)
    world.decided("Approve", "dana@bank", expiresAt=ends(world), **asked)
    world.settle()
    assert world.status.live == "1.0.0"
    assert [latch.answered for latch in world.status.latches] == [False, False]


def test_an_answer_that_ends_is_none() -> None:
    world = answered()
    assert [latch.answered for latch in world.status.latches] == [True]
    world.approvals = [one for one in world.approvals if one.spec.decision != "Approve"]
    world.step()
    assert [latch.answered for latch in world.status.latches] == [False]


def test_a_decision_that_nothing_asks_for_is_answered_once() -> None:
    world = live()
    made = world.decided(
        "Approve", "dana@bank", gate="Deployment", role="fairness-audit", subject="sha256:" + "0" * 64, expiresAt=ends(world)
    )
    assert note(world, made) == ("NotCounted", "no version of the model waits for it now")
    world.approvals[-1] = replace(made, state=world.step().approval_notes[-1].state)
    assert [n for n in world.step().approval_notes if n.name == made.name] == []
