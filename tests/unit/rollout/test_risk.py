"""What a classification does to a rollout: prohibited and unknown start nothing, and harm is dealt with all the same."""

from typing import Any

import pytest
from tests.unit.rollout.world import World, condition, in_canary, live, spec

from headgate.api.aimodel import Classification, Fallback
from headgate.api.conditions import ConditionType
from headgate.api.vocabulary import Phase, Risk, RollbackCause
from headgate.governance.classification import TableState
from headgate.governance.classification_table import BUILT_IN

MEDIUM: dict[str, Any] = {
    "domain": "FraudDetection",
    "decisions": "Automated",
    "affectedRights": ["Privacy"],
    "practices": [],
    "regions": ["EU"],
}
PROHIBITED = MEDIUM | {"practices": ["SocialScoring"]}
UNKNOWN = MEDIUM | {"domain": "Alchemy"}
HIGH = MEDIUM | {"domain": "CreditScoring"}
CLASSIFIED: dict[str, Any] = {"classification": MEDIUM}


def reclassify(world: World, classification: dict[str, Any]) -> None:
    world.spec = world.spec.model_copy(update={"classification": Classification.model_validate(classification)})
    world.generation += 1


@pytest.mark.parametrize(
    ("classification", "phase", "tier", "reason"),
    [(PROHIBITED, Phase.DENIED, "Prohibited", "Prohibited"), (UNKNOWN, Phase.PENDING, "Unknown", "TierUnknown")],
)
def test_neither_prohibited_nor_unknown_creates_anything(classification: dict[str, Any], phase: Phase, tier: str, reason: str) -> None:
    baseline = spec("1.0.0").serving.model_copy(update={"baseline": None})
    world = World(spec("1.0.0", classification=classification).model_copy(update={"serving": baseline}))
    decision = world.step()
    assert (decision.workloads, decision.traffic, decision.policy_copy, world.status.attempts) == ((), None, None, 0)
    assert (world.status.phase, world.status.tier) == (phase, tier)
    assert condition(world, ConditionType.STALLED)[:2] == ("True", reason)
    assert condition(world, ConditionType.READY)[0] == "False"
    world.settle()


def test_a_prohibited_model_has_no_baseline_either() -> None:
    pinned = spec("1.0.0")
    baseline = {"version": "0.9.0", "artifact": pinned.artifact.model_dump(), "deployment": pinned.serving.deployment.model_dump()}
    serving = pinned.serving.model_dump(mode="json", by_alias=True) | {"baseline": baseline}
    world = World(spec("1.0.0", classification=PROHIBITED, serving=serving))
    assert world.step().workloads == ()
    assert world.status.phase is Phase.DENIED
    reclassify(world, MEDIUM)
    assert world.step().workloads != ()


def test_the_tier_and_what_follows_are_in_status() -> None:
    world = live(served={"classification": MEDIUM})
    assert world.status.tier == "Medium"
    assert world.status.risk_tier is not None
    assert world.status.risk_tier.tier is Risk.MEDIUM
    assert world.status.risk_tier.table_version == BUILT_IN.version
    assert world.status.risk_tier.controls == BUILT_IN.duties.medium.controls


def test_a_corrected_classification_starts_the_model() -> None:
    world = World(spec("1.0.0", classification=UNKNOWN))
    world.settle()
    reclassify(world, MEDIUM)
    world.settle()
    assert world.status.phase is Phase.AWAITING_DEPLOYMENT


def test_a_candidate_that_turns_out_to_be_prohibited_is_taken_off() -> None:
    world = in_canary(served=CLASSIFIED)
    reclassify(world, PROHIBITED)
    world.settle()
    assert world.weight() == 0
    assert world.status.blocked[-1].cause is RollbackCause.PROHIBITED
    assert world.route.weights == {world.status.stable.revision: 1000} if world.status.stable else False


def test_a_live_version_that_turns_out_to_be_prohibited_is_frozen_and_keeps_its_users() -> None:
    world = live(served=CLASSIFIED)
    before = dict(world.route.weights)
    reclassify(world, PROHIBITED)
    world.settle()
    assert world.status.phase is Phase.FROZEN
    assert condition(world, ConditionType.READY)[1] == "Prohibited"
    assert world.route.weights == before
    world.release("2.0.0", classification=PROHIBITED)
    world.settle()
    assert (world.status.candidate, world.status.phase) == (None, Phase.FROZEN)


