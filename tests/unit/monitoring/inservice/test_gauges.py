"""Drift read from gauges of other products: what is fine, what drifts, and that nothing missing, broken or frozen passes as fine."""

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
from headgate.monitoring.inservice.gauges import MOST_FEATURES, PATIENCE, GaugeSample, gauge_plan, remember
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
        grown = Grown(gauges=[GaugeSample(KS, feature, value) for feature, value in values.items()])
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
    many = {f"feature-{number}": 0.5 for number in range(19)}
    assert verdict(planned(gauges()), {"income": 0.9}, {"income": 0.04}) is LimitVerdict.DRIFTING
    assert verdict(planned(gauges()), many | {"income": 0.9}, many | {"income": 0.04}) is LimitVerdict.WITHIN_LIMITS


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


def test_a_gauge_of_single_things_is_not_assessed() -> None:
    crowd = {f"user-{number}": 0.9 for number in range(MOST_FEATURES + 1)}
    (only,) = looked(planned(gauges()), crowd).values()
    assert "more than 100 features" in only.why


def test_what_has_been_away_for_a_week_is_forgotten() -> None:
    memory, plan = Memory(), planned(gauges()).gauges
    remember(memory.gauges, plan, [GaugeSample(KS, "income", 0.5)], NOON)
    remember(memory.gauges, plan, [], NOON + 7 * DAY)
    assert memory.gauges
    remember(memory.gauges, plan, [], NOON + 7 * DAY + 1)
    assert not memory.gauges


def test_gauges_tell_drift_and_cause_nothing() -> None:
    memory, plan = Memory(), planned(gauges(DISTANCE))
    fold(memory, plan, None, Grown(gauges=[GaugeSample(KS, "income", 0.9)]), NOON - PERIOD, NOON)
    found = assess(memory, plan, None, "", Responses(), NOON)
    assert (found.verdict(Kind.DRIFT), found.response) == (LimitVerdict.VIOLATED, None)


def test_counted_features_stand_beside_gauges() -> None:
    known = reference()
    plan = plan_of(MODEL, spec(monitoring(known.digest, drift_gauges=gauges())), None)
    found = assess(Memory(), plan, known, "", Responses(), NOON)
    assert [name for name, _ in found.figures[Kind.DRIFT]] == ["income", "country", ""]


def test_a_memory_of_an_earlier_release_has_no_gauges() -> None:
    assert recalled(stored(Memory()).replace('"gauges":[],', "")).gauges == {}


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
