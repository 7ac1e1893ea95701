"""reference and monitoring: what is captured is what the monitor reads, and what is said when there is nothing to show."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.cli.cluster_in_memory import LIVE, ClusterInMemory, headgate
from tests.unit.monitor.world import Answering, aimodel, watched_spec
from tests.unit.monitoring.inservice.watched import SHARES, traffic

from headgate.cli.monitoring import reference as command
from headgate.kube.resources import AIMODELS, CONFIG_MAPS
from headgate.monitoring.inservice.reference import Reference, read

CAPTURE = ("reference", "capture", "credit-scorer", "-n", "lending", "--prometheus", "http://p")


@pytest.fixture
def prometheus(memory: ClusterInMemory, monkeypatch: pytest.MonkeyPatch) -> Answering:
    answering = Answering()
    answering.grown["credit-scorer"] = traffic()
    monkeypatch.setattr(command, "open_prometheus", lambda address: answering.client())
    memory.put(AIMODELS, aimodel("credit-scorer", watched_spec()))
    return answering


def written(text: str, model: str = "lending/credit-scorer") -> tuple[dict[str, Any], Reference]:
    manifest = yaml.safe_load(text)
    digest = "sha256:" + 64 * "0"
    try:
        read(manifest["data"]["reference.json"], model=model, digest=digest)
    except ValueError as error:
        digest = str(error).split("its digest is ")[1].split(" ")[0]
    return manifest, read(manifest["data"]["reference.json"], model=model, digest=digest)


def test_what_is_captured_is_what_the_monitor_reads(prometheus: Answering) -> None:
    done = headgate(*CAPTURE, "--since", "7d")
    assert done.exit_code == 0, done.output
    manifest, found = written(done.stdout)
    assert manifest["metadata"] == {"name": f"credit-scorer-reference-{found.digest[7:15]}", "namespace": "lending"}
    assert manifest["immutable"] is True
    assert found.features["income"].edges == (10.0, 20.0, 30.0, 40.0)
    assert found.features["income"].counts.shape == (20, 5)
    assert (found.features["income"].counts[0] == SHARES * 100).all()
    assert found.features["country"].classes == ("DE", "FR", "IT", "elsewhere")
    assert f"digest: {found.digest}" in done.stderr
    assert len(prometheus.asked) == 40, "two questions for each twentieth of the time"
    assert "offset 30240s" in prometheus.asked[0]


def test_a_candidate_in_shadow_is_counted_by_its_own_revision(memory: ClusterInMemory, prometheus: Answering) -> None:
    assert "has no candidate" in headgate(*CAPTURE, "--of", "candidate").stderr
    model = aimodel("credit-scorer", watched_spec())
    model["status"]["candidate"] = {"revision": "c0ffee00"}
    memory.put(AIMODELS, model)
    prometheus.revision = "c0ffee00"
    done = headgate(*CAPTURE, "--of", "candidate", "--since", "30m")
    assert done.exit_code == 0, done.output
    assert "revision c0ffee00" in yaml.safe_load(done.stdout)["data"]["reference.json"]
    assert headgate(*CAPTURE).exit_code == 1, "nothing was counted of the live version"


@pytest.mark.parametrize(("since", "stretches"), [("30s", 1), ("90s", 1), ("2m", 2), ("3h", 20)])
def test_short_times_are_counted_whole_in_fewer_stretches(prometheus: Answering, since: str, stretches: int) -> None:
    assert headgate(*CAPTURE, "--since", since).exit_code == 0
    assert len(prometheus.asked) == 2 * stretches


def test_what_cannot_be_counted_is_left_out_and_said(prometheus: Answering) -> None:
    prometheus.grown["credit-scorer"].counters.clear()
    done = headgate(*CAPTURE)
    assert done.exit_code == 0
    assert "warning: country is left out: its pods counted nothing under headgate_feature_total" in done.stderr
    prometheus.grown["credit-scorer"].histograms.clear()
    done = headgate(*CAPTURE)
    assert done.exit_code == 1
    assert "nothing of lending/credit-scorer could be counted in the last 7d" in done.stderr
    prometheus.status = 503
    assert "gives no answer" in headgate(*CAPTURE).stderr


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"status": {}}, "has no live version"),
        ({"spec": aimodel("credit-scorer", {})["spec"]}, "names no features"),
        ({"spec": {"version": "1"}}, "lending/credit-scorer: "),
    ],
)
def test_a_model_of_which_none_can_be_taken(memory: ClusterInMemory, prometheus: Answering, change: dict[str, Any], words: str) -> None:
    memory.put(AIMODELS, aimodel("credit-scorer", watched_spec()) | change)
    done = headgate(*CAPTURE)
    assert done.exit_code == 1
    assert words in done.stderr


def test_without_an_address(prometheus: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADGATE_PROMETHEUS_URL", raising=False)
    assert "where does Prometheus answer?" in headgate(*CAPTURE[:-2]).stderr


def test_a_file_of_rows(tmp_path: Path) -> None:
    rows = "\n".join(f"{number % 100},{'DE' if number % 3 else 'FR'},{number}" for number in range(1000))
    file = tmp_path / "train.csv"
    file.write_text(f"income,country,id\n{rows}\n")
    out = tmp_path / "reference.yaml"
    done = headgate(
        "reference", "from-file", str(file), "--model", "lending/credit-scorer", "--edges", "income=9,49", "--ignore", "id", "-o", str(out)
    )
    assert done.exit_code == 0, done.output
    manifest, found = written(out.read_text())
    assert manifest["kind"] == "ConfigMap"
    assert found.features["income"].counts.sum(axis=0).tolist() == [100, 400, 500]
    assert found.features["country"].classes == ("FR", "DE"), "as they appear"
    assert "income: 1,000 rows, edges 9, 49" in done.stderr


@pytest.mark.parametrize(
    ("text", "arguments", "words"),
    [
        ("income\n1\n", ("--model", "credit-scorer"), "write NAMESPACE/NAME"),
        ("income\n1\n2\n", ("--model", "a/b", "--edges", "income=2,1"), "edges must rise"),
        ("income\n1\n2\n", ("--model", "a/b", "--edges", "age=1,2"), "has no column age"),
        ("income\n1\n", ("--model", "a/b", "--ignore", "income"), "0 columns to watch"),
    ],
)
def test_bad_files_and_options_are_refused_in_words(tmp_path: Path, text: str, arguments: tuple[str, ...], words: str) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(text)
    done = headgate("reference", "from-file", str(file), *arguments)
    assert done.exit_code in (1, 2)
    assert words in done.output


RESULTS = {
    "at": "2026-03-10T12:00:00Z",
    "revision": "11111111",
    "kinds": {
        "drift": {
            "verdict": "Violated",
            "figures": [
                {
                    "of": "income",
                    "statistic": "psi",
                    "value": 0.35,
                    "interval": [0.3, 0.4],
                    "samples": [1000, 1000],
                    "verdict": "Violated",
                    "why": "0.35 is at or beyond 0.2",
                }
            ],
        }
    },
    "response": {"severity": "Critical", "actions": ["Event"], "why": "psi"},
    "creditsDue": ["2026-Q1"],
    "notes": ["at 500 labels a day"],
}


def test_results_are_shown_as_a_table_and_as_they_are(memory: ClusterInMemory) -> None:
    memory.model(LIVE)
    memory.put(
        CONFIG_MAPS,
        {"metadata": {"name": "credit-scorer-monitoring", "namespace": "lending"}, "data": {"results.json": json.dumps(RESULTS)}},
    )
    done = headgate("monitoring", "credit-scorer", "-n", "lending")
    assert done.exit_code == 0, done.output
    for words in ("drift income", "psi", "Violated", "severity Critical", "credits are due for 2026-Q1", "as of 2026-03-10T12:00:00Z"):
        assert words in done.stdout
    assert json.loads(headgate("monitoring", "credit-scorer", "-n", "lending", "-o", "json").stdout) == RESULTS
    assert yaml.safe_load(headgate("monitoring", "credit-scorer", "-n", "lending", "-o", "yaml").stdout) == RESULTS


@pytest.mark.parametrize("data", [None, {}, {"results.json": "{}"}, {"results.json": "x"}])
def test_nothing_to_show_is_said(memory: ClusterInMemory, data: dict[str, str] | None) -> None:
    memory.model(LIVE)
    if data is not None:
        memory.put(CONFIG_MAPS, {"metadata": {"name": "credit-scorer-monitoring", "namespace": "lending"}, "data": data})
    done = headgate("monitoring", "credit-scorer", "-n", "lending")
    assert done.exit_code == 1
    assert "nothing is known of credit-scorer" in done.stderr or "cannot be read" in done.stderr
