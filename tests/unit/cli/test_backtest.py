"""Recorded rollouts from files: read as they are, judged as the operator judges, refused with what is missing."""

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
import yaml
from typer.testing import CliRunner

from headgate.cli.judging import recorded
from headgate.cli.main import app
from headgate.cli.refused import Refused

POLICY = """
apiVersion: headgate.dev/v1alpha1
kind: RolloutPolicy
metadata: {name: file}
spec:
  stages:
  - {name: canary, trafficPercent: 5, minDuration: 1h, maxDuration: 2h}
  - {name: full, holdbackPercent: 1, minDuration: 1h, maxDuration: 2h}
  checks: [{metric: errors, maxIncrease: 0.5pp, weight: 4}, {metric: latency, quantile: "0.95", maxIncrease: 50ms, weight: 3}]
"""
HEAD = "series,t,stable_requests,stable_errors,candidate_requests,candidate_errors"
BOUNDS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3)


def _lines(rng: np.random.Generator, name: str, excess: float, *, blocks: int = 80, first: int = 1, arm: str = "") -> list[str]:
    n_b, n_c = (2100, 700) if arm else (2850, 150)
    return [
        f"{name},{15 * k},{n_b},{rng.binomial(n_b, 0.01)},{n_c},{rng.binomial(n_c, 0.01 + excess)}{',' + arm if arm else ''}"
        for k in range(first, first + blocks)
    ]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    rng = np.random.default_rng(4)
    (tmp_path / "policy.yaml").write_text(POLICY)
    blocks = [*_lines(rng, "same", 0.0), *_lines(rng, "worse", 0.03), *_lines(rng, "short", 0.0, blocks=2)]
    order = rng.permutation(len(blocks))
    (tmp_path / "blocks.csv").write_text("\n".join([HEAD, *(blocks[i] for i in order)]) + "\n")
    pods = [
        line
        for name in ("same", "worse", "unknown")
        for arm in ("pod-a", "pod-b", "pod-c", "pod-d")
        for line in [*_lines(rng, name, 0.0, blocks=200, first=-220, arm=arm), *_lines(rng, name, 0.0, arm=arm)]
    ]
    (tmp_path / "pods.csv").write_text("\n".join([HEAD + ",arm", *pods]) + "\n")
    return tmp_path


def _run(files: Path, *extra: str, blocks: str = "blocks.csv") -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["backtest", "--blocks", str(files / blocks), "--policy", str(files / "policy.yaml"), *extra])
    return result.exit_code, result.stdout, result.stderr


def test_each_series_gets_one_line_in_the_order_of_the_file(files: Path) -> None:
    code, out, told = _run(files, "--calibration", str(files / "pods.csv"), "--json")
    assert code == 0
    found = {result["series"]: result for result in map(json.loads, out.splitlines())}
    assert next(iter(found)) == (files / "blocks.csv").read_text().splitlines()[1].split(",")[0]
    assert {name: one["decision"] for name, one in found.items()} == {"same": "promote", "worse": "rollback", "short": "none"}
    assert found["worse"]["t"] <= 150
    assert found["worse"]["e_harm"] >= 20
    assert found["worse"]["p_value"] <= 0.05
    low, high = found["worse"]["interval"]
    assert low < 0.03 < high
    assert low < found["worse"]["difference"] < high
    assert found["short"]["t"] is None
    assert found["same"]["e_good"] >= 20
    assert found["same"]["dispersion"] < 1.5
    assert "latency: the file has no columns" in told


def test_without_calibration_it_says_so_and_waits_for_twenty_blocks(files: Path) -> None:
    code, out, told = _run(files, "--json")
    worse = next(result for result in map(json.loads, out.splitlines()) if result["series"] == "worse")
    assert code == 0
    assert worse["t"] == 300
    assert "no decision before 20 blocks" in told


def test_a_series_without_a_past_of_its_own_is_not_calibrated_by_that_of_others(files: Path) -> None:
    lines = [line for line in (files / "pods.csv").read_text().splitlines() if not line.startswith("worse,")]
    (files / "pods.csv").write_text("\n".join(lines) + "\n")
    _, found, told = _run(files, "--calibration", str(files / "pods.csv"), "--json")
    uncalibrated = _run(files, "--json")[1]
    worse, alone = (
        next(line for line in map(json.loads, text.splitlines()) if line["series"] == "worse") for text in (found, uncalibrated)
    )
    assert worse == alone
    assert worse["t"] == 300
    assert "2 of 3 series: fewer than 3 pods in --calibration: no decision before 20 blocks unless the harm is obvious" in told


def test_people_get_a_summary(files: Path) -> None:
    _, out, _ = _run(files, "--calibration", str(files / "pods.csv"))
    assert out.splitlines()[0] == "3 rollouts"
    assert "rollback       1 (33.3 %), median after" in out


