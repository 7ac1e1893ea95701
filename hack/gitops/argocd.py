"""Argo CD's application controller and repository server with their cache, and what their log tells."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from demo.kubectl import ROOT, kubectl
from gitops.controllers import Controllers, built, free_port

NAMESPACE = "argocd"
MANAGER = "argocd-controller"
"""As whom it applies."""
_CONTROLLER, _REPO_SERVER = "argocd-application-controller", "argocd-repo-server"


@dataclass(frozen=True, slots=True)
class Binaries:
    """The folders of Argo CD (with definitions, settings and rights of its installation), kustomize and Valkey."""

    argocd: Path
    kustomize: Path
    valkey: Path


def binaries() -> Binaries:
    """They are built if they are not there, which takes a while."""
    return Binaries(*built("argocd", "argocd_bin", "kustomize_bin", "valkey_bin"))


@dataclass(frozen=True, slots=True)
class Sync:
    """A sync operation that ended. Only self-healing syncs a part of an Application."""

    revision: str
    partial: bool
    succeeded: bool
    message: str


@dataclass(slots=True)
class ArgoCD:
    """The processes, from `binaries`; logs and settings go to `folder`. They look at the repository every 10 seconds.

    When they end, Argo CD's definitions go, and all Applications with them. What those applied stays.
    """

    binaries: Binaries
    folder: Path
    _controllers: Controllers = field(init=False)
    _cache: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self._controllers = Controllers(self.binaries.argocd / "crds", NAMESPACE, self.folder)

    def __enter__(self) -> "ArgoCD":
        self._controllers.__enter__()
        kubectl("apply", "--server-side", "--force-conflicts", "-k", str(self.settings()))
        manifests = f"127.0.0.1:{self.serve()}"
        own = (f"--namespace={NAMESPACE}", f"--metrics-port={free_port()}")
        self._start(_CONTROLLER, *own, f"--repo-server={manifests}", "--repo-server-plaintext", "--persist-resource-health")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        kubectl("delete", "-k", str(self.settings()), "--ignore-not-found", "--wait=false")
        self._controllers.__exit__()

    def settings(self) -> Path:
        """A folder for kustomize: settings and rights of Argo CD's own installation, with Headgate's component and with impersonation."""
        folder = (self.folder / "settings").resolve()
        folder.mkdir(parents=True, exist_ok=True)
        impersonation = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "argocd-cm"},
            "data": {"application.sync.impersonation.enabled": "true"},
        }
        settings = {
            "namespace": NAMESPACE,
            "resources": [os.path.relpath((self.binaries.argocd / part).resolve(), folder) for part in ("config", "rbac")],
            "components": [os.path.relpath(ROOT / "gitops/argocd", folder)],
            "patches": [{"patch": json.dumps(impersonation)}],
        }
        (folder / "kustomization.yaml").write_text(yaml.safe_dump(settings))
        return folder

    def serve(self) -> int:
        """Start the cache and the repository server, which need no cluster; the port where the latter answers."""
        cache, port = free_port(), free_port()
        storage = ("--save", "", "--appendonly", "no", "--dir", str(self.folder))
        server = str(self.binaries.valkey / "valkey-server")
        self._controllers.start("valkey", server, "--bind", "127.0.0.1", "--port", str(cache), *storage)
        self._cache = f"127.0.0.1:{cache}"
        local = ("--address=127.0.0.1", "--metrics-address=127.0.0.1", "--disable-tls", "--client-ca-path=")
        self._start(_REPO_SERVER, *local, f"--port={port}", f"--metrics-port={free_port()}")
        return port

    def stop(self) -> None:
        """The processes alone."""
        self._controllers.stop()

    def _start(self, component: str, *arguments: str) -> None:
        environment = {
            "ARGOCD_RECONCILIATION_TIMEOUT": "10s",
            "ARGOCD_RECONCILIATION_JITTER": "0s",
            "ARGOCD_FAKE_IN_CLUSTER": "true",  # https://kubernetes.default.svc is the cluster of KUBECONFIG
            "ARGOCD_GPG_ENABLED": "false",
            "ARGOCD_ASK_PASS_SOCK": str(self.folder / "ask-pass"),
            "HOME": str(self.folder),
            "PATH": f"{self.binaries.argocd}:{self.binaries.kustomize}:{os.environ['PATH']}",
        }
        command = (str(self.binaries.argocd / "argocd"), component, f"--redis={self._cache}", "--logformat=json")
        self._controllers.start(component, *command, *arguments, **environment)

    def syncs(self, application: str) -> Iterator[Sync]:
        """Every sync of an Application that ended so far."""
        for told in self._controllers.entries(_CONTROLLER):
            if (told.get("application"), told.get("reason")) == (application, "OperationCompleted"):
                what, _, outcome = str(told.get("msg")).partition(" operation to ")
                revision, _, message = outcome.partition(" ")
                yield Sync(revision, what.startswith("Partial"), message == "succeeded", message)

    def comparisons(self, application: str) -> int:
        """How often Argo CD has compared an Application with what Git holds."""
        entries = self._controllers.entries(_CONTROLLER)
        return sum((told.get("application"), told.get("msg")) == (application, "Reconciliation completed") for told in entries)

    def started(self, application: str) -> Counter[str]:
        """How often Argo CD has synced an Application of its own accord, by commit."""
        found = Counter[str]()
        for told in self._controllers.entries(_CONTROLLER):
            if (told.get("application"), told.get("reason")) == (application, "OperationStarted"):
                found[str(told.get("msg")).split("'")[1]] += 1
        return found
