"""Flux's health of every phase, by both files of expressions."""

from typing import Any

import pytest
from tests.resources import example
from tests.unit.gitops.flux import expressions, health
from tests.unit.gitops.models import in_phase, manifest, settled, written
from tests.unit.rollout.world import World, live, spec

from headgate.api.approval import ApprovalState
from headgate.api.vocabulary import Phase

# By phase: what serving.yaml makes of it, and ready.yaml. The worlds behind Shadow to RollingBack and Frozen have a live version.
HEALTH = {
    Phase.PENDING: ("InProgress", "InProgress"),
    Phase.DENIED: ("Failed", "Failed"),
    Phase.AWAITING_USE_CASE: ("InProgress", "InProgress"),
    Phase.PREPARING: ("InProgress", "InProgress"),
    Phase.SHADOW: ("Current", "InProgress"),
    Phase.AWAITING_DEPLOYMENT: ("InProgress", "InProgress"),
    Phase.CANARY: ("Current", "InProgress"),
    Phase.FULL: ("Current", "InProgress"),
    Phase.LIVE: ("Current", "Current"),
    Phase.FROZEN: ("Current", "Failed"),
    Phase.ROLLING_BACK: ("Current", "InProgress"),
    Phase.ROLLED_BACK: ("Current", "Failed"),
}


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_has_a_health(phase: Phase) -> None:
    body = in_phase(phase)
    assert (health("serving.yaml", body), health("ready.yaml", body)) == HEALTH[phase]


def test_a_live_version_without_pods_is_waited_for() -> None:
    world = live()
    assert world.status.stable
    world.no_pods(world.status.stable.revision)
    world.step()
    assert health("serving.yaml", manifest(world)) == "InProgress"


def test_a_first_version_that_cannot_start_has_failed() -> None:
    body = manifest(settled(World(spec("1.0.0"), policy=None)))
    assert (health("serving.yaml", body), health("ready.yaml", body)) == ("Failed", "Failed")


@pytest.mark.parametrize("name", ["serving.yaml", "ready.yaml"])
def test_a_change_that_was_not_read_is_waited_for(name: str) -> None:
    assert health(name, written(live().status, generation=2)) == "InProgress"


@pytest.mark.parametrize("name", ["serving.yaml", "ready.yaml"])
@pytest.mark.parametrize("state", ApprovalState)
def test_an_approval_that_was_not_understood_has_failed(name: str, state: ApprovalState) -> None:
    wrong = state in (ApprovalState.UNVERIFIED, ApprovalState.REFUSED)
    body: dict[str, Any] = example("approvals/approve-fairness-audit.yaml") | {"status": {"state": str(state)}}
    assert health(name, body) == ("Failed" if wrong else "Current")
    assert health(name, body | {"status": {"observedGeneration": 1}}) == "InProgress"


def test_kinds_without_status_are_left_to_flux() -> None:
    for name in ("serving.yaml", "ready.yaml"):
        assert [one["kind"] for one in expressions(name)] == ["AIModel", "GovernanceApproval"]
