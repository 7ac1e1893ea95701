"""What happens to a model, row by row of the state table."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.rollout.world import POLICY, World, in_canary, live, policy, spec, without_shadow

from headgate.api.conditions import ConditionType
from headgate.api.reasons import Reason
from headgate.api.status import AttemptKind
from headgate.api.vocabulary import Metric, Phase, Verdict
from headgate.rollout.decide import decide
from headgate.rollout.snapshot import PolicyState, Problem, RouteState, WorkloadState
from headgate.rollout.stages import steps_of


def condition(world: World, kind: ConditionType) -> tuple[str, str, str]:
    found = next(c for c in world.status.conditions if c.type is kind)
    return found.status, str(found.reason), found.message


def test_a_first_version_waits_for_its_gate_then_takes_all_traffic_and_soaks() -> None:
    world = World(spec("1.0.0"))
    world.settle()
    assert world.status.phase is Phase.AWAITING_DEPLOYMENT
    assert world.route.weights == {}
    world.approve()
    world.settle()
    assert list(world.route.weights.values()) == [1000]
    assert world.status.phase is Phase.FULL
    world.step(86_399)
    assert world.status.phase is Phase.FULL
    world.step(1)
    assert world.status.phase is Phase.LIVE
    assert world.status.live == "1.0.0"


def test_a_release_goes_through_every_stage_in_order() -> None:
    world = live()
    world.release("2.0.0")
    world.good()
    seen = []
    world.step()
    for _ in range(30):
        world.step(60)
        if world.status.phase is Phase.AWAITING_DEPLOYMENT:
            world.approve()
        place = (str(world.status.phase), world.weight(), bool(world.route.mirrored))
        if not seen or seen[-1] != place:
            seen.append(place)
    assert seen == [
        ("Preparing", 0, False),
        ("Shadow", 0, True),
        ("AwaitingDeployment", 0, False),
        ("Canary", 50, False),
        ("Canary", 500, False),
        ("Full", 990, False),
        ("Live", 0, False),
    ] or seen[1:] == [
        ("AwaitingDeployment", 0, False),
        ("Canary", 50, False),
        ("Canary", 500, False),
        ("Full", 990, False),
        ("Live", 0, False),
    ]
    assert world.status.live == "2.0.0"
    assert world.route.weights == {world.status.stable.revision: 1000} if world.status.stable else False


def test_slot_zero_is_the_stable_version_and_slot_one_the_candidate() -> None:
    world = in_canary()
    assert [slot.revision for slot in world.status.traffic.slots] == [world.status.stable.revision, world.status.candidate.revision]  # type: ignore[union-attr]


def test_nobody_sees_a_version_before_the_gate_opens() -> None:
    world = live()
    world.release("2.0.0")
    world.good()
    for _ in range(10):
        world.step(86_400)
    assert world.status.phase is Phase.AWAITING_DEPLOYMENT
    assert world.weight() == 0
    assert "fairness-audit" in condition(world, ConditionType.APPROVED)[2]


@pytest.mark.parametrize(("fresh", "requests"), [(7 * 86_400 - 1, 100_000), (30 * 86_400, 999)])
def test_a_stage_lasts_until_both_its_time_and_its_requests_are_there(fresh: float, requests: int) -> None:
    world = in_canary()
    world.good(fresh, requests)
    world.settle()
    assert world.weight() == 50
    world.good(7 * 86_400, 1000)
    world.step()
    assert world.weight() == 500


@pytest.mark.parametrize("verdict", [Verdict.INCONCLUSIVE, Verdict.NO_DATA, Verdict.SOURCE_DOWN, Verdict.NOT_MEASURABLE])
def test_uncertain_evidence_neither_promotes_nor_rolls_back(verdict: Verdict) -> None:
    world = in_canary()
    world.measured = {"verdict": verdict, "stage_fresh_seconds": 30 * 86_400, "stage_requests": 10**6}
    world.step(10 * 86_400)
    assert (world.status.phase, world.weight()) == (Phase.CANARY, 50)


def test_evidence_of_an_earlier_stage_does_not_end_the_present_one() -> None:
    world = in_canary()
    world.good()
    world.measured["stage"] = 0
    world.settle()
    assert world.weight() == 50


@pytest.mark.parametrize(
    ("metric", "cause"),
    [(Metric.ERRORS, "Evidence/errors"), (Metric.LATENCY, "Evidence/latency"), (Metric.REJECTIONS, "Evidence/rejections")],
)
def test_proven_harm_takes_the_candidate_off_and_blocks_it(metric: Metric, cause: str) -> None:
    world = in_canary()
    world.bad(metric)
    decision = world.step()
    assert decision.traffic is not None
    assert [(slot.weight) for slot in decision.traffic.slots] == [1000]
    assert world.status.blocked[-1].cause == cause
    assert "17 of 600" in world.status.blocked[-1].message
    world.quiet()
    world.settle()
    assert world.status.phase is Phase.ROLLED_BACK
    assert condition(world, ConditionType.STALLED)[:2] == ("True", "RolledBack")
    world.good()
    world.step(86_400)
    assert list(world.route.weights.values()) == [1000], "a blocked revision never comes back by itself"


@pytest.mark.parametrize(("missing", "cause"), [(0, "Guard"), (30, "MissingAnswers")])
def test_a_guard_acts_in_the_first_decision_that_sees_it(missing: int, cause: str) -> None:
    world = in_canary()
    world.guard(missing=missing)
    world.step()
    assert (world.weight(), world.status.blocked[-1].cause) == (0, cause)


def test_harm_does_not_wait_for_policy_approvals_or_a_readable_spec() -> None:
    world = in_canary()
    world.bad()
    decision = decide(
        world.without(spec=None, invalid="cannot be read", policy=PolicyState(), pinned=None, approvals=(), approvals_known=False)
    )
    assert decision.status.candidate is None
    assert [slot.weight for slot in decision.status.traffic.slots] == [1000]


def test_a_version_without_ready_pods_loses_its_users_at_once() -> None:
    world = in_canary()
    world.workloads[world.status.candidate.revision] = WorkloadState(exists=True, wanted=2)  # type: ignore[union-attr]
    world.step()
    assert world.status.blocked[-1].cause == "PodGuard"


def test_restarts_within_the_window_fire_the_pod_guard() -> None:
    world = in_canary()
    name = world.status.candidate.revision  # type: ignore[union-attr]
    old, new = world.now - timedelta(seconds=61), world.now - timedelta(seconds=5)
    world.workloads[name] = WorkloadState(exists=True, wanted=2, ready=2, restarts=(old, new, new))
    world.step()
    assert world.status.candidate is not None
    world.workloads[name] = WorkloadState(exists=True, wanted=2, ready=2, restarts=(new, new, new))
    world.step()
    assert world.status.blocked[-1].cause == "PodGuard"


def test_a_guard_on_the_stable_version_alone_holds_and_blames_nobody() -> None:
    world = in_canary()
    world.guard(candidate=False, stable=True)
    world.measured |= {"verdict": Verdict.PASS, "stage_fresh_seconds": 30 * 86_400.0, "stage_requests": 10**6}
    world.step()
    assert (world.weight(), world.status.blocked) == (50, ())
    world.good()
    world.step()
    assert world.weight() == 500


def test_a_failure_of_both_versions_blocks_nobody_and_ends_when_it_is_over() -> None:
    world = in_canary()
    world.guard(candidate=True, stable=True)
    world.step()
    assert (world.weight(), world.status.blocked) == (0, ())
    assert world.status.candidate is not None
    world.quiet()
    world.settle()
    assert world.weight() == 50


def test_a_failing_first_version_keeps_serving_because_nothing_else_can() -> None:
    world = World(spec("1.0.0"))
    world.settle()
    world.approve()
    world.settle()
    world.guard()
    world.step()
    assert list(world.route.weights.values()) == [1000]
    assert condition(world, ConditionType.READY)[1] == "Degraded"
    world.decided("Halt")
    world.step()
    assert list(world.route.weights.values()) == [1000]
    assert "nothing" in world.events[-1] or "no other version" in world.events[-1]


# -- people --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("decision", "cause"), [("Halt", "Halt"), ("Rollback", "Rollback")])
def test_a_person_takes_a_candidate_off(decision: str, cause: str) -> None:
    world = in_canary()
    world.decided(decision)
    world.step()
    assert (world.weight(), world.status.blocked[-1].cause, world.status.blocked[-1].by) == (0, cause, "oncall@bank")


def test_a_halt_stands_although_its_object_is_deleted() -> None:
    world = in_canary()
    world.decided("Halt")
    world.settle()
    world.approvals = [a for a in world.approvals if a.spec.decision != "Halt"]
    world.good()
    world.settle()
    assert world.status.phase is Phase.ROLLED_BACK


def test_a_halt_of_another_attempt_has_no_effect_and_is_told_so() -> None:
    world = in_canary()
    halt = world.decided("Halt", target={"revision": "00000000", "attempt": 9})
    decision = world.step()
    assert world.weight() == 50
    note = next(n for n in decision.approval_notes if n.name == halt.name)
    assert note.state == "Refused"
    assert "revision 00000000 attempt 9" in note.message


def test_an_intervention_older_than_a_day_has_no_effect() -> None:
    world = in_canary()
    world.decided("Halt")
    world.now += timedelta(hours=24, seconds=1)
    world.step()
    assert world.weight() == 50


@pytest.mark.parametrize(("decision", "weight"), [("Halt", 0), ("Promote", 50)])
def test_doubt_about_the_author_stops_but_never_promotes(decision: str, weight: int) -> None:
    world = in_canary()
    made = world.decided(decision)
    world.approvals[-1] = replace(made, enforced=False)
    world.step()
    assert world.weight() == weight


def test_at_equal_times_the_safer_decision_wins() -> None:
    world = in_canary()
    world.decided("Promote")
    world.decided("Pause")
    world.good()
    world.step()
    assert world.weight() == 50


def test_pause_stops_upward_steps_but_not_harm() -> None:
    world = in_canary()
    world.decided("Pause")
    world.good()
    world.settle()
    assert world.weight() == 50
    world.bad()
    world.step()
    assert world.weight() == 0


def test_resume_lets_it_go_on_and_the_pause_did_not_count_towards_the_deadline() -> None:
    world = in_canary()
    world.decided("Pause")
    world.settle()
    world.step(60 * 86_400)
    assert world.weight() == 50
    world.decided("Resume")
    world.settle()
    assert world.weight() == 50
    world.good()
    world.step()
    assert world.weight() == 500


def test_promote_ends_a_stage_without_proof_but_never_against_a_failure_or_a_closed_gate() -> None:
    world = in_canary()
    world.decided("Promote")
    world.step()
    assert world.weight() == 500
    assert "without proof" in "".join(world.events)
    harmed = in_canary()
    harmed.decided("Promote")
    harmed.bad()
    harmed.step()
    assert harmed.weight() == 0


def test_promote_does_not_open_a_gate() -> None:
    world = live()
    world.release("2.0.0")
    world.good()
    world.settle()
    assert world.status.phase is Phase.AWAITING_DEPLOYMENT
    world.decided("Promote")
    world.step()
    assert world.weight() == 0


def test_retry_starts_a_new_attempt_from_the_first_stage_and_is_limited() -> None:
    world = live()
    world.release("2.0.0")
    for attempt in (2, 3, 4):
        world.quiet()
        world.settle()
        assert (world.status.phase, world.status.attempts) == (Phase.SHADOW, attempt)
        world.bad()
        world.step()
        world.quiet()
        world.settle()
        world.decided("Retry")
    world.settle()
    assert world.status.phase is Phase.ROLLED_BACK
    assert world.status.attempts == 4
    assert "all 2 retries" in "".join(world.events)


def test_a_reject_takes_the_candidate_off() -> None:
    world = in_canary()
    subject = world.status.candidate.gate.subject  # type: ignore[union-attr]
    world.decided("Reject", "sam@bank", gate="Deployment", role="security-review", subject=subject)
    world.step()
    assert (world.weight(), world.status.blocked[-1].cause) == (0, "Rejected")


def test_rollback_of_a_live_version_brings_the_earlier_one_back_without_gate_or_stage() -> None:
    world = in_canary()
    world.good()
    for _ in range(8):
        world.step(60)
    assert world.status.live == "2.0.0"
    world.quiet()
    world.decided("Rollback")
    world.settle()
    assert world.status.live == "1.0.0"
    assert world.route.weights == {world.status.stable.revision: 1000} if world.status.stable else False
    assert world.status.phase is Phase.ROLLED_BACK
    assert world.status.blocked[-1].version == "2.0.0"


def test_setting_the_spec_back_to_an_earlier_live_version_restores_it_at_once() -> None:
    world = in_canary()
    world.good()
    for _ in range(8):
        world.step(60)
    world.release("1.0.0")
    world.quiet()
    world.settle()
    assert (world.status.live, world.status.phase) == ("1.0.0", Phase.LIVE)


# -- approvals that lapse ------------------------------------------------------------------------------------------------------------


def test_a_lapsed_approval_holds_and_gives_up_the_traffic_after_the_grace() -> None:
    world = in_canary()
    world.approvals = [a for a in world.approvals if a.spec.role != "security-review"]
    world.good()
    world.settle()
    assert world.weight() == 50
    world.step(86_399)
    assert world.weight() == 50
    world.step(2)
    assert world.weight() == 0
    assert world.status.phase is Phase.AWAITING_DEPLOYMENT
    assert world.status.blocked == ()


# -- the spec changes ----------------------------------------------------------------------------------------------------------------


def test_a_new_version_takes_the_old_candidate_off_first_and_starts_from_its_first_stage() -> None:
    world = in_canary()
    old = world.status.candidate.revision  # type: ignore[union-attr]
    world.release("3.0.0")
    world.quiet()
    decision = world.step()
    assert decision.traffic is not None
    assert {slot.revision for slot in decision.traffic.slots} == {world.status.stable.revision}  # type: ignore[union-attr]
    assert old not in {b.revision for b in world.status.blocked}
    world.settle()
    assert (world.status.phase, world.status.candidate_version) == (Phase.SHADOW, "3.0.0")


def test_setting_the_spec_back_to_the_stable_version_cancels() -> None:
    world = in_canary()
    world.release("1.0.0")
    world.step()
    assert list(world.route.weights.values()) == [1000]
    world.settle()
    assert (world.status.phase, world.status.blocked) == (Phase.LIVE, ())


def test_unchanged_content_needs_no_approval_and_no_shadow_but_is_still_judged() -> None:
    world = live()
    world.release("1.0.0", memory="2Gi")
    world.quiet()
    world.settle()
    assert (world.status.phase, world.weight()) == (Phase.CANARY, 50)
    world.bad()
    world.step()
    assert world.weight() == 0


def test_a_changed_replica_count_is_no_release() -> None:
    world = live()
    serving = spec("1.0.0").serving
    deployment = serving.deployment.model_copy(update={"replicas": 5})
    world.spec = world.spec.model_copy(update={"serving": serving.model_copy(update={"deployment": deployment})})
    decision = world.step()
    assert (world.status.phase, decision.workloads[0].replicas) == (Phase.LIVE, 5)


# -- deadlines -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("choice", "weight"), [("Rollback", 0), ("Hold", 50), ("AskPromote", 50)])
def test_a_stage_that_runs_out_of_time_does_what_the_policy_says(choice: str, weight: int) -> None:
    world = in_canary(policy=policy(analysis={"onDeadline": choice}))
    world.step(14 * 86_400 - 1)
    assert world.weight() == 50
    world.step(1)
    assert world.weight() == weight
    if weight:
        assert condition(world, ConditionType.READY)[1] == "DeadlineExceeded"


def test_the_time_without_prometheus_does_not_count_towards_the_deadline() -> None:
    world = in_canary()
    world.measured = {"verdict": Verdict.SOURCE_DOWN}
    world.step(60)
    world.step(30 * 86_400)
    world.quiet()
    world.step(1)
    assert world.weight() == 50


# -- pods ----------------------------------------------------------------------------------------------------------------------------


def test_a_weight_rises_only_when_its_pods_are_ready() -> None:
    world = in_canary()
    candidate = world.status.candidate
    assert candidate is not None
    world.good()
    world.workloads[candidate.revision] = WorkloadState(exists=True, wanted=1, ready=1, present=1)
    decision = world.step()
    assert world.weight() == 50
    assert next(w for w in decision.workloads if w.role == "candidate").replicas == 2
    world.step()
    assert world.weight() == 500


@pytest.mark.parametrize("reason", ["ImageUnavailable", "CrashLoop", "WaitingForCapacity"])
def test_pods_that_do_not_start_are_one_clear_condition_and_move_no_traffic(reason: str) -> None:
    world = live()
    world.release("2.0.0")
    world.step()
    candidate = world.status.candidate
    assert candidate is not None
    world.pods_fail.add(candidate.revision)
    world.step()
    world.workloads[candidate.revision] = WorkloadState(exists=True, wanted=1, problem=Problem(Reason(reason), "do this"))
    world.step()
    assert condition(world, ConditionType.READY)[1] == reason
    assert list(world.route.weights.values()) == [1000]
    assert condition(world, ConditionType.SERVING)[0] == "True"


def test_the_earlier_version_stays_warm_then_cold_then_goes() -> None:
    world = in_canary()
    world.good()
    for _ in range(8):
        world.step(60)

    def earlier() -> list[int]:
        return [w.replicas for w in world.step().workloads if w.role == "previous"]

    assert earlier() == [3]
    world.now += timedelta(hours=1)
    assert earlier() == [0]
    world.now += timedelta(days=7)
    assert earlier() == []


# -- bad input -----------------------------------------------------------------------------------------------------------------------


def test_an_unknown_policy_stops_the_release_with_one_message_and_nothing_else() -> None:
    world = live()
    world.release("2.0.0")
    missing = PolicyState(None, Problem(Reason.POLICY_NOT_FOUND, "policy nosuch is not in headgate-system"))
    decision = decide(world.without(policy=missing))
    ready = next(c for c in decision.status.conditions if c.type is ConditionType.READY)
    assert (ready.reason, ready.message.endswith("policy nosuch is not in headgate-system")) == (Reason.POLICY_NOT_FOUND, True)
    assert decision.status.traffic == world.status.traffic


def test_a_model_with_side_effects_is_not_shadowed() -> None:
    world = live(policy=without_shadow())
    changed = spec("2.0.0")
    serving = changed.serving.model_copy(update={"side_effects": "Some"})
    world.spec = changed.model_copy(update={"serving": serving})
    world.policy = policy()
    world.settle()
    assert condition(world, ConditionType.READY)[1] == "ShadowNotAllowed"
    assert world.status.candidate is None


def test_gates_stay_closed_while_governance_is_not_enforced() -> None:
    world = live()
    world.release("2.0.0")
    world.good()
    world.settle()
    world.approve()
    decision = decide(world.without(governance_problem="the policy headgate-approvals is not bound"))
    assert decision.status.candidate is not None
    assert decision.status.candidate.stage is None
    assert "not bound" in "".join(c.message for c in decision.status.conditions)


def test_stages_of_unchanged_content_are_as_short_as_they_can_be_judged() -> None:
    steps = steps_of(policy(), AttemptKind.UNCHANGED)
    assert [(s.name, s.min_duration) for s in steps] == [("canary", 180), ("half", 180), ("full", 180)]


def test_the_policy_an_attempt_runs_on_does_not_change_under_it() -> None:
    world = in_canary()
    before = world.status.candidate
    assert before is not None
    edited = policy(stages=[POLICY["stages"][-1]])
    decision = decide(world.without(policy=PolicyState(edited)))
    assert decision.status.candidate is not None
    assert decision.status.candidate.policy_copy == before.policy_copy
    assert decision.status.traffic == world.status.traffic


def test_what_the_api_server_refuses_is_shown_on_a_live_model_too() -> None:
    world = live()
    refusal = Problem(Reason.ROUTE_REFUSED, "spec.hostnames[0]: Invalid value")
    decision = decide(world.without(refusal=refusal))
    ready = next(c for c in decision.status.conditions if c.type is ConditionType.READY)
    assert (ready.status, ready.reason, ready.message.endswith("Invalid value")) == ("False", Reason.ROUTE_REFUSED, True)


def test_a_failure_of_both_versions_in_shadow_stops_the_copies_until_it_is_over() -> None:
    world = live()
    world.release("2.0.0")
    world.quiet()
    world.settle()
    assert world.status.phase is Phase.SHADOW
    seen = world.without().evidence
    world.guard(candidate=True, stable=True)
    assert seen is not None
    failing = world.evidence()
    world.step()
    for _ in range(3):
        decision = decide(world.without(evidence=failing))
        assert decision.status.traffic.mirror is None
    later = world.now + timedelta(seconds=61)
    assert decide(world.without(evidence=failing, now=later)).status.traffic.mirror is not None


def test_a_promote_waits_for_the_pods_of_the_next_stage() -> None:
    world = in_canary()
    candidate = world.status.candidate
    assert candidate is not None
    world.decided("Promote")
    world.workloads[candidate.revision] = WorkloadState(exists=True, wanted=1, ready=1, present=1)
    world.step()
    assert world.weight() == 50
    world.step()
    assert world.weight() == 500


def test_a_route_that_the_gateway_does_not_take_is_told_while_people_are_asked() -> None:
    world = World(spec("1.0.0"))
    world.settle()
    world.route = RouteState(exists=True, accepted=False, problem=Problem(Reason.ROUTE_NOT_ACCEPTED, "no listener has that hostname"))
    world.route_takes_effect = False
    world.step()
    assert condition(world, ConditionType.READY)[1] == "RouteNotAccepted"
    assert "fairness-audit" in condition(world, ConditionType.APPROVED)[2]
