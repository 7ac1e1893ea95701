"""Summaries of values: one selector for all models that ask, both versions told apart by their revision, a pod a process."""

import re

import pytest

from headgate.evidence.counting.series import Arm, What
from headgate.prometheus.pods import StablePods, Wanted
from headgate.prometheus.profiles import Target
from headgate.prometheus.values import Values

CREDIT = Target("lending", "credit", "r1", "r2", summaries=("headgate_value",))
FRAUD = Target("pay", "fraud", "r7", "r8", summaries=("saved_money", "headgate_conversion"))
VALUES = Values()
OF_CREDIT = {"namespace": "lending", "headgate_model": "credit", "pod": "credit-x", "job": "pods", "instance": "10.0.0.1:8080"}


def test_one_selector_for_all_models_that_ask() -> None:
    patterns = dict(re.findall(r'(\w+)=~"([^"]*)"', VALUES.selector([CREDIT, FRAUD])))
    for name in ("headgate_value_sum", "headgate_value_count", "saved_money_sum", "headgate_conversion_count"):
        assert re.fullmatch(patterns["__name__"], name)
    assert not re.fullmatch(patterns["__name__"], "headgate_value_bucket")
    assert all(re.fullmatch(patterns["headgate_revision"], revision) for revision in ("r1", "r2", "r7", "r8"))


@pytest.mark.parametrize(
    ("name", "revision", "arm", "what"),
    [
        ("headgate_value_sum", "r1", Arm.STABLE, What.TOTAL),
        ("headgate_value_count", "r2", Arm.CANDIDATE, What.VALUED),
    ],
)
def test_a_series_is_a_sum_or_a_number_of_one_version(name: str, revision: str, arm: Arm, what: What) -> None:
    found = VALUES.meaning(OF_CREDIT | {"__name__": name, "headgate_revision": revision, "path": "/v2"}, VALUES.index([CREDIT]))
    assert found is not None
    assert (found.arm, found.what, found.part, found.origin, found.process) == (arm, what, "headgate_value", "path=/v2", "credit-x")


@pytest.mark.parametrize(
    "changes",
    [{"__name__": "saved_money_sum"}, {"headgate_revision": "r3"}, {"headgate_revision": ""}, {"headgate_model": "other"}],
)
def test_what_nobody_asked_for_counts_nothing(changes: dict[str, str]) -> None:
    labels = OF_CREDIT | {"__name__": "headgate_value_sum", "headgate_revision": "r1"} | changes
    assert VALUES.meaning(labels, VALUES.index([CREDIT])) is None


def test_the_stable_pods_are_asked_for_their_values_where_a_check_compares_some() -> None:
    plain, selling = (Wanted("lending", "credit", "r1", summaries=names) for names in ((), ("headgate_value",)))
    pods, labels = StablePods(), OF_CREDIT | {"__name__": "headgate_value_sum", "headgate_revision": "r1"}
    assert "headgate_value" not in pods.selector([plain])
    assert "headgate_value_sum" in pods.selector([plain, selling])
    found = pods.meaning(labels, pods.index([selling]))
    assert found is not None
    assert (found.arm, found.what, found.process) == (Arm.STABLE, What.TOTAL, "credit-x")
    assert pods.meaning(labels, pods.index([plain])) is None
