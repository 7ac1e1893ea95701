"""The test bed as one more environment of examples/gitops: a policy of seconds, one person who approves, the demo's model server."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from demo.kubectl import ROOT, headgate
from gitops.flux import NAMESPACE, Following
from gitops.repository import Repository
from headgate.governance.signatures import public_key_of

MODEL, TEAM = "credit-scorer", "lending"
PLATFORM = "headgate-system"
POLICY = "gitops"
ROLE, PERSON = "fairness-audit", "dana@bank.example"
_IMAGE = "headgate.local/model-server:dev"
_FOLDER = f"models/{MODEL}/testbed"
_CONTAINER = "/spec/serving/deployment/template/spec/containers/0"
_KUSTOMIZATION = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
_HEADGATE = "headgate.dev/v1alpha1"


@dataclass(slots=True)
class Environment:
    """Its folders in `repository`, and what follows them. `folder` keeps the private key of PERSON."""

    repository: Repository
    folder: Path
    _approvals: list[str] = field(default_factory=list, init=False)

    def begin(self) -> None:
        """The example and this environment's policy and trust store, not yet a model; pushed."""
        key = Ed25519PrivateKey.generate()
        self._key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self.repository.copy(ROOT / "examples/gitops")
        resources = {"namespace": PLATFORM, "resources": ["policy.yaml", "trust-store.yaml"]}
        self.repository.write("platform/testbed/kustomization.yaml", _KUSTOMIZATION | resources)
        self.repository.write("platform/testbed/policy.yaml", _policy())
        self.repository.write("platform/testbed/trust-store.yaml", _trust(public_key_of(key)))
        self.repository.write("after/kustomization.yaml", _KUSTOMIZATION | {"namespace": TEAM, "resources": ["told.yaml"]})
        told = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "told"}, "data": {"after": MODEL}}
        self.repository.write("after/told.yaml", told)
        model = {"namespace": TEAM, "resources": ["../base", "approvals"]}
        patches = {"patches": [{"path": "release.yaml", "target": {"kind": "AIModel"}}]}
        self.repository.write(f"{_FOLDER}/kustomization.yaml", _KUSTOMIZATION | model | patches)
        self._list_approvals()
        self.repository.push("Begin")

    def release(self, version: str, error_rate: str = "0.005") -> str:
        """Ask for a version, which fails that share of its requests; the commit."""
        server = [{"name": "VERSION", "value": version}, {"name": "ERROR_RATE", "value": error_rate}]
        changes: list[dict[str, Any]] = [
            {"op": "replace", "path": "/spec/version", "value": version},
            {"op": "replace", "path": "/spec/policy/name", "value": POLICY},
            {"op": "replace", "path": f"{_CONTAINER}/image", "value": _IMAGE},
            {"op": "replace", "path": f"{_CONTAINER}/resources", "value": {"requests": {"cpu": "20m", "memory": "16Mi"}}},
            {"op": "add", "path": f"{_CONTAINER}/env", "value": server},
        ]
        self.repository.write(f"{_FOLDER}/release.yaml", changes)
        return self.repository.push(f"Release {version}")

    def approve(self, version: str) -> str:
        """PERSON signs what the gate asks for now, and commits that; the commit."""
        who = ("--role", ROLE, "--as", PERSON, "--yes", "--rationale", f"{version} was looked at")
        signed = headgate("approve", MODEL, "-n", TEAM, *who, "--sign", str(self._key), "-o", "yaml")
        self.repository.write(f"{_FOLDER}/approvals/{_approval(version)}", yaml.safe_load(signed))
        self._approvals.append(_approval(version))
        self._list_approvals()
        return self.repository.push(f"Approve {version}")

    def forget_approval(self, version: str) -> str:
        """Take the file out of the repository; the commit."""
        self._approvals.remove(_approval(version))
        self._list_approvals()
        return self.repository.push(f"Forget the approval of {version}")

    def remove_model(self) -> str:
        """The AIModel is gone from the repository, its approvals are not; the commit."""
        self.repository.write(f"{_FOLDER}/kustomization.yaml", _KUSTOMIZATION | {"resources": ["approvals"]})
        return self.repository.push("Remove the model")

    def _list_approvals(self) -> None:
        """With the annotations that the example's production gives them."""
        example = yaml.safe_load((self.repository.work / f"models/{MODEL}/prod/approvals/kustomization.yaml").read_text())
        self.repository.write(f"{_FOLDER}/approvals/kustomization.yaml", example | {"resources": self._approvals})

    @property
    def _key(self) -> Path:
        return self.folder / "dana.pem"


