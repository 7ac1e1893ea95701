"""Profiles: one selector for all models, and what each returned series means."""

import re

import pytest

from headgate.evidence.counting.series import Arm, What
from headgate.prometheus.profiles import PROFILES, EnvoyGateway, Http, Target

CREDIT = Target("lending", "credit-scorer", "r1", "r2")
FRAUD = Target("pay", "fraud", "r7", "r8", shadow=True)
ENVOY, HTTP = EnvoyGateway(), Http()


def envoy(name, cluster, **labels):
    return ENVOY.meaning({"__name__": name, "envoy_cluster_name": cluster, **labels}, ENVOY.index([CREDIT, FRAUD]))


@pytest.mark.parametrize(
    ("cluster", "arm", "origin"),
    [
        ("httproute/lending/credit-scorer/rule/0/backend/0", Arm.STABLE, "0"),
        ("httproute/lending/credit-scorer/rule/0/backend/1", Arm.CANDIDATE, "0"),
        ("httproute/lending/credit-scorer/rule/2/backend/1", Arm.CANDIDATE, "2"),
        ("httproute/lending/credit-scorer/rule/0", Arm.STABLE, "0"),
        ("httproute/lending/credit-scorer/rule/0-mirror-0", Arm.MIRROR, "0-mirror-0"),
    ],
)
def test_envoy_clusters_of_a_route(cluster, arm, origin):
    meaning = envoy("envoy_cluster_upstream_rq_total", cluster)
    assert (meaning.target, meaning.arm, meaning.what, meaning.part, meaning.origin) == (CREDIT, arm, What.SENT, "", origin)


@pytest.mark.parametrize(
    "cluster",
    [
        "httproute/lending/credit/rule/0/backend/0",
        "httproute/lending/credit-scorer/rule/0/backend/2",
        "grpcroute/lending/credit-scorer/rule/0",
        "httproute/lending/credit-scorer/rule/0/backend/0/more",
        "",
    ],
)
def test_other_clusters_are_not_ours(cluster):
    assert envoy("envoy_cluster_upstream_rq_total", cluster) is None


def test_envoy_codes_and_buckets():
    cluster = "httproute/lending/credit-scorer/rule/0/backend/1"
    answered = envoy("envoy_cluster_upstream_rq", cluster, envoy_response_code="503")
    assert (answered.what, answered.part) == (What.ANSWERED, "503")
    assert envoy("envoy_cluster_upstream_rq", cluster) is None
    assert [envoy("envoy_cluster_upstream_rq_time_bucket", cluster, le=le).part for le in ("0.5", "25", "3600000", "+Inf")] == [
        "0.0005",
        "0.025",
        "3600",
        "+Inf",
    ]
    assert envoy("envoy_cluster_upstream_rq_time_bucket", cluster, le="x") is None
    assert envoy("envoy_cluster_upstream_rq_xx", cluster) is None


def test_the_envoy_selector_matches_exactly_the_clusters_it_understands():
    selector = ENVOY.selector([CREDIT, FRAUD])
    pattern = re.search(r'envoy_cluster_name=~"(.*)"}', selector)[1]
    assert "\\" not in pattern
    for cluster, asked in {
        "httproute/lending/credit-scorer/rule/0/backend/0": True,
        "httproute/pay/fraud/rule/11-mirror-0": True,
        "httproute/pay/fraud/rule/1": True,
        "httproute/pay/fraud-2/rule/1": False,
        "httproute/lending/fraud/rule/1": False,
    }.items():
        assert bool(re.fullmatch(pattern, cluster)) is asked, cluster


def test_names_with_dots_are_escaped_for_regex_and_string():
    selector = ENVOY.selector([Target("a", "b.c")])
    assert r"a/b\\.c" in selector


def http(name, **labels):
    told = {"__name__": name, "namespace": "lending", "headgate_model": "credit-scorer", "headgate_revision": "r2", **labels}
    return HTTP.meaning(told, HTTP.index([CREDIT, FRAUD]))


def test_http_arms_by_revision():
    assert http("http_requests_total", code="200").arm is Arm.CANDIDATE
    assert http("http_requests_total", code="200", headgate_revision="r1").arm is Arm.STABLE
    assert http("http_requests_total", code="200", headgate_revision="r0") is None
    assert http("http_requests_total", code="200", namespace="pay", headgate_model="fraud", headgate_revision="r8").arm is Arm.MIRROR
    assert http("http_request_duration_seconds_bucket", le="0.25").part == "0.25"
    assert http("http_requests_total") is None


def test_http_paths_are_summed_and_copies_are_not():
    score, health = (http("http_requests_total", code="200", path=path).origin for path in ("/score", "/health"))
    assert score != health
    assert http("http_requests_total", code="200", path="/score", prometheus_replica="b", pod="p").origin == score


def test_capabilities():
    assert ENVOY.capabilities.sees_missing
    assert not HTTP.capabilities.sees_missing
    assert set(PROFILES) == {"envoy-gateway", "http"}
