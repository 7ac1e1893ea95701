"""A cluster built again from Git: the pinned version comes first, an established model waits for a person, and owners follow users."""

from typing import Any

import pytest
from tests.unit.rollout.test_rebuild import to_the_end
from tests.unit.rollout.world import World, condition, in_canary, live, spec

from headgate.api.aimodel import AIModelSpec, DeletionPolicy
from headgate.api.conditions import ConditionType
from headgate.api.reasons import Reason
from headgate.api.status import AIModelStatus, AttemptKind
from headgate.rollout.decide import decide
from headgate.rollout.ownership import deletion_policy
from headgate.rollout.revisions import revision_of


def pinned(version: str, baseline: str) -> AIModelSpec:
    """The spec of `version` with `baseline` as what was live."""
    now, then = spec(version), spec(baseline)
    fields = {"version": then.version, "artifact": then.artifact, "deployment": then.serving.deployment}
    body: dict[str, Any] = now.model_dump(mode="json", by_alias=True, exclude_none=True)
    body["serving"]["baseline"] = {
        "version": fields["version"],
        "artifact": then.artifact.model_dump(mode="json"),
        "deployment": then.serving.deployment.model_dump(mode="json", by_alias=True),
    }
    return AIModelSpec.model_validate(body)


def test_the_baseline_comes_first_and_the_new_version_is_measured_against_it() -> None:
    world = World(pinned("2.0.0", "1.0.0"))
    decision = world.step()
    assert [(a.reason, a.warning) for a in decision.announcements] == [(Reason.BASELINE_DEPLOYED, True)]
    world.settle()
    stable, candidate = world.status.stable, world.status.candidate
    assert stable is not None
    assert (stable.version, stable.revision) == ("1.0.0", revision_of(spec("1.0.0"), {}).revision)
    assert candidate is not None
    assert (candidate.version, candidate.kind, candidate.attempt) == ("2.0.0", AttemptKind.ROLLOUT, 2)
    assert world.weight() == 0
    to_the_end(world)
    assert world.status.live == "2.0.0"


def test_a_baseline_that_is_the_version_of_the_spec_goes_live_directly() -> None:
    world = World(pinned("1.0.0", "1.0.0"))
    world.settle()
    assert (world.status.phase, world.status.attempts) == ("Live", 1)


def test_a_baseline_takes_no_users_before_it_has_a_ready_pod() -> None:
    world = World(pinned("2.0.0", "1.0.0"), pods_fail={revision_of(spec("1.0.0"), {}).revision})
    world.settle()
    assert world.route.weights == {}
    world.pods_back(revision_of(spec("1.0.0"), {}).revision)
    world.settle()
    assert world.route.weights == {revision_of(spec("1.0.0"), {}).revision: 1000}


@pytest.mark.parametrize("made", [live, in_canary])
def test_a_baseline_is_ignored_where_a_status_or_deployments_are_known(made: Any) -> None:
    world = made()
    weights, stable = world.route.weights, world.status.stable
    assert stable is not None
    world.spec = pinned(world.spec.version, "0.9.0")
    world.settle()
    world.lose_status()
    world.settle()
    assert world.route.weights == weights


def test_a_rejected_baseline_takes_no_users() -> None:
    world = World(pinned("1.0.0", "1.0.0"))
    world.step()
    candidate = world.status.candidate
    assert candidate is not None
    world.decided("Reject", "dana@bank", gate="Deployment", role="fairness-audit", subject=candidate.subject)
    world.settle()
    assert world.route.weights == {}
    assert "stands against the baseline" in condition(world, ConditionType.READY)[2]


def test_without_governance_a_baseline_takes_no_users() -> None:
    world = World(pinned("1.0.0", "1.0.0"))
    world.step()
    held = decide(world.without(governance_problem="the admission policies are missing"))
    assert held.status.traffic.slots == ()
    assert decide(world.snapshot()).status.phase == "Live"


def test_taking_the_baseline_away_falls_back_to_the_gate() -> None:
    world = World(pinned("2.0.0", "1.0.0"), pods_fail={revision_of(spec("1.0.0"), {}).revision})
    world.settle()
    world.release("2.0.0")
    world.settle()
    assert world.status.candidate is not None
    assert (world.status.candidate.version, world.status.candidate.kind) == ("2.0.0", AttemptKind.FIRST)
    assert world.status.phase == "AwaitingDeployment"


def test_an_established_model_waits_for_a_person() -> None:
    world = World(spec("2.0.0"), established=True)
    world.settle()
    world.approve()
    world.settle()
    assert world.route.weights == {}
    _, reason, message = condition(world, ConditionType.READY)
    assert reason == Reason.PROMOTE_REQUIRED
    assert "kubectl headgate promote credit -n lending" in message
    world.decided("Promote")
    world.settle()
    assert world.weight() == 1000
    to_the_end(world)


def test_an_established_model_needs_its_gate_beside_the_promote() -> None:
    world = World(spec("2.0.0"), established=True)
    world.settle()
    world.decided("Promote")
    world.settle()
    assert world.route.weights == {}


def test_an_established_model_with_a_status_or_a_baseline_goes_on() -> None:
    world = live(established=False)
    world.established = True
    world.release("2.0.0")
    to_the_end(world)
    rebuilt = World(pinned("2.0.0", "1.0.0"), established=True)
    rebuilt.settle()
    assert rebuilt.status.live == "1.0.0"


@pytest.mark.parametrize(
    ("said", "made", "policy"),
    [
        (None, None, DeletionPolicy.DELETE),
        (None, live, DeletionPolicy.ORPHAN),
        (None, in_canary, DeletionPolicy.ORPHAN),
        ("Delete", live, DeletionPolicy.DELETE),
        ("Orphan", None, DeletionPolicy.ORPHAN),
    ],
)
def test_what_is_left_when_the_model_is_deleted(said: str | None, made: Any, policy: DeletionPolicy) -> None:
    status = made().status if made else AIModelStatus()
    assert deletion_policy(spec("1.0.0", deletionPolicy=said) if said else spec("1.0.0"), status) is policy


def test_an_unreadable_spec_takes_nothing_along() -> None:
    assert deletion_policy(None, live().status) is DeletionPolicy.ORPHAN


def test_a_first_version_outlives_its_model_from_its_first_user_on() -> None:
    world = World(spec("1.0.0"))
    world.settle()
    assert world.deletion is DeletionPolicy.DELETE
    world.approve()
    world.settle()
    assert world.route.weights
    assert world.deletion is DeletionPolicy.ORPHAN
