"""`headgate trend`: from a table of days to dates, or to one sentence that says what to change."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from headgate.cli.main import app

HEAD = "date,share,labels\n"


def _days(*shares: float, labels: int = 2000) -> str:
    return HEAD + "".join(f"{date(2026, 3, 1) + timedelta(days=day)},{share:.5f},{labels}\n" for day, share in enumerate(shares))


FALLING = _days(*(0.92 - 0.002 * day + 0.002 * (day % 3 - 1) for day in range(21)))
FLAT = _days(*(0.92 + 0.003 * (day % 3 - 1) for day in range(28)))


def _run(tmp_path: Path, content: str, *extra: str) -> tuple[int, str, str]:
    (tmp_path / "days.csv").write_text(content)
    result = CliRunner().invoke(app, ["trend", str(tmp_path / "days.csv"), "--baseline", "0.92", *extra])
    return result.exit_code, result.stdout, result.stderr


def test_a_fall_gets_a_date_and_no_fall_none(tmp_path: Path) -> None:
    code, out, _ = _run(tmp_path, FALLING, "--json")
    document = json.loads(out)
    assert code == 3
    assert [result["statistic"] for result in document["results"]] == ["loss", "cusum", "trend"]
    assert document["projection"]["breach"] in ("2026-03-26", "2026-03-27", "2026-03-28")
    assert document["onset"] is not None
    code, out, _ = _run(tmp_path, FLAT, "--json")
    assert (code, json.loads(out)["onset"], json.loads(out)["projection"]["breach"]) == (0, None, None)


def test_people_read_what_the_labels_can_tell(tmp_path: Path) -> None:
    code, out, _ = _run(tmp_path, FLAT)
    assert code == 0
    assert "at 2,000 labels a day a loss of 0.3 points a day is seen after 14 days" in out


def test_an_error_rate_is_worse_the_higher_it_is(tmp_path: Path) -> None:
    rates = _days(*(0.08 + 0.002 * day for day in range(40)))
    found = CliRunner().invoke(app, ["trend", str(_written(tmp_path, rates)), "--baseline", "0.08", "--better", "lower"])
    assert found.exit_code == 4


def test_labels_that_come_late_move_the_end(tmp_path: Path) -> None:
    code, out, _ = _run(tmp_path, FLAT, "--lag", "20d")
    assert code == 5
    assert "14 at least are needed" in out
    assert "no day has mature labels yet" in _run(tmp_path, FLAT, "--lag", "90d")[1]
    assert _run(tmp_path, FLAT, "--lag", "20d", "--today", "2026-06-01")[0] == 0


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "has no column date, share, labels"),
        (HEAD, "has no rows with labels"),
        ("date,share\n2026-03-01,0.9\n", "has no column labels"),
        (HEAD + "2026-03-01,92,500\n", "shares are 0 to 1"),
        (HEAD + "2026-03-01,,500\n", "row 1"),
        (HEAD + "2026-03-01,nan,500\n", "shares are 0 to 1"),
        (HEAD + "yesterday,0.9,500\n", "row 1"),
        (HEAD + "2026-03-01,0.9\n", "row 1"),
        (HEAD + "2026-03-01,0.9,500\n2026-03-01,0.9,500\n", "there twice"),
        (HEAD + "2026-03-01,0.9,0\n", "has no rows with labels"),
        (HEAD + "2026-03-01,0.9,1\n" * 1501, "more than 1500 rows"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(tmp_path: Path, content: str, why: str) -> None:
    code, out, told = _run(tmp_path, content)
    assert (code, out) == (1, "")
    assert why in told
    assert len(told.strip().splitlines()) == 1


@pytest.mark.parametrize("extra", [("--limit", "5"), ("--lag", "2 weeks"), ("--better", "more"), ("--today", "soon"), ("--baseline", "92")])
def test_wrong_options_are_wrong_usage(tmp_path: Path, extra: tuple[str, str]) -> None:
    assert _run(tmp_path, FLAT, *extra)[0] == 2


def _written(tmp_path: Path, content: str) -> Path:
    (tmp_path / "days.csv").write_text(content)
    return tmp_path / "days.csv"
