"""Rows of the table of faults: pods that do not start, versions whose pods are gone by now, and content that is the same as before."""

import json

from tests.e2e.events import ASKS_QUICK, NAMESPACE, SLOW, Scene, decides, in_canary, live, release, taken_back, told
from tests.e2e.playing import reach

from demo.kubectl import kubectl
from fleet.model import ON_CALL, Model
from fleet.users import Fleet


def a_candidate_without_room_waits_and_gives_way_to_one_that_fits(model: Model, users: Fleet) -> Scene:
    release(model, "v2", SLOW, resources={"requests": {"cpu": "1000"}})
    status = yield from reach(told("WaitingForCapacity"))
    assert status["trafficSummary"] == "100"
    assert not status.get("blocked")
    release(model, "v3", SLOW)
    yield from reach(in_canary("v3"))


def a_candidate_whose_image_is_not_there_says_so_and_moves_nobody(model: Model, users: Fleet) -> Scene:
    release(model, "v2", SLOW, image="127.0.0.1:1/none:1", imagePullPolicy="IfNotPresent")
    status = yield from reach(told("ImageUnavailable"))
    assert (status["live"], status["trafficSummary"]) == ("v1", "100")


def a_version_whose_pods_are_gone_by_now_comes_back_before_users_do(model: Model, users: Fleet) -> Scene:
    status = yield from reach(live("v1"))
    first = ("get", "deployment", f"{model.name}-{status['stable']['revision']}", "-n", NAMESPACE, "-o", "json")
    release(model, "v2")
    yield from reach(live("v2"))
    yield from reach(lambda _: json.loads(kubectl(*first))["spec"]["replicas"] == 0)
    yield from decides(ON_CALL, "halt", model)
    yield from reach(taken_back("Halt"))


def the_same_content_in_other_pods_asks_nobody(model: Model, users: Fleet) -> Scene:
    before = yield from reach(live("v1"))
    release(model, "v1", ASKS_QUICK, resources={"requests": {"cpu": "2m", "memory": "17Mi"}})
    status = yield from reach(lambda status: status["stable"]["revision"] != before["stable"]["revision"])
    assert live("v1")(status)
    assert status["stable"]["content"] == before["stable"]["content"]
