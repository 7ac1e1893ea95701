"""One question for the gauges of all models: the worst of each feature by Prometheus' own evaluation, and whose answer each row is."""

import json
import math
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from headgate.api.drift import GaugeReads
from headgate.monitoring.inservice.gauges import Crowd, GaugePlan
from headgate.prometheus.client import SourceError
from headgate.prometheus.gauges import gauge_question, parse_gauges
from headgate.prometheus.profiles import Target

SCORER, CHURN = Target("lending", "credit-scorer", stable="11111111"), Target("lending", "churn", stable="22222222")
TRUSTYAI = GaugePlan(("trustyai_kstest", "trustyai_meanshift"), GaugeReads.P_VALUE, "model", "credit-scorer", "subcategory")
OTHER = GaugePlan(("drift_distance",), GaugeReads.DISTANCE, "dataset_name", "churn", "feature", revision_label="version")
PLANS = {SCORER: TRUSTYAI, CHURN: OTHER}
OF_SCORER, OF_CHURN = "PValue/model/subcategory/", "Distance/dataset_name/feature/version"
"""What rows of their shapes are marked with, after what they tell."""


def row(value: str, side: str, name: str, namespace: str = "lending", **labels: str) -> dict[str, object]:
    return {"metric": {"namespace": namespace, "headgate_series": name, "headgate_side": side} | labels, "value": [1.0, value]}


def answer(*result: dict[str, object]) -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": list(result)}}, separators=(",", ":")).encode()


def read(*result: dict[str, object]) -> dict[tuple[str, str, str], float]:
    found = parse_gauges(answer(*result), PLANS)
    return {(target.name, one.metric, one.feature): one.value for target, reading in found.items() for one in reading.samples}


def test_rows_are_sorted_out_by_model_and_feature() -> None:
    assert read(
        row("0.04", f"worst/{OF_SCORER}", "trustyai_kstest", model="credit-scorer", subcategory="income"),
        row("0.9", f"worst/{OF_SCORER}", "trustyai_kstest", model="somebody-else", subcategory="income"),
        row("0.8", f"worst/{OF_SCORER}", "trustyai_kstest", namespace="cards", model="credit-scorer", subcategory="income"),
        row("0.2", f"worst/{OF_CHURN}", "drift_distance", dataset_name="churn", feature="age", version="22222222"),
        row("0.9", f"worst/{OF_CHURN}", "drift_distance", dataset_name="churn", feature="age", version="99999999"),
    ) == {("credit-scorer", "trustyai_kstest", "income"): 0.04, ("churn", "drift_distance", "age"): 0.2}


@pytest.mark.parametrize("first", [0, 1])
def test_one_series_that_is_no_number_makes_its_feature_unknown(first: int) -> None:
    place = {"model": "credit-scorer", "subcategory": "income"}
    both = [row("0.6", f"worst/{OF_SCORER}", "trustyai_kstest", **place), row("1", f"nan/{OF_SCORER}", "trustyai_kstest", **place)]
    (value,) = read(both[first], both[1 - first]).values()
    assert math.isnan(value)


@pytest.mark.parametrize("body", [b"", b"{}", answer(row("x", f"worst/{OF_SCORER}", "trustyai_kstest"))])
def test_what_is_no_answer_is_an_outage(body: bytes) -> None:
    with pytest.raises(SourceError):
        parse_gauges(body, PLANS)


PROMTOOL = next(Path.home().glob(".cache/headgate/bin/prometheus-*/promtool"), None) or shutil.which("promtool")
SERIES = [
    # As TrustyAI's page has them: one request for each reference, here two of one feature. The worst counts.
    ('trustyai_kstest{namespace="lending",model="credit-scorer",request="a",subcategory="income",batch_size="5000"}', "0.4+0x10"),
    ('trustyai_kstest{namespace="lending",model="credit-scorer",request="b",subcategory="income",batch_size="100"}', "0.03+0x10"),
    ('trustyai_meanshift{namespace="lending",model="credit-scorer",request="c",subcategory="income"}', "0.7+0x10"),
    (
        'trustyai_kstest{namespace="lending",model="credit-scorer",request="a",subcategory="age"}',
        "NaN+0x10",
    ),
    ('trustyai_kstest{namespace="cards",model="credit-scorer",request="a",subcategory="income"}', "0.001+0x10"),
    # Not scraped any more: it is not there.
    ('trustyai_kstest{namespace="lending",model="credit-scorer",request="a",subcategory="country"}', "0.9 0.9 stale"),
    ('drift_distance{namespace="lending",dataset_name="churn",feature="age",version="22222222",pod="a"}', "0.1+0x10"),
    ('drift_distance{namespace="lending",dataset_name="churn",feature="age",version="22222222",pod="b"}', "0.3+0x10"),
]


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not there: make cluster-build")
def test_prometheus_gives_the_worst_of_each_feature(tmp_path: Path) -> None:
    scorer = '{headgate_series="%s", headgate_side="%s", model="credit-scorer", namespace="lending", subcategory="%s"}'
    place = f'headgate_series="drift_distance", headgate_side="worst/{OF_CHURN}", namespace="lending", version="22222222"'
    churn = f'{{dataset_name="churn", feature="age", {place}}}'
    expected = [
        {"labels": scorer % ("trustyai_kstest", f"worst/{OF_SCORER}", "income"), "value": 0.03},
        {"labels": scorer % ("trustyai_meanshift", f"worst/{OF_SCORER}", "income"), "value": 0.7},
        {"labels": churn, "value": 0.3},
        {"labels": scorer % ("trustyai_kstest", f"nan/{OF_SCORER}", "age"), "value": 1},
    ]
    evaluated(tmp_path, gauge_question(PLANS), SERIES, expected)


