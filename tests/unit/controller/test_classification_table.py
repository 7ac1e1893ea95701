"""Which table is in force: a named one that is missing or broken is never replaced by the built-in one."""

import asyncio
from typing import Any

import yaml
from tests.unit.controller.operator_world import OperatorWorld

from headgate.controller.classification import KEY, ClassificationTable
from headgate.governance.classification_table import BUILT_IN
from headgate.kube.errors import KubeError, NotFound, Unavailable
from headgate.kube.interface import Object
from headgate.kube.resources import CONFIG_MAPS, Resource

OWN: dict[str, Any] = BUILT_IN.model_dump(mode="json", by_alias=True) | {"version": "bank-7"}


class Answers:
    """An API server with one ConfigMap, or one error."""

    def __init__(self) -> None:
        self.error: KubeError | None = None
        self.asked: list[str] = []
        self.version = 0
        self.data: dict[str, str] = {}

    def put(self, data: dict[str, str]) -> None:
        self.data, self.version, self.error = data, self.version + 1, None

    async def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object:
        self.asked.append(f"{namespace}/{name}")
        if self.error is not None:
            raise self.error
        return {"metadata": {"name": name, "resourceVersion": str(self.version)}, "data": self.data}


def test_without_a_name_the_built_in_table_is_in_force_and_nobody_is_asked() -> None:
    api = Answers()
    table = ClassificationTable(api, "headgate-system", "")  # type: ignore[arg-type]
    assert not asyncio.run(table.look())
    assert (table.state.table, api.asked) == (BUILT_IN, [])


def test_a_named_table_is_read_again_when_it_changes_and_fails_closed() -> None:
    api = Answers()
    table = ClassificationTable(api, "headgate-system", "tiers")  # type: ignore[arg-type]
    assert (table.state.table, "not been read yet" in table.state.problem) == (None, True)
    api.error = Unavailable("down", status=503)
    assert not asyncio.run(table.look())
    api.put({KEY: yaml.safe_dump(OWN)})
    assert asyncio.run(table.look())
    assert table.state.table is not None
    assert table.state.table.version == "bank-7"
    assert not asyncio.run(table.look())
    for broken, says in (({KEY: "version: bank"}, "domains"), ({}, f"no key {KEY}"), ({KEY: "a: ["}, "no YAML")):
        api.put(broken)
        assert asyncio.run(table.look())
        assert table.state.table is None
        assert says in table.state.problem
        assert "headgate-system/tiers" in table.state.problem
    api.error = NotFound("none", status=404)
    assert asyncio.run(table.look())
    assert "does not exist" in table.state.problem


def test_the_last_answer_stands_while_nobody_can_be_asked() -> None:
    api = Answers()
    table = ClassificationTable(api, "headgate-system", "tiers")  # type: ignore[arg-type]
    api.put({KEY: yaml.safe_dump(OWN)})
    asyncio.run(table.look())
    api.error = Unavailable("down", status=503)
    assert not asyncio.run(table.look())
    assert table.state.table is not None


def test_the_operator_decides_by_the_table_of_the_config_map() -> None:
    world = OperatorWorld()
    own = OWN | {"domains": {"Gaming": {"tier": "High"}}}
    world.api.put(CONFIG_MAPS, {"metadata": {"name": "tiers", "namespace": "headgate-system"}, "data": {KEY: yaml.safe_dump(own)}})
    world.tiers = "tiers"
    world.restart()
    classification = {"domain": "Gaming", "decisions": "Automated", "affectedRights": [], "practices": [], "regions": ["EU"]}
    world.release("v1", classification=classification)
    world.settle()
    assert world.status.tier == "High"
    assert world.status.risk_tier is not None
    assert world.status.risk_tier.table_version == "bank-7"
