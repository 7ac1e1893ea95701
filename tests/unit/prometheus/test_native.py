"""Native histograms as Prometheus 3 answers with them: judged like buckets, across restarts and changes of schema."""

import json

import pytest
from tests.unit.evidence.gateway import exposure

from headgate.api.quantities import Margin, Unit
from headgate.api.vocabulary import Metric, Verdict
from headgate.evidence.attempt import begin, observe, observe_pods, read
from headgate.evidence.check import Check, Question
from headgate.evidence.counting.series import Arm, Cursors, TargetSamples, What, increments
from headgate.evidence.latency.native import BOUNDS
from headgate.prometheus.pods import StablePods
from headgate.prometheus.profiles import Http, Target
from headgate.prometheus.sampler import parse

MODEL = Target("lending", "credit", "r1", "r2")
PLACE = {"__name__": "http_request_duration_seconds", "namespace": "lending", "headgate_model": "credit", "job": "pods"}
QUESTION = Question((Check(Metric.LATENCY, Margin(40, Unit.MILLISECONDS), quantile=0.9),), (), 0.05, 0.05, 1.0, 2.0, (100,))
FAST, SLOW = [(-27, 60), (-25, 30), (-22, 10)], [(-27, 30), (-22, 20), (-14, 50)]
"""Requests per second by eighths of an octave: up to 96, 115 and 149 ms, and 297 ms."""


def histogram(per_second, seconds, schema=3, begin=0):
    """As util/jsonutil of Prometheus 3.15 writes it: buckets that hold nothing are not there."""
    merged = {}
    for place, count in per_second:
        coarse = -(-place // 2 ** (3 - schema))
        merged[coarse] = merged.get(coarse, 0) + count * (seconds - begin)
    width = 2.0**-schema
    rows = [[0, str(2.0 ** ((p - 1) * width)), str(2.0 ** (p * width)), str(count)] for p, count in sorted(merged.items()) if count]
    return {"count": str(sum(merged.values())), "sum": "1", **({"buckets": rows} if rows else {})}


def answer(*rows):
    result = [
        {"metric": PLACE | {"headgate_revision": revision, "pod": pod, "instance": pod}, "histograms": [[at, h] for at, h in points]}
        for revision, pod, points in rows
    ]
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}}).encode()


def series(*rows, profile=None):
    return tuple(parse(answer(*rows), profile or Http(), [MODEL])[MODEL])


def test_one_series_is_a_counter_per_bound():
    found = series(("r2", "c1", [(1, histogram(FAST, 1)), (2, histogram(FAST, 2))]))
    assert {(one.arm, one.what) for one in found} == {(Arm.CANDIDATE, What.TIMED)}
    values = {one.part: [value for _, value in one.points] for one in found}
    assert set(values) == {*BOUNDS, "+Inf"}
    assert values["+Inf"] == values[BOUNDS[-1]] == [100.0, 200.0]
    assert values[f"{2 ** (-27 / 8):.9g}"] == [60.0, 120.0]
    assert values[f"{2 ** (-26 / 8):.9g}"] == [60.0, 120.0]
    assert values[f"{2 ** (-28 / 8):.9g}"] == [0.0, 0.0]


def test_a_restarted_server_counts_from_zero_again():
    found = series(("r2", "c1", [(1, histogram(FAST, 50)), (2, histogram(FAST, 51)), (3, histogram(FAST, 3, begin=2))]))
    _, steps = increments(Cursors(), found, {})
    counted = [(step.time, step.count, step.reset) for step in steps if step.part == "+Inf"]
    assert counted == [(2.0, 100, False), (3.0, 100, True)]


def both(stable, candidate, until, schemas=lambda at: 3, since=0):
    rows = [
        (revision, pod, [(at, histogram(per_second, at, schemas(at) if pod == "s1" else 3)) for at in range(since, until + 1)])
        for revision, pod, per_second in (("r1", "s1", stable), ("r2", "c1", candidate))
    ]
    return series(*rows)


def judged(stable, candidate, schemas=lambda at: 3, until=60):
    told = exposure(sees_missing=False)
    state = begin(QUESTION, told)
    for now in range(4, until + 1, 4):
        samples = TargetSamples(float(now), both(stable, candidate, now, schemas, max(0, now - 8)))
        state = observe(state, QUESTION, told, samples, float(now))
    return read(state, QUESTION, told, float(until)).checks[0]


def test_a_slower_candidate_is_found_between_bounds_that_no_classic_histogram_has():
    check = judged(FAST, SLOW)
    assert (check.verdict, check.unresolved) == (Verdict.FAIL, "")
    assert "interpolated" not in check.detail


def test_the_same_latency_is_no_harm_whatever_schema_each_version_has():
    for schemas in (lambda at: 3, lambda at: 2, lambda at: 3 if at < 30 else 2):
        check = judged(FAST, FAST, schemas)
        assert check.verdict is not Verdict.FAIL
        assert check.candidate_events * check.stable_requests <= check.stable_events * check.candidate_requests


def test_a_schema_that_gets_coarser_takes_the_bounds_between_out_of_the_comparison_and_counts_nothing_wrongly():
    fine = judged(FAST, FAST)
    later = judged(FAST, FAST, lambda at: 3 if at < 30 else 0)
    assert 0 < later.candidate_requests < fine.candidate_requests
    assert later.harm <= fine.harm * 1.01


def test_pods_noise_is_learnt_from_native_histograms_as_well():
    told = exposure(sees_missing=False)
    state = begin(QUESTION, told)
    rows = [("r1", f"s{pod}", [(at, histogram(FAST, at)) for at in range(61)]) for pod in range(3)]
    state = observe_pods(state, QUESTION, TargetSamples(60.0, series(*rows, profile=StablePods())), 60.0)
    assert state.noise.pods.alive == 3
    assert set(BOUNDS) <= set(state.noise.pods.bounds)


@pytest.mark.parametrize("values", [{"values": [[1, "3"]]}, {}])
def test_a_gauge_of_that_name_is_no_histogram(values):
    row = {"metric": PLACE | {"headgate_revision": "r2", "pod": "c1", "instance": "c1"}} | values
    body = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": [row]}}).encode()
    assert parse(body, Http(), [MODEL])[MODEL] == []
