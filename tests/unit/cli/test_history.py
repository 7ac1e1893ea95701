"""history: versions over time, from the audit, or from what the status still knows."""

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.cli.cluster_in_memory import IN_CANARY, ROLLED_BACK, ClusterInMemory, headgate
from tests.unit.governance.chains import START

from headgate.api.audit import AuditRecord, TrafficRecord
from headgate.api.status import AIModelStatus
from headgate.cli.auditing.versions import Share, from_audit, from_status
from headgate.governance.audit_chain import Anchor, Tail, appends, entry_of, genesis
from headgate.governance.audit_seal import signed_head
from headgate.kube.audit_segments import segment
from headgate.kube.errors import Forbidden
from headgate.kube.resources import CONFIG_MAPS

NAMED = "lending/credit-scorer"
OLD, NEW = "11111111", "22222222"
VERSIONS = {OLD: "2.3.0", NEW: "2.3.1"}


def record(hour: int, attempt: int, what: str, revision: str, *, why: str = "", by: str = "headgate", **more: Any) -> AuditRecord:
    time = START + timedelta(hours=hour)
    return AuditRecord(time=time, attempt=attempt, what=what, why=why, by=by, version=VERSIONS[revision], revision=revision, **more)


def moved(hour: int, attempt: int, revision: str, after: dict[str, int], mirrored: dict[str, int] | None = None) -> AuditRecord:
    traffic = TrafficRecord(before={}, after=after, mirrored=mirrored or {})
    return record(hour, attempt, "TrafficChanged", revision, traffic=traffic)


APPROVED = "fairness-audit: dana@bank.example until 2027-02-01 12:00 UTC"
FIRST = (
    record(0, 1, "Started", OLD),
    record(1, 1, "ApprovalCounted", OLD, why=APPROVED, by="dana@bank.example", approval="a"),
    moved(1, 1, OLD, {OLD: 1000}),
    record(2, 1, "Live", OLD, why="2.3.0 is live"),
)
TAKEN_BACK = (
    record(3, 2, "Started", NEW),
    moved(3, 2, NEW, {OLD: 1000}, {NEW: 1000}),
    moved(4, 2, NEW, {OLD: 950, NEW: 50}),
    record(5, 2, "RolledBack", NEW, why="errors got worse", by="headgate"),
    moved(5, 2, NEW, {OLD: 1000}),
)
AGAIN = (record(6, 3, "Started", NEW), moved(7, 3, NEW, {OLD: 500, NEW: 500}))
REPLACES = (moved(8, 3, NEW, {NEW: 1000}), record(8, 3, "Live", NEW, why="2.3.1 is live"))


def entries(*records: AuditRecord) -> list[dict[str, Any]]:
    return [entry_of(one, NAMED, number, "") for number, one in enumerate(records, 1)]


def at(hour: int) -> str:
    return f"{START + timedelta(hours=hour):%Y-%m-%dT%H:%M:%S.%fZ}"


def test_each_attempt_is_told_with_its_shares_and_its_end() -> None:
    first, second = from_audit(entries(*FIRST, *TAKEN_BACK))
    assert (first.version, first.outcome, first.begin, first.until, first.reached) == ("2.3.0", "Live", at(0), "", 1000)
    assert first.approved_by == ("fairness-audit: dana@bank.example",)
    assert first.shares == (
        Share(at(1), at(4), 1000),
        Share(at(4), at(5), 950),
        Share(at(5), "", 1000),
    )
    assert (second.version, second.outcome, second.until, second.reached) == ("2.3.1", "RolledBack", at(5), 50)
    assert (second.why, second.by) == ("errors got worse", "headgate")
    assert second.shares == (Share(at(3), at(4), 0, 1000), Share(at(4), at(5), 50))


def test_a_version_tried_again_has_the_shares_of_each_try() -> None:
    first, second, third = from_audit(entries(*FIRST, *TAKEN_BACK, *AGAIN))
    assert first.outcome == "Live"
    assert (second.attempt, second.until, third.attempt, third.outcome) == (2, at(5), 3, "UnderWay")
    assert third.shares == (Share(at(7), "", 500),)


def test_a_version_that_gave_way_was_replaced() -> None:
    first, _, third = from_audit(entries(*FIRST, *TAKEN_BACK, *AGAIN, *REPLACES))
    assert (first.outcome, first.until) == ("Replaced", at(8))
    assert (third.outcome, third.until) == ("Live", "")