def test_gzip_and_parquet_say_the_same(files: Path) -> None:
    plain = _run(files, "--json")[1]
    with gzip.open(files / "blocks.csv.gz", "wb") as packed:
        packed.write((files / "blocks.csv").read_bytes())
    pyarrow.parquet.write_table(pyarrow.csv.read_csv(files / "blocks.csv"), files / "blocks.parquet")
    assert _run(files, "--json", blocks="blocks.csv.gz")[1] == plain
    assert _run(files, "--json", blocks="blocks.parquet")[1] == plain


def _with_latency(files: Path, slower: float) -> str:
    rng = np.random.default_rng(5)
    head = [*HEAD.split(","), *(f"{arm}_le_{bound}" for arm in ("stable", "candidate") for bound in BOUNDS)]
    rows = [",".join(head)]
    for k in range(1, 61):
        timed = [np.sort(rng.lognormal(np.log(0.1), 0.4, n) + add) for n, add in ((2850, 0.0), (150, slower))]
        below = [str(int(np.searchsorted(one, bound, side="right"))) for one in timed for bound in BOUNDS]
        rows.append(",".join(["slow", str(15 * k), "2850", "28", "150", "1", *below]))
    (files / "latency.csv").write_text("\n".join(rows) + "\n")
    return "latency.csv"


@pytest.mark.parametrize(("slower", "decision"), [(0.0, "promote"), (0.15, "rollback")])
def test_latency_columns_are_compared_at_bounds_that_the_operator_would_choose(files: Path, slower: float, decision: str) -> None:
    _, out, told = _run(files, "--json", blocks=_with_latency(files, slower))
    result = json.loads(out)
    assert result["decision"] == decision
    assert slower == 0 or result["check"] == "latency"
    assert "latency: 1 series: above" in told


@pytest.mark.parametrize(("less", "decision"), [(0.0, "none"), (0.3, "rollback")])
def test_value_columns_are_means_over_the_requests(files: Path, less: float, decision: str) -> None:
    policy = yaml.safe_load(POLICY)
    policy["spec"]["checks"] = [{"metric": "value", "maxDecrease": "5%"}]
    (files / "policy.yaml").write_text(yaml.safe_dump(policy))
    rng = np.random.default_rng(6)

    def row(k: int, stable: int, candidate: int, mean: float, arm: str = "") -> str:
        sums = f"{3.0 * rng.gamma(stable):.3f},{3.0 * mean * rng.gamma(candidate):.3f}"
        return f"shop,{15 * k},{stable},0,{candidate},0,{sums}{',' + arm if arm else ''}"

    head = f"{HEAD},stable_value_sum,candidate_value_sum"
    blocks = [row(k, 285, 15, 1.0 - less) for k in range(1, 81)]
    pods = [row(k, 225, 75, 1.0, arm) for arm in ("a", "b", "c", "d") for k in range(-120, 0)]
    (files / "blocks.csv").write_text("\n".join([head, *blocks]) + "\n")
    (files / "pods.csv").write_text("\n".join([f"{head},arm", *pods]) + "\n")
    result = json.loads(_run(files, "--json", "--calibration", str(files / "pods.csv"))[1])
    assert (result["decision"], result["check"]) == (decision, "value")
    assert result["interval"][0] < -less < result["interval"][1], "parts of the stable version's mean"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{HEAD},stable_value_sum\na,15,10,0,10,0,5\n", "belong together"),
        ("series,t\na,1\n", "has no column stable_requests"),
        (f"{HEAD}\na,15,10,0,10,0\na,15,10,0,10,0\n", "more than one block with the same t"),
        (f"{HEAD}\na,15,10,x,10,0\n", "stable_errors is not all numbers"),
        (f"{HEAD}\na,15,,0,10,0\n", "leave out blocks without data"),
        (f"{HEAD}\na,15,-1,0,10,0\n", "counts below 0"),
        (f"{HEAD},stable_le_fast,candidate_le_fast\na,15,1,0,1,0,1,1\n", "does not end in a bound in seconds"),
    ],
)
def test_a_file_that_cannot_be_judged_is_refused_with_what_is_wrong(files: Path, text: str, words: str) -> None:
    (files / "blocks.csv").write_text(text)
    code, _, told = _run(files)
    assert code == 1
    assert words in told


def test_pods_are_laid_beside_the_blocks_of_their_series(files: Path) -> None:
    told = recorded.blocks(recorded.read(files / "blocks.csv"))
    table = recorded.read(files / "pods.csv", of=told.names)
    past, live = recorded.history(table), recorded.beside(table, told)
    assert past is not None
    assert live is not None
    assert past.events.shape == (3, 4, 200, 4)
    assert live.events.shape == (3, 4, 80, 4)
    short, same = told.names.index("short"), told.names.index("same")
    assert past.events[short].sum() == 0
    assert (live.events[same, :, :, 2] == 700).all()


def test_a_policy_without_a_policy_is_refused(files: Path) -> None:
    (files / "policy.yaml").write_text("kind: ConfigMap\n")
    assert "holds no RolloutPolicy" in _run(files)[2]
    with pytest.raises(Refused, match="cannot be read"):
        recorded.read(files / "nothing.csv")
