"""Rows of the event table: versions that turn bad, or lose their pods."""

from tests.e2e.events import (
    FALLBACK,
    GOOD,
    SLOW,
    TURNS_BAD,
    Scene,
    answers,
    decides,
    in_canary,
    live,
    lose_pods,
    release,
    taken_back,
    told,
    waits,
)
from tests.e2e.playing import reach

from fleet.model import ON_CALL, Model
from fleet.users import Fleet

FAILS_FOR_A_WHILE = TURNS_BAD | {"FAIL_FOR": "40"}


def a_live_version_that_turns_bad_gives_way_to_the_one_before(model: Model, users: Fleet) -> Scene:
    release(model, "v2", environment=TURNS_BAD | {"FAIL_AFTER": "100"})
    yield from reach(live("v2"))
    yield from reach(taken_back("Guard"))
    before = answers(users, model, "v1")
    yield from reach(lambda _: answers(users, model, "v1") > before)


def the_fallback_answers_for_a_version_that_fails_and_is_the_only_one(model: Model, users: Fleet) -> Scene:
    status = yield from reach(lambda status: status.get("failover"))
    assert status["failover"]["to"] == "Fallback"
    assert status["trafficSummary"] == "fallback 100"
    yield from reach(lambda _: answers(users, model, FALLBACK) > 20)
    status = yield from reach(lambda status: status["failover"].get("trips"))
    assert status["phase"] == "Live"
    assert not status.get("blocked"), "nothing else could be blamed for it"


def the_fallback_answers_while_the_only_version_has_no_pods(model: Model, users: Fleet) -> Scene:
    # Not while all the others start as well.
    yield from reach(lambda _: answers(users, model, "v1") > 150)
    status = yield from reach(live("v1"))
    lose_pods(model, status["stable"]["revision"])
    yield from reach(lambda status: status.get("failover"))
    yield from reach(lambda _: answers(users, model, FALLBACK) > 0)
    status = yield from reach(lambda status: (status.get("failover") or {}).get("trial"))
    assert status["trafficSummary"] == "10 + fallback 90"
    status = yield from reach(lambda status: "failover" not in status)
    assert status["trafficSummary"] == "100"


def the_approved_candidate_stands_in_while_the_stable_version_has_no_pods(model: Model, users: Fleet) -> Scene:
    release(model, "v2", SLOW)
    status = yield from reach(in_canary("v2"))
    yield from reach(lambda _: answers(users, model, "v2") > 25)
    lose_pods(model, status["stable"]["revision"])
    status = yield from reach(lambda status: status.get("failover"))
    assert status["failover"]["to"] == "Candidate"
    status = yield from reach(lambda status: "failover" not in status)
    assert status["trafficSummary"] == "80/20"
    assert status["stage"] == "at-20"


def a_stable_version_that_fails_alone_holds_the_rollout_until_a_person_promotes(model: Model, users: Fleet) -> Scene:
    release(model, "v2", SLOW)
    yield from reach(in_canary("v2"))
    status = yield from reach(told("StableDegraded"))
    assert (status["phase"], status["trafficSummary"]) == ("Canary", "80/20")
    assert not status.get("blocked"), "the candidate did nothing wrong"
    yield from decides(ON_CALL, "promote", model)
    yield from reach(live("v2"))
    before = answers(users, model, "v2")
    yield from reach(lambda _: answers(users, model, "v2") > before + 20)


def both_fail_for_a_while_and_the_candidate_comes_back_unblamed(model: Model, users: Fleet) -> Scene:
    release(model, "v2", SLOW, GOOD | {"FAIL_AFTER": "60", "FAIL_FOR": "40"}, fallback=True)
    before = yield from reach(in_canary("v2"))
    status = yield from reach(waits("v2"))
    assert not status.get("blocked")
    yield from reach(lambda status: status["trafficSummary"] == "fallback 100")
    yield from reach(lambda _: answers(users, model, FALLBACK) > 20)
    status = yield from reach(lambda status: in_canary("v2")(status) or (status.get("failover") or {}).get("trips"))
    assert in_canary("v2")(status), "both answer well again, so the first trial ends well"
    assert status["trafficSummary"] == "80/20"
    assert status["candidate"]["attempt"] == before["candidate"]["attempt"]
    assert not status.get("blocked")
