"""The gates UseCase and Continuation: nothing starts without an approved use case, and its approval ends."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.unit.rollout.world import POLICY, START, World, condition, in_canary, live, policy, spec, without_shadow

from headgate.api.aimodel import Fallback
from headgate.api.conditions import ConditionType
from headgate.api.policy import RolloutPolicySpec
from headgate.api.traffic_status import FALLBACK
from headgate.api.trust_store import TrustStoreSpec
from headgate.api.vocabulary import Phase, RollbackCause
from headgate.governance.approvals import Approval
from headgate.governance.signatures import public_key_of, signed
from headgate.governance.trust import Trust
from headgate.rollout.snapshot import ClockStep, RouteState

DAY = 86_400
RITAS = Ed25519PrivateKey.from_private_bytes(b"r" * 32)
CLASSIFICATION: dict[str, Any] = {
    "domain": "FraudDetection",
    "decisions": "Automated",
    "affectedRights": ["Privacy"],
    "practices": [],
    "regions": ["EU"],
}
CLASSIFIED: dict[str, Any] = {"classification": CLASSIFICATION}
NOTHING_IN_WRITING = {tier: {"pieces": [], "evidence": []} for tier in ("low", "medium", "high")}
PEOPLE = {"business-owner": "maria@bank", "risk-review": "rita@bank", "legal-approval": "lou@bank"}

VALUES = ("developmentCosts", "infrastructurePerYear", "operationPerYear", "revenueImpactPerYear", "costSavingsPerYear")


def gated(*, on_expiry: str = "Freeze", medium: str = "180d", **gates: Any) -> RolloutPolicySpec:
    """Under which nothing needs to be in writing, and nothing but the use case is different."""
    continuation = {"validity": {"medium": medium}, "onExpiry": on_expiry}
    return policy(gates={"useCase": {}, "continuation": continuation, "dossier": NOTHING_IN_WRITING} | gates)


def agree(world: World, gate: str = "UseCase", *, days: float = 150, people: dict[str, str] = PEOPLE, decision: str = "Approve") -> None:
    """Every role that the use case needs decides."""
    case = world.status.use_case
    assert case
    for role in dict.fromkeys(case.required):
        until = (world.now + timedelta(days=days)).isoformat()
        world.decided(decision, people[role], gate=gate, role=role, subject=case.subject, expiresAt=until)


def waiting(**fields: Any) -> World:
    world = World(spec("1.0.0", **CLASSIFIED), **{"policy": gated(), **fields})
    world.settle()
    return world


def insured() -> World:
    """There is a fallback, and nothing was decided yet."""
    served = spec("1.0.0", **CLASSIFIED)
    serving = served.serving.model_copy(update={"fallback": Fallback(service="rules")})
    return World(served.model_copy(update={"serving": serving}), policy=gated())


def live_until_it_ends(on_expiry: str = "Freeze", days: float = 60, versions: int = 1) -> World:
    """1.0.0 (or 2.0.0) is live; the use case was approved at the start, for `days`."""
    world = waiting(policy=gated(on_expiry=on_expiry).model_copy(update={"stages": without_shadow().stages}))
    agree(world, days=days)
    for number in range(1, versions + 1):
        if number > 1:
            world.release(f"{number}.0.0", **CLASSIFIED)
        for _ in range(10):
            world.settle()
            if world.status.live == f"{number}.0.0":
                break
            if world.status.candidate and world.status.candidate.gate and not world.status.candidate.gate.open:
                world.approve()
            world.good()
            world.step(2 * DAY)
        assert world.status.live == f"{number}.0.0"
    return world


def until(world: World) -> Any:
    assert world.status.use_case
    return world.status.use_case.until


def pass_end(world: World, seconds: float = 1) -> None:
    world.now = until(world) + timedelta(seconds=seconds)
    world.step()


def test_nothing_is_created_before_the_use_case_is_approved() -> None:
    world = World(spec("1.0.0", **CLASSIFIED), policy=gated())
    decision = world.step()
    assert (decision.workloads, decision.traffic, decision.policy_copy, world.status.attempts) == ((), None, None, 0)
    assert world.status.phase is Phase.AWAITING_USE_CASE
    assert condition(world, ConditionType.READY)[1] == "WaitingForApproval"
    status, reason, words = condition(world, ConditionType.USE_CASE_APPROVED)
    assert (status, reason) == ("False", "ApprovalMissing")
    assert words == "business-owner: nobody has approved yet; risk-review: nobody has approved yet"


def test_no_fallback_answers_where_there_is_no_route() -> None:
    world = insured()
    decision = world.step()
    assert (decision.traffic, world.status.failover, world.status.traffic.fallback) == (None, None, None)


def test_a_fallback_that_answers_by_a_route_is_recorded_though_no_attempt_is() -> None:
    """A process died between the route and the status of the first attempt, and the use case is approved no more."""
    world = insured()
    world.route = RouteState(exists=True, weights={FALLBACK: 1000}, accepted=True)
    decision = world.step()
    assert world.status.phase is Phase.AWAITING_USE_CASE
    assert world.status.traffic.fallback is not None
    assert (world.status.traffic.fallback.weight, decision.traffic) == (1000, world.status.traffic)


def test_it_starts_when_everybody_has_agreed() -> None:
    world = waiting()
    agree(world, people=PEOPLE | {"risk-review": "maria@bank"})
    world.settle()
    assert world.status.phase is Phase.AWAITING_USE_CASE
    assert world.status.use_case
    assert "different person" in world.status.use_case.missing[0]
    agree(world)
    world.settle()
    assert world.status.phase is Phase.AWAITING_DEPLOYMENT
    assert condition(world, ConditionType.USE_CASE_APPROVED)[0] == "True"


def test_a_policy_that_names_no_use_case_asks_for_none() -> None:
    world = in_canary()
    assert world.status.use_case is None
    assert all(kept.type is not ConditionType.USE_CASE_APPROVED for kept in world.status.conditions)


def test_an_upgraded_policy_neither_stops_a_rollout_nor_freezes_a_live_model() -> None:
    world = in_canary(served=CLASSIFIED)
    world.policy = gated()
    held = world.weight()
    pinned = world.pinned
    for _ in range(5):
        world.pinned = pinned
        world.copies = {world.status.candidate.policy_copy: pinned} if world.status.candidate and pinned else {}
        world.step(3600)
    assert (world.status.phase, world.weight()) == (Phase.CANARY, held)
    assert world.status.candidate
    assert world.status.candidate.gate
    assert world.status.candidate.gate.open
    calm = live(served=CLASSIFIED)
    calm.policy = gated()
    calm.settle()
    calm.step(400 * DAY)
    assert calm.status.phase is Phase.LIVE


def test_a_declared_tier_is_not_enough_where_the_policy_asks_for_a_use_case() -> None:
    world = World(spec("1.0.0"), policy=gated())
    world.settle()
    assert (world.status.attempts, world.status.phase) == (0, Phase.PENDING)
    status, reason, words = condition(world, ConditionType.STALLED)
    assert (status, reason) == ("True", "TierUnknown")
    assert "a declared tier is not enough" in words


def test_a_continuation_begins_nothing() -> None:
    world = waiting()
    agree(world, "Continuation")
    world.settle()
    assert world.status.phase is Phase.AWAITING_USE_CASE
    agree(world)
    world.settle()
    assert world.status.attempts == 1


@pytest.mark.parametrize(
    "change",
    [
        {"classification": CLASSIFICATION | {"affectedRights": []}},
        {"classification": CLASSIFICATION | {"regions": ["EU", "US"]}},
        {"classification": CLASSIFICATION | {"domain": "CreditScoring"}},
        {"requirements": {"businessContext": "score applicants"}},
    ],
)
def test_another_use_case_is_another_subject(change: dict[str, Any]) -> None:
    world = waiting()
    agree(world)
    world.spec = spec("1.0.0", **(CLASSIFIED | change))
    world.settle()
    assert world.status.phase is Phase.AWAITING_USE_CASE


@pytest.mark.parametrize(
    "change",
    [
        {"classification": CLASSIFICATION | {"declaredTier": "Low"}},
        {"classification": CLASSIFICATION | {"regions": ["EU", "EU"]}},
        {"evidence": [{"type": "fairness", "uri": "s3://x", "digest": "sha256:" + "b" * 64}]},
        {"valueCase": dict.fromkeys(VALUES, 1)},
    ],
)
def test_what_says_the_same_about_the_use_case_needs_no_new_approval(change: dict[str, Any]) -> None:
    world = waiting()
    agree(world)
    world.spec = spec("1.0.0", **(CLASSIFIED | change))
    world.settle()
    assert world.status.attempts == 1


def test_a_use_case_that_changes_under_a_candidate_holds_it_and_then_takes_it_off() -> None:
    world = canary_of_second()
    held = world.weight()
    world.spec = world.spec.model_copy(update={"classification": world.spec.classification.model_copy(update={"regions": ("EU", "US")})})
    world.step()
    assert world.weight() == held
    assert condition(world, ConditionType.READY)[1] == "ApprovalLapsed"
    assert "use case: business-owner: nobody has approved yet" in condition(world, ConditionType.APPROVED)[2]
    world.step(2 * DAY)
    assert (world.weight(), world.status.phase, world.status.blocked) == (0, Phase.AWAITING_DEPLOYMENT, ())
    agree(world)
    world.settle()
    assert world.status.phase is Phase.CANARY


def canary_of_second() -> World:
    world = live_until_it_ends(days=170)
    world.release("2.0.0", **CLASSIFIED)
    world.quiet()
    world.settle()
    world.approve()
    world.settle()
    assert world.status.phase is Phase.CANARY
    return world


@pytest.mark.parametrize("decision", ["Reject", "Revoke"])
@pytest.mark.parametrize("gate", ["UseCase", "Continuation"])
def test_a_rejected_use_case_takes_the_candidate_off_and_freezes_what_is_live(decision: str, gate: str) -> None:
    world = canary_of_second()
    assert world.status.use_case
    world.decided(decision, "rita@bank", gate=gate, role="risk-review", subject=world.status.use_case.subject)
    world.step()
    assert world.weight() == 0
    assert world.status.blocked[-1].cause is RollbackCause.REJECTED
    world.approvals = [one for one in world.approvals if one.spec.decision == "Approve"]
    world.spec = spec("1.0.0", **CLASSIFIED)
    world.settle()
    assert world.status.phase is Phase.FROZEN
    assert condition(world, ConditionType.USE_CASE_APPROVED)[1] == "UseCaseRejected"
    assert world.status.stable
    assert world.route.weights == {world.status.stable.revision: 1000}
    world.step(60)
    agree(world, "Continuation")
    world.settle()
    assert world.status.phase is Phase.LIVE


def test_the_approval_ends_and_freezes_the_model_with_its_users_where_they_are() -> None:
    world = live_until_it_ends()
    before = dict(world.route.weights)
    pass_end(world)
    assert world.status.phase is Phase.FROZEN
    assert world.route.weights == before
    assert condition(world, ConditionType.SERVING)[0] == "True"
    assert condition(world, ConditionType.READY)[1] == "Frozen"
    assert condition(world, ConditionType.USE_CASE_APPROVED)[1] == "ContinuationExpired"
    world.release("2.0.0", **CLASSIFIED)
    world.settle()
    assert (world.status.candidate, world.status.phase) == (None, Phase.FROZEN)
    agree(world, "Continuation")
    world.settle()
    assert world.status.candidate is not None
    assert world.status.candidate.version == "2.0.0"


def test_a_frozen_model_is_still_watched_by_its_guards() -> None:
    world = live_until_it_ends(versions=2)
    assert world.status.stable
    world.now = until(world) + timedelta(seconds=1)
    kept = world.status.past[-1].model_copy(update={"keep_until": world.now + timedelta(days=1)})
    world.status = world.status.model_copy(update={"past": (kept,)})
    world.step()
    assert world.status.phase is Phase.FROZEN
    world.live_guard()
    world.settle()
    assert world.route.weights == {kept.revision: 1000}


def test_it_is_warned_of_once_each_thirty_seven_and_one_day_before() -> None:
    world = live_until_it_ends(days=100)
    end = until(world)
    said = []
    for days in (31, 30, 29, 7, 6.5, 1, 0.5):
        world.events.clear()
        world.now = end - timedelta(days=days)
        world.step()
        said += [(days, event) for event in world.events if event.startswith("ContinuationDue")]
        world.step()
    assert [days for days, _ in said] == [30, 7, 1]
    assert "within 7 days" in said[1][1]
    assert condition(world, ConditionType.USE_CASE_APPROVED)[:2] == ("True", "ContinuationDue")
    assert condition(world, ConditionType.READY)[0] == "True"


def test_an_approval_for_a_short_time_is_no_warning() -> None:
    world = live_until_it_ends(days=20)
    assert not [event for event in world.events if event.startswith("ContinuationDue")]


def test_one_looks_again_when_there_is_something_to_say() -> None:
    world = live_until_it_ends(days=100)
    world.now = until(world) - timedelta(days=30, hours=5)
    assert world.step().look_again == pytest.approx(5 * 3600)
    world.now = until(world) - timedelta(days=20)
    assert world.step().look_again == DAY


def test_a_renewal_in_time_moves_the_end_and_is_counted_from_its_own_making() -> None:
    world = live_until_it_ends(days=60)
    first = until(world)
    world.now = first - timedelta(days=5)
    world.step()
    agree(world, "Continuation", days=60)
    world.settle()
    assert until(world) == world.now + timedelta(days=60)
    world.now = first + timedelta(days=1)
    world.step()
    assert world.status.phase is Phase.LIVE
    assert condition(world, ConditionType.USE_CASE_APPROVED)[1] == "Approved"


def test_half_a_renewal_renews_nothing() -> None:
    world = live_until_it_ends(days=60)
    first = until(world)
    assert world.status.use_case
    world.decided(
        "Approve",
        PEOPLE["business-owner"],
        gate="Continuation",
        role="business-owner",
        subject=world.status.use_case.subject,
        expiresAt=(world.now + timedelta(days=100)).isoformat(),
    )
    world.settle()
    assert until(world) == first
    pass_end(world)
    assert world.status.phase is Phase.FROZEN
    assert condition(world, ConditionType.USE_CASE_APPROVED)[2].count("risk-review") == 1
    assert "business-owner" not in condition(world, ConditionType.USE_CASE_APPROVED)[2]


def test_the_policy_limits_how_long_an_approval_stands() -> None:
    world = waiting(policy=gated(medium="10d"))
    agree(world, days=150)
    world.settle()
    assert until(world) == world.now + timedelta(days=10)


def test_alert_tells_and_stops_nothing() -> None:
    world = live_until_it_ends("Alert")
    pass_end(world)
    assert world.status.phase is Phase.LIVE
    assert condition(world, ConditionType.READY)[0] == "True"
    assert condition(world, ConditionType.USE_CASE_APPROVED)[1] == "ContinuationExpired"
    assert [event for event in world.events if event.startswith("ContinuationExpired")]
    world.release("2.0.0", **CLASSIFIED)
    world.settle()
    assert world.status.candidate is not None


def test_rollback_brings_the_earlier_version_back_once() -> None:
    world = live_until_it_ends("Rollback", versions=2)
    first = world.status.past[-1]
    kept = first.model_copy(update={"keep_until": until(world) + timedelta(days=9)})
    world.status = world.status.model_copy(update={"past": (kept,)})
    pass_end(world)
    world.settle()
    assert world.route.weights == {first.revision: 1000}
    assert world.status.blocked[-1].cause is RollbackCause.EXPIRED
    world.step(DAY)
    assert world.route.weights == {first.revision: 1000}


def test_rollback_without_an_earlier_version_freezes() -> None:
    world = live_until_it_ends("Rollback")
    before = dict(world.route.weights)
    pass_end(world)
    world.settle()
    assert (world.status.phase, world.route.weights) == (Phase.FROZEN, before)


def test_deleted_approvals_close_the_gate_for_new_versions_and_leave_the_live_one_until_its_end() -> None:
    world = live_until_it_ends()
    world.approvals = [one for one in world.approvals if one.spec.gate != "UseCase"]
    world.settle()
    assert world.status.phase is Phase.LIVE
    world.release("2.0.0", **CLASSIFIED)
    world.settle()
    assert (world.status.phase, world.status.candidate) == (Phase.AWAITING_USE_CASE, None)
    pass_end(world)
    assert world.status.phase is Phase.FROZEN


def test_a_lost_status_finds_the_approval_again() -> None:
    world = live_until_it_ends()
    end = until(world)
    world.lose_status()
    world.settle()
    assert until(world) == end
    pass_end(world)
    assert world.status.phase is Phase.FROZEN


def test_a_clock_that_jumps_ends_nothing() -> None:
    world = live_until_it_ends()
    world.now = until(world) + timedelta(days=1)
    world.clock_step = ClockStep(86_400 * 60, "the clock jumped")
    world.step()
    assert world.status.phase is Phase.LIVE
    world.clock_step = None
    world.step()
    assert world.status.phase is Phase.FROZEN


@pytest.mark.parametrize("on_expiry", ["Freeze", "Alert", "Rollback"])
def test_harm_is_stopped_without_asking_for_the_use_case(on_expiry: str) -> None:
    world = canary_of_second()
    world.policy = gated(on_expiry=on_expiry)
    world.approvals = []
    world.guard()
    world.step()
    assert world.weight() == 0


COMPLETE: dict[str, Any] = {
    "owners": {side: {"user": f"{side}@bank"} for side in ("business", "technical", "operations")},
    "requirements": {
        "businessContext": "fewer losses",
        "technicalScope": {"includes": ["card payments"], "excludes": ["loans"]},
        "dataLandscape": "payments of two years",
        "successMetrics": [{"name": "recall", "threshold": ">= 0.8"}],
        "constraints": {"latency": "50 ms"},
    },
}


def test_what_is_not_in_writing_is_named_at_the_gate_that_needs_it() -> None:
    world = waiting(policy=policy(gates={"useCase": {}}))
    agree(world)
    world.settle()
    assert world.status.use_case
    assert world.status.phase is Phase.AWAITING_USE_CASE
    assert [words for words in world.status.use_case.missing if "owners.business" in words]
    assert [words for words in world.status.use_case.missing if "technicalScope.excludes" in words]
    world.spec = spec("1.0.0", **(CLASSIFIED | COMPLETE))
    world.settle()
    agree(world)
    world.good()
    world.settle()
    assert world.status.phase is Phase.AWAITING_DEPLOYMENT
    assert world.status.candidate
    assert world.status.candidate.gate
    world.approve()
    world.settle()
    missing = world.status.candidate.gate.missing if world.status.candidate and world.status.candidate.gate else ()
    for words in ("spec.lineage is empty", "container model is not pinned", "none of type fairness"):
        assert [line for line in missing if words in line], missing


def test_a_complete_dossier_goes_live() -> None:
    artifact = "sha256:" + "a" * 64
    steps = [
        {"component": "ingestion", "componentVersion": "1.2.0", "input": "sha256:" + "1" * 64, "output": "sha256:" + "2" * 64},
        {"component": "training", "componentVersion": "3.0.0", "input": "sha256:" + "2" * 64, "output": artifact},
    ]
    proof = [{"type": kind, "uri": "s3://x", "digest": artifact} for kind in ("performance", "data-integrity", "fairness")]
    image = "registry.example/credit@sha256:" + "c" * 64
    changes = CLASSIFIED | COMPLETE | {"lineage": steps, "evidence": proof}
    world = World(spec("1.0.0", image=image, **changes), policy=policy(gates={"useCase": {}}, stages=POLICY["stages"][1:]))
    world.settle()
    agree(world)
    world.settle()
    world.approve()
    world.settle()
    assert world.status.candidate
    assert world.status.candidate.gate
    assert world.status.candidate.gate.open, world.status.candidate.gate.missing


def trusted(key: Ed25519PrivateKey) -> Trust:
    """Everybody of PEOPLE and the owner; Rita signs with `key`."""
    ends = (START + timedelta(days=3000)).isoformat()
    keys = [{"publicKey": public_key_of(key), "validFrom": START.isoformat(), "validUntil": ends}]
    persons = [
        {"name": role, "usernames": [who], "roles": [role], "trainingValidUntil": ends, "keys": keys if role == "risk-review" else []}
        for role, who in (PEOPLE | {"technical-validation": "owner@bank"}).items()
    ]
    return Trust("test", TrustStoreSpec.model_validate({"persons": persons}))


def by_git(world: World) -> Approval:
    """The newest decision as a GitOps tool brings it: admission proves nothing of it."""
    made = world.approvals[-1]
    world.approvals[-1] = replace(
        made, spec=signed(made.spec, namespace="lending", environment="test", at=world.now, key=RITAS), enforced=False
    )
    return world.approvals[-1]


def test_a_signed_approval_counts_although_the_policy_ends_it_earlier() -> None:
    world = waiting(policy=gated(medium="60d"))
    world.trust = trusted(RITAS)
    agree(world, days=150)
    by_git(world)
    world.settle()
    assert world.status.phase is Phase.AWAITING_DEPLOYMENT
    assert until(world) == world.approvals[-1].created + timedelta(days=60)


def test_a_signed_continuation_renews() -> None:
    world = live_until_it_ends(days=60)
    world.trust = trusted(RITAS)
    world.now = until(world) - timedelta(days=5)
    world.step()
    agree(world, "Continuation", days=60)
    approval = by_git(world)
    notes = {note.name: note.state for note in world.step().approval_notes}
    assert notes[approval.name] == "Counted"
    assert until(world) == world.approvals[-1].created + timedelta(days=60)


def test_a_signature_that_does_not_verify_is_told_and_opens_nothing() -> None:
    world = waiting()
    world.trust = trusted(Ed25519PrivateKey.from_private_bytes(b"x" * 32))
    agree(world)
    approval = by_git(world)
    notes = {note.name: note.state for note in world.step().approval_notes}
    assert notes[approval.name] == "Unverified"
    assert world.status.phase is Phase.AWAITING_USE_CASE


@pytest.mark.parametrize("gate", ["UseCase", "Continuation"])
@pytest.mark.parametrize("verifies", [True, False])
def test_a_signed_rejection_stands_if_it_verifies(gate: str, verifies: bool) -> None:
    world = canary_of_second()
    world.trust = trusted(RITAS if verifies else Ed25519PrivateKey.from_private_bytes(b"x" * 32))
    assert world.status.use_case
    world.decided("Reject", "rita@bank", gate=gate, role="risk-review", subject=world.status.use_case.subject)
    by_git(world)
    world.step()
    assert bool(world.status.use_case.rejected) is verifies


def test_a_trust_store_that_nobody_can_read_ends_no_use_case() -> None:
    world = live_until_it_ends("Rollback", versions=2)
    before = dict(world.route.weights)
    world.trust = Trust("test", problem="the trust store cannot be read")
    pass_end(world)
    assert (world.status.phase, world.route.weights) == (Phase.LIVE, before)
    world.trust = Trust("test")
    world.step()
    assert world.status.use_case
    assert world.status.use_case.lapsed_since is not None
