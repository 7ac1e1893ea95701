"""Rows of the event table with real users: what happens when a live version turns bad, loses its pods, or the route is edited by hand."""

import json
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.conftest import Bed
from tests.e2e.playing import play, reach

from demo.__main__ import PATH
from demo.kubectl import CommandError, apply, kubectl
from demo.traffic import Load, Rates
from fleet.model import ON_CALL, Model, prepare, remove, statuses
from fleet.policy import policy
from fleet.users import Fleet

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

NAMESPACE = "events"
MOST_SECONDS = 270
TURNS_BAD = {"ERROR_RATE": "0", "FAIL_AFTER": "50"}
GOOD = {"ERROR_RATE": "0"}
FALLBACK = "rules"

Status = dict[str, Any]
Scene = Generator[None, Status, None]


def look() -> dict[str, Status]:
    """The status of every model; empty for one that has none yet."""
    found = statuses(NAMESPACE)
    return {model.name: found.get(model.name, {}) for model in SCENES}


def answers(users: Fleet, model: Model, version: str) -> int:
    return sum(users.of(model.host, version).kinds.values())


def release(model: Model, version: str, environment: dict[str, str], name: str = "events", *, fallback: bool = False) -> None:
    body = model.manifest(version, name, environment)
    body["spec"]["serving"]["drain"] = "10s"
    if fallback:
        body["spec"]["serving"]["fallback"] = {"service": FALLBACK, "port": 8080}
    apply(body)


def live(version: str) -> Callable[[Status], bool]:
    return lambda status: status.get("phase") == "Live" and status["live"] == version


def in_canary(status: Status) -> bool:
    return status.get("stage") == "at-20" and "effective" in status["candidate"]["stage"]


def lose_pods(model: Model, status: Status) -> None:
    """Its pods leave, as on a node that is drained; others come by themselves."""
    revision = status["stable"]["revision"]
    kubectl("delete", "pods", "-n", NAMESPACE, "-l", f"headgate.dev/model={model.name},headgate.dev/revision={revision}", "--wait=false")


def a_live_version_that_turns_bad_gives_way_to_the_one_before(model: Model, users: Fleet) -> Scene:
    release(model, "v2", TURNS_BAD)
    yield from reach(live("v2"))
    status = yield from reach(lambda status: status["phase"] == "RolledBack")
    assert status["live"] == "v1"
    assert status["blocked"][-1]["cause"] == "Guard"
    assert status["trafficSummary"] == "100"
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
    status = yield from reach(live("v1"))
    lose_pods(model, status)
    yield from reach(lambda status: status.get("failover"))
    yield from reach(lambda _: answers(users, model, FALLBACK) > 0)
    status = yield from reach(lambda status: (status.get("failover") or {}).get("trial"))
    assert status["trafficSummary"] == "10 + fallback 90"
    status = yield from reach(lambda status: "failover" not in status)
    assert status["trafficSummary"] == "100"


def the_approved_candidate_stands_in_while_the_stable_version_has_no_pods(model: Model, users: Fleet) -> Scene:
    release(model, "v2", GOOD, "events-slow")
    status = yield from reach(in_canary)
    lose_pods(model, status)
    status = yield from reach(lambda status: status.get("failover"))
    assert status["failover"]["to"] == "Candidate"
    status = yield from reach(lambda status: "failover" not in status)
    assert status["trafficSummary"] == "80/20"
    assert status["stage"] == "at-20"


def an_edit_of_the_route_by_hand_is_a_halt_or_is_refused(model: Model, users: Fleet) -> Scene:
    release(model, "v2", GOOD, "events-slow")
    yield from reach(in_canary)
    with pytest.raises(CommandError, match="kubectl headgate halt"):
        edit_weights(model, 100, 900)
    edit_weights(model, 1000, 0)
    status = yield from reach(lambda status: status["phase"] == "RolledBack")
    assert status["blocked"][-1]["cause"] == "Halt"
    assert status["blocked"][-1]["version"] == "v2"


def edit_weights(model: Model, stable: int, candidate: int) -> None:
    path = "/spec/rules/0/backendRefs/{}/weight"
    weights = [{"op": "replace", "path": path.format(place), "value": weight} for place, weight in enumerate((stable, candidate))]
    kubectl("patch", "httproute", model.name, "-n", NAMESPACE, "--as", ON_CALL, "--type=json", "-p", json.dumps(weights))


TURNING, ALONE, PODLESS = Model(NAMESPACE, "turning"), Model(NAMESPACE, "alone"), Model(NAMESPACE, "podless")
DRAINED, EDITED = Model(NAMESPACE, "drained"), Model(NAMESPACE, "edited")
SCENES = {
    TURNING: a_live_version_that_turns_bad_gives_way_to_the_one_before,
    ALONE: the_fallback_answers_for_a_version_that_fails_and_is_the_only_one,
    PODLESS: the_fallback_answers_while_the_only_version_has_no_pods,
    DRAINED: the_approved_candidate_stands_in_while_the_stable_version_has_no_pods,
    EDITED: an_edit_of_the_route_by_hand_is_a_halt_or_is_refused,
}


@pytest.fixture
def first_versions() -> Iterator[None]:
    """v1 of all models is live, beside a rule engine; the person on call may also edit routes."""
    slow = policy("events-slow", (20,), seconds=600)
    for stage in slow["spec"]["stages"]:
        stage["maxDuration"] = "20m"
    prepare(NAMESPACE, policy("events", (50,), seconds=6), slow)
    kubectl("create", "role", "routes", "-n", NAMESPACE, "--verb=get,patch", "--resource=httproutes.gateway.networking.k8s.io")
    kubectl("create", "rolebinding", "routes", "-n", NAMESPACE, "--role=routes", f"--user={ON_CALL}")
    template = Model(NAMESPACE, FALLBACK).manifest(FALLBACK, "events", GOOD)["spec"]["serving"]["deployment"]["template"]
    template["metadata"] = {"labels": {"app": FALLBACK}}
    selector = {"app": FALLBACK}
    apply(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": FALLBACK, "namespace": NAMESPACE},
            "spec": {"selector": {"matchLabels": selector}, "template": template},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": FALLBACK, "namespace": NAMESPACE},
            "spec": {"selector": selector, "ports": [{"port": 8080}]},
        },
    )
    kubectl("wait", "-n", NAMESPACE, "--for=condition=Available", f"deployment/{FALLBACK}", "--timeout=60s", timeout=70)
    for model in SCENES:
        release(model, "v1", TURNS_BAD if model is ALONE else GOOD, fallback=model in (ALONE, PODLESS))
    play({model.name: reach(live("v1")) for model in SCENES}, look, MOST_SECONDS)
    yield
    remove(NAMESPACE)


@pytest.mark.usefixtures("first_versions")
def test_what_happens_to_users_when_versions_fail_or_routes_are_edited(bed: Bed, tmp_path: Path) -> None:
    hosts = [model.host for model in SCENES]
    with Load(bed.load, bed.gateway + PATH, hosts, Fleet(tmp_path / "requests.jsonl"), Rates(http1=100)) as users:
        play({model.name: scene(model, users) for model, scene in SCENES.items()}, look, MOST_SECONDS, users)
    assert users.failed == [], "all that failed was answered by a version that turned bad"
