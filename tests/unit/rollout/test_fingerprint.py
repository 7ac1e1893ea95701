"""The vendor's model behind the live version: when it is probed, and what other answers mean."""

from datetime import timedelta
from typing import Any

import pytest
from tests.unit.rollout.test_auditing import emptied
from tests.unit.rollout.test_vendors import GOOD, bought
from tests.unit.rollout.world import World, condition, in_canary, live, spec

from headgate.api.conditions import ConditionType
from headgate.api.replay import ReplayReport
from headgate.api.vendor import FingerprintState, FingerprintStatus
from headgate.api.vocabulary import Phase
from headgate.rollout.decide import decide
from headgate.rollout.snapshot import ReplayRun

HOUR = 3600


def recorded(number: int = 1) -> dict[str, Any]:
    digest = "sha256:" + str(number) * 64
    return {"probes": {"configMap": {"name": "probes"}, "digest": digest}, "compare": [{"pointer": "/class"}]}


def served(number: int = 1, **more: Any) -> dict[str, Any]:
    return bought(GOOD, fingerprint=recorded(number), **more)


def answers(world: World, *, alike: int = 20, failed: int = 0, violations: int = 0) -> None:
    """The probe of the next interval ends so."""
    world.now += timedelta(hours=1)
    world.step()
    assert world.wanted_probe is not None
    report = ReplayReport(
        golden_set="sha256:" + "1" * 64,
        requests=20,
        pairs=20,
        agreed=alike,
        candidate_failures=failed,
        candidate_violations=violations,
    )
    world.replays = {world.wanted_probe.name: ReplayRun(ended=True, report=report)}
    world.step()


def fails(world: World, problem: str = "the golden set cannot be read") -> None:
    world.now += timedelta(hours=1)
    world.step()
    assert world.wanted_probe is not None
    world.replays = {world.wanted_probe.name: ReplayRun(ended=True, problem=problem)}
    world.step()


def found(world: World) -> FingerprintStatus:
    assert world.status.vendor
    assert world.status.vendor.fingerprint
    return world.status.vendor.fingerprint


def told(world: World, reason: str) -> list[str]:
    return [words for words in world.events if words.startswith(reason)]


@pytest.fixture
def known() -> World:
    """1.0.0 is live, and answers as recorded."""
    world = live(served=served())
    answers(world)
    assert found(world).state is FingerprintState.AS_EXPECTED
    return world


@pytest.fixture
def rising() -> World:
    """2.0.0 is in its canary, 1.0.0 answers as recorded."""
    world = live(served=served())
    answers(world)
    world.release("2.0.0", **served())
    world.enter_canary()
    assert world.weight() == 50
    return world


def test_the_live_version_is_probed_each_interval_and_by_one_job(known: World) -> None:
    first = known.wanted_probe
    assert first is not None
    assert known.status.stable
    assert (first.stable, first.candidate) == (None, known.status.stable.revision)
    assert len(first.name) <= 63
    known.step(60)
    known.step(HOUR)
    assert known.wanted_probe is not None
    assert known.wanted_probe.name != first.name


def test_the_next_look_is_when_the_next_probe_is_due(known: World) -> None:
    wait = known.step().look_again
    assert wait is not None
    before = known.wanted_probe
    assert before is not None
    known.step(wait - 1)
    assert known.wanted_probe.name == before.name  # type: ignore[union-attr]
    known.step(1)
    assert known.wanted_probe.name != before.name  # type: ignore[union-attr]


def test_equal_answers_are_written_once(known: World) -> None:
    before = known.status
    answers(known)
    answers(known)
    assert known.status == before
    assert condition(known, ConditionType.VENDOR_MODEL_UNCHANGED)[:2] == ("True", "VendorModelAsExpected")


