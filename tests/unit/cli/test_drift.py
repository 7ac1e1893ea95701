"""`headgate drift`: files of any shape get an answer or one sentence that says what to change."""

import gzip
import json
import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from headgate.cli.main import app
from headgate.cli.monitoring.samples import Reading, samples

HEAD = "time,age,region\n"
NOTHING = Reading(None, {}, frozenset(), frozenset())


def _rows(rows: int, shift: float = 0.0, labels: str = "abc", seed: int = 1) -> str:
    rng = np.random.default_rng(seed)
    return HEAD + "".join(
        f"{at},{age:.3f},{labels[label]}\n"
        for at, (age, label) in enumerate(zip(rng.normal(40 + shift, 10, rows), rng.integers(0, len(labels), rows), strict=True))
    )


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "reference.csv").write_text(_rows(4000))
    (tmp_path / "same.csv").write_text(_rows(2000, seed=2))
    (tmp_path / "moved.csv").write_text(_rows(2000, shift=3, seed=3))
    (tmp_path / "far.csv").write_text(_rows(2000, shift=9, labels="abd", seed=4))
    return tmp_path


def _run(files: Path, current: str, *extra: str, reference: str = "reference.csv") -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["drift", str(files / reference), str(files / current), *extra])
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize(
    ("current", "code", "verdict"), [("same.csv", 0, "WithinLimits"), ("moved.csv", 3, "Drifting"), ("far.csv", 4, "Violated")]
)
def test_the_exit_code_tells_the_worst_verdict(files: Path, current: str, code: int, verdict: str) -> None:
    found = _run(files, current, "--time", "time", "--json")
    document = json.loads(found[1])
    assert (found[0], document["verdict"]) == (code, verdict)
    assert {(one["feature"], one["statistic"]) for one in document["findings"]} == {
        ("age", "psi"),
        ("age", "ks"),
        ("region", "cramersV"),
        ("region", "jsDistance"),
        ("region", "psi"),
    }
    for one in document["findings"]:
        assert one["samples"] == [4000, 2000]
        assert one["interval"][0] <= one["value"] <= one["interval"][1]
        assert one["why"]


def test_the_table_has_a_line_for_each_figure(files: Path) -> None:
    code, out, _ = _run(files, "far.csv", "--ignore", "time")
    assert code == 4
    assert [line.split()[:2] for line in out.splitlines()[1:]] == [
        ["age", "psi"],
        ["age", "ks"],
        ["region", "cramersV"],
        ["region", "jsDistance"],
        ["region", "psi"],
    ]


def test_gzip_and_parquet_say_the_same_as_csv(files: Path) -> None:
    with gzip.open(files / "far.csv.gz", "wt") as file:
        file.write((files / "far.csv").read_text())
    pyarrow.parquet.write_table(pyarrow.csv.read_csv(files / "far.csv"), files / "far.parquet")
    answers = [_run(files, name, "--json", "--time", "time")[1] for name in ("far.csv", "far.csv.gz", "far.parquet")]
    assert answers[0] == answers[1] == answers[2]


def test_declared_edges_take_the_place_of_tenths(files: Path) -> None:
    document = json.loads(_run(files, "far.csv", "--edges", "age=0,1000", "--ignore", "time", "--json")[1])
    (age,) = (one for one in document["findings"] if one["feature"] == "age")
    assert (age["verdict"], age["value"]) == ("NotAssessed", None)
    assert "edges that do not divide" in age["why"] or "alike" in age["why"]


def test_numbers_that_are_codes_can_be_called_categories(files: Path) -> None:
    (files / "codes.csv").write_text("code\n" + "1\n2\n7\n" * 500)
    (files / "other.csv").write_text("code\n" + "1\n2\n8\n" * 500)
    document = json.loads(_run(files, "other.csv", "--categorical", "code", "--json", reference="codes.csv")[1])
    assert [one["statistic"] for one in document["findings"]] == ["cramersV", "jsDistance", "psi"]
    assert document["verdict"] == "Violated"


