"""One question for the gauges of all models: the worst of each feature by Prometheus' own evaluation, and whose answer each row is."""

import json
import math
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from headgate.api.drift import GaugeReads
from headgate.monitoring.inservice.gauges import GaugePlan
from headgate.prometheus.client import SourceError
from headgate.prometheus.gauges import gauge_question, parse_gauges
from headgate.prometheus.profiles import Target

SCORER, CHURN = Target("lending", "credit-scorer", stable="11111111"), Target("lending", "churn", stable="22222222")
TRUSTYAI = GaugePlan(("trustyai_kstest", "trustyai_meanshift"), GaugeReads.P_VALUE, "model", "credit-scorer", "subcategory")
OTHER = GaugePlan(("drift_distance",), GaugeReads.DISTANCE, "dataset_name", "churn", "feature", revision_label="version")
PLANS = {SCORER: TRUSTYAI, CHURN: OTHER}


def row(value: str, side: str, name: str, namespace: str = "lending", **labels: str) -> dict[str, object]:
    return {"metric": {"namespace": namespace, "headgate_series": name, "headgate_side": side} | labels, "value": [1.0, value]}


def answer(*result: dict[str, object]) -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": list(result)}}, separators=(",", ":")).encode()


def read(*result: dict[str, object]) -> dict[tuple[str, str, str], float]:
    found = parse_gauges(answer(*result), PLANS)
    return {(target.name, one.metric, one.feature): one.value for target, samples in found.items() for one in samples}


def test_rows_are_sorted_out_by_model_and_feature() -> None:
    assert read(
        row("0.04", "low", "trustyai_kstest", model="credit-scorer", subcategory="income"),
        row("0.9", "low", "trustyai_kstest", model="somebody-else", subcategory="income"),
        row("0.8", "low", "trustyai_kstest", namespace="cards", model="credit-scorer", subcategory="income"),
        row("0.2", "high", "drift_distance", dataset_name="churn", feature="age", version="22222222"),
        row("0.9", "high", "drift_distance", dataset_name="churn", feature="age", version="99999999"),
    ) == {("credit-scorer", "trustyai_kstest", "income"): 0.04, ("churn", "drift_distance", "age"): 0.2}


@pytest.mark.parametrize("first", [0, 1])
def test_one_series_that_is_no_number_makes_its_feature_unknown(first: int) -> None:
    place = {"model": "credit-scorer", "subcategory": "income"}
    both = [row("0.6", "low", "trustyai_kstest", **place), row("1", "nan", "trustyai_kstest", **place)]
    (value,) = read(both[first], both[1 - first]).values()
    assert math.isnan(value)


@pytest.mark.parametrize("body", [b"", b"{}", answer(row("x", "low", "trustyai_kstest"))])
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
    (tmp_path / "none.yaml").write_text("groups: []\n")
    scorer = '{headgate_series="%s", headgate_side="%s", model="credit-scorer", namespace="lending", subcategory="%s"}'
    place = 'headgate_series="drift_distance", headgate_side="high", namespace="lending", version="22222222"'
    churn = f'{{dataset_name="churn", feature="age", {place}}}'
    samples = [
        {"labels": scorer % ("trustyai_kstest", "low", "income"), "value": 0.03},
        {"labels": scorer % ("trustyai_meanshift", "low", "income"), "value": 0.7},
        {"labels": churn, "value": 0.3},
        {"labels": scorer % ("trustyai_kstest", "nan", "age"), "value": 1},
    ]
    asked = {"expr": gauge_question(PLANS), "eval_time": "10m", "exp_samples": samples}
    series = [{"series": name, "values": values} for name, values in SERIES]
    test = {"interval": "1m", "input_series": series, "promql_expr_test": [asked]}
    (tmp_path / "test.yaml").write_text(yaml.safe_dump({"rule_files": ["none.yaml"], "evaluation_interval": "1m", "tests": [test]}))
    done = subprocess.run(
        [str(PROMTOOL), "test", "rules", "test.yaml"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_number_of_questions_does_not_grow_with_products_or_models() -> None:
    many = {Target("lending", f"m-{number}"): TRUSTYAI for number in range(200)}
    assert gauge_question(many) == gauge_question({SCORER: TRUSTYAI})
    assert gauge_question(PLANS).count("bottomk") == 1