def test_a_first_version_that_nobody_can_replace_keeps_serving_and_says_so() -> None:
    world = World(spec("1.0.0", **CLASSIFIED))
    world.settle()
    world.approve()
    world.settle()
    assert world.status.phase is Phase.FULL
    reclassify(world, PROHIBITED)
    world.settle()
    assert world.status.candidate is not None
    assert condition(world, ConditionType.READY)[1] == "Degraded"
    world.spec = world.spec.model_copy(
        update={"serving": world.spec.serving.model_copy(update={"fallback": Fallback(service="credit-rules")})}
    )
    world.settle()
    assert (world.status.candidate, world.status.phase) == (None, Phase.DENIED)


def test_a_raised_tier_of_the_table_takes_the_candidate_off_as_a_declared_one_does() -> None:
    world = in_canary(served=CLASSIFIED)
    reclassify(world, HIGH)
    world.settle()
    assert (world.status.phase, world.weight()) == (Phase.AWAITING_DEPLOYMENT, 0)
    assert world.status.candidate
    assert world.status.candidate.gate
    assert world.status.candidate.gate.tier == "High"


def test_a_table_that_cannot_be_read_holds_and_after_the_grace_takes_off() -> None:
    world = in_canary(served=CLASSIFIED)
    held = world.weight()
    broken = TableState(None, "the classification table cannot be used")
    world.table = broken
    world.step()
    assert world.weight() == held
    assert condition(world, ConditionType.READY)[1] == "TierUnknown"
    assert condition(world, ConditionType.APPROVED)[0] == "False"
    world.step(3600)
    assert world.weight() == held
    world.step(2 * 86_400)
    assert world.weight() == 0
    assert world.status.blocked == ()
    world.table = TableState(BUILT_IN)
    world.settle()
    assert world.status.phase is Phase.CANARY


@pytest.mark.parametrize("classification", [PROHIBITED, UNKNOWN])
def test_harm_is_stopped_whatever_the_classification_says(classification: dict[str, Any]) -> None:
    world = in_canary(served=CLASSIFIED)
    reclassify(world, classification)
    world.guard()
    world.step()
    assert world.weight() == 0


def test_users_go_back_to_an_earlier_version_whose_tier_nobody_can_tell() -> None:
    world = live(served=CLASSIFIED)
    first = world.status.stable
    world.release("2.0.0", **CLASSIFIED)
    while world.status.live != "2.0.0":
        world.settle()
        if world.status.candidate and world.status.candidate.gate and not world.status.candidate.gate.open:
            world.approve()
        world.good()
        if world.status.live != "2.0.0":
            world.step(8 * 86_400)
    world.release("1.0.0", classification=UNKNOWN)
    world.settle()
    assert first
    assert world.route.weights == {first.revision: 1000}


def test_a_model_that_only_declares_its_tier_does_not_need_the_table() -> None:
    world = in_canary(table=TableState(None, "broken"))
    assert world.status.tier == "Medium"
    assert world.status.candidate
    assert world.status.candidate.gate
    assert world.status.candidate.gate.open


UNDERSTATED = {"domain": "CreditScoring", "declaredTier": "Medium"}


def test_no_version_starts_at_a_declared_tier_below_the_table_s_for_its_domain() -> None:
    world = World(spec("1.0.0", classification=UNDERSTATED))
    world.settle()
    assert (world.status.phase, world.status.candidate, world.status.attempts) == (Phase.PENDING, None, 0)
    assert condition(world, ConditionType.STALLED)[:2] == ("True", "TierUnknown")
    reclassify(world, HIGH)
    world.settle()
    assert world.status.candidate is not None


def test_an_understated_tier_ends_nothing_that_runs() -> None:
    """Versions that an operator without a table let start: its successor changes no traffic of them."""
    world = in_canary(served={"classification": {"declaredTier": "Medium"}})
    before = dict(world.route.weights)
    reclassify(world, UNDERSTATED)
    world.step()
    assert world.route.weights == before
    world.good()
    world.settle()
    world.step(40 * 86_400)
    world.settle()
    assert (world.status.live, world.status.phase) == ("2.0.0", Phase.LIVE)
    world.release("3.0.0", classification=UNDERSTATED)
    world.settle()
    assert (world.status.live, world.status.candidate) == ("2.0.0", None)
    assert "complete spec.classification" in condition(world, ConditionType.STALLED)[2]
