"""What is done about drift: each thing once, also over failures and restarts."""

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from tests.unit.controller.fake_cluster import FakeCluster, Write

from headgate.api.notifications import CloudEvents, Notification
from headgate.api.responses import Action, Severity
from headgate.api.retraining import Retraining
from headgate.kube.errors import Forbidden, KubeError, Unavailable
from headgate.kube.interface import Listing
from headgate.kube.resources import AIMODELS, CONFIG_MAPS, JOBS, Resource
from headgate.monitor.responding import Responding, Wanted
from headgate.monitor.retraining import Retrainer
from headgate.monitoring.response import UNWATCHED, Priority, Response, Responses, Row
from headgate.notices.failures import TryAgainError

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
TEMPLATE = {"spec": {"template": {"spec": {"containers": [{"name": "train", "image": "registry.example/train:1"}]}}}}
JOB = Retraining.model_validate({"jobTemplate": TEMPLATE})
EVENT = Retraining.model_validate({"receiver": "trainer"})
RECEIVERS = (Notification.model_validate({"name": "trainer", "to": {"cloudEvents": {"url": "http://train.example"}}}),)
FREEZING = Responses(rows=(Row(Severity.HIGH, 0.2, 0.05, (Action.EVENT, Action.FREEZE)),))


@dataclass(frozen=True)
class Model:
    key: tuple[str, str] = ("lending", "credit")
    uid: str = "uid-1"
    revision: str = "1a2b3c4d"
    told: Severity | None = None


CRITICAL = Response(
    Severity.CRITICAL, (Action.EVENT, Action.ALERT, Action.REVIEW_MODE, Action.RETRAIN), "psi 0.41 of income", Priority.URGENT
)
HIGH = Response(Severity.HIGH, (Action.EVENT, Action.ALERT, Action.RETRAIN, Action.MONITOR_MORE), "psi 0.25 of income", Priority.HIGH)
LOW = Response(Severity.LOW, (Action.EVENT,), "psi 0.02")
UNKNOWN = replace(LOW, severity=Severity.UNKNOWN)
BACK = replace(CRITICAL, actions=(*CRITICAL.actions, Action.ROLLBACK), release=date(2026, 3, 18))


class Api(FakeCluster):
    """`refuse` is asked before Jobs are listed as well."""

    async def list(self, resource: Resource, namespace: str | None = None, *, labels: str = "", fields: str = "") -> Listing:
        refusal = self.refuse(Write("list", resource.plural, "", {}))
        if refusal is not None:
            raise refusal
        return await super().list(resource, namespace, labels=labels, fields=fields)


