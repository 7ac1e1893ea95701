"""By what model servers and AI services are recognised: images, commands, addresses, names of environment variables.

Products come faster than releases of a program: the table has a version of its own, and an organisation may put its own in place of this
one.
"""

from typing import Annotated

import yaml
from pydantic import Field, ValidationError

from headgate.api.base import Model
from headgate.api.faults import first_fault

_Name = Annotated[str, Field(min_length=1, max_length=63)]
_Image = Annotated[str, Field(pattern=r"^[a-z0-9*][a-z0-9._*-]*(/[a-z0-9*][a-z0-9._*-]*)*$", max_length=128)]
_Command = Annotated[str, Field(pattern=r"^\S+( \S+)*$", max_length=128)]
_Host = Annotated[str, Field(pattern=r"^[a-z0-9*]([a-z0-9.*-]*[a-z0-9])?\.[a-z]{2,24}$", max_length=253)]
_Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128)]


class Signature(Model):
    """One product. `*` in an image or a host stands for any characters of one part, between slashes or dots."""

    images: Annotated[tuple[_Image, ...], Field(max_length=32)] = ()
    """Parts of the path of an image, in order: `vllm/vllm-openai` is also found in `registry.example/mirror/vllm/vllm-openai:v0.6`."""
    commands: Annotated[tuple[_Command, ...], Field(max_length=32)] = ()
    """Words that follow each other in command and arguments."""
    hosts: Annotated[tuple[_Host, ...], Field(max_length=32)] = ()
    environment: Annotated[tuple[_Variable, ...], Field(max_length=32)] = ()


class Signatures(Model):
    """By product name."""

    version: Annotated[str, Field(min_length=1, max_length=63)]
    products: Annotated[dict[_Name, Signature], Field(min_length=1, max_length=256)]


def signatures_of(text: str) -> Signatures:
    """A table from YAML (or JSON). Raises ValueError with one sentence that names the first field that is wrong."""
    try:
        return Signatures.model_validate(yaml.safe_load(text))
    except ValidationError as error:
        raise ValueError(first_fault(error, whole="the table")) from error
    except yaml.YAMLError as error:
        raise ValueError(f"it is no YAML: {' '.join(str(error).split())}"[:300]) from error


_SERVERS = {
    "vLLM": Signature(images=("vllm/vllm-*", "vllm-openai"), commands=("vllm serve", "vllm.entrypoints.openai.api_server")),
    "SGLang": Signature(images=("lmsysorg/sglang",), commands=("sglang.launch_server",)),
    "Text Generation Inference": Signature(images=("text-generation-inference",), commands=("text-generation-launcher",)),
    "Text Embeddings Inference": Signature(images=("text-embeddings-inference",), commands=("text-embeddings-router",)),
    "Triton": Signature(images=("tritonserver", "tritonserver-*"), commands=("tritonserver",)),
    "NVIDIA NIM": Signature(images=("nim/*/*",), environment=("NIM_MODEL_NAME",)),
    "TensorFlow Serving": Signature(images=("tensorflow/serving",), commands=("tensorflow_model_server",)),
    "TorchServe": Signature(images=("pytorch/torchserve", "pytorch/torchserve-*"), commands=("torchserve",)),
    "ONNX Runtime Server": Signature(images=("onnxruntime/server",), commands=("onnxruntime_server",)),
    "OpenVINO Model Server": Signature(images=("openvino/model_server",), commands=("ovms",)),
    "KServe": Signature(
        images=("kserve/*server", "kserve/*server-*", "kserve/modelmesh"),
        commands=("sklearnserver", "xgbserver", "lgbserver", "pmmlserver", "huggingfaceserver"),
    ),
    "Seldon": Signature(images=("seldonio/mlserver", "seldonio/seldon-core-*"), commands=("mlserver start",)),
    "BentoML": Signature(images=("bentoml/*",), commands=("bentoml serve", "bentoml serve-http", "bentoml serve-grpc")),
    "Ray Serve": Signature(commands=("serve run", "serve deploy"), images=("rayproject/ray-llm", "rayproject/ray-ml")),
    "MLflow": Signature(commands=("mlflow models serve",)),
    "Ollama": Signature(images=("ollama/ollama",), commands=("ollama serve",), environment=("OLLAMA_HOST", "OLLAMA_BASE_URL")),
    "llama.cpp": Signature(images=("ggml-org/llama.cpp", "ggerganov/llama.cpp"), commands=("llama-server",)),
    "LocalAI": Signature(images=("localai/localai",), commands=("local-ai",)),
    "LiteLLM": Signature(images=("berriai/litellm*",), commands=("litellm",), environment=("LITELLM_MASTER_KEY",)),
}
_SERVICES = {
    "OpenAI": Signature(hosts=("api.openai.com", "*.api.openai.com"), environment=("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE")),
    "Azure OpenAI": Signature(
        hosts=("*.openai.azure.com", "*.services.ai.azure.com", "*.inference.ai.azure.com", "*.cognitiveservices.azure.com"),
        environment=("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT"),
    ),
    "Anthropic": Signature(hosts=("api.anthropic.com",), environment=("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL")),
    "Google AI": Signature(
        hosts=("generativelanguage.googleapis.com", "aiplatform.googleapis.com", "*-aiplatform.googleapis.com"),
        environment=("GEMINI_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI"),
    ),
    "AWS Bedrock": Signature(
        hosts=("bedrock-runtime.*.amazonaws.com", "bedrock-agent-runtime.*.amazonaws.com"), environment=("AWS_BEARER_TOKEN_BEDROCK",)
    ),
    "AWS SageMaker": Signature(hosts=("runtime.sagemaker.*.amazonaws.com",), environment=("SAGEMAKER_ENDPOINT_NAME",)),
    "Mistral": Signature(hosts=("api.mistral.ai",), environment=("MISTRAL_API_KEY",)),
    "Cohere": Signature(hosts=("api.cohere.com", "api.cohere.ai"), environment=("COHERE_API_KEY", "CO_API_KEY")),
    "Hugging Face": Signature(
        hosts=(
            "api-inference.huggingface.co",
            "router.huggingface.co",
            "*.endpoints.huggingface.cloud",
            "*.*.aws.endpoints.huggingface.cloud",
        )
    ),
    "Groq": Signature(hosts=("api.groq.com",), environment=("GROQ_API_KEY",)),
    "Together": Signature(hosts=("api.together.xyz", "api.together.ai"), environment=("TOGETHER_API_KEY",)),
    "Fireworks": Signature(hosts=("api.fireworks.ai",), environment=("FIREWORKS_API_KEY",)),
    "Replicate": Signature(hosts=("api.replicate.com",), environment=("REPLICATE_API_TOKEN",)),
    "OpenRouter": Signature(hosts=("openrouter.ai",), environment=("OPENROUTER_API_KEY",)),
    "DeepSeek": Signature(hosts=("api.deepseek.com",), environment=("DEEPSEEK_API_KEY",)),
    "xAI": Signature(hosts=("api.x.ai",), environment=("XAI_API_KEY",)),
    "Perplexity": Signature(hosts=("api.perplexity.ai",), environment=("PERPLEXITY_API_KEY", "PPLX_API_KEY")),
}
BUILT_IN = Signatures(version="2026-11", products=_SERVERS | _SERVICES)
