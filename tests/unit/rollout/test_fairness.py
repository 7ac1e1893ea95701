"""A candidate that is proven to treat people unfairly leaves its users; one that is suspected does not rise."""

from dataclasses import replace

import pytest
from tests.unit.rollout.world import World, in_canary, live, policy

from headgate.api.policy import RolloutPolicySpec
from headgate.api.vocabulary import Phase, RollbackCause, Verdict
from headgate.evidence.check import DecisionCounters, FairnessQuestion
from headgate.evidence.fairness.reading import FairnessReading, GroupReading
from headgate.rollout.questions import question_of

UNFAIR = FairnessReading(
    verdict=Verdict.FAIL,
    groups=(GroupReading("A", 150, 61), GroupReading("B", 141, 32)),
    worst="B",
    against="A",
    ratio=0.56,
    difference=-0.18,
    harm=31.0,
    named=("B",),
)
SUSPECTED = replace(UNFAIR, verdict=Verdict.INCONCLUSIVE, suspected=True, harm=7.0, named=())


def asking(**fields: object) -> RolloutPolicySpec:
    return policy(triggers={"fairness": {"minDisparateImpact": "0.8"} | fields})


def test_a_proven_violation_takes_the_candidate_to_zero_and_blocks_it() -> None:
    world = in_canary(policy=asking())
    world.measured = {"verdict": Verdict.INCONCLUSIVE, "fairness": UNFAIR}
    world.step()
    blocked = world.status.blocked[-1]
    assert (world.weight(), blocked.cause, blocked.stage) == (0, RollbackCause.FAIRNESS, "canary")
    assert blocked.evidence.startswith("approved 22.7 % of 141 in group B against 40.7 % of 150 in group A: ratio 0.56, your limit is 0.80")
    assert any(event.startswith("RolledBack: 2.0.0") and "Fairness: approved" in event for event in world.events)
    world.settle()
    assert world.status.phase is Phase.ROLLED_BACK


def test_a_violation_in_shadow_ends_the_attempt_before_any_user_is_concerned() -> None:
    world = live(policy=asking())
    world.release("2.0.0")
    world.measured = {"verdict": Verdict.INCONCLUSIVE, "fairness": UNFAIR}
    world.settle()
    assert world.status.phase is Phase.ROLLED_BACK
    assert (world.status.blocked[-1].cause, world.status.blocked[-1].stage) == (RollbackCause.FAIRNESS, "shadow")


def test_a_suspicion_takes_nobody_back_and_is_told() -> None:
    world = in_canary(policy=asking())
    world.measured = {"verdict": Verdict.INCONCLUSIVE, "fairness": SUSPECTED}
    world.step()
    assert world.weight() > 0
    assert told(world).endswith("fairness: group B is suspected to be treated worse than the limit allows")


def test_required_counters_that_are_missing_are_told_and_are_no_harm() -> None:
    world = in_canary(policy=asking(required=True))
    missing = FairnessReading(verdict=Verdict.NOT_MEASURABLE, required=True, detail="no counter")
    world.measured = {"verdict": Verdict.NOT_MEASURABLE, "fairness": missing}
    world.step()
    assert world.weight() > 0
    assert told(world).endswith("fairness: its counters are required")


def told(world: World) -> str:
    return next(condition.message for condition in world.status.conditions if condition.type == "Reconciling")


def test_the_question_says_what_the_policy_says_and_shadow_has_a_budget_of_its_own() -> None:
    written = {
        "minDisparateImpact": "0.75",
        "maxParityDifference": "12pp",
        "metric": "loans_total",
        "groupLabel": "cohort",
        "outcomeLabel": "code",
        "favourable": ["ok", "maybe"],
        "reference": "A",
        "minDecisions": 50,
        "required": True,
    }
    asked = asking(**written)
    world = in_canary(policy=asked)
    expected = FairnessQuestion(0.75, 0.05, 0.12, "A", 50, True, DecisionCounters("loans_total", "cohort", "code", ("ok", "maybe")))
    assert question_of(world.status, asked).fairness == expected
    world = live(policy=asked)
    world.release("2.0.0")
    world.quiet()
    world.settle()
    assert world.status.phase is Phase.SHADOW
    shadow = question_of(world.status, asked).fairness
    assert shadow is not None
    assert shadow.alpha == pytest.approx(0.01)


def test_a_policy_without_triggers_asks_nothing() -> None:
    world = in_canary()
    assert question_of(world.status, policy()).fairness is None
    assert question_of(world.status, policy(triggers={})).fairness is None
