"""Drift read from gauges of other products: what is fine, what drifts, and that nothing missing, broken or frozen passes as fine."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf, nan
from typing import Any

import pytest
from tests.unit.monitoring.inservice.watched import MODEL, NOON, PERIOD, monitoring, reference, spec

from headgate.api.drift import DistanceLimits, DriftGauges, DriftProfile, GaugeReads
from headgate.api.monitoring import Monitoring
from headgate.monitoring.drift import Limits
from headgate.monitoring.inservice.assessing import assess
from headgate.monitoring.inservice.assessment import Kind
from headgate.monitoring.inservice.counting import Grown, fold
from headgate.monitoring.inservice.gauges import MOST_FEATURES, Crowd, GaugeReading, GaugeSample, gauge_plan, remember
from headgate.monitoring.inservice.gauging import PATIENCE
from headgate.monitoring.inservice.memory import Memory, recalled, stored
from headgate.monitoring.inservice.plan import Plan, plan_of
from headgate.monitoring.response import Responses
from headgate.monitoring.result import LimitVerdict, Result

P, DISTANCE = GaugeReads.P_VALUE, GaugeReads.DISTANCE
KS = "trustyai_kstest"
DAY = 86_400.0


def gauges(reads: GaugeReads = P, profile: DriftProfile = DriftProfile.TRUSTYAI, **more: Any) -> DriftGauges:
    return DriftGauges(profile=profile, reads=reads, **more)


def planned(written: DriftGauges) -> Plan:
    return plan_of(MODEL, spec(Monitoring(drift_gauges=written)), None)


def looked(plan: Plan, *looks: dict[str, float], until: float = 0.0) -> dict[str, Result]:
    """What is said after these looks, one each period; `until`: seconds that pass without any."""
    memory, now = Memory(), NOON
    for values in looks:
        now += PERIOD
        grown = Grown(gauges=GaugeReading([GaugeSample(KS, feature, value) for feature, value in values.items()]))
        fold(memory, plan, None, grown, now - PERIOD, now)
    found = assess(recalled(stored(memory)), plan, None, "", Responses(), now + until)
    return dict(found.figures[Kind.DRIFT])


def verdict(plan: Plan, *looks: dict[str, float], until: float = 0.0) -> LimitVerdict:
    return looked(plan, *looks, until=until)["income"].verdict


@pytest.mark.parametrize(
    ("reads", "value", "expected"),
    [
        (P, 0.3, LimitVerdict.WITHIN_LIMITS),
        (P, 0.05, LimitVerdict.DRIFTING),
        (P, 1e-9, LimitVerdict.DRIFTING),
        (P, 0.0, LimitVerdict.DRIFTING),
        (P, 1.3, LimitVerdict.NOT_ASSESSED),
        (P, -0.1, LimitVerdict.NOT_ASSESSED),
        (DISTANCE, 0.05, LimitVerdict.WITHIN_LIMITS),
        (DISTANCE, 0.1, LimitVerdict.DRIFTING),
        (DISTANCE, 0.2, LimitVerdict.VIOLATED),
        (DISTANCE, 7.0, LimitVerdict.VIOLATED),
        (DISTANCE, -0.1, LimitVerdict.NOT_ASSESSED),
        *((reads, broken, LimitVerdict.NOT_ASSESSED) for reads in GaugeReads for broken in (nan, inf, -inf)),
    ],
)
def test_a_gauge_that_moves_is_held_against_its_limit(reads: GaugeReads, value: float, expected: LimitVerdict) -> None:
    assert verdict(planned(gauges(reads)), {"income": 0.123}, {"income": value}) is expected


def test_what_is_said_has_no_interval_and_says_why() -> None:
    found = looked(planned(gauges(DISTANCE)), {"income": 0.3}, {"income": 0.25})["income"]
    assert (found.value, found.interval, found.samples) == (0.25, None, ())
    assert found.why == "trustyai_kstest 0.25, against 0.2; the size of its samples is not known"


def test_p_values_are_adjusted_for_all_features() -> None:
    others = {f"feature-{number}": 0.5 for number in range(19)}
    assert verdict(planned(gauges()), {"income": 0.9}, {"income": 0.04}) is LimitVerdict.DRIFTING
    assert verdict(planned(gauges()), others | {"income": 0.9}, others | {"income": 0.04}) is LimitVerdict.WITHIN_LIMITS


@pytest.mark.parametrize(("reads", "fine", "bad"), [(P, 0.6, 0.0001), (DISTANCE, 0.02, 0.15)])
def test_a_gauge_that_stands_still_is_never_fine_and_clears_nothing(reads: GaugeReads, fine: float, bad: float) -> None:
    plan = planned(gauges(reads))
    assert verdict(plan, {"income": fine}) is LimitVerdict.NOT_ASSESSED, "seen once: somebody may have computed it a year ago"
    assert verdict(plan, *[{"income": fine}] * 5) is LimitVerdict.NOT_ASSESSED
    moved = [{"income": fine + 0.001}, *[{"income": fine}] * 2]
    assert verdict(plan, *moved) is LimitVerdict.WITHIN_LIMITS
    still = int(DAY / PERIOD) + 1
    assert verdict(plan, *moved, *[{"income": fine}] * still) is LimitVerdict.NOT_ASSESSED
    assert verdict(plan, *[{"income": bad}] * 3) is LimitVerdict.DRIFTING, "a p-value of exactly 0 does not move"
    assert verdict(planned(gauges(reads, max_age="8d")), *moved, *[{"income": fine}] * still) is LimitVerdict.WITHIN_LIMITS


def test_a_gauge_that_vanishes_is_not_assessed_even_if_it_was_bad() -> None:
    plan = planned(gauges(DISTANCE))
    found = looked(plan, {"income": 0.3}, {"income": 0.5}, until=PATIENCE + 1)["income"]
    assert (found.verdict, found.why) == (LimitVerdict.NOT_ASSESSED, f"{KS} has vanished 20 min ago: is it still computed and scraped?")
    assert verdict(plan, {"income": 0.3}, {"income": 0.5}, until=PATIENCE) is LimitVerdict.VIOLATED


def test_one_of_several_features_may_be_missing() -> None:
    away = [{"age": 0.1}] * int(PATIENCE / PERIOD + 1)
    found = looked(planned(gauges()), {"income": 0.9, "age": 0.9}, {"income": 0.8, "age": 0.7}, *away)
    assert {name: one.verdict for name, one in found.items()} == {"income": LimitVerdict.NOT_ASSESSED, "age": LimitVerdict.WITHIN_LIMITS}
    assert set(looked(planned(gauges()), {"income": 0.9}, {"age": 0.9})) == {"income", "age"}


def test_without_any_gauge_it_is_said_what_was_looked_for() -> None:
    (only,) = looked(planned(gauges(DISTANCE, model="scorer")), {}).values()
    assert only.verdict is LimitVerdict.NOT_ASSESSED
    assert 'no trustyai_kstest with model="scorer" in this namespace' in only.why


def reading(*looks: Mapping[str, float], crowds: Sequence[Crowd] = (), **more: Any) -> dict[str, Result]:
    """The figures after looks that found a crowd beside these; that of the crowd has no name."""
    memory, plan, now = Memory(), planned(gauges(**more)), NOON
    for values, crowd in zip(looks, crowds, strict=True):
        now += PERIOD
        samples = [GaugeSample(KS, feature, value) for feature, value in values.items()]
        fold(memory, plan, None, Grown(gauges=GaugeReading(samples, [crowd])), now - PERIOD, now)
        memory = recalled(stored(memory))
    return dict(assess(memory, plan, None, "", Responses(), now).figures[Kind.DRIFT])


def many(worst: float, rest: float) -> dict[str, float]:
    return {"income": worst} | {f"feature-{number:02}": rest for number in range(MOST_FEATURES - 1)}


W, D, V, N = LimitVerdict.WITHIN_LIMITS, LimitVerdict.DRIFTING, LimitVerdict.VIOLATED, LimitVerdict.NOT_ASSESSED


@pytest.mark.parametrize(
    ("reads", "income", "crowd", "expected"),
    [
        (DISTANCE, 0.9, Crowd(KS, 50, 0.04, 0.0, 1.0), (V, W)),
        (DISTANCE, 0.9, Crowd(KS, 50, 0.15, 0.0, 3.0), (V, D)),
        (DISTANCE, 0.9, Crowd(KS, 50, 0.25, 0.0, 3.0), (V, V)),
        (DISTANCE, 0.9, Crowd(KS, 50, 0.04, -1.0, 1.0), (V, N)),
        # 250 p-values: the least must be at or below 0.0002, whatever the others are.
        (P, 0.0001, Crowd(KS, 150, 0.5, 0.99, 90.0), (D, W)),
        (P, 0.0003, Crowd(KS, 150, 0.5, 0.99, 90.0), (W, W)),
        (P, 1.0, Crowd(KS, 1, 1.0, 1.0, 1.0), (W, W)),
        (P, 0.0001, Crowd(KS, 150, 0.5, 1.7, 90.0), (D, N)),
        (P, 0.0001, Crowd(KS, 150, 0.5, inf, inf), (D, N)),
    ],
)
def test_of_very_many_features_the_worst_are_read_and_the_others_told_together(
    reads: GaugeReads, income: float, crowd: Crowd, expected: tuple[LimitVerdict, LimitVerdict]
) -> None:
    others = 0.05 if reads is DISTANCE else max(0.4, income)
    found = reading(many(income / 2, others), many(income, others), crowds=[replace(crowd, total=crowd.total + 1), crowd], reads=reads)
    assert (found["income"].verdict, found[""].verdict) == expected
    assert f"{crowd.count} features more" in found[""].why
    assert len(found) == MOST_FEATURES + 1


def test_p_values_that_the_crowd_might_bring_below_alpha_are_not_assessed() -> None:
    """If all 900 others were as bad as the worst of them, all would drift; if only that one is, none of those at 0.04 does."""
    look, crowd = many(1e-9, 0.04), Crowd(KS, 900, 0.045, 0.9, 400.0)
    found = reading(look | {"income": 1e-8}, look, crowds=[crowd, replace(crowd, total=401.0)], reads=P)
    assert {name: found[name].verdict for name in ("income", "feature-01", "")} == {"income": D, "feature-01": N, "": N}
    assert "too many of them to read each" in found["feature-01"].why


def test_a_crowd_that_stands_still_is_never_fine() -> None:
    crowd = Crowd(KS, 50, 0.04, 0.0, 1.0)
    looks = many(0.05, 0.05), many(0.06, 0.05)
    assert reading(*looks, crowds=[crowd, crowd], reads=DISTANCE)[""].verdict is N
    assert reading(*looks, crowds=[crowd, replace(crowd, total=1.1)], reads=DISTANCE)[""].verdict is W


def test_features_that_come_out_of_the_crowd_and_go_back_have_not_vanished_nor_just_begun() -> None:
    crowds = [Crowd(KS, 50, 0.04, 0.0, total) for total in (1.0, 1.1, 1.2)]
    first = many(0.06, 0.05)
    second = {name: value + 0.001 for name, value in first.items()}
    third = {name: value for name, value in first.items() if name != "feature-07"} | {"newcomer": 0.05}
    found = reading(first, second, third, crowds=crowds, reads=DISTANCE)
    assert "feature-07" not in found
    assert found["newcomer"].verdict is W


def test_names_of_days_before_are_not_counted_and_do_not_pile_up() -> None:
    memory, plan = Memory(), planned(gauges())
    for number in range(40):
        samples = [GaugeSample(KS, f"feature-{number}-{at}", 0.5) for at in range(60)]
        fold(memory, plan, None, Grown(gauges=GaugeReading(samples)), NOON + number * PERIOD, NOON + (number + 1) * PERIOD)
    found = assess(memory, plan, None, "", Responses(), NOON + 40 * PERIOD).figures[Kind.DRIFT]
    assert sum(name.startswith("feature-39-") for name, _ in found) == 60, "all that are there are looked at"
    assert len(found) == 60 + MOST_FEATURES


def test_what_has_been_away_for_a_week_is_forgotten() -> None:
    memory, plan = Memory(), planned(gauges()).gauges
    for at, samples, kept in ((0.0, [GaugeSample(KS, "income", 0.5)], True), (7 * DAY, [], True), (7 * DAY + 1, [], False)):
        remember(memory.gauges, memory.crowds, plan, GaugeReading(samples), NOON + at)
        assert bool(memory.gauges) is kept


def test_gauges_tell_drift_and_cause_nothing() -> None:
    memory, plan = Memory(), planned(gauges(DISTANCE))
    fold(memory, plan, None, Grown(gauges=GaugeReading([GaugeSample(KS, "income", 0.9)])), NOON - PERIOD, NOON)
    found = assess(memory, plan, None, "", Responses(), NOON)
    assert (found.verdict(Kind.DRIFT), found.response) == (LimitVerdict.VIOLATED, None)


def test_counted_features_stand_beside_gauges() -> None:
    known = reference()
    plan = plan_of(MODEL, spec(monitoring(known.digest, drift_gauges=gauges())), None)
    found = assess(Memory(), plan, known, "", Responses(), NOON)
    assert [name for name, _ in found.figures[Kind.DRIFT]] == ["income", "country", ""]


def test_a_memory_of_an_earlier_release_has_no_gauges() -> None:
    earlier = recalled(stored(Memory()).replace('"gauges":[],"crowds":[],', ""))
    assert (earlier.gauges, earlier.crowds) == ({}, {})


@pytest.mark.parametrize(
    ("written", "metrics", "labels"),
    [
        (gauges(P), ("trustyai_approxkstest", "trustyai_kstest", "trustyai_meanshift"), ("model", "subcategory")),
        (gauges(DISTANCE), (KS,), ("model", "subcategory")),
        (gauges(P, DriftProfile.EVIDENTLY), ("evidently:data_drift:p_value",), ("dataset_name", "feature")),
        (gauges(DISTANCE, DriftProfile.EVIDENTLY, feature_label="column"), ("evidently:data_drift:value",), ("dataset_name", "column")),
        (
            gauges(DISTANCE, DriftProfile.NANNYML, metrics=("nannyml_drift",), model_label="job", feature_label="column_name"),
            ("nannyml_drift",),
            ("job", "column_name"),
        ),
    ],
)
def test_profiles_know_the_names_of_products_that_have_some(
    written: DriftGauges, metrics: tuple[str, ...], labels: tuple[str, str]
) -> None:
    plan = gauge_plan("credit-scorer", written, Limits())
    assert (plan.metrics, (plan.model_label, plan.feature_label), plan.model) == (metrics, labels, "credit-scorer")


def test_limits_are_those_of_the_gauge_or_else_of_the_policy() -> None:
    own = DistanceLimits(drifting="0.3", violated="0.5")
    assert gauge_plan("m", gauges(DISTANCE, limits=own), Limits(0.1, 0.2)).limits == Limits(0.3, 0.5)
    assert gauge_plan("m", gauges(DISTANCE), Limits(0.15, 0.25)).limits == Limits(0.15, 0.25)
    assert gauge_plan("m", gauges(P), Limits()).limits is None
