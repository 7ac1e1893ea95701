"""What is recognised as AI in a pod's spec, and what is never told."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.monitoring.ai_signatures import BUILT_IN, signatures_of
from headgate.monitoring.unmanaged import MOST_SIGNS, Sign, signs_of_egress, signs_of_pod


def container(image: str = "registry.example/shop:1", **fields: Any) -> dict[str, Any]:
    return {"name": "app", "image": image, **fields}


def signs(*containers: dict[str, Any]) -> tuple[Sign, ...]:
    return signs_of_pod({"containers": list(containers)}, BUILT_IN)


def products(*containers: dict[str, Any]) -> set[str]:
    return {sign.product for sign in signs(*containers)}


@pytest.mark.parametrize(
    ("image", "product"),
    [
        ("vllm/vllm-openai:v0.6.3", "vLLM"),
        ("registry.example:5000/mirror/vllm/vllm-openai@sha256:" + "ab" * 32, "vLLM"),
        ("ghcr.io/huggingface/text-generation-inference:2.4", "Text Generation Inference"),
        ("nvcr.io/nvidia/tritonserver:24.05-py3", "Triton"),
        ("nvcr.io/nim/meta/llama-3.1-8b-instruct:latest", "NVIDIA NIM"),
        ("tensorflow/serving", "TensorFlow Serving"),
        ("pytorch/torchserve-kfs:0.9.0", "TorchServe"),
        ("kserve/sklearnserver:v0.15.0", "KServe"),
        ("docker.io/ollama/ollama:latest", "Ollama"),
        ("ghcr.io/ggml-org/llama.cpp:server", "llama.cpp"),
    ],
)
def test_model_servers_are_known_by_their_images(image: str, product: str) -> None:
    assert products(container(image)) == {product}


@pytest.mark.parametrize(
    "image",
    ["", "registry.example/vllm-dashboard:1", "tensorflow/tensorflow:2", "ollama:5000/shop:1", "shop:tritonserver", "a/my-tritonserver"],
)
def test_what_only_looks_like_one_is_none(image: str) -> None:
    assert products(container(image)) == set()


@pytest.mark.parametrize(
    ("fields", "product"),
    [
        ({"command": ["vllm", "serve"], "args": ["meta-llama/Llama-3"]}, "vLLM"),
        ({"command": ["/bin/sh", "-c"], "args": ["cd /models && exec /usr/bin/tritonserver --model-repository=/models"]}, "Triton"),
        ({"args": ["python3", "-m", "vllm.entrypoints.openai.api_server"]}, "vLLM"),
        ({"command": ["mlflow", "models", "serve", "-m", "models:/x/1"]}, "MLflow"),
    ],
)
def test_model_servers_in_an_own_image_are_known_by_their_command(fields: dict[str, Any], product: str) -> None:
    assert products(container(**fields)) == {product}


def test_words_that_do_not_follow_each_other_are_no_command() -> None:
    assert products(container(command=["serve", "vllm"], args=["run-vllm", "serve"])) == set()


SECRET = "sk-proj-1234567890"


def test_a_service_is_known_by_its_address_and_no_value_is_told() -> None:
    env = [
        {"name": "LLM_URL", "value": f"https://user:{SECRET}@API.openai.com/v1?key={SECRET}"},
        {"name": "OPENAI_API_KEY", "value": SECRET},
        {"name": "ANTHROPIC_API_KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "anthropic"}}},
        {"name": "AZURE", "value": "https://bank.openai.azure.com/"},
    ]
    found = signs(container(env=env, args=["--upstream=https://bedrock-runtime.eu-west-1.amazonaws.com", f"--token={SECRET}"]))
    assert set(found) == {
        Sign("OpenAI", "environment variable LLM_URL of container app", "api.openai.com"),
        Sign("OpenAI", "environment variable OPENAI_API_KEY of container app"),
        Sign("Anthropic", "environment variable ANTHROPIC_API_KEY of container app"),
        Sign("Azure OpenAI", "environment variable AZURE of container app", "bank.openai.azure.com"),
        Sign("AWS Bedrock", "arguments of container app", "bedrock-runtime.eu-west-1.amazonaws.com"),
    }
    assert SECRET not in repr(found)


@pytest.mark.parametrize(
    "value",
    ["https://api.openai.com.evil.example/", "notapi.openai.com.", "openai.azure.com", "a.b.openai.azure.com", "openai", "api.openai.comx"],
)
def test_an_address_that_only_contains_a_known_one_is_another(value: str) -> None:
    assert signs(container(env=[{"name": "URL", "value": value}])) == ()


def test_init_and_ephemeral_containers_are_looked_at() -> None:
    spec = {"initContainers": [container("ollama/ollama")], "ephemeralContainers": [container("tensorflow/serving")], "containers": None}
    assert [sign.product for sign in signs_of_pod(spec, BUILT_IN)] == ["Ollama", "TensorFlow Serving"]


@pytest.mark.parametrize(
    "spec",
    [
        {"hosts": ["api.openai.com", "shop.example"], "location": "MESH_EXTERNAL"},
        {"egress": [{"toFQDNs": [{"matchName": "api.openai.com"}]}]},
        {"egress": [{"destination": {"domains": ["api.openai.com"]}}]},
    ],
)
def test_egress_to_a_known_service_wherever_a_rule_names_it(spec: dict[str, Any]) -> None:
    assert signs_of_egress(spec, BUILT_IN) == (Sign("OpenAI", "its hosts", "api.openai.com"),)


def test_a_rule_for_all_hosts_of_a_service() -> None:
    found = signs_of_egress({"toFQDNs": [{"matchPattern": "*.openai.azure.com"}]}, BUILT_IN)
    assert found == (Sign("Azure OpenAI", "its hosts", "*.openai.azure.com"),)


def test_one_workload_tells_no_more_than_so_many_signs() -> None:
    many = [container("ollama/ollama") | {"name": f"c{number}"} for number in range(100)]
    assert len(signs(*many)) == MOST_SIGNS


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["name", "image", "env", "value", "args", "command"]), inner)
    ),
    max_leaves=12,
)


@given(JSON)
@settings(max_examples=60)
def test_any_spec_is_looked_at_without_a_fault(value: Any) -> None:
    signs_of_pod({"containers": value if isinstance(value, list) else [value]}, BUILT_IN)
    signs_of_egress(value, BUILT_IN)


def test_a_huge_value_costs_no_more_than_its_beginning() -> None:
    assert signs(container(args=["a." * 5_000_000 + "api.openai.com"])) == ()


def test_an_own_table_is_read_and_what_is_wrong_with_it_is_said() -> None:
    own = signatures_of("version: bank-1\nproducts: {Oracle: {hosts: [oracle.bank.example], images: [bank/oracle]}}")
    assert signs_of_pod({"containers": [container("x/bank/oracle:3")]}, own)[0].product == "Oracle"
    for text, says in (
        ("version: a", "^products: "),
        ("version: a\nproducts: {A: {hosts: ['http://x']}}", r"^products\.A\.hosts\.0: "),
        ("version: a\nproducts: {A: {pets: [1]}}", r"^products\.A\.pets: "),
        ("a: [", "^it is no YAML"),
        ("", "the table"),
    ):
        with pytest.raises(ValueError, match=says):
            signatures_of(text)
