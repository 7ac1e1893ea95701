"""One version after another: each day is held against what its own version promised, and figures are of the live one."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from tests.unit.monitoring.inservice.watched import NOON, days_of, labelled

from headgate.api.monitoring import Performance, PinnedBaseline, WorthWatched
from headgate.api.triggers import Fairness
from headgate.monitoring.inservice.assessing import assess
from headgate.monitoring.inservice.assessment import Assessment, Kind
from headgate.monitoring.inservice.counting import count_elsewhere
from headgate.monitoring.inservice.memory import Memory, recalled, stored, utc_day
from headgate.monitoring.inservice.plan import Plan
from headgate.monitoring.inservice.versions import Lived
from headgate.monitoring.response import Responses, Severity
from headgate.monitoring.result import LimitVerdict, Result

TODAY = utc_day(NOON)
W, D, V, N = LimitVerdict.WITHIN_LIMITS, LimitVerdict.DRIFTING, LimitVerdict.VIOLATED, LimitVerdict.NOT_ASSESSED
FIRST, SECOND, THIRD = "11111111", "22222222", "33333333"


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def promised(share: str, lag: str = "1s") -> Performance:
    return labelled(label_lag=lag).model_copy(update={"baseline": PinnedBaseline(share=share, labels=20_000)})


def watched(**more: Any) -> Plan:
    return Plan("lending/credit-scorer", **more)


def said(memory: Memory, plan: Plan) -> Assessment:
    return assess(memory, plan, None, "", Responses(), NOON)


def figure(found: Assessment, statistic: str) -> Result:
    return next(result for _, result in found.figures[Kind.PERFORMANCE] if result.statistic == statistic)


def lived(*versions: tuple[str, str, int]) -> tuple[Memory, Plan]:
    """A memory after versions that each promised a share, and were released so many days ago; the plan of the last one."""
    memory, plan = Memory(), watched()
    for revision, share, days in versions:
        plan = watched(performance=promised(share))
        memory.fit(plan, None, revision, ago(days))
    return memory, plan


def at(share: float, days: int) -> list[tuple[float, float]]:
    return [(1000.0 * share, 1000.0)] * days


def waved(share: float, days: int) -> list[tuple[float, float]]:
    """With as much noise as a thousand labels have."""
    return [(1000.0 * (share + (0.01 if day % 2 else -0.01)), 1000.0) for day in range(days)]


def test_a_release_with_a_better_baseline_starts_nothing() -> None:
    for days in range(8):
        memory, plan = lived((FIRST, "0.90", 60), (SECOND, "0.96", days))
        days_of(memory, "performance", [*at(0.90, 59 - days), *at(0.93, 1), *at(0.96, days)][-59:], TODAY)
        found = said(memory, plan)
        assert found.verdict(Kind.PERFORMANCE) in (W, N)
        assert figure(found, "loss").verdict is (W if days >= 2 else N), "a day with both versions is neither's"
        assert [result.statistic for _, result in found.figures[Kind.PERFORMANCE]] == ["loss", "cusum", "trend"][: 3 if days >= 2 else 1]
        assert found.response is not None
        assert found.response.severity in (Severity.LOW, Severity.UNKNOWN)


def test_the_days_before_a_release_date_the_loss_that_it_brought() -> None:
    memory, plan = lived((FIRST, "0.90", 60), (SECOND, "0.96", 5))
    days_of(memory, "performance", [*at(0.90, 54), *at(0.76, 5), (0.0, 0.0)], TODAY)
    found = said(memory, plan)
    assert figure(found, "loss").verdict is V
    assert figure(found, "loss").samples[1] == 4000
    assert figure(found, "cusum").verdict is D
    assert found.response is not None
    assert found.response.release == ago(5)


def test_a_loss_that_is_older_than_the_live_version_is_dated_before_it() -> None:
    memory, plan = lived((FIRST, "0.90", 60), (SECOND, "0.90", 5))
    days_of(memory, "performance", [*at(0.90, 30), *at(0.70, 29), (0.0, 0.0)], TODAY)
    found = said(memory, plan)
    assert f"since about {ago(29)}" in figure(found, "cusum").why
    assert found.response is not None
    assert found.response.release is None


def test_a_cure_is_not_blamed_for_what_it_cured() -> None:
    memory, plan = lived((FIRST, "0.90", 60), (SECOND, "0.90", 20), (THIRD, "0.90", 6))
    days_of(memory, "performance", [*at(0.90, 39), *at(0.65, 14), *at(0.90, 6)], TODAY)
    found = said(memory, plan)
    assert figure(found, "loss").verdict is W
    assert figure(found, "cusum").verdict is W


def test_nothing_is_said_of_a_version_whose_labels_are_still_coming() -> None:
    memory, plan = lived((FIRST, "0.90", 60), (SECOND, "0.90", 5))
    plan = watched(performance=promised("0.90", "14d"))
    days_of(memory, "performance", at(0.60, 30), ago(15))
    found = said(memory, plan)
    assert {result.verdict for _, result in found.figures[Kind.PERFORMANCE]} == {N}
    assert f"since the release of {ago(5)}" in figure(found, "loss").why
    assert found.response is not None
    assert found.response.severity is Severity.UNKNOWN


def test_days_of_versions_that_nobody_remembers_are_left_out() -> None:
    memory, plan = lived((SECOND, "0.90", 10))
    days_of(memory, "performance", [*at(0.60, 40), *at(0.90, 9), (0.0, 0.0)], TODAY)
    assert figure(said(memory, plan), "cusum").why.startswith("9 days")


def test_an_edited_baseline_counts_for_the_live_version_at_once() -> None:
    memory, plan = lived((FIRST, "0.90", 60), (FIRST, "0.80", 60))
    assert memory.versions == (Lived(ago(60), PinnedBaseline(share="0.80", labels=20_000)),)
    days_of(memory, "performance", at(0.80, 40), ago(1))
    assert said(memory, plan).verdict(Kind.PERFORMANCE) is W


def test_a_first_baseline_says_nothing_of_the_version_before() -> None:
    """Performance is watched since the second version came; both get 70 % right, and 90 % were promised."""
    memory, plan = Memory(), watched(performance=promised("0.90"))
    memory.fit(watched(), None, FIRST, ago(60))
    memory.fit(plan, None, SECOND, ago(20))
    days_of(memory, "performance", at(0.70, 59), ago(1))
    found = said(memory, plan)
    assert figure(found, "loss").verdict is V
    assert found.response is not None
    assert (found.response.severity, found.response.release) == (Severity.CRITICAL, None)
    assert "may be older than all days that are known" in found.response.why


def test_a_loss_that_began_while_there_were_no_labels_is_nobodys() -> None:
    memory, plan = lived((FIRST, "0.90", 60), (SECOND, "0.90", 12))
    days_of(memory, "performance", [*at(0.90, 27), *[(0.0, 0.0)] * 21, *at(0.70, 11)], ago(1))
    found = said(memory, plan)
    assert f"({ago(32)} to {ago(11)})" in figure(found, "cusum").why
    assert found.response is not None
    assert found.response.release is None


def test_a_promise_that_was_not_kept_brings_back_nobody_who_did_worse() -> None:
    memory, plan = lived((FIRST, "0.75", 60), (SECOND, "0.94", 12))
    days_of(memory, "performance", [*at(0.75, 48), *at(0.76, 11)], ago(1))
    found = said(memory, plan)
    assert figure(found, "loss").value == pytest.approx(0.18)
    assert found.response is not None
    assert (found.response.severity, found.response.release) == (Severity.CRITICAL, None)
    assert "the version before is not proven to do better" in found.response.why


def test_a_release_that_lost_five_points_is_not_taken_back_for_twelve_that_came_later() -> None:
    memory, plan = lived((FIRST, "0.90", 99), (SECOND, "0.90", 60))
    days_of(memory, "performance", [*waved(0.90, 39), *waved(0.85, 52), *waved(0.72, 7)], ago(1))
    found = said(memory, plan)
    assert f"since about {ago(59)}" in figure(found, "cusum").why
    assert found.response is not None
    assert (found.response.severity, found.response.release) == (Severity.CRITICAL, None)
    assert "the rest came later" in found.response.why


def answered_elsewhere(memory: Memory, *shares: tuple[int, float]) -> None:
    """On days so long ago others gave such shares of the answers."""
    for days, share in shares:
        start = NOON - NOON % 86_400.0 - days * 86_400.0
        for look in range(4):
            count_elsewhere(memory, share, start + look * 21_600.0, start + (look + 1) * 21_600.0)


def test_a_loss_that_came_with_the_stages_came_with_the_release() -> None:
    """A quarter, half and then all of the users got 70 % right instead of 90 %, before the version was live."""
    memory, plan = lived((FIRST, "0.90", 60), (SECOND, "0.90", 5))
    answered_elsewhere(memory, (12, 0.05), (8, 0.25), (7, 0.5), (6, 0.99))
    days_of(memory, "performance", [*at(0.90, 51), *at(0.85, 1), *at(0.80, 1), *at(0.70, 6)], ago(1))
    found = said(memory, plan)
    assert f"({ago(8)} to {ago(4)})" in figure(found, "cusum").why
    assert found.response is not None
    assert found.response.release == ago(5)


def test_what_a_candidate_gets_wrong_is_no_loss_of_the_live_version() -> None:
    memory, plan = lived((FIRST, "0.90", 60))
    days_of(memory, "performance", [*at(0.90, 40), *at(0.75, 3)], ago(1))
    assert figure(said(memory, plan), "loss").verdict is V
    answered_elsewhere(memory, (3, 0.5), (2, 0.5), (1, 0.5))
    found = figure(said(memory, plan), "loss")
    assert (found.verdict, found.samples[1]) == (W, 4000)
    assert figure(said(recalled(stored(memory)), plan), "loss") == found
    answered_elsewhere(memory, *((days, 0.5) for days in range(4, 8)))
    assert figure(said(memory, plan), "loss").why.startswith("no labels of the live version alone for 7 days: a candidate or a fallback")


def test_a_small_canary_leaves_the_days_to_the_live_version() -> None:
    memory, plan = lived((FIRST, "0.90", 60))
    days_of(memory, "performance", at(0.90, 40), ago(1))
    answered_elsewhere(memory, *((days, 0.05) for days in range(1, 20)))
    assert figure(said(memory, plan), "loss").samples[1] == 7000


def test_steps_between_versions_are_no_noise_of_a_segment() -> None:
    """Each version is eight points better than the one before, and eight points worse in the south than elsewhere."""
    memory, plan = lived((FIRST, "0.80", 91), (SECOND, "0.88", 50), (THIRD, "0.96", 20))
    asked = promised("0.96").model_copy(update={"segment": "region"})
    for name, less in (("performance", 0.04), ("segment/north", 0.0), ("segment/south", 0.08)):
        level = [*[0.80] * 40, *[0.88] * 31, *[0.96] * 19]
        parts = [(1000.0 * (share - less + (0.005 if day % 2 else -0.005)), 1000.0) for day, share in enumerate(level)]
        days_of(memory, name, parts, ago(1))
    (name, found), *_ = [one for one in said(memory, replace(plan, performance=asked)).figures[Kind.PERFORMANCE] if one[0]]
    assert (name, found.verdict) == ("south", V)
    assert found.interval is not None
    assert found.interval[1] - found.interval[0] < 0.05


def groups(memory: Memory, other: float, days: int, last: date) -> None:
    for name, share in (("a", 0.5), ("b", other)):
        days_of(memory, f"group/{name}", [(share * 400, 400.0)] * days, last)


def test_groups_are_compared_since_the_release() -> None:
    plan = watched(fairness=Fairness(min_disparate_impact="0.8"))
    for before, after, verdict in ((0.5, 0.3, V), (0.3, 0.5, W)):
        memory = Memory()
        memory.fit(plan, None, FIRST, ago(60))
        groups(memory, before, 25, ago(5))
        memory.fit(plan, None, SECOND, ago(5))
        groups(memory, after, 4, ago(1))
        assert said(memory, plan).verdict(Kind.FAIRNESS) is verdict


def test_worth_is_that_of_the_live_version() -> None:
    plan = watched(worth=WorthWatched(planned_per_year=150_000))
    memory = Memory()
    memory.fit(plan, None, FIRST, ago(60))
    days_of(memory, "worth", [(1000.0, 50.0)] * 14 + [(100.0, 50.0)] * 14, ago(1))
    assert said(memory, plan).verdict(Kind.VALUE) is N
    memory.fit(plan, None, SECOND, ago(15))
    ((_, result),) = said(memory, plan).figures[Kind.VALUE]
    assert result.verdict is V
    assert result.samples == (14,)


def test_versions_survive_storage_and_an_older_memory_begins_with_the_live_one() -> None:
    memory, plan = lived((FIRST, "0.90", 60), (SECOND, "0.96", 5))
    assert recalled(stored(memory)).versions == memory.versions
    older = replace(memory, versions=())
    older.fit(plan, None, SECOND, ago(5))
    assert [one.since for one in older.versions] == [ago(5)]
