"""The reference of metrics says what the registries say, and its questions can be asked."""

import re
from pathlib import Path

from tests.alerts.declared import declared
from tests.alerts.promtool import needed, promtool
from tests.alerts.queries import as_rules
from tests.alerts.rules import metrics_in

from metrics.__main__ import PAGE, registries, tables, written


def test_the_tables_are_up_to_date() -> None:
    text = PAGE.read_text()
    assert set(tables(text)) == set(registries())
    assert text == written(text), "run `python -m metrics` in hack/"


def test_every_metric_that_the_page_names_exists() -> None:
    named = set(re.findall(r"`(headgate_\w+)`", PAGE.read_text()))
    histograms = {name.removesuffix("_bucket") for name in declared() if name.endswith("_bucket")}
    assert named - declared() - histograms == set()


def questions() -> list[str]:
    (block,) = re.findall(r"```promql\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return [question.strip() for question in re.split(r"^#.*$", block, flags=re.MULTILINE) if question.strip()]


def test_the_questions_ask_for_metrics_that_exist() -> None:
    assert questions()
    assert {name for question in questions() for name in metrics_in(question)} - declared() == set()


@needed
def test_prometheus_takes_the_questions(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(as_rules(questions()))
    done = promtool("check", "rules", "rules.yaml", within=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
