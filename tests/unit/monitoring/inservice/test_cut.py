"""Counters with more rows than Prometheus sends: the largest alone are believed nowhere."""

from typing import Any

import pytest
from tests.unit.monitoring.inservice.watched import RELEASED, REVISION, counted, labelled

from headgate.api.monitoring import Oversight, Reviewers, WorthWatched
from headgate.api.triggers import Fairness
from headgate.monitoring.inservice.assessing import assess
from headgate.monitoring.inservice.assessment import Assessment, Kind
from headgate.monitoring.inservice.binning import MOST_ROWS, Row
from headgate.monitoring.inservice.counting import Grown
from headgate.monitoring.inservice.daily import MOST_NAMES
from headgate.monitoring.inservice.memory import Memory, recalled, stored
from headgate.monitoring.inservice.plan import FeaturePlan, Plan
from headgate.monitoring.oversight import MOST_REVIEWERS
from headgate.monitoring.response import Responses, Severity
from headgate.monitoring.result import LimitVerdict
from headgate.monitoring.vendor import Sla

W, N = LimitVerdict.WITHIN_LIMITS, LimitVerdict.NOT_ASSESSED
MANY, FEW = MOST_ROWS + 1, 10


def said(memory: Memory, plan: Plan, now: float) -> Assessment:
    return assess(memory, plan, None, "", Responses(), now)


def rows(number: int, **labels: str) -> list[Row]:
    return [({"customer": str(one), **labels}, 1_000.0) for one in range(number)]


PERFORMANCE, OVERSIGHT, FAIRNESS, WORTH = (
    labelled(label_lag="1s"),
    Oversight(reviewers=Reviewers.HASHED),
    Fairness(min_disparate_impact="0.8"),
    WorthWatched(),
)


@pytest.mark.parametrize(
    ("watched", "counter", "kind", "statistics"),
    [
        ({"performance": PERFORMANCE}, PERFORMANCE.counter, Kind.PERFORMANCE, {"loss", "cusum", "trend"}),
        ({"performance": PERFORMANCE, "sla": Sla()}, PERFORMANCE.counter, Kind.VENDOR, {"accuracy"}),
        ({"oversight": OVERSIGHT}, OVERSIGHT.reviews, Kind.OVERSIGHT, {"overrideRate", "overridesUnderLoad"}),
        ({"oversight": OVERSIGHT}, OVERSIGHT.seeded, Kind.OVERSIGHT, {"seededErrorsNoticed"}),
        ({"oversight": OVERSIGHT}, OVERSIGHT.routed, Kind.OVERSIGHT, {"auditShare"}),
        ({"fairness": FAIRNESS}, FAIRNESS.metric, Kind.FAIRNESS, {"disparateImpact"}),
        ({"worth": WORTH}, f"{WORTH.summary}_sum", Kind.VALUE, {"valuePerYear"}),
    ],
)
def test_rows_that_were_cut_off_leave_nothing_to_tell(watched: dict[str, Any], counter: str, kind: Kind, statistics: set[str]) -> None:
    plan = Plan("lending/credit-scorer", **watched)
    grown = Grown(counters={counter: rows(MANY, correct="true", outcome="changed", route="audit", group="a")})
    memory, now = counted(plan, None, grown, hours=1)
    assert not memory.daily.sums, "the largest rows are no sample of all"
    for known in (memory, recalled(stored(memory))):
        figures = {result.statistic: result for _, result in said(known, plan, now).figures[kind] if result.why.startswith(counter)}
        assert figures.keys() == statistics
        assert {result.verdict for result in figures.values()} == {N}
        assert f"has more than {MOST_ROWS} rows" in next(iter(figures.values())).why


def test_the_label_feature_gives_rows_of_their_own_to_watched_features_alone() -> None:
    grown = Grown(counters={PERFORMANCE.counter: [*rows(MOST_ROWS, correct="true", feature="a"), *rows(1, correct="true", feature="b")]})
    watched = FeaturePlan("a", PERFORMANCE.counter, label="customer")
    for features, whole in (((), False), ((watched,), True)):
        plan = Plan("lending/credit-scorer", performance=PERFORMANCE, features=features)
        memory, _ = counted(plan, None, grown, hours=1)
        assert bool(memory.daily.sums) is whole


def test_cut_off_labels_do_not_make_a_loss_look_small() -> None:
    plan = Plan("lending/credit-scorer", performance=PERFORMANCE)
    grown = Grown(counters={PERFORMANCE.counter: rows(MANY, correct="true")})
    memory, now = counted(plan, None, grown, hours=48)
    found = said(memory, plan, now)
    assert found.response is not None
    assert found.response.severity is Severity.UNKNOWN


def test_a_day_after_the_last_cut_the_whole_days_are_judged() -> None:
    plan, memory = Plan("lending/credit-scorer", performance=PERFORMANCE), Memory()
    grown = Grown(counters={PERFORMANCE.counter: rows(FEW, correct="true")})
    memory, now = counted(plan, None, grown, hours=48, memory=memory)
    memory, now = counted(plan, None, Grown(counters={PERFORMANCE.counter: rows(MANY, correct="true")}), hours=1, memory=memory)
    memory, now = counted(plan, None, grown, hours=23, memory=memory)
    assert said(memory, plan, now).verdict(Kind.PERFORMANCE) is N
    memory, now = counted(plan, None, grown, hours=1, memory=memory)
    assert said(memory, plan, now).verdict(Kind.PERFORMANCE) is W


def test_reviewers_are_cut_off_at_a_limit_of_their_own() -> None:
    plan = Plan("lending/credit-scorer", oversight=OVERSIGHT)
    many: list[Row] = [
        ({"reviewer": str(one % 300), "outcome": "changed", "customer": str(one)}, 1.0) for one in range(4 * MOST_REVIEWERS + 1)
    ]
    memory, now = counted(plan, None, Grown(reviewers={OVERSIGHT.reviews: many}), hours=1)
    assert not memory.daily.names("reviewer/")
    (told,) = (result for _, result in said(memory, plan, now).figures[Kind.OVERSIGHT] if result.statistic == "passiveReviewers")
    assert f"has more than {4 * MOST_REVIEWERS} rows" in told.why


def test_names_of_single_things_leave_room_for_everything_else() -> None:
    memory = Memory()
    for number in range(MOST_NAMES + 10):
        memory.daily.add(f"segment/{number}", RELEASED, 1.0, 1.0)
    for name in ("group/a", "reviewer/b", "up"):
        memory.daily.add(name, RELEASED, 1.0, 1.0)
    again = recalled(stored(memory))
    assert {"group/a", "reviewer/b", "up"} < again.daily.sums.keys()
    assert len(again.daily.sums) == MOST_NAMES + 3
    again.fit(Plan("lending/credit-scorer"), None, REVISION, RELEASED)