def followed(serving: list[dict[str, str]], ready: list[dict[str, str]]) -> dict[str, Following]:
    """The Kustomizations by what they are for. `serving` and `ready`: health expressions, of the model and of what comes after it."""
    model = {"apiVersion": _HEADGATE, "kind": "AIModel", "name": MODEL, "namespace": TEAM}
    return {
        "access": Following("model-access", NAMESPACE, {"path": "./access"}),
        "platform": Following("model-platform", NAMESPACE, {"path": "./platform/testbed"}),
        "model": Following(
            MODEL, TEAM, {"path": f"./{_FOLDER}", "serviceAccountName": "gitops", "wait": True, "healthCheckExprs": serving}
        ),
        "after": Following(
            "after",
            NAMESPACE,
            {"path": "./after", "dependsOn": [{"name": MODEL, "namespace": TEAM}], "healthChecks": [model], "healthCheckExprs": ready},
        ),
    }


def applications(url: str) -> list[dict[str, Any]]:
    """What Argo CD follows in the example's dev (a project and its Applications), for this environment and the repository at `url`."""
    example = (ROOT / "examples/gitops/clusters/dev/argocd.yaml").read_text()
    here = example.replace("https://git.bank.example/models.git", url)
    return list(yaml.safe_load_all(here.replace("platform/dev", "platform/testbed").replace(f"models/{MODEL}/dev", _FOLDER)))


def _approval(version: str) -> str:
    return f"{version}-{ROLE}.yaml"


def _policy() -> dict[str, Any]:
    return {
        "apiVersion": _HEADGATE,
        "kind": "RolloutPolicy",
        "metadata": {"name": POLICY},
        "spec": {
            "metrics": {"profile": "envoy-gateway"},
            "stages": [
                {"name": "canary", "trafficPercent": 20, "minDuration": "30s", "maxDuration": "4m", "minRequests": 200},
                {"name": "full", "holdbackPercent": 1, "minDuration": "15s", "maxDuration": "2m"},
            ],
            # Wide margins: what is tried is Git, not the judge.
            "checks": [{"metric": "errors", "maxIncrease": "10pp"}],
            "guards": [{"metric": "errors", "maxRate": "40pp", "minRequests": 20}],
            "analysis": {"alpha": "0.05", "beta": "0.2", "interval": "1s", "warmup": "2s"},
            "gates": {"deployment": {"high": [{"role": ROLE}]}},
            "rollbackWindow": "1h",
            "rollbackWarm": "30m",
            "lapseGrace": "5m",
        },
    }


def _trust(public_key: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    until = (now + timedelta(days=1)).isoformat(timespec="seconds")
    key = {"publicKey": public_key, "validFrom": (now - timedelta(hours=1)).isoformat(timespec="seconds"), "validUntil": until}
    person = {"name": "dana", "usernames": [PERSON], "roles": [ROLE], "trainingValidUntil": until, "keys": [key]}
    owner = {"name": "rui", "usernames": ["rui@bank.example"], "roles": ["technical-validation"], "trainingValidUntil": until}
    return {"apiVersion": _HEADGATE, "kind": "TrustStore", "metadata": {"name": "headgate"}, "spec": {"persons": [person, owner]}}