def test_no_job_without_a_fingerprint_a_live_version_or_pods() -> None:
    world = live(served=bought(GOOD))
    world.step()
    assert world.wanted_probe is None
    world = World(spec("1.0.0", **served()))
    world.step()
    assert world.wanted_probe is None
    world = live(served=served())
    assert world.status.stable
    world.no_pods(world.status.stable.revision)
    world.step()
    assert world.wanted_probe is None


def test_an_unannounced_change_holds_and_alerts_and_takes_nothing_back(rising: World) -> None:
    answers(emptied(rising), alike=17)
    assert found(rising).state is FingerprintState.UNANNOUNCED_CHANGE
    rising.good()
    for _ in range(3):
        rising.settle()
    assert (rising.status.phase, rising.weight()) == (Phase.CANARY, 50)
    assert condition(rising, ConditionType.VENDOR_MODEL_UNCHANGED)[:2] == ("False", "UnannouncedChange")
    status, reason, words = condition(rising, ConditionType.READY)
    assert (status, reason) == ("False", "UnannouncedChange")
    assert "17 of 20 probes are answered as recorded" in words
    assert "spec.vendor.changeNotices" in words
    assert len(told(rising, "UnannouncedChange")) == 1
    assert "UnannouncedChange" in {record.what for record in rising.status.pending_audit}


def test_the_same_moment_in_which_it_is_seen_raises_nothing(rising: World) -> None:
    rising.good()
    rising.now += timedelta(hours=1)
    report = ReplayReport(golden_set="sha256:" + "1" * 64, requests=20, pairs=20, agreed=0)
    wanted = next(one for one in decide(rising.snapshot()).replays if one.stable is None)
    rising.replays = {wanted.name: ReplayRun(ended=True, report=report)}
    rising.step()
    assert rising.weight() == 50


def test_a_change_that_was_announced_says_so_and_holds_nothing(rising: World) -> None:
    day = rising.now.date()
    notice = {"date": str(day - timedelta(days=60)), "effective": str(day), "what": "model 3.1"}
    rising.spec = spec("2.0.0", **served(changeNotices=[notice]))
    answers(rising, alike=3)
    assert found(rising).state is FingerprintState.ANNOUNCED_CHANGE
    assert "in effect since" in found(rising).message
    assert condition(rising, ConditionType.VENDOR_MODEL_UNCHANGED)[:2] == ("False", "AnnouncedChange")
    rising.good()
    rising.settle()
    assert rising.status.live == "2.0.0"


@pytest.mark.parametrize(
    ("given", "effective", "covered"),
    [(-60, 0, True), (-60, 1, True), (-60, -13, True), (-60, -14, False), (-60, 2, False), (0, 0, True), (1, 1, False)],
    ids=["today", "tomorrow", "lately", "long ago", "later", "told today", "told afterwards"],
)
def test_a_notice_covers_the_days_about_its_effective_date(given: int, effective: int, covered: bool) -> None:
    world = live(served=served())
    day = (world.now + timedelta(hours=1)).date()
    notice = {"date": str(day + timedelta(days=given)), "effective": str(day + timedelta(days=effective)), "what": "model 3.1"}
    world.spec = spec("1.0.0", **served(changeNotices=[notice]))
    answers(world, alike=3)
    expected = FingerprintState.ANNOUNCED_CHANGE if covered else FingerprintState.UNANNOUNCED_CHANGE
    assert found(world).state is expected


def test_a_notice_is_used_up_once_answers_were_recorded_after_it(known: World) -> None:
    day = known.now.date()
    notice = {"date": str(day - timedelta(days=60)), "effective": str(day - timedelta(days=5)), "what": "model 3.1"}
    known.spec = spec("1.0.0", **served(changeNotices=[notice]))
    answers(known, alike=3)
    known.step(60)
    assert found(known).state is FingerprintState.UNANNOUNCED_CHANGE


def test_a_notice_that_is_written_down_later_lifts_the_hold(known: World) -> None:
    answers(known, alike=3)
    day = known.now.date()
    known.spec = spec("1.0.0", **served(changeNotices=[{"date": str(day), "effective": str(day), "what": "model 3.1"}]))
    known.step()
    assert found(known).state is FingerprintState.ANNOUNCED_CHANGE
    assert len(told(known, "AnnouncedChange")) == 1


