"""What people decide about a rollout, and what becomes of it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.rollout.world import World, in_canary, live

from headgate.api.aimodel import Fallback
from headgate.api.vocabulary import Phase


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


@pytest.mark.parametrize("decision", ["Halt", "Rollback", "Promote", "Pause"])
@pytest.mark.parametrize("status_lost", [False, True])
def test_a_decision_about_a_version_that_was_taken_back_touches_no_other(decision: str, status_lost: bool) -> None:
    """Two people halt the same candidate: the second Halt must not stop the live version."""
    world = in_canary()
    rules = Fallback(service="rules")
    world.spec = world.spec.model_copy(update={"serving": world.spec.serving.model_copy(update={"fallback": rules})})
    assert world.status.candidate is not None
    about = {"revision": world.status.candidate.revision, "attempt": world.status.candidate.attempt}
    world.decided("Halt")
    world.settle()
    late = world.decided(decision, target=about)
    if status_lost:
        world.lose_status()
    world.step()
    world.settle()
    assert world.status.stable is not None
    assert (world.status.stable.version, world.status.candidate, world.status.failover, world.status.paused) == ("1.0.0", None, None, None)
    assert late.name in world.status.taken_up
    assert [entry.revision for entry in world.status.blocked] == [about["revision"]]


def test_a_promote_of_the_candidate_before_does_not_promote_the_next_one() -> None:
    world = in_canary()
    assert world.status.candidate is not None
    about = {"revision": world.status.candidate.revision, "attempt": world.status.candidate.attempt}
    world.decided("Halt")
    world.settle()
    world.release("3.0.0")
    world.enter_canary()
    weight = world.weight()
    world.decided("Promote", target=about)
    world.settle()
    assert world.weight() == weight


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


def paused() -> World:
    world = in_canary()
    world.decided("Pause")
    world.step()
    assert world.status.paused
    return world


@pytest.mark.parametrize(("order", "weight"), [(("Resume", "Pause"), 50), (("Pause", "Resume"), 500), (("Pause", "Resume", "Pause"), 50)])
def test_of_pauses_and_resumes_that_are_seen_together_the_last_counts(order: tuple[str, ...], weight: int) -> None:
    world = paused()
    for decision in order:
        world.now += timedelta(seconds=5)
        world.decided(decision)
    world.good()
    world.step()
    assert world.weight() == weight
    assert {one.name for one in world.approvals if one.spec.decision in ("Pause", "Resume")} <= set(world.status.taken_up)


def test_a_resume_lifts_no_pause_of_the_same_time_or_later_though_it_is_proven_later() -> None:
    for seconds in (0, 3):
        world = paused()
        world.now += timedelta(seconds=60)
        resume = world.decided("Resume")
        world.approvals.remove(resume)
        world.now += timedelta(seconds=seconds)
        pause = world.decided("Pause", "dana@bank")
        world.good()
        world.step()
        world.approvals.append(resume)
        world.step(2)
        assert world.weight() == 50
        assert (world.status.paused and world.status.paused.name) == pause.name
        assert any("Resume by oncall@bank has no effect: dana@bank decided Pause" in event for event in world.events)
        world.now += timedelta(seconds=1)
        world.decided("Resume")
        world.step()
        assert world.weight() == 500


def test_an_older_pause_that_is_seen_later_does_not_make_the_last_one_older() -> None:
    world = paused()
    first = world.status.paused
    world.approvals.append(replace(world.approvals[-1], name="seen-late", created=world.now - timedelta(seconds=9)))
    world.step(1)
    assert world.status.paused == first
    assert "seen-late" in world.status.taken_up


@pytest.mark.parametrize("stop", ["Halt", "Rollback"])
@pytest.mark.parametrize("seen_late", [False, True])
def test_a_retry_does_not_lift_a_stop_that_was_decided_later(stop: str, *, seen_late: bool) -> None:
    world = in_canary()
    retry = world.decided("Retry")
    world.now += timedelta(seconds=3)
    world.decided(stop)
    if seen_late:
        world.approvals.remove(retry)
        world.settle()
        world.approvals.append(retry)
    world.settle()
    assert (world.status.phase, world.status.attempts) == (Phase.ROLLED_BACK, 2)
    assert any(f"Retry by oncall@bank has no effect: oncall@bank decided {stop}" in event for event in world.events)
    world.now += timedelta(seconds=1)
    world.decided("Retry")
    world.settle()
    assert world.status.attempts == 3


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


def rejected(world: World, *, clock_ahead: timedelta) -> None:
    """sam rejects the candidate now, on a server whose clock is that much behind the operator's."""
    assert world.status.candidate
    assert world.status.candidate.gate
    subject = world.status.candidate.gate.subject
    made = world.decided("Reject", "sam@bank", gate="Deployment", role="security-review", subject=subject)
    world.approvals[-1] = replace(made, created=world.now - clock_ahead)


