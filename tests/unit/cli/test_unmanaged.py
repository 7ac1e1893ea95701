"""`headgate unmanaged`, for people and programs."""

import json

import pytest
import yaml
from tests.unit.cli.cluster_in_memory import ClusterInMemory, headgate

from headgate.kube.resources import CONFIG_MAPS, DEPLOYMENTS, SERVICE_ENTRIES, Resource

POD = {
    "containers": [
        {"name": "app", "image": "vllm/vllm-openai:v0.6", "env": [{"name": "UPSTREAM", "value": "https://k:secret@api.openai.com/"}]}
    ]
}


def put(memory: ClusterInMemory, resource: Resource, name: str, spec: object, namespace: str = "search") -> None:
    memory.put(resource, {"metadata": {"name": name, "namespace": namespace}, "spec": spec})


@pytest.fixture
def chat(memory: ClusterInMemory) -> ClusterInMemory:
    put(memory, DEPLOYMENTS, "chat", {"template": {"spec": POD}})
    put(memory, SERVICE_ENTRIES, "ai", {"hosts": ["api.anthropic.com"]})
    return memory


def test_people_read_what_it_is_and_how_it_was_recognised(chat: ClusterInMemory) -> None:
    done = headgate("unmanaged", "-A")
    assert done.exit_code == 0, done.output
    for words in ("search", "Deployment", "chat", "image vllm/vllm-openai:v0.6 of container app", "variable UPSTREAM", ": api.openai.com"):
        assert words in done.stdout
    assert "secret" not in done.output
    assert headgate("unmanaged", "-n", "lending").stdout.startswith("nothing in namespace lending is recognised as AI")


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_programs_read_a_document(chat: ClusterInMemory, output: str) -> None:
    told = headgate("unmanaged", "-n", "search", "-o", output).stdout
    found = json.loads(told) if output == "json" else yaml.safe_load(told)
    assert [(one["kind"], one["name"]) for one in found["workloads"]] == [("Deployment", "chat")]
    assert found["egress"][0]["signs"] == [{"product": "Anthropic", "where": "its hosts", "host": "api.anthropic.com"}]
    assert (found["signatures"], found["unseen"]) == ("2026-11", [])


def test_a_table_that_cannot_be_used_is_refused(chat: ClusterInMemory) -> None:
    where = {"name": "headgate-ai-signatures", "namespace": "ops"}
    chat.put(CONFIG_MAPS, {"metadata": where, "data": {"signatures.yaml": "version: 1"}})
    done = headgate("unmanaged", "-A", "--operator-namespace", "ops")
    assert done.exit_code == 1
    assert "ConfigMap ops/headgate-ai-signatures cannot be used" in done.stderr