def test_a_new_fingerprint_is_the_other_answer_also_in_a_rollout(rising: World) -> None:
    answers(rising, alike=3)
    rising.spec = spec("2.0.0", **served(2))
    answers(rising, alike=20)
    assert found(rising).state is FingerprintState.AS_EXPECTED
    rising.good()
    rising.settle()
    assert rising.status.live == "2.0.0"


@pytest.mark.parametrize("left", [bought(GOOD), served(2)], ids=["no fingerprint", "another one without result"])
def test_asking_no_more_lifts_nothing(rising: World, left: dict[str, Any]) -> None:
    answers(rising, alike=3)
    rising.spec = spec("2.0.0", **left)
    rising.good()
    rising.settle()
    assert rising.weight() == 50


def test_a_fingerprint_that_comes_with_a_version_is_that_versions(known: World) -> None:
    """The live version need not answer as the next one will."""
    known.release("2.0.0", **served(2))
    known.settle()
    assert known.status.candidate
    assert known.wanted_probe is None
    assert found(known).state is FingerprintState.AS_EXPECTED
    known.good()
    known.settle()
    known.quiet()
    known.approve()
    known.good()
    known.settle()
    assert known.status.live == "2.0.0"
    answers(known)
    assert found(known).state is FingerprintState.AS_EXPECTED
    assert known.status.stable
    assert found(known).revision == known.status.stable.revision


def test_a_version_that_answers_otherwise_itself_is_told_apart_from_the_vendor(known: World) -> None:
    known.release("2.0.0", **served())
    known.settle()
    known.good()
    known.settle()
    known.quiet()
    known.approve()
    known.good()
    known.settle()
    assert known.status.live == "2.0.0"
    answers(known, alike=3)
    assert found(known).state is FingerprintState.UNANNOUNCED_CHANGE
    assert "since 2.0.0 is live" in found(known).message


def test_a_run_without_result_changes_nothing_and_is_told(rising: World) -> None:
    fails(rising)
    assert found(rising).state is FingerprintState.AS_EXPECTED
    assert "gave no result: the golden set cannot be read" in condition(rising, ConditionType.VENDOR_MODEL_UNCHANGED)[2]
    answers(rising, alike=3)
    fails(rising)
    assert found(rising).state is FingerprintState.UNANNOUNCED_CHANGE
    answers(rising)
    assert (found(rising).state, found(rising).problem) == (FingerprintState.AS_EXPECTED, "")


def test_before_any_result_it_is_unknown() -> None:
    world = live(served=served())
    fails(world)
    assert condition(world, ConditionType.VENDOR_MODEL_UNCHANGED)[:2] == ("Unknown", "FingerprintUnknown")


def test_a_vendor_that_does_not_answer_has_not_changed(known: World) -> None:
    answers(known, alike=15, failed=5)
    assert found(known).state is FingerprintState.AS_EXPECTED
    assert "5 of 20 probes had no good answer" in found(known).problem


def test_failures_hide_no_change(known: World) -> None:
    answers(known, alike=10, failed=5)
    assert found(known).state is FingerprintState.UNANNOUNCED_CHANGE


def test_an_answer_of_another_shape_is_a_change(known: World) -> None:
    answers(known, alike=19, violations=1)
    assert found(known).state is FingerprintState.UNANNOUNCED_CHANGE


def test_what_came_back_as_it_was_is_told(known: World) -> None:
    answers(known, alike=3)
    answers(known)
    assert found(known).state is FingerprintState.AS_EXPECTED
    assert len(told(known, "VendorModelAsExpected")) == 2


def test_models_without_a_vendor_are_left_alone() -> None:
    world = in_canary()
    world.step()
    assert (world.status.vendor, world.wanted_probe) == (None, None)
