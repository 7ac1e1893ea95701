"""The Job that compares answers, from decision to result: made once, heard only from its own pod, and in nobody's way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.controller.fake_cluster import Write
from tests.unit.controller.operator_world import KEY, POLICY, OperatorWorld, live, model_spec

from headgate.api.replay import ReplayPhase, ReplayStatus
from headgate.api.vocabulary import Metric
from headgate.evidence.view import GuardReading
from headgate.kube.errors import Forbidden, KubeError, Unavailable
from headgate.kube.resources import JOBS, PODS, ROLLOUT_POLICIES

SHADOW = {"name": "shadow", "mirrorPercent": 100, "minDuration": "1h", "maxDuration": "9h", "replay": {"minAgreement": "0.9"}}
SERVING = model_spec("v2")["serving"] | {
    "sideEffects": "None",
    "replay": {"goldenSet": {"configMap": {"name": "golden"}}, "compare": [{"pointer": "/decision"}]},
}
FIRED = GuardReading(Metric.ERRORS, fired=True, requests=30, failures=30, max_rate=0.2, seconds=3.0)
REPORT = {"goldenSet": "sha256:" + "a" * 64, "requests": 500, "pairs": 500, "agreed": 500}


def in_shadow(refuse: Any = None) -> OperatorWorld:
    world = live()
    if refuse is not None:
        world.api.refuse = refuse
    world.api.put(
        ROLLOUT_POLICIES, {"metadata": {"name": "standard", "namespace": "platform"}, "spec": {"stages": [SHADOW, *POLICY["stages"]]}}
    )
    world.release("v2", serving=SERVING)
    world.settle()
    assert world.status.phase == "Shadow", world.status.conditions
    return world


def jobs(world: OperatorWorld) -> list[dict[str, Any]]:
    return world.api.of(JOBS)


def found(world: OperatorWorld) -> ReplayStatus:
    assert world.status.candidate is not None
    assert world.status.candidate.replay is not None
    return world.status.candidate.replay


def ended(world: OperatorWorld, *, code: int = 0, message: str = "", uid: str = "", job_failed: bool = False) -> None:
    """The pod of the Job ends, and the Job with it."""
    (job,) = jobs(world)
    name = job["metadata"]["name"]
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": uid or job["metadata"]["uid"], "controller": True}
    labels = job["spec"]["template"]["metadata"]["labels"]
    state = {"terminated": {"exitCode": code, "reason": "Error" if code else "Completed", "message": message}}
    metadata = {"name": f"{name}-abcde", "namespace": "lending", "labels": labels, "ownerReferences": [owner]}
    world.api.put(PODS, {"metadata": metadata, "status": {"containerStatuses": [{"name": "replay", "state": state}]}})
    condition = (
        {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"} if job_failed else {"type": "Complete", "status": "True"}
    )
    world.api.put(JOBS, {**job, "status": {"conditions": [condition]}})


def test_one_job_is_made_and_told_where_both_versions_are() -> None:
    world = in_shadow()
    (job,) = jobs(world)
    assert world.status.stable is not None
    assert world.status.candidate is not None
    plan = json.loads(job["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"].replace("$$", "$"))
    assert plan["stable"] == f"http://credit-{world.status.stable.revision}.lending.svc:8080"
    assert plan["candidate"] == f"http://credit-{world.status.candidate.revision}.lending.svc:8080"
    assert job["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.example/headgate:1"
    assert found(world).phase is ReplayPhase.RUNNING
    mark = len(world.api.writes)
    world.restart()
    world.settle()
    assert world.since(mark) == [], "a restart makes no other"


def test_its_result_reaches_the_status_and_is_kept() -> None:
    world = in_shadow()
    ended(world, message=json.dumps(REPORT))
    world.settle()
    assert found(world).phase is ReplayPhase.DONE
    assert found(world).report.agreed == 500  # type: ignore[union-attr]
    world.api.remove(JOBS, found(world).job)
    world.settle()
    assert jobs(world) == []
    assert found(world).phase is ReplayPhase.DONE


def test_another_pod_says_nothing_whatever_its_labels() -> None:
    world = in_shadow()
    ended(world, message=json.dumps(REPORT), uid="uid-of-somebody-else")
    world.settle()
    assert found(world).report is None
    assert found(world).phase is ReplayPhase.FAILED


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ("the golden set is empty: write one", "the golden set is empty: write one"),
        ("", "Error"),
    ],
)
def test_why_it_failed_is_told_in_its_own_words(message: str, says: str) -> None:
    world = in_shadow()
    ended(world, code=1, message=message, job_failed=True)
    world.settle()
    assert found(world).phase is ReplayPhase.FAILED
    assert says in found(world).message


def test_a_report_that_cannot_be_read_is_no_report() -> None:
    world = in_shadow()
    ended(world, message='{"pairs": 3}')
    world.settle()
    assert found(world).phase is ReplayPhase.FAILED
    assert "cannot be read" in found(world).message


@pytest.mark.parametrize("kind", ["Complete", "Failed"])
def test_a_job_that_is_known_to_be_over_before_its_pod_is_heard_later(kind: str) -> None:
    world = in_shadow()
    ended(world, message=json.dumps(REPORT))
    pod = world.api.of(PODS)[-1]
    running = {"containerStatuses": [{"name": "replay", "state": {"running": {}}}]}
    world.api.put(PODS, {**pod, "status": running})
    (job,) = jobs(world)
    world.api.put(JOBS, {**job, "status": {"conditions": [{"type": kind, "status": "True"}]}})
    world.settle()
    assert found(world).phase is ReplayPhase.RUNNING
    world.api.put(PODS, pod)
    world.settle()
    assert found(world).phase is ReplayPhase.DONE


def test_an_image_that_cannot_be_pulled_is_told_while_it_waits() -> None:
    world = in_shadow()
    ended(world)
    (job,) = jobs(world)
    pod = world.api.of(PODS)[-1]
    waiting = {"waiting": {"reason": "ImagePullBackOff"}}
    world.api.put(PODS, {**pod, "status": {"containerStatuses": [{"name": "replay", "image": "r/h:1", "state": waiting}]}})
    world.api.put(JOBS, {**job, "status": {}})
    world.settle()
    assert (found(world).phase, found(world).message) == (ReplayPhase.RUNNING, "image r/h:1 cannot be pulled (ImagePullBackOff)")


@pytest.mark.parametrize("error", [Forbidden("exceeded quota", status=403), Unavailable("the server is away", status=503)])
def test_a_job_that_cannot_be_made_holds_up_nothing_else(error: KubeError) -> None:
    def refuse(write: Write) -> KubeError | None:
        return error if write.plural == JOBS.plural else None

    world = in_shadow(refuse)
    assert jobs(world) == []
    assert str(error) in found(world).message
    world.measure(candidate_guards=(FIRED,))
    world.settle()
    assert world.status.phase == "RolledBack"


def test_a_job_of_somebody_else_in_its_place_is_named_and_left_alone() -> None:
    world = in_shadow()
    (job,) = jobs(world)
    name = job["metadata"]["name"]
    world.api.remove(JOBS, name)
    world.api.put(JOBS, {"metadata": {"name": name, "namespace": "lending", "labels": {"headgate.dev/model": "credit"}}, "spec": {}})
    world.settle()
    assert "is there already and is not Headgate's" in found(world).message
    assert [one["metadata"]["labels"] for one in jobs(world)] == [{"headgate.dev/model": "credit"}]


def test_it_goes_when_the_attempt_does() -> None:
    world = in_shadow()
    world.measure(candidate_guards=(FIRED,))
    world.settle()
    assert world.status.phase == "RolledBack"
    assert jobs(world) == []


def test_what_is_left_of_a_deleted_model_does_not_stay_in_memory() -> None:
    world = in_shadow()
    ended(world, message=json.dumps(REPORT))
    world.settle()
    for resource, name in ((PODS, f"{found(world).job}-abcde"), (JOBS, found(world).job)):
        body = world.api.remove(resource, name)
        assert world.cache.drop(resource, {"metadata": body["metadata"]}) == {KEY}
    owned = world.cache.owned(KEY)
    assert (owned.replays, owned.runners) == ({}, {})


VENDOR = {
    "name": "Acme",
    "product": "Scores 3",
    "fingerprint": {
        "probes": {"configMap": {"name": "probes"}, "digest": "sha256:" + "b" * 64},
        "compare": [{"pointer": "/decision"}],
        "interval": "1h",
    },
}


class TestFingerprint:
    """Probes of the live version are such Jobs as well."""

    @pytest.fixture
    def world(self) -> OperatorWorld:
        world = live()
        world.release("v1", vendor=VENDOR)
        world.settle()
        return world

    @staticmethod
    def state(world: OperatorWorld) -> str:
        assert world.status.vendor is not None
        assert world.status.vendor.fingerprint is not None
        return str(world.status.vendor.fingerprint.state)

    def test_the_live_version_is_asked_past_the_gateway(self, world: OperatorWorld) -> None:
        (job,) = jobs(world)
        assert world.status.stable is not None
        container = job["spec"]["template"]["spec"]["containers"][0]
        plan = json.loads(container["env"][0]["value"].replace("$$", "$"))
        assert plan["candidate"] == f"http://credit-{world.status.stable.revision}.lending.svc:8080"
        assert "stable" not in plan
        assert plan["replay"]["goldenSet"]["digest"] == "sha256:" + "b" * 64

    def test_its_result_reaches_the_status_and_equal_ones_are_no_writes(self, world: OperatorWorld) -> None:
        ended(world, message=json.dumps(REPORT))
        world.settle()
        assert self.state(world) == "AsExpected"
        before = world.status
        mark = len(world.api.writes)
        world.restart()
        world.settle()
        assert world.since(mark) == [], "an operator that starts anew finds the Job"
        world.pass_time(3600)
        world.settle()
        assert len(jobs(world)) == 1
        ended(world, message=json.dumps(REPORT))
        world.settle()
        assert world.status == before

    def test_other_answers_are_told(self, world: OperatorWorld) -> None:
        ended(world, message=json.dumps(REPORT | {"agreed": 499}))
        world.settle()
        assert self.state(world) == "UnannouncedChange"
        assert world.status.phase == "Live"