@pytest.mark.parametrize("hours", [-1, 0, 1])
def test_a_reject_takes_the_candidate_off_whatever_the_clocks_say(hours: int) -> None:
    world = in_canary()
    world.approvals = [replace(one, created=one.created - timedelta(hours=2)) for one in world.approvals]
    rejected(world, clock_ahead=timedelta(hours=hours))
    world.step()
    assert (world.weight(), [blocked.cause for blocked in world.status.blocked]) == (0, ["Rejected"])


def test_a_reject_from_before_closes_the_gate_of_a_retry_and_takes_nothing_off() -> None:
    """Also where the operator's clock went back in between."""
    world = in_canary()
    rejected(world, clock_ahead=timedelta())
    world.settle()
    world.now -= timedelta(hours=1)
    world.decided("Retry")
    world.quiet()
    world.settle()
    assert (world.status.phase, world.status.attempts, world.status.blocked) == (Phase.SHADOW, 3, ())
    world.good()
    world.settle()
    assert world.status.phase is Phase.AWAITING_DEPLOYMENT


def test_a_reject_that_its_role_took_back_before_it_was_seen_takes_nothing_off() -> None:
    world = in_canary()
    rejected(world, clock_ahead=timedelta())
    world.now += timedelta(minutes=1)
    world.approve(roles=("security-review",))
    world.settle()
    assert (world.weight(), world.status.blocked) == (50, ())


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


def test_a_retry_of_the_live_version_is_refused_and_lifts_no_halt_that_comes_later() -> None:
    world = live()
    fallback = Fallback(service="rules", port=80)
    world.spec = world.spec.model_copy(update={"serving": world.spec.serving.model_copy(update={"fallback": fallback})})
    assert world.status.stable is not None
    named = {"revision": world.status.stable.revision, "attempt": max(world.status.attempts, 1)}
    world.decided("Retry", target=named)
    world.decided("Halt", target=named)
    world.settle()
    assert [entry.revision for entry in world.status.blocked] == [named["revision"]]
    assert world.status.attempts == named["attempt"]
    assert any("has no effect: it is about revision" in event for event in world.events)


def test_a_retry_of_one_version_starts_no_other_that_was_taken_back() -> None:
    world = in_canary()
    world.decided("Halt")
    world.settle()
    world.release("3.0.0")
    world.settle()
    world.decided("Halt")
    world.settle()
    world.release("2.0.0")
    world.settle()
    world.now += timedelta(minutes=1)
    retry = world.decided("Retry")
    assert retry.spec.target is not None
    world.settle()
    assert world.status.phase is Phase.ROLLED_BACK
    assert any(f"has no effect: it is about revision {retry.spec.target.revision}" in event for event in world.events)
    two = next(entry for entry in world.status.blocked if entry.version == "2.0.0")
    world.decided("Retry", target={"revision": two.revision, "attempt": two.attempt})
    world.settle()
    assert world.status.candidate_version == "2.0.0"


def test_more_rejections_than_are_kept_are_written_once() -> None:
    world = in_canary()
    assert world.status.candidate
    assert world.status.candidate.gate
    for _ in range(40):
        world.now += timedelta(seconds=1)
        world.decided("Reject", "dana@bank", gate="Deployment", role="fairness-audit", subject=world.status.candidate.gate.subject)
    world.settle()
    kept = world.status.latches
    assert len(kept) == 32
    world.step(1)
    assert world.status.latches == kept


@pytest.mark.parametrize("about", ["anything", "the same"])
def test_many_rejections_of_others_push_no_rejection_out_that_matters(about: str) -> None:
    world = in_canary()
    assert world.status.candidate
    assert world.status.candidate.gate
    subject = world.status.candidate.gate.subject
    no = world.decided("Revoke", "dana@bank", gate="Deployment", role="fairness-audit", subject=subject)
    for number in range(40):
        world.now += timedelta(seconds=1)
        other = f"sha256:{number:064x}" if about == "anything" else subject
        world.decided("Reject", "tess@bank", gate="Deployment", role="technical-validation", subject=other)
    world.step(1)
    assert len(world.status.latches) == 32
    assert no.name in {latch.name for latch in world.status.latches}
