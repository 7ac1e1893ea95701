"""A candidate that is proven to harm a segment of users leaves all of them; one that is not proven good in each does not rise."""

from tests.unit.rollout.world import World, in_canary, policy

from headgate.api.policy import RolloutPolicySpec
from headgate.api.vocabulary import Metric, Phase, RollbackCause, Verdict
from headgate.evidence.view import CheckReading, SegmentReading, SegmentsReading
from headgate.rollout.questions import question_of

FAILED = CheckReading(
    Metric.ERRORS, Verdict.FAIL, harm=44.0, candidate_requests=600, candidate_events=17, stable_requests=900, stable_events=3, limit=0.01
)
HARMED = SegmentsReading("group", Verdict.FAIL, (SegmentReading("A"), SegmentReading("B", (FAILED,), counted=True)), True, "B", 44.0)
CHECKS = [
    {"metric": "errors", "maxIncrease": "0.5pp", "weight": 4, "segments": {"label": "group", "most": 4}},
    {"metric": "rejections", "maxIncrease": "1pp", "weight": 2},
]


def splitting() -> RolloutPolicySpec:
    return policy(checks=CHECKS)


def told(world: World) -> str:
    return next(condition.message for condition in world.status.conditions if condition.type == "Reconciling")


def test_a_segment_that_is_proven_to_be_harmed_takes_the_candidate_to_zero() -> None:
    world = in_canary(policy=splitting())
    world.measured = {"verdict": Verdict.INCONCLUSIVE, "segments": HARMED}
    world.step()
    blocked = world.status.blocked[-1]
    assert (world.weight(), blocked.cause, blocked.stage) == (0, RollbackCause.EVIDENCE_ERRORS, "canary")
    assert blocked.evidence.startswith("in segment group=B: 17 of 600 (2.8 %) failed against 3 of 900 (0.3 %) of the stable version")
    world.settle()
    assert world.status.phase is Phase.ROLLED_BACK


def test_a_segment_without_proof_keeps_the_candidate_where_it_is() -> None:
    world = in_canary(policy=splitting())
    waiting = SegmentsReading("group", Verdict.INCONCLUSIVE, (SegmentReading("B", counted=True),), required=True, worst="B")
    world.measured = {"verdict": Verdict.INCONCLUSIVE, "segments": waiting}
    world.step()
    assert world.weight() > 0
    assert told(world).endswith("segments: not every one is proven good")


def test_segments_and_all_users_share_alpha_and_only_checks_that_ask_are_split() -> None:
    world = in_canary(policy=splitting())
    whole, plain = question_of(world.status, splitting()), question_of(world.status, policy())
    asked = whole.segments
    assert asked is not None
    assert (whole.alpha, asked.alpha, asked.each.alpha) == (0.025, 0.025, 0.025 / 4)
    assert (len(whole.checks), [check.metric for check in asked.each.checks]) == (2, [Metric.ERRORS])
    assert (asked.label, asked.most, asked.min_requests, asked.each.stage_blocks) == ("group", 4, 100, whole.stage_blocks)
    assert (plain.alpha, plain.segments) == (0.05, None)
