"""Flux's source-controller and kustomize-controller, and what they follow."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo.kubectl import get
from gitops.controllers import Controllers, built, free_port

NAMESPACE = "flux-system"
_CHANGES = {"created", "configured", "deleted"}


def binaries() -> Path:
    """The folder with the two binaries and Flux's definitions; they are built if they are not there, which takes a while."""
    (folder,) = built("flux", "flux_bin")
    return folder


@dataclass(slots=True)
class Flux:
    """Both controllers, from `binaries`; logs and artifacts go to `folder`.

    When they end, Flux's definitions go: delete Kustomizations and GitRepositories before, because nobody finishes them any more then.
    """

    binaries: Path
    folder: Path
    _controllers: Controllers = field(init=False)

    def __post_init__(self) -> None:
        self._controllers = Controllers(self.binaries / "crds", NAMESPACE, self.folder)

    def __enter__(self) -> "Flux":
        self._controllers.__enter__()
        artifacts = f"127.0.0.1:{free_port()}"
        storage = self.folder / "artifacts"
        storage.mkdir()
        self._start("source-controller", f"--storage-path={storage}", f"--storage-addr={artifacts}", f"--storage-adv-addr={artifacts}")
        self._start("kustomize-controller", "--requeue-dependency=2s")
        return self

    def __exit__(self, *_: object) -> None:
        self._controllers.__exit__()

    def _start(self, name: str, *arguments: str) -> None:
        own = (f"--metrics-addr=127.0.0.1:{free_port()}", f"--health-addr=127.0.0.1:{free_port()}", "--log-encoding=json")
        self._controllers.start(name, str(self.binaries / name), *own, *arguments, RUNTIME_NAMESPACE=NAMESPACE)

    def applied(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Every apply so far: commit, and what became of each object (`unchanged`, `configured`, ...)."""
        for told in self._controllers.entries("kustomize-controller"):
            if told.get("msg") == "server-side apply completed":
                yield str(told["revision"]).rpartition(":")[2], told["output"]

    def changes(self, name: str) -> Counter[str]:
        """How often each commit changed the object `name` (Kind/namespace/name)."""
        return Counter(commit for commit, output in self.applied() if output.get(name) in _CHANGES)

    def rounds(self, name: str) -> int:
        """How often it was applied at all."""
        return sum(name in output for _, output in self.applied())


@dataclass(frozen=True, slots=True)
class Following:
    """A Kustomization of Flux: `spec` without what all of them have in common."""

    name: str
    namespace: str
    spec: dict[str, Any]

    def manifest(self) -> dict[str, Any]:
        common = {"interval": "10s", "retryInterval": "5s", "timeout": "8s", "prune": True}
        return {
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": {"name": self.name, "namespace": self.namespace},
            "spec": common | {"sourceRef": {"kind": "GitRepository", "name": "models", "namespace": NAMESPACE}} | self.spec,
        }

    def ready(self) -> tuple[str, str, str]:
        """Status, reason and message of its Ready condition; ("", "", "") before it has one."""
        found = get("kustomizations.kustomize.toolkit.fluxcd.io", self.name, self.namespace) or {}
        for condition in (found.get("status") or {}).get("conditions", ()):
            if condition["type"] == "Ready":
                return condition["status"], condition["reason"], condition.get("message", "")
        return "", "", ""


def source(url: str) -> dict[str, Any]:
    """The GitRepository that every Kustomization here follows, looked at each 5 seconds."""
    return {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": "models", "namespace": NAMESPACE},
        "spec": {"interval": "5s", "url": url, "ref": {"branch": "main"}},
    }
