"""The audit is written ahead of users and behind harm, exactly once, whatever dies or is refused in between."""

import asyncio
import json
from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from tests.unit.controller.fake_cluster import CrashError, FakeCluster, Write
from tests.unit.controller.operator_world import KEY, OperatorWorld, in_canary, live
from tests.unit.governance.chains import record

from headgate.api.reasons import Reason
from headgate.api.status import AIModelStatus
from headgate.api.vocabulary import Metric
from headgate.controller.audit import KEY_SECRET, AuditTrail
from headgate.evidence.view import GuardReading
from headgate.governance.audit_chain import MOST_ENTRIES, Entry, read, verify
from headgate.governance.audit_seal import anchor_of
from headgate.kube.audit_segments import head_of, lines_of
from headgate.kube.errors import Forbidden, KubeError
from headgate.kube.fence import NotLeading
from headgate.kube.resources import AIMODELS, CONFIG_MAPS, SECRETS

NAMED = "lending/credit"
FIRED = GuardReading(Metric.ERRORS, fired=True, requests=30, failures=30, max_rate=0.2, seconds=3.0)


def segments(api: FakeCluster) -> list[dict[str, Any]]:
    return [body for body in api.of(CONFIG_MAPS) if body["metadata"]["name"].startswith("headgate-audit.")]


def entries(api: FakeCluster) -> list[Entry]:
    return [entry for line in lines_of(segments(api)) if (entry := read(line)) is not None]


def told(api: FakeCluster) -> list[str]:
    return [entry["what"] for entry in entries(api)]


def assert_whole(api: FakeCluster) -> None:
    stored = segments(api)
    head = anchor_of(head_of(stored))
    assert verify(lines_of(stored), NAMED, head) == ()
    assert head.sequence == len(lines_of(stored))


def refusing_the_audit(write: Write) -> KubeError | None:
    return Forbidden("exceeded quota", status=403) if write.name.startswith("headgate-audit") else None


def test_a_rollout_is_told_from_its_start_to_its_end() -> None:
    world = in_canary()
    world.measure(candidate_guards=(FIRED,))
    world.settle()
    assert told(world.api) == [
        *("Started", "ApprovalCounted", "ApprovalCounted", "ApprovalCounted", "Approved", "StageStarted", "TrafficChanged", "Live"),
        *("Started", "ApprovalCounted", "ApprovalCounted", "ApprovalCounted", "Approved", "StageStarted", "TrafficChanged"),
        *("RolledBack", "TrafficChanged"),
    ]
    assert_whole(world.api)
    assert world.status.pending_audit == ()
    assert world.status.audit is not None
    assert world.status.audit.sequence == 17
    counted = next(entry for entry in entries(world.api) if entry["what"] == "ApprovalCounted")
    assert counted["by"].endswith("@bank")
    assert counted["approval"].startswith("credit-approve-")
    assert "(because)" in counted["why"]


def test_the_key_is_made_once_and_signs_all_heads() -> None:
    world = live()
    first = anchor_of(head_of(segments(world.api)))
    world.restart()
    world.release("v2")
    world.settle()
    again = anchor_of(head_of(segments(world.api)))
    assert again.sequence > first.sequence
    assert again.key == first.key
    assert [body["metadata"]["name"] for body in world.api.of(SECRETS)] == [KEY_SECRET]


def test_users_come_only_after_the_audit_has_it() -> None:
    world = live()
    world.release("v2")
    world.settle()
    world.approve()
    world.audit_answers = False
    world.settle()
    assert world.status.phase == "Canary"
    assert list(world.weights.values()) == [1000]
    world.audit_answers = True
    mark = len(world.api.writes)
    world.step()
    assert world.since(mark)[:3] == ["patch configmaps", "status aimodels", "apply httproutes"]
    assert sorted(world.weights.values()) == [200, 800]


def test_while_the_audit_cannot_be_stored_nothing_rises_and_it_is_told() -> None:
    world = live()
    world.release("v2")
    world.settle()
    world.approve()
    world.api.refuse = refusing_the_audit
    world.step()
    world.step()
    ready = next(c for c in world.status.conditions if c.type == "Ready")
    assert ready.reason is Reason.AUDIT_UNAVAILABLE
    assert "exceeded quota" in ready.message
    assert list(world.weights.values()) == [1000]
    world.api.refuse = lambda write: None
    world.settle()
    assert sorted(world.weights.values()) == [200, 800]
    assert_whole(world.api)


def test_a_rollback_does_not_wait_for_the_audit() -> None:
    world = in_canary()
    world.api.refuse = refusing_the_audit
    world.measure(candidate_guards=(FIRED,))
    mark = len(world.api.writes)
    world.step()
    assert world.since(mark)[:2] == ["apply httproutes", "status aimodels"]
    assert list(world.weights.values()) == [1000]
    assert {record.what for record in world.status.pending_audit} == {"RolledBack", "TrafficChanged"}
    assert next(c for c in world.status.conditions if c.type == "Ready").reason is Reason.ROLLED_BACK
    world.api.refuse = lambda write: None
    world.settle()
    assert told(world.api)[-2:] == ["RolledBack", "TrafficChanged"]
    assert_whole(world.api)


def test_what_waits_outlives_its_process() -> None:
    world = in_canary()
    world.api.refuse = refusing_the_audit
    world.measure(candidate_guards=(FIRED,))
    world.step()
    world.restart()
    world.api.refuse = lambda write: None
    world.settle()
    assert told(world.api)[-2:] == ["RolledBack", "TrafficChanged"]
    assert world.status.pending_audit == ()
    assert_whole(world.api)


