"""What the chart takes: typos refused, mistakes named, every value described, and the values of earlier releases still read."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.resources import ROOT
from tests.unit.chart.rendering import CHART, Object, needs_helm, objects_of, refused, schema, template

from chart.readme import UndescribedError, parts, readme
from headgate.api.trust_store import Delegation, TrustedKey, TrustedPerson
from headgate.api.vocabulary import Role

RETIRED = {"global", "podMonitor", "metrics.scrapeAnnotations"}
"""Taken, and not offered: what a parent chart passes, and names of release 0.1.0."""

MISTAKES = {
    "replica=3": "replica",
    "replicas=0": "/replicas",
    "image.tagg=v1": "tagg",
    "image.digest=sha256:abc": "/image/digest",
    "prometheus.url=prometheus:9090": "/prometheus/url",
    "logLevel=loud": "/logLevel",
    "crds.enable=false": "enable",
    "admission.enabled=no thanks": "/admission/enabled",
    "metrics.scrape=podmonitor": "/metrics/scrape",
    "policies.standart=true": "standart",
    "policies.profile=istio": "/policies/profile",
    "approvers.fairness.users={dana}": "fairness",
    "approvers.legal-approval.user=dana": "'user'",
    "holders.oncall.users={kim}": "oncall",
    "trustStore.persons[0].usernames={dana}": "/trustStore/persons/0",
    'networkPolicy.scrapersFrom:=[{"podSelectors": {}}]': "podSelectors",
    'tolerations:=[{"effects": "NoSchedule"}]': "effects",
    "resources.limit.memory=1Gi": "limit",
    "watchNamespaces={Lending}": "/watchNamespaces/0",
    "monitor.enable=true": "'enable'",
    "security.runAsUser=0": "/security/runAsUser",
    "fullnameOverride=Head_Gate": "/fullnameOverride",
}

DELEGATION = '{"from": "a", "to": "b", "roles": ["risk-review"], "until": "2030-01-01T00:00:00Z"}'


@needs_helm
def test_every_mistake_is_refused_and_named() -> None:
    said = refused(*MISTAKES)
    assert "schema" in said
    assert [setting for setting, words in MISTAKES.items() if words not in said] == []


@needs_helm
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (("rbac.userRoles=false", "approvers.fairness-audit.users={dana}"), ("approvers.fairness-audit", "rbac.userRoles=true")),
        (
            ("watchNamespaces={lending}", "approvers.fairness-audit.users={dana}", "approvers.fairness-audit.namespaces={claims}"),
            ("approvers.fairness-audit.namespaces", "claims", "lending", "watchNamespaces"),
        ),
        ((f"trustStore.delegations:=[{DELEGATION}]",), ("trustStore.persons",)),
        (
            ("monitor.enabled=true", "monitor.unmanaged=true", "watchNamespaces={lending}"),
            ("monitor.unmanaged", "watchNamespaces", "kubectl headgate unmanaged"),
        ),
    ],
)
def test_what_cannot_be_rendered_says_what_to_do(settings: tuple[str, ...], words: tuple[str, ...]) -> None:
    said = refused(*settings)
    assert [word for word in words if word not in said] == []


def test_values_and_schema_name_the_same_values() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    described = set(_paths(schema()["properties"], ""))
    assert set(_leaves(values, "")) <= described
    offered = {path for path in described if not any(path == old or path.startswith(f"{old}.") for old in RETIRED)}
    assert {path for path in offered if _found(values, path) is None} == set(), "every property has a default that shows it"


def _paths(properties: Object, prefix: str) -> Iterator[str]:
    for name, one in properties.items():
        yield f"{prefix}{name}"
        yield from _paths(one.get("properties", {}) if name not in ("approvers", "holders", "affinity") else {}, f"{prefix}{name}.")


def _leaves(values: Object, prefix: str) -> Iterator[str]:
    for name, value in values.items():
        yield f"{prefix}{name}"
        free = name in ("resources", "labels", "annotations")
        yield from _leaves(value, f"{prefix}{name}.") if isinstance(value, dict) and not free else ()


def _found(values: Object, path: str) -> Any:
    found: Any = values
    for name in path.split("."):
        if name not in found:
            return None
        found = found[name]
    return found


def test_every_object_of_the_schema_is_closed() -> None:
    free = {"global", "claims", "nodeAffinity", "podAffinity", "podAntiAffinity"}
    """Opaque: a parent chart's, or what the API server knows better."""
    assert set(_open(schema(), "")) == free


def _open(node: Any, name: str) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _open(item, name)
    elif isinstance(node, dict):
        if "object" in str(node.get("type", "")) and "additionalProperties" not in node:
            yield name
        for key, value in node.items():
            inner = name if key in ("items", "properties", "definitions") else key
            yield from _open(value, inner)


def test_the_trust_store_of_the_values_has_the_fields_of_the_kind() -> None:
    definitions = schema()["definitions"]
    keys = definitions["person"]["properties"]["keys"]["items"]["properties"]
    for properties, model in ((definitions["person"]["properties"], TrustedPerson), (keys, TrustedKey)):
        assert set(properties) == {field.alias or name for name, field in model.model_fields.items()}
    assert set(definitions["delegation"]["properties"]) == {field.alias or name for name, field in Delegation.model_fields.items()}
    assert set(definitions["approvalRole"]["enum"]) == {str(role) for role in Role}
    assert set(schema()["properties"]["approvers"]["properties"]) == {str(role) for role in Role if role is not Role.AUTOMATED_CHECKS}


def test_every_role_of_the_chart_can_be_given_by_values() -> None:
    roles = yaml.safe_load((CHART / "files/roles.yaml").read_text())
    assert set(schema()["properties"]["holders"]["properties"]) == set(roles)


def test_the_readme_is_in_date() -> None:
    assert (CHART / "README.md").read_text() == readme(), "run `python -m chart.readme` in hack/"


def test_a_value_without_words_is_found() -> None:
    with pytest.raises(UndescribedError, match=r"line 4: a\.b has no comment"):
        parts("## Part\n\na:\n  b: 1\n")
    (value,) = parts("## Part\n\na:\n  # One,\n  # two.\n  b: {c: 1}\n")["Part"]
    assert (value.path, value.default, value.words) == ("a.b", '{"c": 1}', "One, two.")


@needs_helm
def test_values_of_release_0_1_0_render_as_after_reuse_values(tmp_path: Path) -> None:
    """`helm upgrade --reuse-values` takes the defaults of the installed chart instead of the new one's."""
    chart = tmp_path / "headgate"
    shutil.copytree(CHART, chart)
    shutil.copy(ROOT / "tests/unit/chart/values-0.1.0.yaml", chart / "values.yaml")
    monitored = ("podMonitor.enabled=true", "podMonitor.interval=20s", "podMonitor.labels.release=p")
    switched_on = [f"{value}.enabled=true" for value in ("monitor", "networkPolicy", "prometheusRule", "dashboards")]
    found = objects_of(template(*monitored, *switched_on, "policies.standard=true", "approvers.risk-review.users={kim}", chart=chart))
    kinds = {document["kind"] for document in found}
    assert {"Deployment", "PodDisruptionBudget", "ValidatingAdmissionPolicy", "CustomResourceDefinition", "NetworkPolicy", "Job"} <= kinds
    (monitor,) = (document for document in found if document["kind"] == "PodMonitor")
    assert monitor["spec"]["podMetricsEndpoints"][0]["interval"] == "20s"
    assert monitor["metadata"]["labels"]["release"] == "p"
