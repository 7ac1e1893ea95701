"""A model of a vendor: its evaluation at the UseCase gate, and what of changes that were announced is told."""

from datetime import timedelta
from typing import Any

import pytest
from tests.unit.rollout.test_use_case import CLASSIFIED, PEOPLE, gated
from tests.unit.rollout.world import World, spec

from headgate.api.policy import RolloutPolicySpec
from headgate.api.vocabulary import Phase, VendorCriterion

GOOD = {str(criterion): "Low" for criterion in VendorCriterion}
CONDITIONAL = GOOD | {"security": "High", "trainingData": "High"}


def bought(evaluation: dict[str, str] | None, **more: Any) -> dict[str, Any]:
    return {"vendor": {"name": "Acme", "product": "Scores 3", **({"evaluation": evaluation} if evaluation else {}), **more}}


def asked(evaluation: dict[str, str] | None, policy: RolloutPolicySpec | None = None) -> World:
    world = World(spec("1.0.0", **CLASSIFIED, **bought(evaluation)), policy=policy or gated())
    world.settle()
    return world


def agree(world: World, *conditions: str) -> None:
    case = world.status.use_case
    assert case
    until = (world.now + timedelta(days=60)).isoformat()
    for role in case.required:
        more = {"conditions": list(conditions)} if role == "risk-review" else {}
        world.decided("Approve", PEOPLE[role], gate="UseCase", role=role, subject=case.subject, expiresAt=until, **more)


def missing(world: World) -> tuple[str, ...]:
    assert world.status.use_case
    return world.status.use_case.missing


def test_a_good_vendor_needs_nothing_but_the_approvals() -> None:
    world = asked(GOOD)
    agree(world)
    world.settle()
    assert world.status.phase is Phase.AWAITING_DEPLOYMENT
    assert world.status.vendor
    assert (str(world.status.vendor.recommendation), world.status.vendor.score) == ("APPROVED", "1.00")


@pytest.mark.parametrize(
    ("evaluation", "words"),
    [
        (GOOD | {"biasTesting": "Critical"}, "is REJECTED (1.45 of 4): spec.vendor.evaluation: biasTesting is Critical"),
        ({"security": "Low"}, "is REQUIRES_REMEDIATION: spec.vendor.evaluation: trainingData is not rated"),
        (None, "is REQUIRES_REMEDIATION: spec.vendor.evaluation: trainingData is not rated"),
    ],
)
def test_a_bad_one_keeps_the_gate_closed_whoever_approves(evaluation: dict[str, str] | None, words: str) -> None:
    world = asked(evaluation)
    agree(world, "only for internal use")
    world.settle()
    assert world.status.phase is Phase.AWAITING_USE_CASE
    assert words in missing(world)[0]


def test_with_conditions_it_takes_an_approval_that_names_them() -> None:
    world = asked(CONDITIONAL)
    agree(world)
    world.settle()
    assert world.status.phase is Phase.AWAITING_USE_CASE
    (words,) = missing(world)
    assert "WITH_CONDITIONS: at least one approval has to name them" in words
    world.approvals.clear()
    agree(world, "a human decides on every refusal")
    world.settle()
    assert world.status.phase is Phase.AWAITING_DEPLOYMENT
    assert world.status.use_case
    assert "on condition: a human decides on every refusal" in world.status.use_case.counted[1]


def test_another_evaluation_is_another_use_case() -> None:
    world = asked(GOOD)
    agree(world)
    world.settle()
    world.spec = spec("1.0.0", **CLASSIFIED, **bought(GOOD | {"auditRights": "Medium"}))
    world.step()
    assert missing(world)[0] == "business-owner: nobody has approved yet"


def test_notices_and_promises_are_no_part_of_the_subject() -> None:
    world = asked(GOOD)
    assert world.status.use_case
    before = world.status.use_case.subject
    notice = {"date": "2026-03-01", "effective": "2026-04-15", "what": "model 3.1"}
    world.spec = spec("1.0.0", **CLASSIFIED, **bought(GOOD, changeNotices=[notice], sla={"accuracy": "0.9"}))
    world.step()
    assert world.status.use_case
    assert world.status.use_case.subject == before


def test_a_policy_may_name_other_vetoes() -> None:
    world = asked(GOOD | {"auditRights": "Critical"}, gated(vendor={"vetoes": ["auditRights"]}))
    assert "auditRights is Critical, which refuses the vendor" in missing(world)[-1]


@pytest.mark.parametrize(
    ("notice", "given", "agreed", "late", "deferrable"),
    [
        ({"date": "2026-03-01", "effective": "2026-04-30"}, "60 days", "60 days", False, "2026-07-29"),
        ({"date": "2026-03-01", "effective": "2026-04-29"}, "59 days", "60 days", True, "2026-07-28"),
        ({"date": "2026-03-01", "noticed": "2026-03-20", "effective": "2026-04-30"}, "41 days", "60 days", True, "2026-07-29"),
        ({"date": "2026-03-01", "effective": "2026-03-03", "kind": "Security"}, "2 days", "2 days", False, "None"),
        ({"date": "2026-03-01", "effective": "2026-03-02", "kind": "Security"}, "1 day", "2 days", True, "None"),
    ],
)
def test_notice_is_counted_against_what_the_contract_asks_for(
    notice: dict[str, str], given: str, agreed: str, late: bool, deferrable: str
) -> None:
    world = World(spec("1.0.0", **bought(GOOD, changeNotices=[notice | {"what": "model 3.1"}])))
    world.step()
    assert world.status.vendor
    (told,) = world.status.vendor.notices
    assert (told.given, told.agreed, told.late, str(told.deferrable_until)) == (given, agreed, late, deferrable)


def test_a_model_of_ones_own_has_no_vendor() -> None:
    world = World(spec("1.0.0", **bought(GOOD)))
    world.step()
    assert world.status.vendor
    world.spec = spec("1.0.0")
    world.step()
    assert world.status.vendor is None
