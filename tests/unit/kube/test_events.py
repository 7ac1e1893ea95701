"""Events: what is written, how repeats are folded, and that nothing is ever raised."""

import asyncio
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.kube.fake_api import FakeApi

from headgate.kube.errors import Forbidden
from headgate.kube.events import NOTE_BYTES, EventLimits, EventRecorder, EventType, Happening, Regarding
from headgate.kube.lease import Clocks
from headgate.kube.resources import EVENTS

MODEL = Regarding("headgate.dev/v1alpha1", "AIModel", "lending", "credit-scorer", "u-1")
ROLLED_BACK = Happening("RollBack", "Guard", "5 of 5 requests failed", EventType.WARNING)
START = datetime(2026, 1, 1, tzinfo=UTC)


class Fixture:
    def __init__(self, limits: EventLimits | None = None) -> None:
        self.api = FakeApi()
        self.now = 0.0
        clocks = Clocks(lambda: self.now, lambda: START + timedelta(seconds=self.now))
        self.recorder = EventRecorder(self.api, "headgate-0", limits=limits, clocks=clocks)

    def record(self, regarding: Regarding = MODEL, happening: Happening = ROLLED_BACK, *, at: float | None = None) -> None:
        self.now = self.now + 1 if at is None else at
        asyncio.run(self.recorder.record(regarding, happening))

    @property
    def counts(self) -> list[int]:
        return [event.get("series", {}).get("count", 1) for event in self.api.of(EVENTS)]


def test_an_event_has_all_that_the_api_demands() -> None:
    fixture = Fixture()
    fixture.record(at=1.5)
    (event,) = fixture.api.of(EVENTS)
    metadata = event.pop("metadata")
    assert metadata["namespace"] == "lending"
    assert metadata["name"].startswith("credit-scorer.")
    assert event == {
        "eventTime": "2026-01-01T00:00:01.500000Z",
        "regarding": {
            "apiVersion": "headgate.dev/v1alpha1",
            "kind": "AIModel",
            "namespace": "lending",
            "name": "credit-scorer",
            "uid": "u-1",
        },
        "reportingController": "headgate.dev/operator",
        "reportingInstance": "headgate-0",
        "action": "RollBack",
        "reason": "Guard",
        "note": "5 of 5 requests failed",
        "type": "Warning",
    }


def test_repeats_are_counted_on_one_event() -> None:
    fixture = Fixture()
    for _ in range(3):
        fixture.record()
    assert fixture.counts == [3]
    assert fixture.api.of(EVENTS)[0]["series"]["lastObservedTime"] == "2026-01-01T00:00:03.000000Z"


@pytest.mark.parametrize(
    ("regarding", "happening"),
    [
        (replace(MODEL, uid="u-2"), ROLLED_BACK),
        (MODEL, replace(ROLLED_BACK, reason="PodGuard")),
        (MODEL, replace(ROLLED_BACK, note="6 of 6 requests failed")),
    ],
)
def test_another_object_reason_or_note_is_another_event(regarding: Regarding, happening: Happening) -> None:
    fixture = Fixture()
    fixture.record()
    fixture.record(regarding, happening)
    assert fixture.counts == [1, 1]


def test_after_ten_minutes_the_same_is_new_again() -> None:
    fixture = Fixture()
    fixture.record(at=0)
    fixture.record(at=599)
    fixture.record(at=601)
    assert fixture.counts == [2, 1]


def test_an_event_that_the_server_forgot_is_written_anew_with_its_count() -> None:
    fixture = Fixture()
    fixture.record()
    fixture.api.objects.clear()
    fixture.record()
    assert fixture.counts == [2]


def test_an_object_that_chatters_is_held_back_but_counted() -> None:
    fixture = Fixture(EventLimits(burst=3, refill=300))
    for second in range(10):
        fixture.record(at=float(second))
    assert len(fixture.api.calls) == 3
    fixture.record(replace(MODEL, uid="quiet"), at=11)
    assert len(fixture.api.calls) == 4
    fixture.record(at=320)
    assert fixture.counts == [11, 1]


def test_a_failed_write_is_logged_and_made_good_by_the_next(caplog: pytest.LogCaptureFixture) -> None:
    fixture = Fixture()
    fixture.api.failure = Forbidden("events.events.k8s.io is forbidden", status=403)
    with caplog.at_level(logging.WARNING):
        fixture.record()
    assert "events.events.k8s.io is forbidden" in caplog.text
    fixture.api.failure = None
    fixture.record()
    assert fixture.counts == [2]


def test_two_at_once_make_one_event() -> None:
    fixture = Fixture()

    async def both() -> None:
        await asyncio.gather(*(fixture.recorder.record(MODEL, ROLLED_BACK) for _ in range(2)))

    asyncio.run(both())
    assert fixture.counts == [2]


def test_memory_is_bounded_and_what_is_used_stays() -> None:
    fixture = Fixture(EventLimits(remembered=10))
    for number in range(100):
        fixture.record()
        fixture.record(replace(MODEL, uid=f"other-{number}"), at=fixture.now)
    recorder = fixture.recorder
    assert (len(recorder._series), len(recorder._buckets)) == (10, 10)
    assert max(fixture.counts) == 25


def test_a_cluster_scoped_object_has_its_events_in_default() -> None:
    fixture = Fixture()
    fixture.record(replace(MODEL, namespace=""))
    (event,) = fixture.api.of(EVENTS)
    assert event["metadata"]["namespace"] == "default"
    assert "namespace" not in event["regarding"]


@given(st.text(alphabet="aé€😀", min_size=0, max_size=1500))
def test_a_note_is_cut_to_what_the_server_takes(note: str) -> None:
    fixture = Fixture()
    fixture.record(happening=replace(ROLLED_BACK, note=note))
    (event,) = fixture.api.of(EVENTS)
    assert len(event["note"].encode()) <= NOTE_BYTES
    assert event["note"].removesuffix("…") == note[: len(event["note"].removesuffix("…"))]
    assert (event["note"] == note) == (len(note.encode()) <= NOTE_BYTES)
