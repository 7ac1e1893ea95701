"""The stable version's pods: their own counters alone, one process a pod, and no longer answers than needed."""

import json
import re

import pytest

from headgate.evidence.counting.series import Arm, What
from headgate.prometheus.pods import StablePods, Wanted
from headgate.prometheus.sampler import parse

CREDIT = Wanted("lending", "credit", "5f0c", bounds=("0.05", "1"))
FRAUD = Wanted("pay", "fraud", "a1b2", every_bound=True)
PODS = StablePods()


def labels(**changes: str) -> dict[str, str]:
    made = {"__name__": "http_requests_total", "namespace": "lending", "headgate_model": "credit", "headgate_revision": "5f0c"}
    return {**made, "job": "pods", "instance": "10.0.0.1:8080", "pod": "credit-5f0c-x", "code": "200", **changes}


def test_only_the_stable_revision_counts_and_the_pod_is_the_process() -> None:
    meaning = PODS.meaning(labels(), PODS.index([CREDIT]))
    assert meaning is not None
    assert (meaning.target, meaning.arm, meaning.what, meaning.part, meaning.process) == (
        CREDIT,
        Arm.STABLE,
        What.ANSWERED,
        "200",
        "credit-5f0c-x",
    )
    assert PODS.meaning(labels(headgate_revision="other"), PODS.index([CREDIT])) is None
    assert PODS.meaning(labels(headgate_revision=""), PODS.index([Wanted("lending", "credit")])) is None


def test_a_pod_that_two_jobs_scrape_is_one_pod_and_without_its_name_the_address_is() -> None:
    rows = [
        {"metric": labels(**changes), "values": [[1, "5"]]}
        for changes in ({}, {"job": "other"}, {"path": "/v2"}, {"instance": "10.0.0.2:8080", "pod": ""})
    ]
    body = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": rows}}).encode()
    found = parse(body, PODS, [CREDIT])[CREDIT]
    assert sorted((one.instance, one.origin) for one in found) == [
        ("credit-5f0c-x", ""),
        ("credit-5f0c-x", "path=/v2"),
        ("pods/10.0.0.2:8080", ""),
    ]


def _le(selector: str) -> re.Pattern[str] | None:
    found = re.search(r'le=~"([^"]*)"', selector)
    return re.compile(found[1].replace("\\\\", "\\")) if found else None


@pytest.mark.parametrize(
    ("bound", "read"), [("", True), ("+Inf", True), ("0.05", True), ("1", True), ("1.0", True), ("0.5", False), ("15", False)]
)
def test_of_chosen_bounds_no_other_buckets_are_read(bound: str, read: bool) -> None:
    pattern = _le(PODS.selector([CREDIT]))
    assert pattern is not None
    assert bool(pattern.fullmatch(bound)) is read


def test_all_buckets_are_read_while_no_bound_is_chosen_and_none_where_nobody_asks() -> None:
    assert _le(PODS.selector([CREDIT, FRAUD])) is None
    pattern = _le(PODS.selector([Wanted("lending", "credit", "5f0c")]))
    assert pattern is not None
    assert (bool(pattern.fullmatch("")), bool(pattern.fullmatch("+Inf"))) == (True, False)


def test_one_selector_names_all_models() -> None:
    selector = PODS.selector([CREDIT, FRAUD])
    assert 'namespace=~"lending|pay"' in selector
    assert 'headgate_revision=~"5f0c|a1b2"' in selector
