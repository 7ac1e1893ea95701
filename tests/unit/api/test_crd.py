"""The generator: what it publishes is structural, bounded, small and checked in; what it cannot publish it refuses by name."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, cast

import pytest
import yaml
from pydantic import BaseModel, Field
from tests.resources import ROOT

from headgate.api.base import ATOMIC, list_map
from headgate.api.crd import AIMODEL, GOVERNANCE_APPROVAL, RESOURCES, ROLLOUT_POLICY, SIZE_LIMIT, Resource, generated, plain_yaml
from headgate.api.crd_schema import Defaults, NotStructuralError, check_structural, structural_schema


def schema_of(resource: Resource) -> dict[str, Any]:
    found: dict[str, Any] = resource.manifest()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return found


@pytest.mark.parametrize("path", sorted(generated(ROOT)), ids=lambda path: str(path.relative_to(ROOT)))
def test_checked_in_definitions_are_what_the_models_say(path: Any) -> None:
    assert path.is_file(), "run `make crds`"
    assert path.read_text() == generated(ROOT)[path], "stale: run `make crds`"


def test_no_definition_is_left_over() -> None:
    there = {*(ROOT / "crds").iterdir(), *(ROOT / "charts/headgate/templates/crds").iterdir()}
    assert there == set(generated(ROOT))


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.kind)
def test_a_definition_is_small_and_plain_yaml(resource: Resource) -> None:
    text = plain_yaml(resource)
    assert len(text.encode()) < SIZE_LIMIT
    assert yaml.safe_load(text) == resource.manifest()
    assert "&id" not in text


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.kind)
def test_every_field_is_structural_and_bounded(resource: Resource) -> None:
    properties = schema_of(resource)["properties"]
    for part in {"spec", "status"} & set(properties):
        check_structural(properties[part], part)


def test_optional_fields_collapse_and_defaults_carry_no_null() -> None:
    stage = schema_of(ROLLOUT_POLICY)["properties"]["spec"]["properties"]["stages"]["items"]
    assert stage["properties"]["trafficPercent"]["x-kubernetes-int-or-string"] is True
    assert "default" not in stage["properties"]["trafficPercent"]
    assert schema_of(AIMODEL)["properties"]["spec"]["properties"]["traffic"]["properties"]["rules"]["default"] == [{}]
    assert "null" not in plain_yaml(ROLLOUT_POLICY)


def test_defaults_are_published_for_specs_and_never_for_status() -> None:
    analysis = schema_of(ROLLOUT_POLICY)["properties"]["spec"]["properties"]["analysis"]
    assert analysis["properties"]["alpha"]["default"] == "0.05"
    status = structural_schema(AIMODEL.status, Defaults.LEFT_OUT) if AIMODEL.status else {}
    assert "'default'" not in str(status)


def _items(node: Any) -> Iterator[dict[str, Any]]:
    """Schemas of the items of every list."""
    children = (*node.get("properties", {}).values(), *(node[key] for key in ("items", "additionalProperties") if key in node))
    if "items" in node:
        yield node["items"]
    for child in children:
        yield from _items(child)


@pytest.mark.parametrize("resource", RESOURCES, ids=str)
def test_the_api_server_adds_nothing_to_items_of_lists(resource: Resource) -> None:
    """Argo CD would find each RolloutPolicy that does not write all of them to differ from Git, and apply it again and again."""
    items = list(_items(schema_of(resource)))
    assert items
    assert all("'default':" not in str(item) for item in items)


@pytest.mark.parametrize("resource", RESOURCES, ids=str)
def test_rules_about_items_of_lists_say_what_counts_without_a_field(resource: Resource) -> None:
    for item in _items(resource.schema(Defaults.LISTED)):
        for node in (item, *item.get("properties", {}).values()):
            defaulted = [name for name, field in node.get("properties", {}).items() if "default" in field]
            for rule in (one["rule"] for one in node.get("x-kubernetes-validations", ())):
                careless = [name for name in defaulted if re.search(rf"\.{name}\b", rule) and f"has(self.{name})" not in rule]
                assert not careless, rule


def test_a_default_that_is_not_filled_in_is_told() -> None:
    spec = schema_of(ROLLOUT_POLICY)["properties"]["spec"]["properties"]
    assert spec["checks"]["items"]["properties"]["weight"]["description"].endswith("Default: 1.")
    assert spec["stages"]["items"]["properties"]["replay"]["properties"]["timeout"]["description"].endswith("Default: 30m.")


def test_columns_names_and_subresources() -> None:
    version = AIMODEL.manifest()["spec"]["versions"][0]
    shown = [column["name"].upper() for column in version["additionalPrinterColumns"] if "priority" not in column]
    assert shown == ["LIVE", "CANDIDATE", "PHASE", "STAGE", "TRAFFIC", "VERDICT", "TIER", "READY", "AGE"]
    assert [resource.short for resource in RESOURCES] == ["aim", "rop", "gap", "gts"]
    assert [resource.kind for resource in RESOURCES if "subresources" in resource.manifest()["spec"]["versions"][0]] == [
        "AIModel",
        "GovernanceApproval",
    ]


def test_columns_and_selectable_fields_read_fields_that_exist() -> None:
    for resource in RESOURCES:
        paths = [column.path for column in resource.columns] + list(resource.selectable)
        for path in paths:
            node = schema_of(resource)
            for step in path.partition("[")[0].strip(".").split("."):
                assert step in node["properties"], f"{resource.kind} {path}"
                node = node["properties"][step]


def test_the_charts_copy_is_kept_on_uninstall_only_if_asked() -> None:
    text = generated(ROOT)[ROOT / "charts/headgate/templates/crds" / GOVERNANCE_APPROVAL.file_name]
    assert text.startswith("{{- if .Values.crds.enabled }}\n")
    assert "{{- if .Values.crds.keep }}\n  annotations:\n    helm.sh/resource-policy: keep\n  {{- end }}\n" in text
    assert text.endswith("{{- end }}\n")


Word = Annotated[str, Field(max_length=8)]


class Item(BaseModel):
    name: Word | None = None


class NoLength(BaseModel):
    text: str


class NoRange(BaseModel):
    number: Annotated[int, Field(ge=0)]


class NoItems(BaseModel):
    words: Annotated[tuple[Word, ...], Field(json_schema_extra=ATOMIC)]


class NoListType(BaseModel):
    words: Annotated[tuple[Word, ...], Field(max_length=3)]


class OptionalKey(BaseModel):
    items: Annotated[tuple[Item, ...], Field(max_length=3, json_schema_extra=list_map("name"))]


class Union(BaseModel):
    either: Word | bool


class StrangeDefault(BaseModel):
    limit: Word = cast("str", 200)


class Float(BaseModel):
    share: float


class OpenMap(BaseModel):
    words: dict[str, Word]


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (NoLength, "NoLength.text: a string needs maxLength"),
        (NoRange, "NoRange.number: an integer needs minimum and maximum"),
        (NoItems, "NoItems.words: a list needs items and maxItems"),
        (NoListType, "NoListType.words: a list needs x-kubernetes-list-type"),
        (OptionalKey, "OptionalKey.items: the list's key name"),
        (Union, "Union.either: a structural schema cannot have anyOf"),
        (StrangeDefault, "StrangeDefault.limit: the default of a string is one as well"),
        (Float, "Float.share: type 'number'"),
        (OpenMap, "OpenMap.words: a map needs maxProperties"),
    ],
)
def test_what_the_api_server_would_refuse_is_refused_by_the_fields_name(model: type[BaseModel], says: str) -> None:
    with pytest.raises(NotStructuralError, match=says.replace(".", r"\.").replace("(", r"\(")):
        structural_schema(model)
