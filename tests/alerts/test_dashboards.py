"""The dashboards are what their description makes, fit the schema of Grafana's own SDK, and ask only for metrics that exist."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.models.dashboard import Dashboard
from tests.alerts.declared import declared
from tests.alerts.promtool import needed, promtool
from tests.alerts.queries import as_rules
from tests.alerts.rules import metrics_in

from dashboards.__main__ import FOLDER, documents
from dashboards.panels import WIDTH

NAMES = sorted(documents())
_OF_OTHERS = {"envoy_cluster_upstream_rq_xx"}


def panels(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / name).read_text())["panels"]
    return found


def queries(name: str) -> Iterator[str]:
    """As Grafana sends them: with its variables filled in."""
    for panel in panels(name):
        for target in panel["targets"]:
            asked = target["expr"].replace("$__rate_interval", "1m")
            yield re.sub(r"\$(namespace|model)\b", "some", asked)


def test_the_chart_has_the_dashboards_that_are_described() -> None:
    assert sorted(path.name for path in FOLDER.glob("*.json")) == NAMES
    for name, text in documents().items():
        assert (FOLDER / name).read_text() == text, "run `python -m dashboards` in hack/"


@pytest.mark.parametrize("name", NAMES)
def test_a_dashboard_fits_the_schema(name: str) -> None:
    """What the SDK reads back is what was written: it drops what its schema does not know."""
    document = json.loads((FOLDER / name).read_text())
    read = Dashboard.from_json(document)
    assert read.uid == name.removesuffix(".json")
    assert len(read.panels or ()) == len(document["panels"]) > 8


@pytest.mark.parametrize("name", NAMES)
def test_panels_have_a_place_of_their_own_a_title_and_a_query(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels(name):
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert all(x < WIDTH for x, _ in cells), panel["title"]
        assert panel["title"]
        assert panel["targets"]
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}
        taken |= cells
    assert [panel["id"] for panel in panels(name)] == list(range(1, len(panels(name)) + 1))


@pytest.mark.parametrize("name", NAMES)
def test_every_metric_of_a_dashboard_exists(name: str) -> None:
    document = json.loads((FOLDER / name).read_text())
    asked = [*queries(name), *(str(variable["query"]) for variable in document["templating"]["list"])]
    assert {metric for query in asked for metric in metrics_in(query)} - declared() == set()
    others = {metric for query in queries(name) for metric in re.findall(r"\b(envoy_[a-z_]+)\{", query)}
    assert others <= _OF_OTHERS


@needed
@pytest.mark.parametrize("name", NAMES)
def test_prometheus_takes_every_query(name: str, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(as_rules(queries(name)))
    done = promtool("check", "rules", "rules.yaml", within=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
