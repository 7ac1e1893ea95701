"""Each alert fires when it should and not before, is explained by a page, and reads only metrics that exist."""

import shutil
from collections import defaultdict
from pathlib import Path

import pytest
import yaml
from tests.alerts.declared import declared
from tests.alerts.promtool import needed, promtool
from tests.alerts.rules import RULES, alerts, metrics_in, without_annotations
from tests.resources import ROOT

HERE = Path(__file__).parent
RUNBOOKS = ROOT / "docs/runbooks"
SECTIONS = ("What it means", "What users see", "Look here first", "What to do", "When it resolves", "Who decides")
NAMES = sorted({rule["alert"] for rule in alerts()})


@needed
def test_prometheus_takes_the_rules() -> None:
    done = promtool("check", "rules", str(RULES))
    assert done.returncode == 0, done.stdout + done.stderr


@needed
@pytest.mark.parametrize("name", sorted(path.name for path in HERE.glob("*.yaml")))
def test_alerts_fire_when_they_should_and_not_before(name: str, tmp_path: Path) -> None:
    (tmp_path / "headgate.yaml").write_text(without_annotations())
    shutil.copy(HERE / name, tmp_path)
    done = promtool("test", "rules", name, within=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_is_seen_firing_and_not_firing() -> None:
    seen: dict[str, set[bool]] = defaultdict(set)
    for path in HERE.glob("*.yaml"):
        for test in yaml.safe_load(path.read_text())["tests"]:
            for one in test["alert_rule_test"]:
                seen[one["alertname"]].add(bool(one["exp_alerts"]))
    assert dict(seen) == {name: {True, False} for name in NAMES}


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: f"{rule['alert']}-{rule['labels']['severity']}")
def test_each_alert_says_what_it_is_and_where_to_read_on(rule: dict[str, dict[str, str]]) -> None:
    assert rule["labels"]["severity"] in ("info", "warning", "critical")
    assert set(rule["annotations"]) == {"summary", "description", "runbook"}
    assert rule["annotations"]["runbook"] == f"docs/runbooks/{rule['alert']}.md"
    assert str(rule["alert"]).startswith("Headgate"), "what Headgate heeds leaves out alerts of this name"


def test_each_alert_has_a_page_and_each_page_an_alert() -> None:
    assert sorted(page.stem for page in RUNBOOKS.glob("*.md")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_page_answers_the_questions_of_who_is_woken(name: str) -> None:
    text = (RUNBOOKS / f"{name}.md").read_text()
    assert text.startswith(f"# {name}\n")
    assert tuple(line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")) == SECTIONS
    assert "```" in text, "exact commands"


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: f"{rule['alert']}-{rule['labels']['severity']}")
def test_every_metric_of_an_expression_exists(rule: dict[str, str]) -> None:
    used = metrics_in(rule["expr"])
    assert used
    assert used - declared() == set()
