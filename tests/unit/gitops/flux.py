"""What kustomize-controller makes of health expressions: the order and the rules of Flux's RFC 0009, with a CEL interpreter beneath."""

from typing import Any

import cel
import yaml
from tests.resources import ROOT

EXPRESSIONS = ROOT / "gitops/flux"


def expressions(name: str) -> list[dict[str, str]]:
    """spec.healthCheckExprs of one of the files."""
    found: list[dict[str, str]] = yaml.safe_load((EXPRESSIONS / name).read_text())["spec"]["healthCheckExprs"]
    return found


def health(name: str, manifest: dict[str, Any]) -> str:
    """InProgress, Failed or Current. Raises RuntimeError for what Flux could not evaluate."""
    status, generation = manifest.get("status", {}), manifest["metadata"].get("generation")
    if "observedGeneration" in status and generation is not None and status["observedGeneration"] != generation:
        return "InProgress"
    one = next(e for e in expressions(name) if (e["apiVersion"], e["kind"]) == (manifest["apiVersion"], manifest["kind"]))
    for field, state in (("inProgress", "InProgress"), ("failed", "Failed"), ("current", "Current")):
        if field in one and cel.evaluate(one[field], manifest) is True:
            return state
    return "InProgress"