def evaluated(folder: Path, promql: str, series: list[tuple[str, str]], expected: list[dict[str, Any]]) -> None:
    """Prometheus' own answer after ten minutes is this."""
    (folder / "none.yaml").write_text("groups: []\n")
    asked = {"expr": promql, "eval_time": "10m", "exp_samples": expected}
    shown = [{"series": name, "values": values} for name, values in series]
    test = {"interval": "1m", "input_series": shown, "promql_expr_test": [asked]}
    (folder / "test.yaml").write_text(yaml.safe_dump({"rule_files": ["none.yaml"], "evaluation_interval": "1m", "tests": [test]}))
    done = subprocess.run(
        [str(PROMTOOL), "test", "rules", "test.yaml"], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not there: make cluster-build")
def test_features_of_other_versions_and_labels_of_other_models_take_no_place(tmp_path: Path) -> None:
    """120 features in two versions, and a model beside it that is told apart by `pod`."""
    by_pod = GaugePlan(("drift_distance",), GaugeReads.DISTANCE, "dataset_name", "fraud", "feature", revision_label="pod")
    series = [
        (
            f'drift_distance{{namespace="lending",dataset_name="churn",feature="f{at:03}",version="{version}",pod="{pod}"}}',
            f"{at / 1000}+0x10",
        )
        for at in range(120)
        for version in ("22222222", "99999999")
        for pod in ("a", "b")
    ]
    place = 'dataset_name="churn", headgate_series="drift_distance", namespace="lending", version="22222222"'
    marked = f'headgate_side="%s/{OF_CHURN}"'
    expected = [{"labels": f'{{feature="f{at:03}", {marked % "worst"}, {place}}}', "value": at / 1000} for at in range(119, 18, -1)]
    told = {"count": 120, "sum": sum(range(120)) / 1000, "mildest": 0}
    expected += [{"labels": f"{{{marked % name}, {place}}}", "value": value} for name, value in told.items()]
    question = gauge_question({CHURN: OTHER, Target("lending", "fraud", stable="33333333"): by_pod})
    evaluated(tmp_path, question, series, expected)


def test_what_is_beyond_the_worst_hundred_is_a_crowd() -> None:
    place = {"dataset_name": "churn", "version": "22222222"}
    result = [row(f"{at / 1000}", f"worst/{OF_CHURN}", "drift_distance", feature=f"f{at}", **place) for at in range(119, 18, -1)]
    found = parse_gauges(answer(*result), PLANS)[CHURN]
    assert (len(found.samples), found.crowds) == (100, []), "nothing is said of a crowd that nobody counted"
    told = {"count": 120, "sum": 7.14, "mildest": 0}
    result += [row(str(value), f"{name}/{OF_CHURN}", "drift_distance", **place) for name, value in told.items()]
    result += [row("9", f"{name}/{OF_CHURN}", "drift_distance", **place | {"version": "99999999"}) for name in told]
    found = parse_gauges(answer(*result), PLANS)[CHURN]
    assert min(sample.value for sample in found.samples) == 0.02
    assert found.crowds == [Crowd("drift_distance", 20, 0.019, 0.0, pytest.approx(0.19))]


def test_the_number_of_questions_does_not_grow_with_products_or_models() -> None:
    many = {Target("lending", f"m-{number}"): TRUSTYAI for number in range(200)}
    assert gauge_question(many) == gauge_question({SCORER: TRUSTYAI})
    assert gauge_question(PLANS).count("bottomk") == 1
