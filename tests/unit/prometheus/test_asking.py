"""What is asked for several models together: which series, which labels, and that staff are told apart only where that is wanted."""

import pytest

from headgate.api.monitoring import Oversight, Performance, PinnedBaseline, Reviewers, WorthWatched
from headgate.api.quantities import Margin, Unit
from headgate.api.triggers import Fairness
from headgate.monitoring.inservice.plan import LATENCY, FeaturePlan, Plan, sla_of
from headgate.monitoring.vendor import Sla
from headgate.prometheus.asking import APPLICATIONS, COUNTERS, HISTOGRAMS, REVIEWERS, counted

NUMBERS, CLASSES = FeaturePlan("income", "headgate_feature"), FeaturePlan("country", "headgate_feature_total", "value")


def plan(**asked: object) -> Plan:
    return Plan("lending/credit-scorer", **asked)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "templates"),
    [
        (plan(features=(NUMBERS,)), {HISTOGRAMS}),
        (plan(features=(CLASSES,)), {COUNTERS}),
        (plan(features=(NUMBERS, CLASSES)), {HISTOGRAMS, COUNTERS}),
        (plan(performance=Performance(baseline=PinnedBaseline(share="0.9"))), {APPLICATIONS}),
        (plan(oversight=Oversight()), {APPLICATIONS}),
        (plan(oversight=Oversight(reviewers=Reviewers.HASHED)), {APPLICATIONS, REVIEWERS}),
        (plan(fairness=Fairness(min_disparate_impact="0.8")), {COUNTERS}),
        (plan(worth=WorthWatched()), {COUNTERS}),
        (plan(sla=Sla()), {HISTOGRAMS}),
        (plan(), set()),
    ],
)
def test_only_what_somebody_watches_is_asked_for(asked: Plan, templates: set[str]) -> None:
    assert counted([asked]).keys() == templates
    assert asked.empty is (not templates)


def test_features_are_told_apart_where_features_are_counted_and_nowhere_else() -> None:
    fair = Fairness(min_disparate_impact="0.8")
    asked = counted(
        [plan(features=(NUMBERS, CLASSES), fairness=fair, sla=Sla()), plan(performance=Performance(baseline=PinnedBaseline(share="0.9")))]
    )
    found = {series: part for parts in asked.values() for part in parts for series in part.names}
    assert {series: set(part.features) for series, part in found.items()} == {
        "headgate_feature_bucket": {"income"},
        "headgate_feature_total": {"country"},
        f"{LATENCY}_bucket": set(),
        fair.metric: set(),
        "headgate_labelled_total": set(),
    }
    assert {series: set(part.labels) for series, part in found.items() if not part.features} == {
        f"{LATENCY}_bucket": {"le"},
        fair.metric: {fair.group_label, fair.outcome_label},
        "headgate_labelled_total": {"correct"},
    }
    assert all(part.most for part in found.values()), "nothing is asked for without a limit"


class Contract:
    accuracy, uptime, tolerance, quarters = 0.85, 0.995, 0.02, 2
    p95, p99 = Margin(200, Unit.MILLISECONDS), Margin(500, Unit.MILLISECONDS)


def test_a_contract_is_watched_as_it_is_written() -> None:
    assert sla_of(Contract()) == Sla()


def test_many_models_share_each_question() -> None:
    found = counted([plan(features=(NUMBERS,)), plan(features=(FeaturePlan("age", "my_age"), CLASSES)), plan(sla=Sla())])
    others, features = found[HISTOGRAMS]
    assert (others.names, features.names) == ({f"{LATENCY}_bucket"}, {"headgate_feature_bucket", "my_age_bucket"})
    assert features.features == {"income", "age"}
    assert [part.labels for part in found[COUNTERS]] == [{"value"}]


def test_reviewers_are_added_up_in_prometheus_unless_a_model_asks_otherwise() -> None:
    aggregated, hashed = plan(oversight=Oversight()), plan(oversight=Oversight(reviewers=Reviewers.HASHED))
    assert ["reviewer" in part.labels for part in counted([aggregated])[APPLICATIONS]] == [False]
    assert REVIEWERS not in counted([aggregated])
    assert ["reviewer" in part.labels for part in counted([aggregated, hashed])[APPLICATIONS]] == [False]
    assert [part.labels for part in counted([aggregated, hashed])[REVIEWERS]] == [{"outcome", "reviewer"}]


def test_pods_of_applications_have_no_revision() -> None:
    found = counted([plan(features=(CLASSES,), oversight=Oversight())])
    assert [part.anywhere for part in found[APPLICATIONS]] == [True]
    assert [part.anywhere for part in found[COUNTERS]] == [False]
