"""Flux's source-controller and kustomize-controller as processes of this machine, on the cluster of the kubeconfig in use."""

import json
import os
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo.kubectl import ROOT, get, kubectl, run

NAMESPACE = "flux-system"
_BUILD = ROOT / "hack/cluster/host/build.sh"
_CHANGES = {"created", "configured", "deleted"}


def built() -> Path:
    """The folder with the two binaries and Flux's definitions; they are built if they are not there, which takes a while."""
    run(str(_BUILD), "flux", timeout=3600)
    where = 'source hack/cluster/choose.sh && source hack/cluster/host/settings.sh && echo "$flux_bin"'
    found = subprocess.run(["bash", "-c", where], cwd=ROOT, check=True, capture_output=True, text=True)
    return Path(found.stdout.strip())


@dataclass(slots=True)
class Flux:
    """Both controllers, from `binaries`; logs and artifacts go to `folder`.

    When they end, Flux's definitions go: delete Kustomizations and GitRepositories before, because nobody finishes them any more then.
    """

    binaries: Path
    folder: Path
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list, init=False)

    def __enter__(self) -> "Flux":
        self.folder.mkdir(parents=True, exist_ok=True)
        kubectl("apply", "--server-side", "--force-conflicts", "-f", str(self.binaries / "crds"))
        kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(self.binaries / "crds"), timeout=40)
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(namespace))
        artifacts = f"127.0.0.1:{_free_port()}"
        storage = self.folder / "artifacts"
        storage.mkdir()
        self._start("source-controller", f"--storage-path={storage}", f"--storage-addr={artifacts}", f"--storage-adv-addr={artifacts}")
        self._start("kustomize-controller", "--requeue-dependency=2s")
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            process.wait(30)
        kubectl("delete", "-f", str(self.binaries / "crds"), "--ignore-not-found", "--wait=false")
        kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=60s", timeout=70)

    def _start(self, name: str, *arguments: str) -> None:
        own = (f"--metrics-addr=127.0.0.1:{_free_port()}", f"--health-addr=127.0.0.1:{_free_port()}", "--log-encoding=json")
        environment = os.environ | {"RUNTIME_NAMESPACE": NAMESPACE, "TMPDIR": str(self.folder)}
        with self._log(name).open("ab") as log:
            command = [str(self.binaries / name), *own, *arguments]
            self._processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def applied(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Every apply so far: commit, and what became of each object (`unchanged`, `configured`, ...)."""
        for line in self._log("kustomize-controller").read_text().splitlines():
            told = _entry(line)
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


def _entry(line: str) -> dict[str, Any]:
    """A line that is no JSON says nothing here."""
    try:
        found: dict[str, Any] = json.loads(line)
    except json.JSONDecodeError:
        return {}
    return found


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
