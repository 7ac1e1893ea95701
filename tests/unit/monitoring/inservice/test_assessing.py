"""From counters to what is said: drift that is there, drift that is not, and input that cannot be judged."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import inf, nan
from typing import Any

import numpy as np
import pytest
from tests.unit.monitoring.inservice.watched import EDGES, SHARES, counted, country, days_of, income, labelled, plan, reference, traffic

from headgate.api.monitoring import PREDICTIONS, Oversight, Reviewers, WorthWatched
from headgate.api.triggers import Fairness
from headgate.monitoring.inservice.assessing import assess
from headgate.monitoring.inservice.assessment import Assessment, Kind
from headgate.monitoring.inservice.binning import MOST_BUCKETS, MOST_ROWS
from headgate.monitoring.inservice.contract import quarter_days
from headgate.monitoring.inservice.counting import Grown, fold
from headgate.monitoring.inservice.memory import Memory, utc_day
from headgate.monitoring.inservice.plan import FeaturePlan, Plan
from headgate.monitoring.inservice.reference import Distribution, Reference
from headgate.monitoring.response import Priority, Responses, Severity
from headgate.monitoring.result import LimitVerdict, Result
from headgate.monitoring.vendor import Quarter, Sla, Standing

TABLE = Responses()
SHIFTED = np.array([0.02, 0.08, 0.3, 0.3, 0.3])
W, D, V, N = LimitVerdict.WITHIN_LIMITS, LimitVerdict.DRIFTING, LimitVerdict.VIOLATED, LimitVerdict.NOT_ASSESSED


def said(memory: Memory, watched: Plan, known: Reference | None, now: float, problem: str = "") -> Assessment:
    return assess(memory, watched, known, problem, TABLE, now)


def after(grown: Grown, hours: float = 25.0, known: Reference | None = None, **more: Any) -> Assessment:
    known = known or reference()
    watched = plan(known, **more)
    memory, now = counted(watched, known, grown, hours)
    return said(memory, watched, known, now)


def of(found: Assessment, feature: str) -> list[Result]:
    return [result for name, result in found.figures[Kind.DRIFT] if name == feature]


def test_what_is_distributed_as_the_reference_is_within_limits() -> None:
    found = after(traffic())
    assert found.verdict(Kind.DRIFT) is W
    assert [result.statistic for _, result in found.figures[Kind.DRIFT]] == ["psi", "ks", "cramersV", "jsDistance", "psi"]
    assert all(result.value is not None and result.interval is not None and result.samples[1] > 20_000 for result in of(found, "income"))


def test_a_shift_of_numbers_and_a_new_class_are_found_each_in_its_feature() -> None:
    found = after(traffic(shares=SHIFTED))
    assert {result.verdict for result in of(found, "income")} == {V}
    assert {result.verdict for result in of(found, "country")} == {W}
    assert found.response is not None
    assert found.response.severity is Severity.CRITICAL, "a PSI above 0.3"
    strange = after(Grown({"headgate_feature_bucket": income(SHARES * 100)}, {"headgate_feature_total": country({"DE": 40.0, "XX": 60.0})}))
    assert {result.verdict for result in of(strange, "country")} == {V}
    assert {result.verdict for result in of(strange, "income")} == {W}


@pytest.mark.parametrize(
    ("germans", "verdict", "severity", "priority"),
    [
        (0.5, W, Severity.LOW, None),
        (0.66, D, Severity.MEDIUM, Priority.NORMAL),
        (0.71, V, Severity.MEDIUM, Priority.NORMAL),
        (0.74, V, Severity.HIGH, Priority.HIGH),
        (0.9, V, Severity.CRITICAL, Priority.URGENT),
    ],
)
def test_drift_of_classes_and_of_predicted_classes_calls_for_what_drift_of_numbers_does(
    germans: float, verdict: LimitVerdict, severity: Severity, priority: Priority | None
) -> None:
    halves = Distribution(np.tile([500.0, 500.0, 0.0], (16, 1)), classes=("AT", "DE"))
    now_seen = country({"DE": 1000 * germans, "AT": 1000 * (1 - germans)})
    grown = Grown({"headgate_feature_bucket": income(SHARES * 100)}, {"headgate_feature_total": now_seen})
    found = after(grown, known=reference(country=halves))
    assert {result.verdict for result in of(found, "income")} == {W}, "a number that is fine hides nothing"
    assert next(one.verdict for one in of(found, "country") if one.statistic == "cramersV") is verdict
    assert found.response is not None
    assert (found.response.severity, found.response.priority) == (severity, priority)
    assert severity is Severity.LOW or "country: " in found.response.why
    predicted = Reference("lending/credit-scorer", "", {PREDICTIONS: halves})
    watched = replace(
        plan(reference()), features=(FeaturePlan(PREDICTIONS, "headgate_feature_total", "value"),), reference=("r", "sha256:p")
    )
    answers = [({"value": labels["value"]}, grew) for labels, grew in now_seen]
    memory, now = counted(watched, predicted, Grown(counters={"headgate_feature_total": answers}))
    alone = said(memory, watched, predicted, now)
    assert alone.response is not None
    assert (alone.response.severity, alone.response.actions) == (severity, found.response.actions)
    assert alone.response.why, "what was found is always said"


def test_part_of_a_window_is_not_judged() -> None:
    found = after(traffic(shares=SHIFTED), hours=12)
    assert {result.verdict for _, result in found.figures[Kind.DRIFT]} == {N}
    assert "12 h of a window of 24 h" in of(found, "income")[0].why
    assert found.response is not None
    assert found.response.severity is Severity.UNKNOWN


def only(rows: list[Any], counters: list[Any] | None = None) -> Grown:
    usual = traffic()
    return (
        Grown({"headgate_feature_bucket": rows}, {"headgate_feature_total": counters})
        if counters is not None
        else Grown({"headgate_feature_bucket": rows}, usual.counters)
    )


WRONG_EDGES = [({"feature": "income", "le": bound}, 10.0) for bound in ("10", "25", "30", "40", "+Inf")]


@pytest.mark.parametrize(
    ("grown", "feature", "words"),
    [
        (only(WRONG_EDGES), "income", "has no bucket that ends at 20, as the reference has; it has 10, 25, 30, 40, inf"),
        (only([({"feature": "income", "le": "10"}, 1.0)]), "income", "has no bucket that ends at 20, 30, 40"),
        (only([({"feature": "income", "le": "many"}, 1.0)]), "income", "a bucket without a bound that is a number"),
        (only([({"feature": "income"}, 1.0)]), "income", "a bucket without a bound"),
        (only([({"feature": "income", "le": str(n)}, 1.0) for n in range(MOST_BUCKETS + 1)]), "income", "more than 400 buckets"),
        (only([({"feature": "income", "le": "10"}, nan)]), "income", "is not a number"),
        (only([({"feature": "income", "le": "10"}, inf)]), "income", "is not a number"),
        (only([]), "income", "the live version's pods show no headgate_feature:"),
        (only([({"feature": "age", "le": "10"}, 5.0)]), "income", "the live version's pods show no headgate_feature:"),
        (only(income(SHARES * 100), []), "country", "the live version's pods show no headgate_feature_total"),
        (
            only(income(SHARES * 100), country({str(n): 1.0 for n in range(MOST_ROWS + 1)})),
            "country",
            "these are single things, not classes",
        ),
        (only(income(SHARES * 0)), "income", "the current sample has no rows"),
    ],
)
def test_what_cannot_be_counted_is_said_and_concerns_nobody_else(grown: Grown, feature: str, words: str) -> None:
    found = after(grown)
    assert [result.verdict for result in of(found, feature)] == [N]
    assert words in of(found, feature)[0].why
    other = "country" if feature == "income" else "income"
    assert {result.verdict for result in of(found, other)} == {W}
    assert found.verdict(Kind.DRIFT) is N, "what is not known of one feature is never fine"


def test_what_has_no_spread_is_not_assessed() -> None:
    alike = reference(
        country=Distribution(np.tile([1000.0, 0.0], (16, 1)), classes=("DE",)),
        income=Distribution(np.tile([0.0, 0.0, 1000.0, 0.0, 0.0], (16, 1)), edges=(10.0, 20.0, 30.0, 40.0)),
    )
    found = after(traffic(np.array([0.0, 0.0, 1.0, 0.0, 0.0]), np.array([1.0, 0.0, 0.0, 0.0])), known=alike)
    assert {result.why.split(":")[0] for _, result in found.figures[Kind.DRIFT]} == {
        "all rows of both samples are alike (one class, one value or one bin)"
    }


def test_counters_that_vanish_are_noticed_and_come_back() -> None:
    known = reference()
    watched = plan(known)
    memory, now = counted(watched, known, traffic())
    memory, now = counted(watched, known, Grown(), hours=0.25, memory=memory)
    assert said(memory, watched, known, now).verdict(Kind.DRIFT) is W, "a scrape may fail"
    memory, now = counted(watched, known, Grown(), hours=0.25, memory=memory)
    found = said(memory, watched, known, now)
    assert found.verdict(Kind.DRIFT) is N
    assert "vanished 30 min ago" in of(found, "income")[0].why
    memory, now = counted(watched, known, traffic(), hours=0.1, memory=memory)
    assert said(memory, watched, known, now).verdict(Kind.DRIFT) is W


def test_trouble_ends_when_the_counters_are_right_again() -> None:
    known = reference()
    watched = plan(known)
    memory, _ = counted(watched, known, only(WRONG_EDGES), hours=1)
    assert memory.trouble.keys() == {"income"}
    memory, _ = counted(watched, known, traffic(), hours=1, memory=memory)
    assert not memory.trouble


@pytest.mark.parametrize(
    ("known", "problem", "words"),
    [
        (None, "the reference in ConfigMap r cannot be used: it was changed", "it was changed"),
        (None, "", "there is no reference"),
        (Reference("lending/credit-scorer", "", {"age": reference().features["income"]}), "", "the reference has no such feature"),
        (
            Reference("lending/credit-scorer", "", {name: reference().features["country"] for name in ("income", "country")}),
            "",
            "is watched as a histogram, and the reference has classes",
        ),
    ],
)
def test_without_a_reference_that_fits_nothing_is_said(known: Reference | None, problem: str, words: str) -> None:
    watched = plan(known or reference())
    memory, now = counted(watched, known, traffic(), hours=1)
    found = said(memory, watched, known, now, problem)
    assert words in of(found, "income")[0].why
    assert found.verdict(Kind.DRIFT) is N


def test_many_features_are_allowed_for() -> None:
    """Of twenty features one drifts: it alone is called so."""
    names, shares = [f"f{number}" for number in range(20)], np.full(5, 0.2)
    known = reference(**{name: Distribution(np.tile(np.round(shares * 2000), (16, 1)), edges=EDGES) for name in names})
    watched = replace(plan(known), features=tuple(FeaturePlan(name, "headgate_feature") for name in names))
    rows = [row for name in names for row in income((SHIFTED if name == "f7" else shares) * 100, feature=name)]
    memory, now = counted(watched, known, Grown({"headgate_feature_bucket": rows}))
    found = said(memory, watched, known, now)
    assert {name for name, result in found.figures[Kind.DRIFT] if result.verdict is not W} == {"f7"}


def watched_by(**more: Any) -> Plan:
    return Plan("lending/credit-scorer", **more)


def test_a_slow_loss_is_found_dated_and_answered() -> None:
    asked = labelled(label_lag="2d")
    watched, memory = watched_by(performance=asked), Memory()
    _, now = counted(watched, None, Grown(), hours=1, memory=memory)
    today = utc_day(now - 2 * 86_400)
    good = [(900.0, 1000.0)] * 20 + [(700.0, 1000.0)] * 8
    days_of(memory, "performance", good, today - timedelta(days=1))
    memory.fit(watched, None, "22222222", today - timedelta(days=8))
    found = said(memory, watched, None, now)
    assert found.verdict(Kind.PERFORMANCE) is V
    assert {result.statistic for _, result in found.figures[Kind.PERFORMANCE]} == {"loss", "cusum", "trend"}
    assert found.response is not None
    assert found.response.severity is Severity.CRITICAL
    assert found.response.release == today - timedelta(days=8), "the loss began with a release"
    assert found.notes[0].startswith("at 1,000 labels a day a loss of 0.3 points a day is seen after")
    memory.releases = (*memory.releases, utc_day(now))
    cured = said(memory, watched, None, now).response
    assert cured is not None
    assert (cured.severity, cured.release) == (Severity.CRITICAL, None), "what is live may be the cure: its labels are still to come"
    assert f"the version that is live came on {utc_day(now)}" in cured.why


def test_labels_belong_to_the_day_of_the_decision_and_the_day_that_is_not_over_is_left_out() -> None:
    asked = labelled(label_lag="1d")
    watched = watched_by(performance=asked)
    grown = Grown(counters={asked.counter: [({"correct": "true"}, 9.0), ({"correct": "false"}, 1.0)]})
    memory, now = counted(watched, None, grown, hours=40)
    days = [day for day, _, _ in memory.daily.days("performance")]
    assert max(days) == utc_day(now - 1 - 86_400)
    found = said(memory, watched, None, now)
    loss = found.figures[Kind.PERFORMANCE][0][1]
    assert sum(loss.samples[1:]) == sum(round(whole) for day, _, whole in memory.daily.days("performance") if day < max(days))


def test_the_worst_segment_is_the_one_that_is_surest_to_have_lost() -> None:
    asked = labelled(segment="region", label_lag="1d")
    watched, memory = watched_by(performance=asked), Memory()
    _, now = counted(watched, None, Grown(), hours=1, memory=memory)
    yesterday = utc_day(now) - timedelta(days=2)
    days_of(memory, "performance", [(1680.0, 2000.0)] * 7, yesterday)
    days_of(memory, "segment/north", [(900.0, 1000.0)] * 7, yesterday)
    days_of(memory, "segment/south", [(600.0, 1000.0)] * 7, yesterday)
    days_of(memory, "segment/tiny", [(1.0, 5.0)] * 7, yesterday)
    found = said(memory, watched, None, now)
    named = [name for name, result in found.figures[Kind.PERFORMANCE] if result.statistic == "segmentLoss"]
    assert named == ["south"], "a key segment must not hide behind the whole, and five labels prove nothing"
    for number in range(20):
        days_of(memory, f"segment/{number}", [(90.0, 100.0)], yesterday)
    crowded = said(memory, watched, None, now).figures[Kind.PERFORMANCE][-1][1]
    assert crowded.verdict is N
    assert "names single things" in crowded.why


def test_reviewers_who_change_nothing_are_found_unless_seeded_errors_clear_them() -> None:
    asked = Oversight()
    watched, memory = watched_by(oversight=asked), Memory()
    reviews = Grown(counters={asked.reviews: [({"outcome": "agreed"}, 10.0), ({"outcome": "changed"}, 0.0)]})
    _, now = counted(watched, None, reviews, hours=30, memory=memory)
    found = said(memory, watched, None, now)
    assert found.verdict(Kind.OVERSIGHT) is V
    assert found.response is None
    seeded = Grown(counters={asked.seeded: [({"outcome": "found"}, 5.0), ({"outcome": "missed"}, 0.0)]})
    _, now = counted(watched, None, seeded, hours=10, memory=memory)
    figures = {result.statistic: result for _, result in said(memory, watched, None, now).figures[Kind.OVERSIGHT]}
    assert figures["overrideRate"].verdict is W
    assert figures["seededErrorsNoticed"].verdict is W


def test_persons_are_told_apart_only_where_that_is_switched_on_and_never_named() -> None:
    rows = [({"reviewer": f"person-{n}", "outcome": outcome}, 5.0) for n in range(6) for outcome in ("agreed", "changed")]
    for mode, kept in ((Reviewers.AGGREGATED, 0), (Reviewers.HASHED, 6)):
        asked = Oversight(reviewers=mode)
        watched = watched_by(oversight=asked)
        assert bool(watched.reviewers) is bool(kept)
        memory, now = counted(watched, None, Grown(reviewers={asked.reviews: rows} if kept else {}), hours=5)
        names = memory.daily.names("reviewer/")
        assert len(names) == kept
        assert not any("person" in name for name in names)
        figures = [result.statistic for _, result in said(memory, watched, None, now).figures[Kind.OVERSIGHT]]
        assert ("passiveReviewers" in figures) is bool(kept)


def test_groups_are_compared_over_calendar_days() -> None:
    asked = Fairness(min_disparate_impact="0.8")
    watched, memory = watched_by(fairness=asked), Memory()
    rows = [
        ({"group": g, "outcome": o}, n)
        for g, o, n in (("a", "favourable", 41.0), ("a", "no", 59.0), ("b", "favourable", 23.0), ("b", "no", 77.0))
    ]
    _, now = counted(watched, None, Grown(counters={asked.metric: rows}), hours=1, memory=memory)
    found = said(memory, watched, None, now)
    ((group, result),) = found.figures[Kind.FAIRNESS]
    assert (group, result.verdict) == ("b", V)
    assert result.value == pytest.approx(23 / 41, abs=0.01)
    few = said(
        counted(watched, None, Grown(counters={asked.metric: [(labels, n / 10) for labels, n in rows]}), hours=0.3)[0], watched, None, now
    )
    assert few.verdict(Kind.FAIRNESS) is N


@pytest.mark.parametrize(
    ("right", "fast", "verdict", "owed"),
    [(0.90, 0.99, W, ()), (0.80, 0.99, V, ("2025-Q4",)), (0.90, 0.90, V, ("2025-Q4",))],
)
def test_a_contract_is_watched_by_calendar_quarters(right: float, fast: float, verdict: LimitVerdict, owed: tuple[str, ...]) -> None:
    asked, sla = labelled(label_lag="1s"), Sla()
    watched, memory = watched_by(performance=asked, sla=sla), Memory()
    buckets = [({"le": bound}, n) for bound, n in (("0.2", 1000 * fast), ("0.5", 995.0), ("+Inf", 1000.0))]
    grown = Grown(
        {"http_request_duration_seconds_bucket": buckets},
        {asked.counter: [({"correct": "true"}, 1000 * right), ({"correct": "no"}, 1000 * (1 - right))]},
    )
    grown.probes = (400.0, 400.0)
    found = None
    # The third quarter of 2025, the fourth, and the first days of 2026.
    for day in (20_300, 20_390, 20_460):
        memory.begin_again(day * 86_400.0)
        memory.fit(watched, None, "11111111", utc_day(0))
        for number in range(12):
            fold(memory, watched, None, grown, day * 86_400.0 + number * 300, day * 86_400.0 + (number + 1) * 300)
        found = said(memory, watched, None, day * 86_400.0 + 3600)
    assert found is not None
    assert found.verdict(Kind.VENDOR) is verdict
    assert found.credits_due == owed
    assert len(found.figures[Kind.VENDOR]) == 4


def test_a_quarter_is_closed_when_the_labels_of_its_last_days_are_there() -> None:
    """95 % are right in the first half of each quarter, 60 % in the second; labels take 45 days."""
    watched, memory = watched_by(performance=labelled(label_lag="45d"), sla=Sla()), Memory()
    day, told = date(2026, 7, 1), dict[date, Standing]()
    while day < date(2027, 2, 20):
        memory.fit(watched, None, "11111111", date(2026, 1, 1))
        decided = day - timedelta(days=45)
        share = 0.95 if (decided - quarter_days(Quarter.of(decided))[0]).days < 45 else 0.6
        memory.daily.add("performance", decided, 1000 * share, 1000.0)
        before = memory.standing
        said(memory, watched, None, datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp())
        if memory.standing != before:
            told[day] = memory.standing
        day += timedelta(days=1)
    assert [(f"{day:%m-%d}", str(one.last), one.violated) for day, one in told.items()] == [
        ("08-15", "2026-Q2", 1),
        ("11-15", "2026-Q3", 2),
        ("02-15", "2026-Q4", 3),
    ]
    assert memory.standing.owed == (Quarter(2026, 3), Quarter(2026, 4))


def test_a_contract_needs_a_bucket_at_its_limit() -> None:
    watched = watched_by(sla=Sla())
    buckets = [({"le": bound}, 10.0) for bound in ("0.25", "0.5", "+Inf")]
    memory, now = counted(watched, None, Grown({"http_request_duration_seconds_bucket": buckets}), hours=1)
    found = said(memory, watched, None, now)
    assert found.verdict(Kind.VENDOR) is N
    assert any("no bucket that ends at 0.2 s" in result.why for _, result in found.figures[Kind.VENDOR])


def test_a_contract_is_not_judged_by_buckets_of_single_things() -> None:
    watched = watched_by(sla=Sla())
    buckets = [({"le": bound}, 10.0) for bound in ("0.2", "0.5", "+Inf", *(f"request-{number}" for number in range(MOST_BUCKETS)))]
    for rows, words in ((buckets[:4], "120 of 120"), (buckets, "more than 400 buckets")):
        memory, now = counted(watched, None, Grown({"http_request_duration_seconds_bucket": rows}), hours=1)
        why = {result.statistic: result.why for _, result in said(memory, watched, None, now).figures[Kind.VENDOR]}
        assert words in why["latencyP95"]


@pytest.mark.parametrize(("planned", "verdict"), [(None, N), (300_000, W), (400_000, V)])
def test_what_it_is_worth_is_set_beside_what_was_planned(planned: int | None, verdict: LimitVerdict) -> None:
    watched, memory = watched_by(worth=WorthWatched(planned_per_year=planned)), Memory()
    _, now = counted(watched, None, Grown(), hours=1, memory=memory)
    days_of(memory, "worth", [(1000.0 + number % 3, 50.0) for number in range(28)], utc_day(now) - timedelta(days=1))
    ((_, result),) = said(memory, watched, None, now).figures[Kind.VALUE]
    assert result.verdict is verdict
    assert result.value == pytest.approx(365.25 * 1001, rel=0.01)


def test_everything_can_be_written_as_json() -> None:
    found = after(traffic(shares=SHIFTED), performance=labelled())
    document = json.loads(json.dumps(found.document(), allow_nan=False))
    assert document["kinds"]["drift"]["verdict"] == "Violated"
    assert document["response"]["severity"] == "Critical"
