"""Leader election: the rules as a table, never two leaders as a property, and the loop on a virtual clock."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.unit.kube.fake_api import FakeApi

from headgate.kube.errors import KubeError, Unavailable
from headgate.kube.interface import Object
from headgate.kube.lease import Clocks, Elector, LeaseName
from headgate.kube.lease_record import (
    LeaseRecord,
    LeaseSettings,
    LeaseView,
    Step,
    held_spec,
    leads,
    micro_time,
    observed,
    remarks_in,
    transition,
)
from headgate.kube.resources import LEASES

SETTINGS = LeaseSettings()
WALL = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
OURS = LeaseRecord("me", 15, 3, "a", "r", "7")
THEIRS = replace(OURS, holder="other")


@pytest.mark.parametrize(
    ("view", "now", "step"),
    [
        (LeaseView(None, 0), 0, Step.ACQUIRE),
        (LeaseView(replace(OURS, holder=""), 0), 0, Step.ACQUIRE),
        (LeaseView(OURS, 0), 0, Step.ACQUIRE),
        (LeaseView(THEIRS, 100), 114.9, Step.WAIT),
        (LeaseView(THEIRS, 100), 115, Step.ACQUIRE),
        (LeaseView(replace(THEIRS, duration=60), 100), 115, Step.WAIT),
        (LeaseView(OURS, 0, 100), 109.9, Step.RENEW),
        (LeaseView(OURS, 0, 100), 110, Step.LOST),
        (LeaseView(THEIRS, 0, 100), 101, Step.LOST),
        (LeaseView(None, 0, 100), 101, Step.LOST),
    ],
)
def test_next_step(view: LeaseView, now: float, step: Step) -> None:
    assert transition(view, now, "me", SETTINGS) is step


def test_the_expiry_clock_starts_again_only_when_the_record_changes() -> None:
    view = observed(LeaseView(), THEIRS, 10)
    assert observed(view, THEIRS, 20).observed_at == 10
    assert observed(view, replace(THEIRS, renew_time="s"), 20).observed_at == 20


def test_what_is_written() -> None:
    fresh = held_spec(LeaseView(), "me", WALL, SETTINGS)
    assert fresh == {
        "holderIdentity": "me",
        "leaseDurationSeconds": 15,
        "leaseTransitions": 0,
        "acquireTime": "2026-01-02T03:04:05.000678Z",
        "renewTime": "2026-01-02T03:04:05.000678Z",
    }
    renewed = held_spec(LeaseView(OURS), "me", WALL, SETTINGS)
    assert (renewed["leaseTransitions"], renewed["acquireTime"]) == (3, "a")
    taken = held_spec(LeaseView(THEIRS), "me", WALL, SETTINGS)
    assert (taken["leaseTransitions"], taken["acquireTime"]) == (4, "2026-01-02T03:04:05.000678Z")


def test_times_are_written_in_utc_with_six_decimals() -> None:
    assert micro_time(datetime.fromisoformat("2026-01-02T03:04:05+02:00")) == "2026-01-02T01:04:05.000000Z"


@pytest.mark.parametrize("times", [(10, 10, 2), (15, 2, 2), (15, 10, 0)])
def test_unsafe_times_are_refused(times: tuple[int, float, float]) -> None:
    with pytest.raises(ValueError, match="duration > renew_deadline"):
        LeaseSettings(*times)


@dataclass
class Process:
    """One contender with a clock of its own. `sent`: a write under way, as (resourceVersion, sent at); `answer`: what came of it."""

    name: str
    rate: float
    offset: float
    view: LeaseView = field(default_factory=LeaseView)
    sent: tuple[str, float] | None = None
    answer: LeaseRecord | None = None

    def clock(self, true_time: float) -> float:
        return self.offset + true_time * self.rate

    def leads(self, true_time: float) -> bool:
        return leads(self.view, self.clock(true_time), SETTINGS)


@dataclass
class World:
    """A server with optimistic concurrency, and messages that take their time or get lost."""

    processes: list[Process]
    record: LeaseRecord | None = None
    now: float = 0.0
    leaders: list[str] = field(default_factory=list)

    def act(self, process: Process, *, lost: bool, duration: float) -> None:
        """One more stage of the round that `process` is in: ask, be heard by the server, hear from it."""
        if process.sent is None:
            self._ask(process)
        elif process.answer is None:
            self._hear(process, duration)
            if lost:
                process.sent = process.answer = None
        else:
            sent_at = process.sent[1]
            if not lost:
                process.view = LeaseView(process.answer, process.clock(self.now), sent_at)
            process.sent = process.answer = None
        if process.leads(self.now) and (not self.leaders or self.leaders[-1] != process.name):
            self.leaders.append(process.name)

    def _ask(self, process: Process) -> None:
        clock = process.clock(self.now)
        step = transition(process.view, clock, process.name, SETTINGS)
        if step is Step.LOST:
            process.view = LeaseView()
            return
        if step is not Step.RENEW:
            process.view = observed(process.view, self.record, clock)
            step = transition(process.view, clock, process.name, SETTINGS)
        if step is not Step.WAIT:
            known = process.view.record
            process.sent = (known.resource_version if known else "", clock)

    def _hear(self, process: Process, duration: float) -> None:
        assert process.sent is not None
        version = self.record.resource_version if self.record else ""
        if process.sent[0] != version:
            process.sent = None
            process.view = observed(process.view, self.record, process.clock(self.now))
            return
        transitions = self.record.transitions + 1 if self.record else 0
        self.record = LeaseRecord(process.name, duration, transitions, "", str(self.now), str(int(version or 0) + 1))
        process.answer = self.record


def clash(rates: list[float], offsets: list[float], moves: list[tuple[int, float, bool]], duration: float) -> tuple[bool, World]:
    """Whether two processes led at the same true time."""
    world = World([Process(f"p{i}", rate, offset) for i, (rate, offset) in enumerate(zip(rates, offsets, strict=True))])
    for index, passed, lost in moves:
        world.now += passed
        process = world.processes[index % len(world.processes)]
        world.act(process, lost=lost, duration=duration)
        if sum(each.leads(world.now) for each in world.processes) > 1:
            return True, world
    return False, world


RATES = st.lists(st.floats(0.85, 1.2), min_size=3, max_size=3)
OFFSETS = st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3)
PAUSES = st.sampled_from([0.0, 0.01, 1.0, 2.0, 5.0, 9.0, 13.0, 16.0])
SINGLE = st.tuples(st.integers(0, 2), PAUSES, st.booleans()).map(lambda move: [move])
ROUND = st.builds(
    lambda index, pause, delay: [(index, pause, False), (index, delay, False), (index, 0.0, False)], st.integers(0, 2), PAUSES, PAUSES
)
MOVES = st.lists(SINGLE | ROUND, min_size=2, max_size=20).map(lambda rounds: [move for each in rounds for move in each])
"""Whole rounds make leaders often enough; single stages interleave them and lose messages."""


@settings(max_examples=400)
@given(RATES, OFFSETS, MOVES)
@example([1.0] * 3, [0.0] * 3, [(0, 0.0, False)] * 3 + [(1, 0.0, False), (1, 16.0, False), (1, 0.0, False), (1, 0.0, False)])
@example([0.85, 1.2, 1.0], [0.0] * 3, [(0, 0.0, False)] * 3 + [(1, 0.0, False), (1, 13.0, False), (1, 0.0, False), (1, 0.0, False)])
def test_never_two_leaders_whatever_the_clocks_show_and_the_network_loses(
    rates: list[float], offsets: list[float], moves: list[tuple[int, float, bool]]
) -> None:
    assert clash(rates, offsets, moves, SETTINGS.duration)[0] is False


TAKE_OVER = [(0, 1.0, False)] * 3 + [(1, 1.0, False), (1, 5.0, False), (1, 0.0, False), (1, 0.0, False)]


def test_the_simulation_does_find_two_leaders_where_the_rule_is_broken() -> None:
    assert clash([1.0] * 3, [0.0] * 3, TAKE_OVER, duration=5)[0] is True
    assert clash([1.0] * 3, [0.0] * 3, TAKE_OVER, duration=15)[0] is False


def test_the_simulation_does_change_leaders() -> None:
    moves = [*TAKE_OVER[:4], (1, 15.0, False), (1, 0.0, False), (1, 0.0, False)]
    assert clash([1.0] * 3, [0.0] * 3, moves, duration=15)[1].leaders == ["p0", "p1"]


class EnoughError(Exception):
    """Ends a loop that would run for ever."""


@dataclass
class VirtualTime:
    """Sleeping takes no time but moves the clock. `script` is called after each sleep with the new time."""

    now: float = 1000.0
    script: Callable[[float], None] = lambda now: None

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.script(self.now)

    def clocks(self) -> Clocks:
        return Clocks(lambda: self.now, lambda: WALL + timedelta(seconds=self.now), self.sleep, lambda: 0.0)


def elector(api: FakeApi, time: VirtualTime, heard: list[str], name: str = "me", **remarks: str) -> Elector:
    return Elector(
        api,
        LeaseName("headgate-system", "headgate", name),
        on_acquired=lambda: heard.append(f"{name} leads"),
        on_lost=lambda: heard.append(f"{name} lost"),
        clocks=time.clocks(),
        remarks=lambda: remarks,
    )


def led_by_old(api: FakeApi, time: VirtualTime, heard: list[str]) -> Elector:
    """It leads since a moment, and does nothing more."""
    old = elector(api, time, heard, "old")
    until(time, 1003)
    with pytest.raises(EnoughError):
        asyncio.run(old.run())
    return old


def lease(api: FakeApi) -> Object:
    (only,) = api.of(LEASES)
    return only


def until(time: VirtualTime, end: float, also: Callable[[float], None] = lambda now: None) -> None:
    def script(now: float) -> None:
        also(now)
        if now >= end:
            raise EnoughError

    time.script = script


def test_a_leader_leads_as_long_as_it_can_write() -> None:
    api, time, heard = FakeApi(), VirtualTime(), list[str]()
    mine = elector(api, time, heard)
    until(time, 1100)
    with pytest.raises(EnoughError):
        asyncio.run(mine.run())
    assert heard == ["me leads"]
    assert mine.leading
    assert lease(api)["spec"]["leaseTransitions"] == 0
    assert api.calls.count(("patch", "headgate")) >= 45


def test_a_leader_that_cannot_write_is_out_before_anyone_else_could_be_in() -> None:
    api, time, heard = FakeApi(), VirtualTime(), list[str]()
    mine = elector(api, time, heard)
    lost_at: list[float] = []

    def script(now: float) -> None:
        if now > 1020:
            api.failure = Unavailable("down")
        if not mine.leading and not lost_at:
            lost_at.append(now)

    until(time, 1100, script)
    asyncio.run(mine.run())
    assert heard == ["me leads", "me lost"]
    assert 1028 <= lost_at[0] <= 1032


def test_a_frozen_leader_knows_at_its_first_breath() -> None:
    api, time, heard = FakeApi(), VirtualTime(), list[str]()
    mine = elector(api, time, heard)
    until(time, 1004)
    with pytest.raises(EnoughError):
        asyncio.run(mine.run())
    assert mine.leading
    time.now += 20
    assert not mine.leading


def test_a_standby_takes_over_from_a_dead_leader_within_twenty_seconds() -> None:
    api, time, heard = FakeApi(), VirtualTime(), list[str]()
    until(time, 1010)
    with pytest.raises(EnoughError):
        asyncio.run(elector(api, time, heard, "old").run())
    died = time.now
    taken: list[float] = []
    mine = elector(api, time, heard)
    until(time, 1060, lambda now: taken.append(now) if mine.leading else None)
    with pytest.raises(EnoughError):
        asyncio.run(mine.run())
    assert heard == ["old leads", "me leads"]
    assert 15 <= taken[0] - died <= 20
    assert lease(api)["spec"]["leaseTransitions"] == 1


def lead_and_release(mine: Elector, time: VirtualTime) -> None:
    until(time, time.now + 3)
    with pytest.raises(EnoughError):
        asyncio.run(mine.run())
    asyncio.run(mine.release())


def test_what_a_leader_leaves_behind_is_there_until_another_one_has_something_to_say() -> None:
    api, time, heard = FakeApi(), VirtualTime(), list[str]()
    for name, remarks, seen in (("first", {"seen": "a"}, "a"), ("silent", {}, "a"), ("third", {"seen": "b"}, "b")):
        lead_and_release(elector(api, time, heard, name, **remarks), time)
        assert remarks_in(lease(api)).get("seen") == seen


def test_remarks_are_void_when_somebody_has_led_since_who_makes_none() -> None:
    api, time = FakeApi(), VirtualTime()
    until(time, time.now + 3)
    with pytest.raises(EnoughError):
        asyncio.run(elector(api, time, [], seen="a").run())
    old = lease(api)
    old["spec"] |= {"holderIdentity": "", "leaseTransitions": old["spec"]["leaseTransitions"] + 1}
    assert old["metadata"]["annotations"]["seen"] == "a"
    assert remarks_in(old) == {}
    for remarks, seen in (({}, None), ({"seen": "b"}, "b")):
        lead_and_release(elector(api, time, [], "next", **remarks), time)
        assert remarks_in(lease(api)).get("seen") == seen


def test_a_released_lease_is_taken_at_once() -> None:
    api, time, heard = FakeApi(), VirtualTime(), list[str]()
    old = led_by_old(api, time, heard)
    asyncio.run(old.release())
    assert not old.leading
    until(time, time.now)
    with pytest.raises(EnoughError):
        asyncio.run(elector(api, time, heard).run())
    assert heard == ["old leads", "me leads"]


def test_the_term_of_a_dead_leader_runs_from_the_first_look_on() -> None:
    api, time, heard = FakeApi(), VirtualTime(), list[str]()
    led_by_old(api, time, heard)
    mine = elector(api, time, heard)
    asyncio.run(mine.look())
    assert heard == ["old leads"], "to look is not to stand"
    time.now += 15
    until(time, time.now)
    with pytest.raises(EnoughError):
        asyncio.run(mine.run())
    assert heard == ["old leads", "me leads"]


def test_a_standby_releases_nothing() -> None:
    api, time = FakeApi(), VirtualTime()
    asyncio.run(elector(api, time, []).release())
    assert api.calls == []


def test_a_renewal_whose_answer_was_lost_does_not_cost_the_lease() -> None:
    class LossyApi(FakeApi):
        lose = False

        async def patch(self, *arguments: Any, **named: Any) -> Object:
            answer = await super().patch(*arguments, **named)
            if self.lose:
                self.lose = False
                raise Unavailable("no answer in time")
            return answer

    api, time, heard = LossyApi(), VirtualTime(), list[str]()

    def script(now: float) -> None:
        api.lose = 1006 <= now < 1008

    until(time, 1060, script)
    with pytest.raises(EnoughError):
        asyncio.run(elector(api, time, heard).run())
    assert heard == ["me leads"]


@pytest.mark.parametrize("meddle", ["stolen", "deleted"])
def test_a_lease_taken_by_force_is_lost_at_the_next_look(meddle: str) -> None:
    api, time, heard = FakeApi(), VirtualTime(), list[str]()

    def script(now: float) -> None:
        if now >= 1010 and "done" not in heard:
            heard.append("done")
            if meddle == "deleted":
                api.objects.clear()
            else:
                key, held = next(iter(api.objects.items()))
                stolen = {"metadata": {**held["metadata"], "resourceVersion": "99"}, "spec": {**held["spec"], "holderIdentity": "thief"}}
                api.objects[key] = stolen

    until(time, 1100, script)
    asyncio.run(elector(api, time, heard).run())
    assert heard == ["me leads", "done", "me lost"]
    assert time.now < 1015


def test_a_standby_outlives_an_unreachable_server() -> None:
    api, time, heard = FakeApi(), VirtualTime(), list[str]()
    api.failure = KubeError("no")

    def script(now: float) -> None:
        if now > 1050:
            api.failure = None

    until(time, 1060, script)
    with pytest.raises(EnoughError):
        asyncio.run(elector(api, time, heard).run())
    assert heard == ["me leads"]
