"""The freeze that people write, the zone of a policy, and steps of the clock."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.controller.fake_cluster import START
from tests.unit.controller.operator_world import POLICY, OperatorWorld, in_canary, live

from headgate.api.reasons import Reason
from headgate.api.vocabulary import Verdict
from headgate.controller.clock import PATIENCE, ClockWatch
from headgate.controller.freeze import NAME, ClusterFreeze, read
from headgate.kube.errors import KubeError, NotFound, Unavailable
from headgate.kube.interface import Object
from headgate.kube.resources import CONFIG_MAPS, ROLLOUT_POLICIES, Resource

NOW = datetime(2026, 12, 20, 12, tzinfo=UTC)
AUDIT = {"reason": "audit", "by": "dana@bank.example"}


def freeze(world: OperatorWorld, **data: str) -> None:
    world.api.put(CONFIG_MAPS, {"metadata": {"name": NAME, "namespace": "platform"}, "data": data})


def told(world: OperatorWorld) -> dict[Reason, str]:
    return {condition.reason: condition.message for condition in world.status.conditions}


def test_a_frozen_cluster_holds_every_model_until_it_is_lifted() -> None:
    world = live()
    freeze(world, **AUDIT)
    world.release("v2")
    world.settle()
    world.approve()
    world.settle()
    assert "frozen: audit (by dana@bank.example)" in told(world)[Reason.CHANGE_FREEZE]
    assert len(world.weights) == 1
    del world.api.objects[("configmaps", "platform", NAME)]
    world.settle()
    assert world.status.phase == "Canary"


@pytest.mark.parametrize(
    ("data", "held", "freezes"),
    [
        (AUDIT, "frozen: audit (by dana@bank.example), until", 0),
        ({**AUDIT, "from": "2026-12-21T00:00:00Z"}, "", 0),
        ({**AUDIT, "from": "2026-12-19T00:00:00Z"}, "frozen: audit", 0),
        ({**AUDIT, "to": "2027-01-04T08:00:00+01:00"}, "", 1),
        ({"to": "2027-01-04T08:00:00Z"}, "", 1),
        ({}, "frozen: no reason", 0),
        ({"to": "next year"}, "cannot be read (to:", 0),
        ({"to": "2027-01-04T08:00:00"}, "cannot be read (to:", 0),
        ({"from": "2027-01-05T00:00:00Z", "to": "2027-01-04T00:00:00Z"}, "from must be before to", 0),
        ({**AUDIT, "reason": "x" * 300}, "cannot be read (reason:", 0),
    ],
    ids=["open end", "not yet", "open end, begun", "with an end", "without a reason", "empty", "no time", "no zone", "backwards", "long"],
)
def test_a_freeze_as_people_write_it(data: dict[str, str], held: str, freezes: int) -> None:
    found = read(data, "ConfigMap platform/headgate-freeze", NOW)
    assert len(found.freezes) == freezes
    assert (held in found.held) if held else found.held == ""


class Answers:
    """An API server with one ConfigMap, or one error."""

    def __init__(self) -> None:
        self.error: KubeError | None = None

    async def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object:
        if self.error is not None:
            raise self.error
        return {"metadata": {"name": name}, "data": AUDIT}


def test_nothing_rises_before_the_first_answer_and_the_last_one_stands() -> None:
    api = Answers()
    found = ClusterFreeze(api, "platform", lambda: NOW)  # type: ignore[arg-type]
    api.error = Unavailable("down", status=503)
    asyncio.run(found.look())
    assert "not been read yet" in found.state.held
    api.error = NotFound("none", status=404)
    assert asyncio.run(found.look())
    assert found.state.held == ""
    api.error = None
    assert asyncio.run(found.look())
    assert not asyncio.run(found.look())
    api.error = Unavailable("down", status=503)
    assert not asyncio.run(found.look())
    assert "audit" in found.state.held


@pytest.mark.parametrize("zone", ["Europe/Berln", "Europe", "posix/../etc"])
def test_a_zone_that_does_not_exist_is_told_and_starts_nothing(zone: str) -> None:
    world = OperatorWorld()
    world.api.put(
        ROLLOUT_POLICIES, {"metadata": {"name": "standard", "namespace": "platform"}, "spec": POLICY | {"windows": {"timeZone": zone}}}
    )
    world.release("v1")
    world.settle()
    assert "windows.timeZone" in told(world)[Reason.POLICY_INVALID]
    assert world.status.attempts == 0


def test_windows_that_are_added_bind_a_rollout_that_is_under_way() -> None:
    world = in_canary()
    closed_today = {"timeZone": "Europe/Berlin", "allow": [{"days": ["Thu"], "from": "09:00", "to": "16:00"}]}
    world.api.put(ROLLOUT_POLICIES, {"metadata": {"name": "standard", "namespace": "platform"}, "spec": POLICY | {"windows": closed_today}})
    world.measure(verdict=Verdict.PASS, stage_fresh_seconds=7200.0, stage_requests=10**6)
    world.step()
    assert "Thu 2026-03-05 09:00 Europe/Berlin (08:00Z)" in told(world)[Reason.OUTSIDE_WINDOW]
    assert world.status.phase == "Canary"


def test_an_edit_that_cannot_be_read_may_be_a_freeze_and_holds_what_is_under_way() -> None:
    world = in_canary()
    world.api.put(
        ROLLOUT_POLICIES,
        {"metadata": {"name": "standard", "namespace": "platform"}, "spec": POLICY | {"windows": {"freezes": [{"from": "now"}]}}},
    )
    world.measure(verdict=Verdict.PASS, stage_fresh_seconds=7200.0, stage_requests=10**6)
    world.step()
    assert "windows.freezes" in told(world)[Reason.POLICY_INVALID]
    assert world.status.stage == "canary"


# ---- clocks


class Clocks:
    """`ahead`: seconds by which the operator's time of day is ahead of the API server's when the process starts."""

    def __init__(self, *, ahead: float = 0.0, heard: bool = True) -> None:
        self.server, self.lived = START, 100.0
        self.wall = self.server + timedelta(seconds=ahead)
        self.watch = ClockWatch(lambda: self.wall, lambda: self.lived)
        if heard:
            self.hear()

    def live(self, seconds: float, *, jump: float = 0.0) -> str:
        """What is said after `seconds`."""
        self.lived += seconds
        self.server += timedelta(seconds=seconds)
        self.wall += timedelta(seconds=seconds + jump)
        return self.said()

    def hear(self, took: float = 0.1) -> str:
        """What is said after an answer of the API server, which it made as soon as it was asked."""
        made = self.server
        self.lived += took
        self.server += timedelta(seconds=took)
        self.wall += timedelta(seconds=took)
        self.watch.hear(made.replace(microsecond=0), took)
        return self.said()

    def said(self) -> str:
        found = self.watch.look()
        return found.words if found is not None else ""


def test_steps_are_found_and_trusted_after_a_while() -> None:
    for jump, words in ((3600.0, "forward by about 60 min"), (-3600.0, "back by about 60 min"), (90.0, "forward by about 2 min")):
        clocks = Clocks()
        assert clocks.live(60) == ""
        assert words in clocks.live(60, jump=jump)
        clocks.watch.hear(None, 0.1)
        assert words in clocks.live(PATIENCE - 1)
        assert clocks.live(1) == ""


def test_a_step_that_is_taken_back_is_over_at_once() -> None:
    clocks = Clocks()
    clocks.live(10, jump=3600)
    assert clocks.live(30, jump=-3600) == ""


def test_a_clock_that_is_steered_is_no_step() -> None:
    clocks = Clocks()
    assert [clocks.live(300, jump=0.15) for _ in range(100)] == [""] * 100


@pytest.mark.parametrize(("ahead", "words"), [(3600.0, "60 min ahead of the API server's"), (-90.0, "90 s behind the API server's")])
def test_a_clock_that_was_wrong_before_the_start_is_not_trusted_until_it_is_right(ahead: float, words: str) -> None:
    """Not after ten minutes either: whatever goes by the time of day would be wrong by as much for ever."""
    clocks = Clocks(ahead=ahead)
    assert words in clocks.said()
    clocks.live(2 * PATIENCE)
    assert words in clocks.hear()
    assert clocks.live(10, jump=-ahead) == "", "put right"
    assert clocks.hear() == ""


def test_a_difference_that_takes_next_to_nothing_from_a_stage_is_believed_after_a_while() -> None:
    clocks = Clocks(ahead=-30.0)
    assert "30 s behind the API server's" in clocks.said()
    assert clocks.watch.look() is not None
    clocks.live(PATIENCE - 10)
    assert "30 s behind" in clocks.hear()
    clocks.live(10)
    assert [clocks.hear(), clocks.hear(took=40.0), clocks.hear()] == [""] * 3


@pytest.mark.parametrize("ahead", [-4.0, 0.9, 4.0])
def test_whole_seconds_and_clocks_that_nearly_agree_are_no_difference(ahead: float) -> None:
    clocks = Clocks(ahead=ahead)
    assert [clocks.hear(took=0.37) for _ in range(100)] == [""] * 100


def test_an_answer_that_took_long_proves_only_what_its_time_leaves_no_doubt_of() -> None:
    clocks = Clocks(heard=False)
    assert clocks.hear(took=50.0) == ""
    clocks = Clocks(ahead=3600.0, heard=False)
    assert "ahead of the API server's" in clocks.hear(took=50.0)
    assert "60 min ahead" in clocks.hear()


def test_nothing_is_trusted_before_the_clocks_were_compared_once() -> None:
    clocks = Clocks(heard=False)
    assert "not been compared with the API server's" in clocks.said()
    assert "not been compared with the API server's" in clocks.live(2 * PATIENCE)
    clocks.watch.hear(None, 0.1)
    assert clocks.said() == "", "an API server that does not tell its time has to do"


def test_an_api_server_that_shares_the_clock_proves_nothing_about_a_step() -> None:
    clocks = Clocks()
    clocks.server += timedelta(hours=1)
    assert "forward by about 60 min" in clocks.live(1, jump=3600)
    assert "forward by about 60 min" in clocks.hear()
    clocks.live(PATIENCE - 10)
    assert "forward by about 60 min" in clocks.hear()
    assert clocks.live(10) == ""
    clocks.server += timedelta(hours=1)
    clocks.wall += timedelta(hours=1)
    assert "forward by about 60 min" in clocks.hear(), "heard before anybody looked"


def test_a_step_that_stays_is_not_believed_against_the_api_server() -> None:
    clocks = Clocks()
    clocks.live(1, jump=3600)
    clocks.hear()
    assert "60 min ahead of the API server's" in clocks.live(PATIENCE)
    assert "60 min ahead of the API server's" in clocks.hear()


def test_an_api_server_whose_clock_is_put_right_is_agreed_with_at_once() -> None:
    clocks = Clocks()
    clocks.server -= timedelta(hours=1)
    assert "60 min ahead of the API server's" in clocks.hear()
    clocks.server += timedelta(hours=1)
    assert clocks.hear() == ""


def test_a_jump_of_an_hour_in_a_running_operator_shortens_and_deletes_nothing() -> None:
    world = in_canary()
    before = set(world.api.objects)
    world.now += timedelta(hours=12)
    world.step()
    assert (world.status.phase, world.status.blocked) == ("Canary", ())
    assert Reason.CLOCK_STEPPED in told(world)
    world.now -= timedelta(hours=12)
    world.settle()
    assert (world.status.phase, set(world.api.objects)) == ("Canary", before)


def test_a_process_that_starts_an_hour_ahead_shortens_and_deletes_nothing() -> None:
    """A step and then a restart, or a take-over by a replica whose node is ahead."""
    world = in_canary()
    before = set(world.api.objects)
    world.now += timedelta(hours=12)
    world.restart()
    world.step()
    assert (world.status.phase, world.status.blocked) == ("Canary", ())
    assert "the operator's clock is 720 min ahead of the API server's" in told(world)[Reason.CLOCK_STEPPED]
    world.lived += 2 * PATIENCE
    world.step()
    assert (world.status.phase, world.status.blocked) == ("Canary", ())
    world.now -= timedelta(hours=12)
    world.restart()
    world.settle()
    assert (world.status.phase, set(world.api.objects)) == ("Canary", before)
    assert Reason.CLOCK_STEPPED not in told(world)


def test_a_process_that_starts_an_hour_ahead_still_takes_a_bad_version_back() -> None:
    world = in_canary()
    world.now += timedelta(hours=12)
    world.restart()
    world.decide("Halt")
    world.step()
    assert world.status.candidate is None
