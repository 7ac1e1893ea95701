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


class Contract:
    accuracy, uptime, tolerance, quarters = 0.85, 0.995, 0.02, 2
    p95, p99 = Margin(200, Unit.MILLISECONDS), Margin(500, Unit.MILLISECONDS)


def test_a_contract_is_watched_as_it_is_written() -> None:
    assert sla_of(Contract()) == Sla()


def test_many_models_share_each_question() -> None:
    found = counted([plan(features=(NUMBERS,)), plan(features=(FeaturePlan("age", "my_age"), CLASSES)), plan(sla=Sla())])
    assert found[HISTOGRAMS].names == {"headgate_feature_bucket", "my_age_bucket", f"{LATENCY}_bucket"}
    assert found[HISTOGRAMS].labels == {"feature", "le"}
    assert found[COUNTERS].labels == {"feature", "value"}


def test_reviewers_are_added_up_in_prometheus_unless_a_model_asks_otherwise() -> None:
    aggregated, hashed = plan(oversight=Oversight()), plan(oversight=Oversight(reviewers=Reviewers.HASHED))
    assert "reviewer" not in counted([aggregated])[APPLICATIONS].labels
    assert REVIEWERS not in counted([aggregated])
    assert "reviewer" not in counted([aggregated, hashed])[APPLICATIONS].labels
    assert counted([aggregated, hashed])[REVIEWERS].labels == {"feature", "outcome", "reviewer"}


def test_pods_of_applications_have_no_revision() -> None:
    found = counted([plan(features=(CLASSES,), oversight=Oversight())])
    assert found[APPLICATIONS].anywhere
    assert not found[COUNTERS].anywhere
