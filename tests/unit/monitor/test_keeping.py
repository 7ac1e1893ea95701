"""What the monitor continues from after a restart is what it wrote itself."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.unit.controller.fake_cluster import FakeCluster

from headgate.kube.labels import MANAGED_BY, MODEL
from headgate.kube.resources import CONFIG_MAPS
from headgate.monitor.keeping import Keeper
from headgate.monitor.models import ModelKey, ServingModel
from headgate.monitoring.inservice.assessment import MEMORY_KEY, monitoring_config_map
from headgate.monitoring.inservice.memory import Memory, stored

OURS = {MANAGED_BY: "headgate", MODEL: "credit"}


@pytest.mark.parametrize(
    ("labels", "revision"),
    [(OURS, "1a2b3c4d"), ({}, ""), ({MODEL: "credit"}, ""), ({MANAGED_BY: "headgate"}, ""), ({**OURS, MODEL: "another"}, "")],
)
def test_a_memory_of_somebody_else_is_not_continued(labels: dict[str, str], revision: str) -> None:
    """Admission protects what carries both labels; anybody may write one of them."""
    api = FakeCluster()
    body: dict[str, Any] = {"metadata": {"name": monitoring_config_map("credit"), "namespace": "lending", "labels": labels}}
    api.put(CONFIG_MAPS, {**body, "data": {MEMORY_KEY: stored(Memory(revision="1a2b3c4d"))}})
    model = cast("ServingModel", SimpleNamespace(key=ModelKey("lending", "credit")))
    assert asyncio.run(Keeper(api).recall(model)).revision == revision
