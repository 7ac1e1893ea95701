"""Rows of the event table: another spec in the middle of a rollout, a stage that runs out of time, a route that is edited by hand."""

import json

import pytest
from tests.e2e.events import NAMESPACE, SLOW, Scene, answers, decides, in_canary, live, out_of_time, release, taken_back, told
from tests.e2e.playing import reach

from demo.kubectl import CommandError, kubectl
from fleet.model import ON_CALL, Model
from fleet.users import Fleet


def the_stable_version_in_the_spec_cancels_the_rollout(model: Model, users: Fleet) -> Scene:
    release(model, "v2", SLOW)
    yield from reach(in_canary("v2"))
    release(model, "v1", SLOW)
    status = yield from reach(live("v1"))
    assert status["trafficSummary"] == "100"
    assert not status.get("blocked")


def an_earlier_live_version_in_the_spec_comes_back_without_stages(model: Model, users: Fleet) -> Scene:
    release(model, "v2")
    yield from reach(live("v2"))
    release(model, "v1", SLOW)
    status = yield from reach(lambda status: live("v1")(status) or status.get("stage"))
    assert live("v1")(status), "it was live before, so it goes through no stage"
    assert status["trafficSummary"] == "100"


def a_new_version_starts_when_users_have_left_the_one_before(model: Model, users: Fleet) -> Scene:
    release(model, "v2", SLOW)
    yield from reach(in_canary("v2"))
    release(model, "v3", SLOW)
    status = yield from reach(lambda status: status["candidateVersion"] == "v3")
    assert status["trafficSummary"] == "100"
    status = yield from reach(in_canary("v3"))
    assert status["trafficSummary"] == "80/20"
    yield from reach(lambda _: answers(users, model, "v3") > 5)
    before = answers(users, model, "v2")
    yield from reach(lambda _: answers(users, model, "v3") > 25)
    assert answers(users, model, "v2") == before


def a_new_version_is_set_against_a_first_one_that_soaks(model: Model, users: Fleet) -> Scene:
    status = yield from reach(lambda status: status["phase"] == "Full")
    assert status["candidateVersion"] == "v1"
    release(model, "v2", SLOW)
    status = yield from reach(in_canary("v2"))
    assert (status["live"], status["trafficSummary"]) == ("v1", "80/20")


def a_stage_that_runs_out_of_time_is_rolled_back(model: Model, users: Fleet) -> Scene:
    release(model, "v2", out_of_time("Rollback"))
    yield from reach(taken_back("Deadline"))


def a_stage_that_runs_out_of_time_is_held(model: Model, users: Fleet) -> Scene:
    release(model, "v2", out_of_time("Hold"))
    status = yield from reach(told("DeadlineExceeded"))
    assert (status["phase"], status["trafficSummary"]) == ("Canary", "80/20")


def a_stage_that_runs_out_of_time_asks_for_a_promote(model: Model, users: Fleet) -> Scene:
    release(model, "v2", out_of_time("AskPromote"))
    status = yield from reach(told("DeadlineExceeded"))
    assert (status["phase"], status["trafficSummary"]) == ("Canary", "80/20")
    assert any("kubectl headgate promote" in one["message"] for one in status["conditions"])
    yield from decides(ON_CALL, "promote", model)
    yield from reach(live("v2"))


def an_edit_of_the_route_by_hand_is_a_halt_or_is_refused(model: Model, users: Fleet) -> Scene:
    release(model, "v2", SLOW)
    yield from reach(in_canary("v2"))
    with pytest.raises(CommandError, match="kubectl headgate halt"):
        _edit_weights(model, 100, 900)
    _edit_weights(model, 1000, 0)
    yield from reach(taken_back("Halt"))


def _edit_weights(model: Model, stable: int, candidate: int) -> None:
    path = "/spec/rules/0/backendRefs/{}/weight"
    weights = [{"op": "replace", "path": path.format(place), "value": weight} for place, weight in enumerate((stable, candidate))]
    kubectl("patch", "httproute", model.name, "-n", NAMESPACE, "--as", ON_CALL, "--type=json", "-p", json.dumps(weights))