def test_a_model_that_was_deleted_and_came_again_counts_its_attempts_anew() -> None:
    before = entries(*FIRST, *TAKEN_BACK)
    after = entries(record(20, 1, "Started", OLD), moved(21, 1, OLD, {OLD: 1000}), record(21, 1, "Live", OLD))
    told = from_audit([*before, *after])
    assert [(one.attempt, one.version, one.outcome) for one in told] == [
        (1, "2.3.0", "Replaced"),
        (2, "2.3.1", "RolledBack"),
        (1, "2.3.0", "Live"),
    ]
    assert told[0].until == at(20)
    assert told[2].shares == (Share(at(21), "", 1000),)


def test_what_people_say_about_an_earlier_attempt_begins_no_new_life() -> None:
    late = record(6, 2, "Halt", NEW, why="refused", by="zoe@bank.example", approval="b")
    told = from_audit(entries(*FIRST, *TAKEN_BACK, *AGAIN, late))
    assert [one.attempt for one in told] == [1, 2, 3]


def test_nothing_told_is_nothing() -> None:
    assert from_audit([]) == ()
    assert from_status(AIModelStatus(retries={})) == ()


def test_the_status_knows_who_is_live_on_the_way_and_taken_back() -> None:
    moving = from_status(AIModelStatus.model_validate(IN_CANARY))
    assert [(one.version, one.outcome, one.reached) for one in moving] == [("2.3.0", "Live", 950), ("2.3.1", "UnderWay", 50)]
    assert moving[1].approved_by == ("technical-validation: chen@bank.example",)
    back = from_status(AIModelStatus.model_validate(ROLLED_BACK))
    assert [(one.version, one.outcome) for one in back] == [("2.3.1", "RolledBack"), ("2.3.0", "Live")]
    assert back[0].why.startswith("Guard: 30 of 30")


@pytest.fixture
def audited(memory: ClusterInMemory) -> ClusterInMemory:
    (write,) = appends([*FIRST, *TAKEN_BACK], NAMED, Tail(0, genesis(NAMED)))
    head = signed_head(Anchor(NAMED, write.after.sequence, write.after.hash), bytes(range(32)))
    memory.put(CONFIG_MAPS, segment(write, head, "headgate-system", "lending", "credit-scorer"))
    return memory


def test_a_table_for_people(audited: ClusterInMemory) -> None:
    done = headgate("history", "credit-scorer", "-n", "lending")
    assert done.exit_code == 0, done.output
    head, live, back = done.stdout.splitlines()
    assert head.split()[:6] == ["ATTEMPT", "VERSION", "REVISION", "FROM", "UNTIL", "REACHED"]
    assert live.split()[:3] == ["1", "2.3.0", OLD]
    assert "100 %" in live
    assert back.split()[:3] == ["2", "2.3.1", NEW]
    assert "RolledBack" in back
    assert "errors got worse" not in back
    wide = headgate("history", "credit-scorer", "-n", "lending", "-o", "wide").stdout
    for words in ("errors got worse", "0 % and copies of 100 % from"):
        assert words in " ".join(wide.split())


def test_documents_for_programs(audited: ClusterInMemory) -> None:
    told = json.loads(headgate("history", "credit-scorer", "-n", "lending", "-o", "json").stdout)
    assert told["complete"] is True
    assert [one["outcome"] for one in told["attempts"]] == ["Live", "RolledBack"]
    assert told["attempts"][0]["until"] is None
    assert told["attempts"][1]["reachedPermille"] == 50


def test_without_the_audit_the_status_is_told_with_a_warning(memory: ClusterInMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = memory.list

    async def some(resource: Any, namespace: str | None = None, *, labels: str = "", fields: str = "") -> Any:
        if resource is CONFIG_MAPS:
            raise Forbidden("dana may not list configmaps", status=403)
        return await listed(resource, namespace, labels=labels, fields=fields)

    monkeypatch.setattr(memory, "list", some)
    done = headgate("history", "credit-scorer", "-n", "lending", "-o", "json")
    assert done.exit_code == 0
    assert "warning: dana may not list configmaps. Shown is what the status still knows" in done.stderr
    assert json.loads(done.stdout)["complete"] is False


def test_a_model_that_was_never_tried(memory: ClusterInMemory) -> None:
    memory.model({}, name="fresh")
    assert headgate("history", "fresh", "-n", "lending").stdout.strip() == "no version of fresh was tried yet"
