"""When upward moves may happen, and what time does to a rollout: windows, freezes, weeks, a clock that jumps."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.resources import POLICY as STANDARD
from tests.unit.rollout.world import World, condition, in_canary, live, policy, spec

from headgate.api.conditions import ConditionType
from headgate.api.policy import RolloutPolicySpec
from headgate.api.vocabulary import Phase, Verdict
from headgate.api.windows import Windows
from headgate.rollout.calendar import Calendar
from headgate.rollout.snapshot import ClockStep

OFFICE = {"days": ["Mon", "Tue", "Wed", "Thu"], "from": "09:00", "to": "16:00"}
BERLIN = Calendar(Windows.model_validate({"timeZone": "Europe/Berlin", "allow": [OFFICE]}), ZoneInfo("Europe/Berlin"))
FROZEN = Calendar(held="frozen: audit (by dana@bank), until ConfigMap platform/headgate-freeze says otherwise")
STEPPED = ClockStep(3600, "the operator's clock jumped forward by about 60 min")


def until(world: World, moment: datetime) -> float:
    return (moment - world.now).total_seconds()


def sunday(world: World) -> None:
    """The next Sunday, noon."""
    days = (6 - world.now.weekday()) % 7 or 7
    world.step(until(world, world.now.replace(hour=12, minute=0, second=0) + timedelta(days=days)))


def closing(world: World, calendar: Calendar) -> None:
    world.calendar = calendar


def test_outside_the_windows_a_proven_candidate_waits_and_rises_when_one_opens() -> None:
    world = in_canary()
    closing(world, BERLIN)
    sunday(world)
    world.good()
    decision = world.step()
    assert world.weight() == 50
    status, reason, message = condition(world, ConditionType.READY)
    monday = (world.now + timedelta(days=1)).date()
    assert (status, reason) == ("False", "OutsideWindow")
    assert f"the earliest next step is Mon {monday} 09:00 Europe/Berlin" in message
    assert decision.look_again is not None
    opening = datetime.combine(monday, datetime.min.time(), ZoneInfo("Europe/Berlin")).replace(hour=9).astimezone(UTC)
    world.step(until(world, opening) - 1)
    assert world.weight() == 50
    assert world.step().look_again == 1.0
    world.step(1)
    assert world.weight() == 500


def test_waiting_for_a_window_costs_nothing_of_the_longest_time() -> None:
    world = in_canary()
    closing(world, FROZEN)
    world.step(10 * 86_400)
    world.good()
    world.step()
    world.step(30 * 86_400)
    closing(world, Calendar())
    world.quiet()
    world.step()
    assert world.weight() == 50, "ten of fourteen days are over"
    world.step(4 * 86_400 - 1)
    assert world.weight() == 50
    world.step(1)
    assert [blocked.cause for blocked in world.status.blocked] == ["Deadline"]


def test_time_without_proof_counts_though_it_is_frozen() -> None:
    world = in_canary()
    closing(world, FROZEN)
    world.step(14 * 86_400)
    assert [blocked.cause for blocked in world.status.blocked] == ["Deadline"]


def test_a_frozen_candidate_is_still_taken_back() -> None:
    for harm in ("guard", "evidence", "halt"):
        world = in_canary()
        closing(world, FROZEN)
        if harm == "halt":
            world.decided("Halt")
        elif harm == "guard":
            world.guard()
        else:
            world.bad()
        world.step()
        assert (world.status.candidate, list(world.route.weights.values())) == (None, [1000])


def test_nothing_begins_or_ends_in_a_freeze() -> None:
    first = World(spec("1.0.0"))
    closing(first, FROZEN)
    first.settle()
    first.approve()
    first.settle()
    assert first.route.weights == {}
    assert condition(first, ConditionType.READY)[1] == "ChangeFreeze"
    shadow = live()
    closing(shadow, FROZEN)
    shadow.release("2.0.0")
    shadow.settle()
    assert shadow.route.mirrored == {}
    full = in_canary()
    full.good()
    while full.status.phase is not Phase.FULL:
        full.step(60)
    closing(full, FROZEN)
    full.step(60)
    assert (full.status.phase, full.weight()) == (Phase.FULL, 990)
    closing(full, Calendar())
    full.step(60)
    assert full.status.phase is Phase.LIVE


def test_a_promote_waits_for_the_window_and_stays_good() -> None:
    world = in_canary()
    closing(world, FROZEN)
    world.decided("Promote")
    world.step(60)
    assert (world.weight(), world.status.taken_up) == (50, ())
    closing(world, Calendar())
    world.step(60)
    assert world.weight() == 500


def test_an_earlier_version_comes_back_in_a_freeze() -> None:
    world = in_canary()
    world.good()
    while world.status.phase is not Phase.LIVE:
        world.step(60)
    closing(world, FROZEN)
    world.release("1.0.0")
    world.settle()
    assert (world.status.phase, world.status.live) == (Phase.LIVE, "1.0.0")


# ---- weeks


def test_the_standard_policy_takes_its_weeks() -> None:
    """Stage by stage, with a decision each hour and evidence that grows with time."""
    written = STANDARD["spec"]
    standard = RolloutPolicySpec.model_validate(written | {"gates": {"deployment": written["gates"]["deployment"]}})
    world = live(policy=standard)
    world.release("2.0.0")
    began, entered, moments = world.now, dict[str, datetime](), 0
    while world.status.phase is not Phase.LIVE or world.status.live != "2.0.0":
        candidate = world.status.candidate
        stage = candidate.stage if candidate else None
        if stage is not None:
            entered.setdefault(stage.name, world.now)
            fresh = (world.now - stage.effective).total_seconds() if stage.effective else 0.0
            world.measured = {"verdict": Verdict.PASS, "stage_fresh_seconds": fresh, "stage_requests": int(fresh)}
        if world.status.phase is Phase.AWAITING_DEPLOYMENT and candidate and candidate.gate and not candidate.gate.open:
            world.approve()
        world.step(3600)
        moments += 1
        assert moments < 60 * 24, (world.status.phase, world.status.conditions)
    stages = [stage.name for stage in standard.stages]
    assert list(entered) == stages
    ends = [entered[name] for name in stages[1:]] + [world.now]
    days = [(end - entered[name]).total_seconds() / 86_400 for name, end in zip(stages, ends, strict=True)]
    least = [stage.min_duration / 86_400 for stage in standard.stages]
    assert all(short <= took <= short + 0.25 for took, short in zip(days, least, strict=True)), days
    assert (world.now - began).days == sum(least)


# ---- a clock that jumps


@pytest.mark.parametrize("hours", [1, -1])
def test_for_a_while_after_a_jump_nothing_rises_runs_out_or_is_deleted(hours: int) -> None:
    world = in_canary(policy=policy(rollbackWarm="1h", rollbackWindow="2h"))
    past = world.status.past
    world.step(14 * 86_400 - 1800)
    world.clock_step = ClockStep(hours * 3600, STEPPED.words)
    world.step(hours * 3600)
    assert (world.weight(), world.status.past) == (50, past)
    world.good()
    world.step()
    assert (world.weight(), condition(world, ConditionType.READY)[1]) == (50, "ClockStepped")
    world.step(-hours * 3600)
    world.clock_step = None
    world.step()
    assert world.weight() == 500, "the clock was put right: all is as before"


def test_after_a_jump_the_earlier_version_is_neither_shrunk_nor_deleted() -> None:
    world = in_canary(policy=policy(rollbackWarm="30m", rollbackWindow="50m"))
    world.good()
    while world.status.phase is not Phase.LIVE:
        world.step(60)
    (past,) = world.status.past
    world.clock_step = STEPPED
    decision = world.step(3600)
    kept = [(one.revision, one.replicas) for one in decision.workloads if one.role == "previous"]
    assert (world.status.past, kept) == ((past,), [(past.revision, 3)])
    world.clock_step = None
    world.step()
    assert world.status.past == ()


@pytest.mark.parametrize("why", ["guard", "Halt", "spec"])
def test_after_a_jump_the_earlier_version_still_comes_back(why: str) -> None:
    world = in_canary(policy=policy(rollbackWarm="30m", rollbackWindow="50m"))
    world.good()
    while world.status.phase is not Phase.LIVE:
        world.step(60)
    world.quiet()
    world.clock_step = STEPPED
    world.step(3600)
    if why == "guard":
        world.live_guard()
    elif why == "Halt":
        world.decided("Halt")
    else:
        world.release("1.0.0")
    world.settle()
    assert world.status.live == "1.0.0"


def test_harm_does_not_wait_for_a_trusted_clock() -> None:
    world = in_canary()
    world.clock_step = STEPPED
    world.guard()
    world.step(3600)
    assert world.status.candidate is None


def test_a_lapsed_approval_is_not_out_of_grace_by_a_jump() -> None:
    world = in_canary()
    world.approvals = [approval for approval in world.approvals if approval.spec.role != "security-review"]
    world.step()
    world.clock_step = STEPPED
    world.step(86_400)
    assert world.weight() == 50
    world.clock_step = None
    world.step()
    assert world.weight() == 0


def test_a_leader_whose_clock_is_behind_takes_nothing_from_the_grace() -> None:
    world = in_canary()
    world.approvals = [approval for approval in world.approvals if approval.spec.role != "security-review"]
    world.step()
    world.clock_step = ClockStep(-2 * 86_400, "the operator's clock is 2880 min behind the API server's")
    world.step(-2 * 86_400)
    assert world.weight() == 50
    world.clock_step = None
    world.step(2 * 86_400 + 60)
    assert world.weight() == 50
    world.step(86_400)
    assert world.weight() == 0


def test_a_clock_that_nobody_puts_right_for_weeks_ends_nothing() -> None:
    world = in_canary(policy=policy(rollbackWarm="1h", rollbackWindow="2h"))
    past = world.status.past
    for _ in range(30):
        world.clock_step = ClockStep(3600, "the operator's clock is 60 min ahead of the API server's")
        world.step(86_400)
    assert (world.weight(), world.status.past, world.status.blocked) == (50, past, ())
    world.clock_step = None
    world.step()
    assert world.weight() == 50, "the time was no part of the stage"
    world.good()
    world.step()
    assert world.weight() == 500


def test_deciding_twice_in_a_freeze_is_the_same_decision() -> None:
    world = in_canary()
    closing(world, replace(BERLIN, held="unknown"))
    world.step()


def test_an_hour_that_nobody_lived_through_is_no_part_of_a_stage() -> None:
    """Also where the step stays, and is believed in the end."""
    soaking = World(spec("1.0.0"))
    soaking.settle()
    soaking.approve()
    soaking.settle()
    soaking.step(86_400 - 1800)
    late = in_canary()
    late.step(14 * 86_400 - 1800)
    for world in (soaking, late):
        before = world.status.phase
        world.clock_step = STEPPED
        world.step(3600)
        world.step(600)
        world.clock_step = None
        world.step()
        world.step(1799)
        assert (world.status.phase, world.status.blocked) == (before, ())
        world.step(2)
        assert world.status.phase != before