class Bench:
    """One model, one assessment after the other. `restart` forgets what is in memory."""

    def __init__(self, retraining: Retraining | None = JOB, table: Responses | None = None) -> None:
        self.api = Api()
        self.api.put(AIMODELS, {"metadata": {"name": "credit", "namespace": "lending"}, "spec": {}, "status": {"phase": "Live"}})
        self.events: list[dict[str, Any]] = []
        self.deaf = False
        self.now = NOW
        self.revision = "1a2b3c4d"
        self._wanted = Wanted(table or Responses(), retraining, RECEIVERS)
        self.restart()

    def restart(self) -> None:
        self.responding: Responding[Model] = Responding(
            self.api, Retrainer(self.api, self._post, "test"), lambda model: self._wanted, lambda: self.now
        )

    def after(self, response: Response, *, hours: float = 1.0) -> None:
        self.now += timedelta(hours=hours)
        self.api.now = self.now
        told = Severity(self.drift["severity"]) if self.drift else None
        asyncio.run(self.responding.respond(Model(revision=self.revision, told=told), response))

    @property
    def drift(self) -> dict[str, Any]:
        model = self.api.find(AIMODELS, "credit") or {"status": {}}
        found: dict[str, Any] = model["status"].get("drift") or {}
        return found

    @property
    def mode(self) -> str:
        found = self.api.find(CONFIG_MAPS, "credit-review-mode")
        return found["data"]["mode"] if found else "none"

    def finish_jobs(self) -> None:
        for job in self.api.of(JOBS):
            job["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}

    async def _post(self, to: CloudEvents, event: dict[str, Any]) -> None:
        assert to.url == "http://train.example"
        if self.deaf:
            raise TryAgainError("no answer within 10 s")
        self.events.append(event)


def test_what_is_critical_is_reviewed_retrained_and_said_once() -> None:
    bench = Bench()
    for _ in range(3):
        bench.after(CRITICAL)
        bench.restart()
    (job,) = bench.api.of(JOBS)
    assert bench.mode == "All"
    assert bench.drift["actions"] == ["Event", "Alert", "ReviewMode", "Retrain"]
    assert bench.drift["retraining"] == job["metadata"]["name"]
    assert [write.short for write in bench.api.writes] == ["apply configmaps", "create jobs", "status aimodels"]


def test_a_model_that_never_drifted_is_never_written_about() -> None:
    bench = Bench()
    for response in (LOW, LOW, UNKNOWN, LOW):
        bench.after(response)
    assert bench.api.writes == []


def test_when_it_is_over_people_decide_as_before_and_it_is_said() -> None:
    bench = Bench()
    bench.after(CRITICAL)
    began = bench.drift["since"]
    bench.after(HIGH)
    assert (bench.mode, bench.drift["severity"], bench.drift["since"]) == ("LowConfidence", "High", began)
    bench.after(LOW)
    assert (bench.mode, bench.drift["severity"]) == ("LowConfidence", "Low")
    bench.after(CRITICAL)
    assert bench.mode == "All"
    assert bench.drift["since"] != began


def test_what_cannot_be_measured_is_no_all_clear() -> None:
    bench = Bench()
    bench.after(CRITICAL)
    bench.after(UNKNOWN)
    bench.restart()
    assert (bench.mode, bench.drift["severity"]) == ("All", "Unknown")
    bench.after(LOW)
    assert (bench.mode, bench.drift["severity"]) == ("LowConfidence", "Low")
    writes = len(bench.api.writes)
    for response in (UNKNOWN, LOW, UNKNOWN, LOW):
        bench.after(response)
    assert len(bench.api.writes) == writes


def test_without_review_mode_there_is_no_configmap() -> None:
    bench = Bench()
    bench.after(HIGH)
    bench.after(LOW)
    assert bench.mode == "none"


def test_one_request_is_open_at_a_time_and_none_within_the_cool_down() -> None:
    bench = Bench()
    bench.after(CRITICAL)
    bench.after(CRITICAL, hours=24 * 8)
    assert len(bench.api.of(JOBS)) == 1, "still open"
    bench.finish_jobs()
    bench.after(CRITICAL)
    assert len(bench.api.of(JOBS)) == 2
    bench.finish_jobs()
    bench.after(CRITICAL, hours=24 * 3)
    assert len(bench.api.of(JOBS)) == 2, "within the cool-down"
    assert bench.drift["actions"] == ["Retrain"]


@pytest.mark.parametrize("how", [JOB, EVENT], ids=["Job", "event"])
def test_after_a_short_cool_down_one_day_sees_several_requests(how: Retraining) -> None:
    bench = Bench(how, Responses(cool_down=timedelta(minutes=30)))
    for _ in range(3):
        bench.after(CRITICAL)
        bench.finish_jobs()
    assert len(bench.api.of(JOBS)) + len({event["id"] for event in bench.events}) == 3


def test_a_request_by_event_names_what_is_asked_for_and_waits_for_the_cool_down() -> None:
    bench = Bench(EVENT)
    for hours in (1, 1, 24 * 3, 24 * 4):
        bench.after(CRITICAL, hours=hours)
        bench.restart()
    assert [event["type"] for event in bench.events] == ["headgate.dev.RetrainingRequested"] * 2
    first, second = bench.events
    assert first["id"] != second["id"]
    assert first["data"] == {
        "environment": "test",
        "namespace": "lending",
        "model": "credit",
        "revision": "1a2b3c4d",
        "priority": "Urgent",
        "severity": "Critical",
        "reason": "psi 0.41 of income",
    }


def test_a_receiver_that_does_not_answer_keeps_nothing_else_from_being_done_and_is_asked_again() -> None:
    bench = Bench(EVENT)
    bench.deaf = True
    bench.after(CRITICAL)
    assert bench.mode == "All"
    assert bench.drift["actions"] == ["Event", "Alert", "ReviewMode"]
    assert bench.drift["why"] == "psi 0.41 of income; nobody could be asked for a new version: no answer within 10 s"
    writes = len(bench.api.writes)
    bench.after(CRITICAL)
    assert len(bench.api.writes) == writes, "nothing new to say"
    bench.deaf = False
    bench.after(CRITICAL)
    assert len(bench.events) == 1
    assert bench.drift["actions"] == ["Retrain"]


def test_a_receiver_that_the_policy_does_not_have_is_said() -> None:
    bench = Bench(Retraining.model_validate({"receiver": "nobody"}))
    bench.after(HIGH)
    assert "the policy has no notification nobody to cloudEvents" in bench.drift["why"]


def test_why_nobody_could_be_asked_is_logged_when_it_changes(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(EVENT)
    for deaf in (True, True, False, True):
        bench.deaf = deaf
        bench.after(CRITICAL, hours=24 * 8)
    assert caplog.text.count("nobody could be asked for a new version: no answer within 10 s") == 2


def test_without_a_way_to_ask_the_rest_is_done() -> None:
    bench = Bench(None)
    bench.after(CRITICAL)
    assert bench.drift["actions"] == ["Event", "Alert", "ReviewMode"]


@pytest.mark.parametrize("error", [Unavailable("later"), Forbidden("no right to")], ids=["Unavailable", "Forbidden"])
@pytest.mark.parametrize("verb", ["apply configmaps", "list jobs", "create jobs", "status aimodels"])
def test_what_fails_is_done_at_the_next_look_and_nothing_twice(verb: str, error: KubeError) -> None:
    bench = Bench()

    def refuse(write: Write) -> KubeError | None:
        return error if write.short == verb else None

    bench.api.refuse = refuse
    bench.after(CRITICAL)
    bench.api.refuse = lambda write: None
    for _ in range(2):
        bench.after(CRITICAL)
    assert (bench.mode, len(bench.api.of(JOBS)), bench.drift["severity"]) == ("All", 1, "Critical")


def test_a_monitor_without_the_right_to_jobs_does_and_says_the_rest_and_why_nobody_was_asked(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    bench.api.refuse = lambda write: Forbidden("jobs.batch is forbidden") if write.plural == "jobs" else None
    bench.after(BACK)
    assert (bench.mode, bench.drift["rollBack"]) == ("All", "1a2b3c4d")
    assert bench.drift["actions"] == ["Event", "Alert", "ReviewMode", "Rollback"]
    assert "; nobody could be asked for a new version: no right to Jobs (the chart's value monitor.retraining): jobs" in bench.drift["why"]
    writes = len(bench.api.writes)
    bench.after(BACK)
    bench.after(BACK)
    assert len(bench.api.writes) == writes, "nothing new to say"
    assert caplog.text.count("nobody could be asked for a new version") == 1, "logged once"
    bench.api.refuse = lambda write: None
    bench.after(BACK)
    assert (len(bench.api.of(JOBS)), bench.drift["actions"]) == (1, ["Retrain"])


def test_who_cannot_see_whether_a_request_is_open_makes_no_second_one() -> None:
    bench = Bench()
    bench.after(CRITICAL)
    bench.api.refuse = lambda write: Forbidden("jobs.batch is forbidden") if write.short == "list jobs" else None
    bench.after(CRITICAL, hours=24 * 8)
    assert len(bench.api.of(JOBS)) == 1


def test_a_freeze_is_asked_for_without_the_right_to_jobs() -> None:
    row = Row(Severity.HIGH, 0.2, 0.05, (Action.EVENT, Action.FREEZE, Action.RETRAIN), Priority.HIGH)
    bench = Bench(table=Responses(rows=(row,)))
    bench.api.refuse = lambda write: Forbidden("jobs.batch is forbidden") if write.plural == "jobs" else None
    bench.after(replace(HIGH, actions=row.actions))
    assert bench.drift["freeze"] == "Requested"


def test_a_release_is_asked_back_as_long_as_it_is_proven_and_told_once() -> None:
    bench = Bench()
    bench.after(BACK)
    assert (bench.drift["rollBack"], bench.drift["release"]) == ("1a2b3c4d", "2026-03-18")
    first = bench.drift
    bench.after(CRITICAL)
    assert bench.drift == {key: value for key, value in first.items() if key != "rollBack"}, "not proven any more, and no news"
    bench.after(BACK)
    assert bench.drift == first, "it may not have been done, as another version was on its way"
    bench.after(replace(BACK, severity=Severity.HIGH))
    assert bench.drift["rollBack"] == "1a2b3c4d"
    assert "Rollback" not in bench.drift["actions"]
    bench.after(UNKNOWN)
    assert bench.drift["rollBack"] == "1a2b3c4d", "what cannot be measured is no all-clear"
    bench.after(LOW)
    assert "rollBack" not in bench.drift


def test_what_was_taken_back_is_not_asked_for_any_more() -> None:
    bench = Bench()
    bench.after(BACK)
    bench.revision = "55667788"
    bench.after(UNKNOWN)
    assert "rollBack" not in bench.drift


STOPPED = replace(HIGH, actions=(Action.EVENT, Action.FREEZE), priority=None)


def test_a_freeze_is_asked_for_as_long_as_the_table_says() -> None:
    bench = Bench(table=FREEZING)
    bench.after(STOPPED)
    assert bench.drift["freeze"] == "Requested"
    bench.after(LOW)
    assert "freeze" not in bench.drift


def test_an_outage_neither_lifts_a_freeze_nor_lets_the_drift_begin_anew() -> None:
    bench = Bench(table=FREEZING)
    bench.after(STOPPED)
    since = bench.drift["since"]
    for response in (UNKNOWN, STOPPED):
        bench.after(response)
        assert (bench.drift["severity"], bench.drift["freeze"], bench.drift["since"]) == (response.severity, "Requested", since)
    for response in (LOW, UNKNOWN, STOPPED):
        bench.after(response)
    assert bench.drift["since"] == bench.drift["at"], "that one was over"


def test_a_row_that_is_edited_counts_at_once_and_is_no_news() -> None:
    bench = Bench(table=FREEZING)
    bench.after(replace(STOPPED, actions=(Action.EVENT,)))
    said = bench.drift
    bench.after(replace(STOPPED, actions=(Action.EVENT, Action.FREEZE, Action.REVIEW_MODE)))
    assert (bench.mode, bench.drift) == ("All", said | {"freeze": "Requested"})
    bench.after(replace(STOPPED, actions=(Action.EVENT,)))
    assert (bench.mode, bench.drift) == ("LowConfidence", said)


@pytest.mark.parametrize("how", ["deleted", "edited"])
def test_a_review_mode_that_somebody_takes_away_comes_back(how: str) -> None:
    bench = Bench()
    bench.after(CRITICAL)
    if how == "deleted":
        bench.api.remove(CONFIG_MAPS, "credit-review-mode")
    else:
        found = bench.api.find(CONFIG_MAPS, "credit-review-mode")
        assert found is not None
        found["data"] = {"mode": "LowConfidence"}
    bench.after(CRITICAL)
    assert bench.mode == "All"


def test_what_could_not_be_told_is_ended_all_the_same() -> None:
    bench = Bench()
    bench.api.refuse = lambda write: Unavailable("later") if write.short == "status aimodels" else None
    bench.after(CRITICAL)
    bench.api.refuse = lambda write: None
    assert (bench.mode, bench.drift) == ("All", {})
    bench.after(LOW)
    assert bench.mode == "LowConfidence"


def test_a_model_that_is_not_watched_any_more_is_let_go() -> None:
    bench = Bench(table=FREEZING)
    bench.after(replace(STOPPED, actions=(Action.EVENT, Action.FREEZE, Action.REVIEW_MODE)))
    bench.restart()
    bench.after(UNWATCHED)
    assert (bench.mode, bench.drift["severity"]) == ("LowConfidence", "Low")
    assert "freeze" not in bench.drift


def test_a_model_that_is_gone_is_nobodys_fault() -> None:
    bench = Bench()
    bench.api.remove(AIMODELS, "credit")
    bench.after(CRITICAL)
    assert bench.api.writes == []
