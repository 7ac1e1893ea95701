"""Decisions whose author nobody has proven yet: as if not made, but for those that stop something."""

import asyncio
from typing import Any

import pytest
from tests.unit.controller.operator_world import KEY, OperatorWorld, in_canary, live

from headgate.kube.admission import BINDINGS
from headgate.kube.errors import Unavailable
from headgate.kube.resources import GOVERNANCE_APPROVALS


@pytest.fixture
def world() -> OperatorWorld:
    """v2 waits for its approvals, and the last look at the admission policies was a moment ago."""
    made = live()
    made.release("v2")
    made.settle()
    assert made.status.phase == "AwaitingDeployment"
    return made


def reconcile(world: OperatorWorld) -> None:
    """One pass without a look before it."""
    world.list_all()
    asyncio.run(world.reconciler.reconcile(KEY))


def look(world: OperatorWorld) -> bool:
    return asyncio.run(world.enforcement.check())


def answers(world: OperatorWorld) -> list[dict[str, Any]]:
    """Of the newest approvals, three of which world.approve() makes."""
    return [body.get("status") or {} for body in world.api.of(GOVERNANCE_APPROVALS)[-3:]]


def test_approvals_wait_for_a_look_that_is_asked_for_and_nothing_is_written_meanwhile(world: OperatorWorld) -> None:
    world.approve()
    mark = len(world.api.writes)
    reconcile(world)
    assert world.since(mark) == []
    assert world.enforcement.asked() == {KEY}
    look(world)
    reconcile(world)
    assert world.enforcement.asked() == set()
    assert [answer["state"] for answer in answers(world)] == ["Counted"] * 3


def test_approvals_forged_before_the_next_look_never_open_a_gate(world: OperatorWorld) -> None:
    binding = world.api.remove(BINDINGS, "headgate-approvals", "")
    world.approve()
    reconcile(world)
    assert world.status.candidate is not None
    assert world.status.candidate.gate is not None
    assert not world.status.candidate.gate.open
    world.api.put(BINDINGS, {"metadata": {"name": "headgate-approvals"}, "spec": binding["spec"]})
    world.settle()
    assert world.status.phase == "AwaitingDeployment"
    assert {answer["state"] for answer in answers(world)} == {"Unproven"}
    assert all("not in force" in answer["message"] for answer in answers(world))


def test_what_was_forged_does_not_count_for_a_process_that_did_not_see_it(world: OperatorWorld) -> None:
    binding = world.api.objects[(BINDINGS.plural, "", "headgate-approvals")]
    world.api.put(BINDINGS, {**binding, "spec": {**binding["spec"], "validationActions": ["Audit"]}})
    world.approve()
    world.api.put(BINDINGS, binding)
    world.settle()
    world.restart()
    world.settle()
    assert world.status.phase == "AwaitingDeployment"
    assert {answer["state"] for answer in answers(world)} == {"Unproven"}


@pytest.mark.parametrize("decision", ["Halt", "Rollback"])
def test_who_stops_a_rollout_waits_for_no_look(decision: str) -> None:
    world = in_canary()
    world.decide(decision)
    reconcile(world)
    assert world.status.candidate is None
    assert world.status.blocked[-1].cause == decision


def test_a_pause_and_a_rejection_wait_for_no_look() -> None:
    world = in_canary()
    assert world.status.candidate is not None
    assert world.status.candidate.gate is not None
    world.decide("Pause")
    world.decide("Reject", "sam@bank", gate="Deployment", role="security-review", subject=world.status.candidate.gate.subject)
    reconcile(world)
    assert len(world.status.latches) == 1
    assert world.status.blocked[-1].cause == "Rejected"


def test_what_raises_a_candidate_is_taken_up_after_a_look_and_not_refused_before() -> None:
    world = in_canary()
    world.decide("Pause")
    world.settle()
    world.decide("Resume")
    reconcile(world)
    assert world.status.paused is not None
    assert not any("resume" in name for name in world.status.taken_up)
    look(world)
    reconcile(world)
    assert world.status.paused is None


def test_who_waits_is_told_why_once_if_nobody_can_look(world: OperatorWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    async def down(*_: Any, **__: Any) -> Any:
        raise Unavailable("down", status=503)

    world.approve()
    with monkeypatch.context() as patched:
        patched.setattr(world.api, "list", down)
        assert not look(world)
    reconcile(world)
    assert all("waits until it is seen" in answer["message"] and "state" not in answer for answer in answers(world))
    mark = len(world.api.writes)
    reconcile(world)
    assert world.since(mark) == []
    look(world)
    reconcile(world)
    assert [answer["state"] for answer in answers(world)] == ["Counted"] * 3


def test_an_approval_that_was_seen_before_stays_proven_whatever_is_written_into_its_status(world: OperatorWorld) -> None:
    world.approve()
    world.settle()
    approval = world.api.of(GOVERNANCE_APPROVALS)[-1]
    world.api.put(GOVERNANCE_APPROVALS, {**approval, "status": {**approval["status"], "message": "something else"}})
    reconcile(world)
    assert world.enforcement.asked() == set()