def test_a_missing_value_is_a_class_of_its_own_and_never_imputed(files: Path) -> None:
    text = (files / "same.csv").read_text().splitlines()
    gaps = [line if at % 4 else f"{line.split(',')[0]},,{line.split(',')[2]}" for at, line in enumerate(text[1:])]
    (files / "gaps.csv").write_text("\n".join([text[0], *gaps]) + "\n")
    document = json.loads(_run(files, "gaps.csv", "--ignore", "time", "--json")[1])
    found = {(one["feature"], one["statistic"]): one for one in document["findings"]}
    assert found["age", "psi"]["verdict"] == "Violated"
    assert found["age", "ks"]["verdict"] == "WithinLimits"


def test_what_is_not_a_number_any_more_counts_as_missing_and_is_told(files: Path) -> None:
    (files / "words.csv").write_text((files / "same.csv").read_text() + "2000,forty,a\n")
    code, _, told = _run(files, "words.csv", "--ignore", "time")
    assert code == 0
    assert "1 values of age are no numbers (like 'forty')" in told


def test_columns_that_are_not_in_both_files_are_not_assessed_and_told(files: Path) -> None:
    (files / "less.csv").write_text("age,extra\n" + "".join(f"{30 + n % 20},{n}\n" for n in range(2000)))
    code, out, told = _run(files, "less.csv", "--ignore", "time", "--json")
    (region,) = (one for one in json.loads(out)["findings"] if one["feature"] == "region")
    assert code == 4
    assert (region["verdict"], region["value"]) == ("NotAssessed", None)
    assert "has no such column" in region["why"]
    assert "extra" in told


@pytest.mark.parametrize(
    ("content", "extra", "why"),
    [
        ("", (), "cannot be read"),
        (HEAD, (), "has no rows"),
        ("other\n1\n", (), "has none of the columns"),
        ("time,age,region\n1,2\n", (), "cannot be read"),
        ("age,age\n1,2\n", (), "more than one column age"),
        (HEAD + "2,40,a\n1,41,b\n", ("--time", "time"), "row 2 is earlier"),
        (HEAD + ",40,a\n", ("--time", "time"), "without a time"),
        (HEAD + "1,40,a\n", ("--time", "when"), "no column when"),
        ("age,region\n40,a\n", ("--time", "time"), "no column time"),
        (HEAD + "1,40,a\n", ("--edges", "age=3,2"), "must rise"),
        (HEAD + "1,40,a\n", ("--edges", "region=3,4"), "not all numbers"),
        (HEAD + "1,40,a\n", ("--edges", "agee=3,4"), "no column agee"),
        (HEAD + "1,40,a\n", ("--ignore", "time", "--ignore", "age", "--ignore", "region"), "no column is left"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(files: Path, content: str, extra: tuple[str, ...], why: str) -> None:
    (files / "bad.csv").write_text(content)
    code, out, told = _run(files, "bad.csv", *extra)
    assert (code, out) == (1, "")
    assert why in told
    assert len(told.strip().splitlines()) == 1


@pytest.mark.parametrize("edges", ["age", "age=", "age=a,b"])
def test_edges_that_are_no_numbers_are_wrong_usage(files: Path, edges: str) -> None:
    assert _run(files, "same.csv", "--edges", edges)[0] == 2


def test_labels_without_end_take_no_memory_and_are_not_assessed(files: Path) -> None:
    (files / "ids.csv").write_text("id,flag\n" + "".join(f"u{n},{n % 2}\n" for n in range(250_000)))
    tracemalloc.start()
    found = samples(files / "ids.csv", files / "ids.csv", NOTHING)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [feature.name for feature in found.features] == ["flag"]
    assert found.left_out.keys() == {"id"}
    assert "more than 1000 different values" in found.left_out["id"]
    assert most < 10e6