def test_what_finds_no_room_is_counted_and_the_count_is_told() -> None:
    world = in_canary()
    world.api.refuse = refusing_the_audit
    for number in range(30):
        gate = {"gate": "Deployment", "role": "fairness-audit", "subject": f"sha256:{number:064x}"}
        world.decide("Reject", f"person-{number}@bank", **gate)
    world.step()
    omitted = world.status.omitted_audit
    assert omitted > 10
    assert len(json.dumps(world.api.find(AIMODELS, "credit")["status"])) < 24_000  # type: ignore[index]
    world.api.refuse = lambda write: None
    world.settle()
    assert world.status.omitted_audit == 0
    (gap,) = [entry for entry in entries(world.api) if entry["what"] == "EntriesOmitted"]
    assert gap["why"].startswith(f"{omitted} decisions")
    assert_whole(world.api)


def test_a_chain_goes_on_after_the_status_was_lost_and_after_the_model_came_again() -> None:
    world = live()
    before = lines_of(segments(world.api))
    model = world.api.find(AIMODELS, "credit")
    assert model is not None
    world.api.put(AIMODELS, {**model, "status": {}})
    world.settle()
    world.release("v2")
    world.settle()
    world.api.remove(AIMODELS, "credit")
    world.step()
    world.restart()
    world.release("v3")
    world.settle()
    assert lines_of(segments(world.api))[: len(before)] == before
    assert len(lines_of(segments(world.api))) > len(before)
    assert_whole(world.api)


@pytest.mark.parametrize("how", ["an entry was changed", "the last entry was deleted", "the segment was deleted", "no entry any more"])
def test_a_chain_that_somebody_touched_is_told_of_and_never_looks_whole(how: str) -> None:
    world = live()
    (segment,) = segments(world.api)
    name, touched = segment["metadata"]["name"], deepcopy(segment)
    last = max(key for key in touched["data"] if key.isdigit())
    if how == "an entry was changed":
        touched["data"][last] = touched["data"][last].replace('"by":"headgate"', '"by":"somebody"')
    elif how == "no entry any more":
        touched["data"][last] = "nothing"
    else:
        del touched["data"][last]
    if how == "the segment was deleted":
        world.api.remove(CONFIG_MAPS, name, "platform")
    else:
        world.api.put(CONFIG_MAPS, touched)
    anchor = anchor_of(head_of([segment]))
    world.restart()
    world.release("v2")
    world.settle()
    assert "AuditBroken" in told(world.api)
    assert told(world.api).count("AuditBroken") == 1
    assert verify(lines_of(segments(world.api)), NAMED, anchor)
    assert world.status.pending_audit == ()


# ---- the store alone


def status(number: int) -> AIModelStatus:
    """In which `number` records wait, also more than there is room for."""
    return AIModelStatus().model_copy(update={"pending_audit": tuple(record(k) for k in range(number))})


def stored_once(api: FakeCluster, number: int) -> None:
    assert [entry["time"] for entry in entries(api)] == [record(k).model_dump(mode="json")["time"] for k in range(number)]
    assert_whole(api)


@pytest.mark.parametrize("already", [0, 3, MOST_ENTRIES - 1, MOST_ENTRIES])
def test_killed_between_any_two_writes_nothing_is_lost_or_repeated(already: int) -> None:
    """Also where a segment is full, so that two writes are needed."""
    more = status(already + 2)
    for death in [{"die_before": k} for k in range(1, 5)] + [{"die_after": k} for k in range(1, 5)]:
        api = FakeCluster()
        if already:
            asyncio.run(_stored(api, status(already)))
        for attribute, number in death.items():
            setattr(api, attribute, len(api.writes) + number)
        with suppress(CrashError):
            asyncio.run(_stored(api, more))
        api.die_before = api.die_after = None
        asyncio.run(_stored(api, more))
        stored_once(api, already + 2)


async def _stored(api: FakeCluster, wanted: AIModelStatus) -> AuditTrail:
    """By a process of its own."""
    trail = AuditTrail(api, "platform", lambda key, priority: None)
    if not trail.stored(KEY, wanted):
        await trail.handle(KEY)
    assert trail.stored(KEY, wanted)
    return trail


def test_of_two_writers_one_looks_again() -> None:
    api = FakeCluster()

    async def scene() -> None:
        one, other = await _stored(api, status(1)), await _stored(api, status(1))
        for trail, number in ((one, 2), (other, 3), (one, 4)):
            assert not trail.stored(KEY, status(number))
            await trail.handle(KEY)
            assert trail.stored(KEY, status(number))

    asyncio.run(scene())
    stored_once(api, 4)


def test_one_write_stores_all_that_waits_and_nothing_is_asked_where_nothing_waits() -> None:
    api = FakeCluster()

    async def scene() -> None:
        trail = await _stored(api, status(1))
        before = len(api.writes)
        assert not trail.stored(KEY, status(5))
        await trail.handle(KEY)
        assert trail.stored(KEY, status(5))
        assert trail.stored(KEY, AIModelStatus())
        assert [write.verb for write in api.writes[before:]] == ["patch"]
        assert not trail.waiting

    asyncio.run(scene())


def test_a_process_that_does_not_lead_stores_nothing_and_says_nothing() -> None:
    api = FakeCluster()

    def permit() -> None:
        raise NotLeading("not now")

    async def scene() -> None:
        trail = AuditTrail(api.permitted(permit), "platform", lambda key, priority: None)
        assert not trail.stored(KEY, status(1))
        await trail.handle(KEY)
        assert trail.state(KEY).problem is None
        assert not trail.stored(KEY, status(1))

    asyncio.run(scene())
    assert entries(api) == []


def test_a_full_segment_is_immutable() -> None:
    world = OperatorWorld()
    asyncio.run(_stored(world.api, status(MOST_ENTRIES + 1)))
    assert [bool(body.get("immutable")) for body in segments(world.api)] == [True, False]
