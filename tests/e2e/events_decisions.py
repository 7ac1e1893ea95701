"""Rows of the event table: what people decide about a candidate and a live version, and what becomes of approvals."""

import time

from tests.e2e.events import (
    ASKS,
    ASKS_QUICK,
    FALLBACK,
    LAPSE_GRACE,
    NAMESPACE,
    QUICK,
    SLOW,
    TECHNICAL,
    Scene,
    answers,
    approved,
    decides,
    decisions,
    in_canary,
    live,
    release,
    reviewed,
    taken_back,
    waits,
)
from tests.e2e.playing import reach

from demo.kubectl import kubectl
from fleet.model import ON_CALL, Model
from fleet.users import Fleet


def a_halted_candidate_is_off_until_a_retry(model: Model, users: Fleet) -> Scene:
    release(model, "v2", SLOW)
    status = yield from reach(in_canary("v2"))
    yield from decides(ON_CALL, "halt", model)
    yield from reach(taken_back("Halt"))
    yield from decides(ON_CALL, "retry", model)
    again = yield from reach(in_canary("v2"))
    assert again["candidate"]["attempt"] == status["candidate"]["attempt"] + 1


def a_halted_live_version_gives_way_to_the_one_before(model: Model, users: Fleet) -> Scene:
    release(model, "v2")
    yield from reach(live("v2"))
    yield from decides(ON_CALL, "halt", model)
    yield from reach(taken_back("Halt"))


def a_halted_only_version_gives_way_to_the_fallback(model: Model, users: Fleet) -> Scene:
    yield from decides(ON_CALL, "halt", model)
    yield from reach(lambda status: status["trafficSummary"] == "fallback 100")
    yield from reach(lambda _: answers(users, model, FALLBACK) > 0)


def a_halt_of_the_only_version_is_refused_with_the_reason(model: Model, users: Fleet) -> Scene:
    yield from decides(ON_CALL, "halt", model)
    yield from reach(lambda _: any((one.get("status") or {}).get("state") == "Refused" for one in decisions(model).values()))
    [halt] = decisions(model).values()
    assert "nothing else can answer" in halt["status"]["message"]
    status = yield from reach(live("v1"))
    assert status["trafficSummary"] == "100"


def a_rollback_takes_a_candidate_off(model: Model, users: Fleet) -> Scene:
    release(model, "v2", SLOW)
    yield from reach(in_canary("v2"))
    yield from decides(ON_CALL, "rollback", model)
    yield from reach(taken_back("Rollback"))


def a_rollback_to_a_revision_goes_to_that_live_version(model: Model, users: Fleet) -> Scene:
    status = yield from reach(live("v1"))
    for version in ("v2", "v3"):
        release(model, version)
        yield from reach(live(version))
    yield from decides(ON_CALL, "rollback", model, "--to", status["stable"]["revision"])
    yield from reach(taken_back("Rollback", "v3"))


def a_rejected_candidate_leaves_and_is_blocked(model: Model, users: Fleet) -> Scene:
    yield from _leaves_for_good("reject", model)


def a_revoked_candidate_leaves_and_is_blocked(model: Model, users: Fleet) -> Scene:
    yield from _leaves_for_good("revoke", model)


def _leaves_for_good(decision: str, model: Model) -> Scene:
    yield from approved(model, "v2", ASKS)
    yield from reach(in_canary("v2"))
    yield from reviewed(decision, model)
    yield from reach(taken_back("Rejected"))


def a_revoked_live_version_gives_way_to_the_one_before(model: Model, users: Fleet) -> Scene:
    yield from approved(model, "v2", ASKS_QUICK)
    yield from reach(live("v2"))
    yield from reviewed("revoke", model)
    yield from reach(taken_back("Rejected"))


def a_candidate_whose_approval_is_deleted_holds_and_leaves_after_the_grace(model: Model, users: Fleet) -> Scene:
    yield from approved(model, "v2", ASKS)
    yield from reach(in_canary("v2"))
    deleted = time.monotonic()
    _delete_approvals(model)
    yield from _holds_and_leaves()
    assert time.monotonic() - deleted > LAPSE_GRACE


def a_candidate_whose_approval_expires_holds_and_leaves_after_the_grace(model: Model, users: Fleet) -> Scene:
    yield from approved(model, "v2", ASKS, "--expires", "45s")
    yield from reach(in_canary("v2"))
    yield from _holds_and_leaves()


def _holds_and_leaves() -> Scene:
    """v2 keeps its share when its gate closes, then waits for people again, blamed for nothing."""
    status = yield from reach(lambda status: not status["candidate"]["gate"]["open"])
    assert (status["phase"], status["trafficSummary"]) == ("Canary", "80/20")
    status = yield from reach(waits("v2"))
    assert status["trafficSummary"] == "100"
    assert not status.get("blocked")


def a_live_version_has_used_its_approval_up(model: Model, users: Fleet) -> Scene:
    yield from approved(model, "v2", ASKS_QUICK)
    yield from reach(live("v2"))
    _delete_approvals(model)
    over = time.monotonic() + LAPSE_GRACE + 10
    while time.monotonic() < over:
        status = yield from reach(bool)
        assert (status["phase"], status["live"], status["trafficSummary"]) == ("Live", "v2", "100")


def a_raised_tier_takes_a_candidate_off_until_it_is_approved_at_that_tier(model: Model, users: Fleet) -> Scene:
    yield from approved(model, "v2", ASKS)
    status = yield from reach(in_canary("v2"))
    release(model, "v2", ASKS, tier="Medium")
    raised = yield from reach(lambda status: waits("v2")(status) and status["candidate"]["gate"]["tier"] == "Medium")
    assert raised["trafficSummary"] == "100"
    assert raised["candidate"]["revision"] == status["candidate"]["revision"]
    for role in (TECHNICAL, "security-review"):
        yield from reviewed("approve", model, role)
    status = yield from reach(in_canary("v2"))
    assert not status.get("blocked")


def a_live_version_of_a_raised_tier_is_frozen(model: Model, users: Fleet) -> Scene:
    release(model, "v1", QUICK, tier="Medium")
    status = yield from reach(lambda status: status["phase"] == "Frozen")
    assert (status["live"], status["trafficSummary"]) == ("v1", "100")


def _delete_approvals(model: Model) -> None:
    kubectl("delete", "governanceapprovals", "-n", NAMESPACE, *decisions(model))
