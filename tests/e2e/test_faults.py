"""Operators killed, frozen and cut off, an API server that refuses and a Prometheus that lies: with real pods, gateway and users.

Scenes are played side by side (see conftest.playing), in the order of their tests: the long ones come first. Each test reads what
one of them came to.
"""

from pathlib import PurePosixPath

import pytest
from tests.e2e.faults_processes import (
    CutOff,
    Frozen,
    Killed,
    killed_after_every_write,
    leader_frozen_for_a_minute,
    without_network_for_two_minutes,
)
from tests.e2e.faults_prometheus import HARMLESS, HOLDING, Misled, clocks_differ, prometheus_goes_wrong
from tests.e2e.faults_writes import STORMS, Denied, Stormy, admission_denies_the_route, storms_of_refused_writes

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.mark.scene(play=prometheus_goes_wrong)
@pytest.mark.parametrize("fault", HOLDING)
def test_what_prometheus_cannot_tell_holds_the_candidate_where_it_is(outcome: Misled, fault: str) -> None:
    verdict = HOLDING[fault][1]
    assert outcome.verdicts[fault] == {verdict}
    assert verdict in outcome.told[fault]
    assert outcome.weights[fault] == {500}
    assert outcome.recovered[fault]


@pytest.mark.scene(play=prometheus_goes_wrong)
@pytest.mark.parametrize("fault", HARMLESS)
def test_what_can_still_be_read_is_not_held_against_the_candidate(outcome: Misled, fault: str) -> None:
    assert outcome.verdicts[fault] <= {"Pass", "Inconclusive"}
    assert outcome.weights[fault] == {500}


@pytest.mark.scene(play=prometheus_goes_wrong)
def test_a_crashing_version_leaves_while_prometheus_knows_half(outcome: Misled) -> None:
    assert outcome.crash_cause in ("PodGuard", "Guard")
    assert outcome.failed == []


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.scene(play=killed_after_every_write)
def test_a_kill_after_any_write_loses_repeats_and_shortens_nothing(outcome: Killed) -> None:
    kinds = {PurePosixPath(write.path).parts[-2] for write in outcome.after} | {write.path.rsplit("/", 1)[-1] for write in outcome.after}
    assert {"httproutes", "deployments", "services", "configmaps", "status", "events"} <= kinds
    assert len(outcome.after) > 25
    assert all(len(begun) == 1 for begun in outcome.stages.begun.values()), outcome.stages.begun
    assert {stage for version, stage in outcome.stages.begun if version == "v2"} == {"at-50", "at-99"}
    # Stages of 6 s, seen twice a second.
    assert all(outcome.stages.seconds["v2", stage] > 5 for stage in ("at-50", "at-99"))
    assert outcome.end["attempts"] == 3
    assert [entry["version"] for entry in outcome.end["blocked"]] == ["v3"]
    assert outcome.end["stable"]["version"] == "v2"
    assert outcome.weights == {outcome.end["stable"]["revision"]: 1000}
    assert outcome.failed == []


@pytest.mark.scene(play=without_network_for_two_minutes)
def test_a_version_that_turned_bad_while_the_operator_was_cut_off_leaves_when_it_is_back(outcome: CutOff) -> None:
    assert set(outcome.exposed_meanwhile) == {500}
    # A lease of 15 s runs out first: the process that held it has ended.
    assert outcome.until_off < 30
    assert outcome.end["blocked"][-1]["version"] == "v2"
    assert outcome.failed == []


@pytest.mark.scene(play=leader_frozen_for_a_minute)
def test_a_standby_replaces_a_frozen_leader_that_never_writes_again(outcome: Frozen) -> None:
    assert outcome.taken_over < 20
    assert outcome.went_live < 60
    # Frozen between its look at the clock and the renewal, it sends that one, and the Lease refuses it.
    assert all(write.lease and write.status == 409 for write in outcome.written_after_thaw), outcome.written_after_thaw
    assert outcome.exit_code == 1
    assert outcome.failed == []


@pytest.mark.scene(play=storms_of_refused_writes)
def test_rollouts_end_as_they_must_while_three_of_ten_writes_go_wrong(outcome: Stormy) -> None:
    for model in STORMS:
        assert outcome.broken[model] >= 5, model
        end = outcome.ends[model]
        assert (end["stable"]["version"], end["blocked"][-1]["version"], end["attempts"]) == ("v2", "v3", 3), model
    assert outcome.weights == dict.fromkeys(STORMS, 1000)
    assert outcome.failed == []


@pytest.mark.scene(play=admission_denies_the_route)
def test_a_denied_rollback_is_told_tried_again_and_done_at_once_when_it_may_be(outcome: Denied) -> None:
    assert "RouteRefused" in outcome.told
    assert outcome.tries >= 5
    assert outcome.until_off < 5


@pytest.mark.scene(play=admission_denies_the_route)
def test_a_denied_promotion_is_told_and_held(outcome: Denied) -> None:
    assert "RouteRefused" in outcome.held
    assert set(outcome.weights) == {500}
    assert outcome.failed == []


@pytest.mark.scene(play=clocks_differ)
def test_a_prometheus_with_another_clock_proves_and_convicts_all_the_same(outcome: dict[str, list[str]]) -> None:
    assert outcome == {"ahead": ["v2", "Guard"], "behind": ["v2", "Guard"]}
