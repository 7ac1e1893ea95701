"""A model of the fleet: its manifest, and what its status says."""

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from demo.kubectl import ROOT, apply, kubectl, remove
from demo.people import binding

ON_CALL = "ops-oncall@bank.example"
_MANIFEST = ROOT / "examples/models/credit-scorer.yaml"
_STREAM = 60
DRAIN = _STREAM + 10
"""Seconds. A stream that began just before its version lost its users must be able to end."""


@dataclass(frozen=True, slots=True)
class Model:
    """One AIModel with a host name of its own, on which load can be split. `probed_each`: seconds between two readiness probes of a pod."""

    namespace: str
    name: str
    replicas: int = 1
    probed_each: int = 1

    @property
    def host(self) -> str:
        return f"{self.name}.{self.namespace}.example"

    def manifest(self, version: str, policy: str, environment: Mapping[str, str]) -> dict[str, Any]:
        """The demo's AIModel under this name. Of low tier: the policies of the fleet ask no person for an approval."""
        found: dict[str, Any] = copy.deepcopy(yaml.safe_load(_MANIFEST.read_text()))
        found["metadata"] = {"name": self.name, "namespace": self.namespace}
        spec = found["spec"]
        spec["version"] = version
        spec["policy"] = {"name": policy}
        spec["classification"]["declaredTier"] = "Low"
        serving = spec["serving"]
        serving["drain"] = f"{DRAIN}s"
        serving["deployment"]["replicas"] = self.replicas
        container = serving["deployment"]["template"]["spec"]["containers"][0]
        # A hundred and more of these run on one small node at a time.
        container["resources"] = {"requests": {"cpu": "2m", "memory": "16Mi"}}
        container["readinessProbe"]["periodSeconds"] = self.probed_each
        container["env"] = [{"name": name, "value": value} for name, value in {"VERSION": version, **environment}.items()]
        spec["traffic"]["hostnames"] = [self.host]
        spec["traffic"]["rules"][0]["timeouts"] = {"request": f"{_STREAM + 20}s"}
        return found


def prepare(namespace: str, *policies: dict[str, Any]) -> None:
    """An empty namespace with a person on call, and the fleet's policies."""
    remove(namespace)
    apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    apply(binding("on-call", "headgate-operator-oncall", ON_CALL, namespace), *policies)


def statuses(namespace: str) -> dict[str, dict[str, Any]]:
    """The status of every AIModel of the namespace, by name; empty for one that has none yet."""
    listed = json.loads(kubectl("get", "aimodels", "-n", namespace, "-o", "json"))
    return {item["metadata"]["name"]: item.get("status") or {} for item in listed["items"]}
