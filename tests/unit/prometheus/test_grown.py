"""One question for all live models: what it asks, that it counts exactly (by Prometheus' own evaluation), and how answers are read."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from headgate.prometheus.client import SourceError
from headgate.prometheus.grown import MODELS_OF_ONE_QUESTION, SHARDS, Counted, parse, probe_question, question, shards
from headgate.prometheus.profiles import Target

MODEL = Target("lending", "credit-scorer", stable="11111111")
OTHER = Target("lending", "churn", stable="22222222")
COUNTER = Counted(frozenset({"headgate_feature_total"}), frozenset({"feature", "value"}))
POD = 'namespace="lending",headgate_model="credit-scorer",headgate_revision="11111111"'


@pytest.mark.parametrize(("models", "questions"), [(0, 0), (1, 1), (200, 1), (201, 2), (3200, 16), (10_000, 16), (1_000_000, 16)])
def test_the_number_of_questions_does_not_grow_with_the_models(models: int, questions: int) -> None:
    parts = shards([MODEL] * models)
    assert len(parts) == questions <= SHARDS
    assert sum(len(part) for part in parts) == models
    assert models > SHARDS * MODELS_OF_ONE_QUESTION or all(len(part) <= MODELS_OF_ONE_QUESTION for part in parts)


def test_a_label_with_a_million_values_is_cut_off_by_prometheus() -> None:
    asked = question(Counted(COUNTER.names, COUNTER.labels, most=201), [MODEL], 300)
    assert asked.startswith("topk by (namespace, headgate_model, headgate_revision, headgate_series) (201, sum by (")
    asked = question(Counted(COUNTER.names, COUNTER.labels, most=201, features=frozenset({"income", "age"})), [MODEL], 300)
    assert asked.startswith("topk by (namespace, headgate_model, headgate_revision, headgate_series, feature) (201, sum by (")
    assert 'feature=~"|age|income"' in asked, "other features, and there may be a million, are not even looked at"


def answer(*rows: tuple[dict[str, str], str], kind: str = "vector") -> bytes:
    result = [{"metric": labels, "value": [1.0, value]} for labels, value in rows]
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": result}}, separators=(",", ":")).encode()


def place(target: Target, **labels: str) -> dict[str, str]:
    named = {"namespace": target.namespace, "headgate_model": target.name, "headgate_revision": target.stable}
    return named | {"headgate_series": "headgate_feature_total"} | labels


def test_rows_are_sorted_out_by_live_version() -> None:
    body = answer(
        (place(MODEL, value="DE"), "3"),
        (place(OTHER, value="FR"), "NaN"),
        (place(Target("lending", "credit-scorer", stable="99999999"), value="DE"), "7"),
        (place(Target("else", "unknown", stable="11111111")), "7"),
    )
    found = parse(body, [MODEL, OTHER])
    assert found[MODEL] == [({"headgate_series": "headgate_feature_total", "value": "DE"}, 3.0)]
    assert str(found[OTHER][0][1]) == "nan", "whoever reads it must know that there was something, and that it is no number"
    assert set(found) == {MODEL, OTHER}


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"status":"error","error":"too many samples"}', answer((place(MODEL), "x")), answer(kind="matrix")]
)
def test_what_is_no_answer_is_an_outage(body: bytes) -> None:
    with pytest.raises(SourceError):
        parse(body, [MODEL])


PROMTOOL = next(Path.home().glob(".cache/headgate/bin/prometheus-*/promtool"), None) or shutil.which("promtool")
SERIES = [
    # At 0, 1, … minutes. A pod that was there before: exact difference. One that is reset in between: what it counted since.
    (f'headgate_feature_total{{{POD},pod="a",feature="country",value="DE"}}', "100+1x10"),
    (f'headgate_feature_total{{{POD},pod="b",feature="country",value="DE"}}', "1000 1000 1000 1000 1000 1000 3 3 3 3 4"),
    # A class that shows up in a pod that was there: all of it. A pod that was not there: nothing until the next look.
    (f'headgate_feature_total{{{POD},pod="a",feature="country",value="FR"}}', "_ _ _ _ _ _ _ 2 2 2 2"),
    (f'headgate_feature_total{{{POD},pod="new",feature="country",value="DE"}}', "_ _ _ _ _ _ _ 500000 500000 500000 500000"),
    # Two copies of one series are one.
    (f'headgate_feature_total{{{POD},pod="c",feature="country",value="IT",prometheus_replica="0"}}', "5+1x10"),
    (f'headgate_feature_total{{{POD},pod="c",feature="country",value="IT",prometheus_replica="1"}}', "5+1x10"),
    (f"probe_success{{{POD}}}", "1 1 1 1 1 1 0 1 1 1 1"),
    # An application's pod names the model, and has none of its revisions; another version's pod does.
    ('headgate_human_review_total{namespace="lending",headgate_model="credit-scorer",pod="desk",outcome="agreed"}', "1+1x10"),
    (
        'headgate_human_review_total{namespace="lending",headgate_model="credit-scorer",headgate_revision="9",pod="x",outcome="agreed"}',
        "1+9x10",
    ),
]
# Whoever puts identifiers into `le` or `feature` gets no more rows than others.
SERIES += [(f'headgate_feature_bucket{{{POD},pod="a",feature="income",le="{at}"}}', f"0+{at / 50}x10") for at in range(200)]
SERIES += [(f'headgate_feature_bucket{{{POD},pod="a",feature="income",le="+Inf"}}', "0+4x10")]
SERIES += [(f'headgate_feature_bucket{{{POD},pod="a",feature="request-{at}",le="+Inf"}}', "0+9x10") for at in range(200)]
BUCKETS = Counted(frozenset({"headgate_feature_bucket"}), frozenset({"le"}), 2, features=frozenset({"age", "income"}))
REVIEWS = Counted(frozenset({"headgate_human_review_total"}), frozenset({"outcome"}), 201, anywhere=True)


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not there: make cluster-build")
def test_prometheus_counts_exactly(tmp_path: Path) -> None:
    (tmp_path / "none.yaml").write_text("groups: []\n")
    place_of = '{headgate_model="credit-scorer", headgate_revision="11111111", namespace="lending", '
    named = f'{place_of}feature="country", headgate_series="headgate_feature_total", value='
    expected = {'"DE"}': 5 + 4, '"FR"}': 2, '"IT"}': 5}
    probes = '{headgate_model="credit-scorer", headgate_series=NAME, namespace="lending"}'
    bucket = f'{place_of}feature="income", headgate_series="headgate_feature_bucket", le="%s"}}'
    reviews = '{headgate_model="credit-scorer", headgate_series="headgate_human_review_total", namespace="lending", outcome="agreed"}'
    told = {
        "rule_files": ["none.yaml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": series, "values": values} for series, values in SERIES],
                "promql_expr_test": [
                    {
                        "expr": question(COUNTER, [MODEL, OTHER], 300),
                        "eval_time": "10m",
                        "exp_samples": [{"labels": named + end, "value": value} for end, value in expected.items()],
                    },
                    {
                        "expr": question(REVIEWS, [MODEL, OTHER], 300),
                        "eval_time": "10m",
                        "exp_samples": [{"labels": reviews, "value": 5}],
                    },
                    {
                        "expr": question(BUCKETS, [MODEL, OTHER], 300),
                        "eval_time": "10m",
                        "exp_samples": [{"labels": bucket % bound, "value": value} for bound, value in (("+Inf", 20), ("199", 19.9))],
                    },
                    {
                        "expr": probe_question([MODEL], 300),
                        "eval_time": "10m",
                        "exp_samples": [
                            {"labels": probes.replace("NAME", '"up"'), "value": 4},
                            {"labels": probes.replace("NAME", '"all"'), "value": 5},
                        ],
                    },
                ],
            }
        ],
    }
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(told))
    done = subprocess.run(
        [str(PROMTOOL), "test", "rules", "test.yaml"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
