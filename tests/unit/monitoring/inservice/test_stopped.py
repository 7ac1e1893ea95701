"""Labels and values that stop coming: nothing is said any more, and what was said before ages."""

from datetime import date, timedelta

import pytest
from tests.unit.monitoring.inservice.watched import NOON, RELEASED, REVISION, counted, days_of, labelled

from headgate.api.monitoring import WorthWatched
from headgate.monitoring.inservice.assessing import assess
from headgate.monitoring.inservice.assessment import Assessment, Kind
from headgate.monitoring.inservice.counting import Grown
from headgate.monitoring.inservice.memory import Memory, recalled, stored, utc_day
from headgate.monitoring.inservice.plan import Plan
from headgate.monitoring.response import Responses, Severity
from headgate.monitoring.result import LimitVerdict

TODAY, DAY = utc_day(NOON), 86_400.0
W, V, N = LimitVerdict.WITHIN_LIMITS, LimitVerdict.VIOLATED, LimitVerdict.NOT_ASSESSED


def said(memory: Memory, plan: Plan, later: int) -> Assessment:
    """So many days after the last thing that was counted."""
    return assess(memory, plan, None, "", Responses(), NOON + later * DAY)


def remembered(plan: Plan) -> Memory:
    memory = Memory()
    memory.fit(plan, None, REVISION, RELEASED)
    return memory


@pytest.mark.parametrize(("recent", "patience"), [(7, 7), (1, 3)])
def test_labels_that_stop_are_noticed_after_the_days_that_are_looked_at(recent: int, patience: int) -> None:
    plan = Plan("lending/credit-scorer", performance=labelled(label_lag="2d", segment="region", recent_days=recent))
    memory = remembered(plan)
    for name in ("performance", "segment/north"):
        days_of(memory, name, [(900.0, 1000.0)] * 30, TODAY - timedelta(days=3))
    assert said(memory, plan, patience - 1).verdict(Kind.PERFORMANCE) is W
    found = said(memory, plan, patience)
    figures = {result.statistic: result for _, result in found.figures[Kind.PERFORMANCE]}
    assert figures.keys() == {"loss", "cusum", "trend", "segmentLoss"}
    assert {result.verdict for result in figures.values()} == {N}
    assert all(result.why.startswith(f"no labels for {patience} days") for result in figures.values())
    assert found.response is not None
    assert found.response.severity is Severity.UNKNOWN


def test_the_loss_is_that_of_the_last_days_and_not_of_the_last_that_had_labels() -> None:
    plan = Plan("lending/credit-scorer", performance=labelled(label_lag="1s"))
    memory = remembered(plan)
    days_of(memory, "performance", [(900.0, 1000.0)] * 30, TODAY - timedelta(days=1))
    assert said(memory, plan, 4).figures[Kind.PERFORMANCE][0][1].samples[1] == 3000


def test_labels_that_stop_with_a_release_are_noticed_too() -> None:
    plan = Plan("lending/credit-scorer", performance=labelled(label_lag="1s"))
    memory = remembered(plan)
    days_of(memory, "performance", [(900.0, 1000.0)] * 30, TODAY - timedelta(days=1))
    memory.fit(plan, None, "22222222", TODAY)
    assert "since the release" in said(memory, plan, 3).figures[Kind.PERFORMANCE][0][1].why
    assert said(memory, plan, 12).figures[Kind.PERFORMANCE][0][1].why.startswith("no labels for 11 days")


def test_what_was_counted_ages_though_nothing_else_is() -> None:
    plan = Plan("lending/credit-scorer", performance=labelled(label_lag="1s"))
    memory = remembered(plan)
    days_of(memory, "performance", [(900.0, 1000.0)] * 30, TODAY)
    found = said(memory, plan, 400)
    assert not memory.daily.sums
    assert found.verdict(Kind.PERFORMANCE) is N


def test_labels_may_take_longer_than_a_quarter() -> None:
    asked = labelled(label_lag="365d")
    plan = Plan("lending/credit-scorer", performance=asked)
    memory = Memory()
    memory.fit(plan, None, REVISION, date(2024, 1, 1))
    days_of(memory, "up", [(1.0, 1.0)], TODAY)
    days_of(memory, "performance", [(900.0, 1000.0)] * 30, TODAY - timedelta(days=366))
    again = recalled(stored(memory))
    assert said(again, plan, 0).verdict(Kind.PERFORMANCE) is W
    assert again.daily.total("performance", date(2024, 1, 1)) == (27_000.0, 30_000.0)
    never = Plan("lending/credit-scorer", performance=labelled(label_lag="3650d"))
    memory.fit(never, None, REVISION, date(2024, 1, 1))
    assert "longer than the 400 days" in said(memory, never, 0).figures[Kind.PERFORMANCE][0][1].why


def test_worth_that_is_not_counted_any_more_is_not_assessed() -> None:
    plan = Plan("lending/credit-scorer", worth=WorthWatched(planned_per_year=300_000))
    memory = remembered(plan)
    days_of(memory, "worth", [(1000.0, 50.0)] * 28, TODAY - timedelta(days=1))
    assert said(memory, plan, 6).verdict(Kind.VALUE) is W
    ((_, result),) = said(memory, plan, 7).figures[Kind.VALUE]
    assert result.verdict is N
    assert result.why == "no headgate_value for 7 days: is it still exported?"


def worked(weekend: bool) -> tuple[Memory, Plan]:
    """Four weeks: 1,000 on weekdays; at weekends the summary stands still, or is not there."""
    plan, memory = Plan("lending/credit-scorer", worth=WorthWatched()), Memory()
    memory.fit(plan, None, REVISION, RELEASED - timedelta(days=30))
    for number in range(28, 0, -1):
        rests = (TODAY - timedelta(days=number)).weekday() >= 5
        grown = Grown()
        if weekend or not rests:
            grown.counters = {f"headgate_value_{end}": [({}, 0.0 if rests else of)] for end, of in (("sum", 1000.0), ("count", 50.0))}
        memory.as_of = (TODAY - timedelta(days=number) - date(1970, 1, 1)).days * DAY
        counted(plan, None, grown, hours=300 / 3600, memory=memory)
    return memory, plan


@pytest.mark.parametrize("weekend", [True, False])
def test_a_model_that_rests_at_weekends_is_worth_five_days_a_week(weekend: bool) -> None:
    memory, plan = worked(weekend)
    ((_, result),) = said(memory, plan, 0).figures[Kind.VALUE]
    assert result.value == pytest.approx(1000 * 5 / 7 * 365.25)
    assert result.interval == pytest.approx((result.value, result.value)), "weekdays differ from each other, weeks do not"


def test_days_on_which_the_summary_was_not_there_are_nobodys() -> None:
    plan = Plan("lending/credit-scorer", worth=WorthWatched())
    memory = remembered(plan)
    days_of(memory, "worth", [(1000.0, 50.0)] * 12 + [(0.0, 0.0)] * 4 + [(1000.0, 50.0)] * 12, TODAY - timedelta(days=1))
    ((_, result),) = said(memory, plan, 0).figures[Kind.VALUE]
    assert result.value == pytest.approx(365_250)
