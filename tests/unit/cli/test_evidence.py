"""evidence: tables, pictures and pages of how an attempt went, and what is said when there is nothing to draw."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.cluster_in_memory import IN_CANARY, LIVE, READINGS, ROLLED_BACK, T0, ClusterInMemory, headgate

from headgate.api.vocabulary import Metric, Verdict
from headgate.cli.showing.story import bands, spells
from headgate.evidence.readings import encode
from headgate.evidence.timeline import Mark, Point, StageLook, Standing, Timeline, to_json
from headgate.evidence.view import CheckReading
from headgate.evidence.words import sentence

EVIDENCE = ("evidence", "credit-scorer", "-n", "lending")
BEGUN = datetime.fromisoformat(T0).timestamp()
STAGES = {
    0: StageLook("shadow", 1.0, mirrored=True, alpha=0.01, beta=0.05),
    1: StageLook("canary", 0.05, mirrored=False, alpha=0.05, beta=0.05),
    2: StageLook("half", 0.5, mirrored=False, alpha=0.05, beta=0.05),
}
TWO_CHECKS = replace(READINGS, checks=(*READINGS.checks, CheckReading(Metric.LATENCY, Verdict.INCONCLUSIVE, detail="above <100ms>")))


def standing(k: int) -> Standing:
    return Standing(0.01 * k, 0.02 * k, 0.005, 0.005 + 0.0002 * k, -1.0 if k == 0 else -0.01, 1.0 if k == 0 else 0.02, 0.005)


def point(k: int, stage: int, time: float | None = None) -> Point:
    return Point.of(BEGUN + 60 * k if time is None else time, stage, 0.01 * k, (standing(k), standing(0)))


TIMELINE = Timeline(
    checks=("errors", "latency p95"),
    stages=STAGES,
    points=(*(point(k, 0) for k in range(30)), *(point(k, 1) for k in range(30, 90)), *(point(k, 2) for k in range(90, 100))),
    marks=(Mark(BEGUN + 600, 0, Verdict.PASS), Mark(BEGUN + 2400, 1, Verdict.PASS), Mark(BEGUN + 5940, 2, Verdict.FAIL, "errors")),
)


@pytest.fixture
def kept(memory: ClusterInMemory) -> ClusterInMemory:
    publish(memory, TIMELINE)
    return memory


def publish(memory: ClusterInMemory, timeline: Timeline) -> None:
    memory.publish(**{"readings.json": encode(TWO_CHECKS), "timeline.json": json.dumps(to_json(timeline))})


def test_without_a_file_it_is_a_table_for_each_check(kept: ClusterInMemory) -> None:
    lines = headgate(*EVIDENCE).stdout.splitlines()
    assert lines[:4] == [
        "lending/credit-scorer: 2.3.1, attempt 3",
        "2026-11-20 08:10:00 UTC: proven good",
        "2026-11-20 08:40:00 UTC: proven good",
        "2026-11-20 09:39:00 UTC: proven bad: errors",
    ]
    errors, latency = lines.index("errors"), lines.index("latency p95")
    first, last = lines[errors + 2].split(), lines[latency - 2].split()
    assert first == ["2026-11-20", "08:00:00", "shadow", *["1", "in", "1"] * 3, "–", "–", "–", "+0.50", "pp"]
    assert last[2:12] == ["half", *["1", "in", "10"] * 2, "1", "in", "95"]
    assert "0.50 %     2.48 %  +1.98 pp (-1.00 to +2.00)  +0.50 pp" in lines[latency - 2]
    assert latency - errors < 24
    assert "shadow: taken back at 1 in 100 (joined), proven good at 1 in 20 (each required check)" in lines
    assert sentence(TWO_CHECKS.checks[0]) in " ".join(line.strip() for line in lines)


def test_programs_get_the_whole_timeline(kept: ClusterInMemory) -> None:
    told = json.loads(headgate(*EVIDENCE, "-o", "json").stdout)
    assert told == {
        "namespace": "lending",
        "name": "credit-scorer",
        "title": "lending/credit-scorer: 2.3.1, attempt 3",
        "timeline": json.loads(json.dumps(to_json(TIMELINE))),
    }


def test_a_picture_and_a_page_are_written(kept: ClusterInMemory, tmp_path: Path) -> None:
    png, html = tmp_path / "e.png", tmp_path / "e.html"
    result = headgate(*EVIDENCE, "--png", str(png), "--html", str(html))
    assert (result.exit_code, result.stdout) == (0, "")
    assert png.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    text = html.read_text()
    for check in TWO_CHECKS.checks:
        assert sentence(check).replace("<", "&lt;").replace(">", "&gt;") in text
    assert "<100ms>" not in text
    assert text.count("<svg") == 1
    assert "2026-11-20 09:39:00 UTC: proven bad: errors" in text
    assert text.count("<tr>") == 2 * (1 + len(TIMELINE.points))


def test_a_value_is_told_and_drawn_relative_to_the_stable_version(memory: ClusterInMemory, tmp_path: Path) -> None:
    lower = Standing(1.0, 0.0, stable=0.0, candidate=-0.2, low=-0.3, high=-0.1, limit=-0.05)
    points = tuple(replace(one, packed=Point.of(0.0, 0, 0.0, (*one.checks[:1], lower)).packed) for one in TIMELINE.points)
    publish(memory, replace(TIMELINE, checks=("errors", "value"), points=points))
    assert "100 % 80.00 % -20.00 % (-30.00 to -10.00) -5.00 %" in " ".join(headgate(*EVIDENCE).stdout.split())
    assert headgate(*EVIDENCE, "--png", str(tmp_path / "e.png")).exit_code == 0


def test_a_page_needs_nothing_from_elsewhere(kept: ClusterInMemory, tmp_path: Path) -> None:
    file = tmp_path / "e.html"
    headgate(*EVIDENCE, "--html", str(file))
    text = file.read_text()
    assert re.findall(r"https?:|//\w|src=|@import|<script|<link", text) == []
    assert all(target.startswith("#") for target in re.findall(r"(?:href=\"|url\()([^\")]*)", text))


def test_the_same_attempt_gives_the_same_page(kept: ClusterInMemory, tmp_path: Path) -> None:
    for name in ("one", "two"):
        headgate(*EVIDENCE, "--html", str(tmp_path / name))
    assert (tmp_path / "one").read_text() == (tmp_path / "two").read_text()


@pytest.mark.parametrize(
    "timeline",
    [
        replace(TIMELINE, points=TIMELINE.points[:1], marks=()),
        replace(TIMELINE, points=TIMELINE.points[:2], marks=()),
        replace(TIMELINE, stages={}, marks=()),
        replace(TIMELINE, points=tuple(point(k, 1, BEGUN + 5 * 86_400 * k) for k in range(100))),
        replace(TIMELINE, points=tuple(point(k, 1, BEGUN + k + 10_000 * (k // 10)) for k in range(100))),
        Timeline(("errors",), {}, (Point.of(BEGUN, 0, 0.0, (Standing(0, 0, 0, 0, -1, 1, 0),)),)),
    ],
    ids=["a point", "two points", "unknown stages", "a year", "many waits", "nothing compared"],
)
def test_any_attempt_can_be_drawn(memory: ClusterInMemory, tmp_path: Path, timeline: Timeline) -> None:
    publish(memory, timeline)
    result = headgate(*EVIDENCE, "--png", str(tmp_path / "e.png"))
    assert (result.exit_code, result.stderr) == (0, "")
    assert headgate(*EVIDENCE).exit_code == 0


def test_of_a_version_that_was_taken_back_the_moment_and_cause_are_told(kept: ClusterInMemory) -> None:
    at = "2026-11-20T09:39:04.000000Z"
    kept.model(ROLLED_BACK | {"blocked": [ROLLED_BACK["blocked"][0] | {"at": at}]})
    lines = headgate(*EVIDENCE).stdout.splitlines()
    assert lines[0] == "lending/credit-scorer: 2.3.1, attempt 3"
    assert lines[3] == "2026-11-20 09:39:04 UTC: taken back: Guard"
    assert not any("proven bad" in line for line in lines)
    assert any("cause Guard: 30 of 30 requests (100%) failed in 2 s" in line for line in lines)


def test_of_a_version_that_went_live_it_is_told_when(kept: ClusterInMemory) -> None:
    stable = LIVE["stable"] | {"version": "2.3.1", "liveSince": "2026-11-20T09:40:00Z"}
    publish(kept, replace(TIMELINE, marks=TIMELINE.marks[:2]))
    kept.model(LIVE | {"attempts": 3, "stable": stable})
    lines = headgate(*EVIDENCE).stdout.splitlines()
    assert lines[0] == "lending/credit-scorer: 2.3.1, attempt 3"
    assert lines[3] == "2026-11-20 09:40:00 UTC: live"
    kept.model(LIVE | {"attempts": 3})
    assert headgate(*EVIDENCE).stdout.splitlines()[0] == "lending/credit-scorer: attempt 3", "another version is live"


@pytest.mark.parametrize(
    ("status", "data", "words"),
    [
        (IN_CANARY, None, "no evidence of lending/credit-scorer is published yet, or you may not read ConfigMaps of lending"),
        (
            IN_CANARY,
            {"readings.json": encode(READINGS)},
            "of attempt 3 of lending/credit-scorer over time: its first block",
        ),
        (IN_CANARY, {"readings.json": encode(READINGS), "timeline.json": "{"}, "nothing was kept of attempt 3"),
        (ROLLED_BACK, {"readings.json": encode(READINGS)}, "over time: 2.3.1 (revision 22222222, attempt 3) was taken back"),
        (
            IN_CANARY,
            {"readings.json": encode(READINGS), "timeline.json": json.dumps(to_json(Timeline(points=(Point(1.0, 0, 0.0),))))},
            "attempt 3 of lending/credit-scorer was not compared with anything",
        ),
    ],
)
def test_what_cannot_be_drawn_is_told(memory: ClusterInMemory, status: dict[str, Any], data: dict[str, str] | None, words: str) -> None:
    memory.model(status)
    if data is not None:
        memory.publish(**data)
    result = headgate(*EVIDENCE)
    assert result.exit_code == 1
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_file_that_cannot_be_written_is_told(kept: ClusterInMemory, tmp_path: Path) -> None:
    result = headgate(*EVIDENCE, "--png", str(tmp_path / "missing" / "e.png"))
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


def test_without_matplotlib_it_says_what_to_install_and_tables_still_work(kept: ClusterInMemory, tmp_path: Path, monkeypatch: Any) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for name in ("picture", "panels"):
        monkeypatch.delitem(sys.modules, f"headgate.cli.showing.{name}", raising=False)
        monkeypatch.delattr(f"headgate.cli.showing.{name}", raising=False)
    result = headgate(*EVIDENCE, "--png", str(tmp_path / "e.png"))
    assert result.exit_code == 1
    assert "pip install 'headgate[plots]'" in result.stderr
    assert not (tmp_path / "e.png").exists()
    assert headgate(*EVIDENCE).exit_code == 0


def test_other_commands_do_not_load_matplotlib() -> None:
    program = "import sys, headgate.cli.main; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": ":".join(sys.path)}, check=False).returncode == 0


def test_labels_of_turning_points_never_cover_each_other(memory: ClusterInMemory, tmp_path: Path) -> None:
    publish(memory, replace(TIMELINE, marks=tuple(replace(mark, time=BEGUN + 3000 + 5 * k) for k, mark in enumerate(TIMELINE.marks))))
    headgate(*EVIDENCE, "--html", str(tmp_path / "e.html"))
    labels = re.findall(r'<text [^>]*y="([\d.]+)"[^>]*>proven [^<]*:\d\d</text>', (tmp_path / "e.html").read_text())
    assert len(labels) == len(set(labels)) == 3


def test_stages_follow_each_other_and_long_waits_are_cut_out() -> None:
    assert [(band.words, band.begin - BEGUN, band.end - BEGUN) for band in bands(TIMELINE.points, TIMELINE)] == [
        ("shadow (copies)", 0, 29 * 60),
        ("canary 5 %", 30 * 60, 89 * 60),
        ("half 50 %", 89 * 60, 99 * 60),
    ]
    later = tuple(point(k, 1, BEGUN + 86_400 + 60 * k) for k in range(30))
    assert [len(spell) for spell in spells((*TIMELINE.points[:30], *later))] == [30, 30]
    assert len(spells(TIMELINE.points)) == 1
