"""The tables of `make bench-statistics` can be made: at full size they take long, so that nobody would see them break."""

import numpy as np
import pytest
from tests.statistics.noise import HOUR, Noise, Scene
from tests.statistics.play import GOOD, HEADGATE, WITHOUT_ARMS, Outcome
from tests.statistics.tables import errors, latency, rollout, value
from tests.statistics.tables.bench import Bench, detection, minutes, percent, table

BENCH = Bench(runs=2, null_runs=2)
SHORT = Scene(effect=0.02, history=HOUR, blocks=20)


def _rows(text: str, rule: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(f"| {rule}")]


def test_false_rollbacks_are_reported_by_the_worst_cell() -> None:
    never, once = (Outcome(np.array([np.inf, minute]), np.zeros(2)) for minute in (np.inf, 7.0))
    cells = {
        Scene(rps, base, noise=noise): dict.fromkeys((HEADGATE, WITHOUT_ARMS, GOOD), once if base == 0.05 else never)
        for noise in Noise
        for base in ((0.01,) if noise is Noise.DRIFT else errors.BASES)
        for rps in errors.TRAFFIC
    }
    text = errors.false_rollbacks(BENCH, cells)
    assert _rows(text, HEADGATE) == ["| **Headgate** | 50 % | 50 % | 50 % | 50 % | 0 % | 50 % | 50 % |"]
    assert "**50 %** (promised: 5 %)" in text


def test_detection_latency_value_and_rollouts_have_a_row_per_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors, "DETECTED", (SHORT,))
    monkeypatch.setattr(errors, "HARDER", (SHORT,))
    monkeypatch.setattr(latency, "SHIFTS", (0.2,))
    monkeypatch.setattr(value, "LESS", {20.0: (0.2,)})
    monkeypatch.setattr(rollout, "CHANGES", rollout.CHANGES[1:2])
    assert len(_rows(errors.detections(BENCH), HEADGATE)) == 2
    assert len(_rows(latency.latency(BENCH), HEADGATE)) == 4
    assert len(_rows(value.value(BENCH), "Kayenta")) == 1
    assert len(_rows(rollout.rollouts(BENCH), HEADGATE)) == 2


def test_figures_are_written_for_people() -> None:
    assert [percent(share) for share in (0.0, 0.0001, 0.125, 0.9999, 1.0)] == ["0 %", "< 0.1 %", "12.5 %", "> 99.9 %", "100 %"]
    assert [minutes(value) for value in (1.25, 10.0, np.inf, -3.0)] == ["1.25", "10", "–", "before"]
    half = Outcome(np.array([1.0, 2.0, 3.0, np.inf]), np.full(4, 5.0))
    assert detection(half) == "75 % / 2 / – / 5"
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |\n"
