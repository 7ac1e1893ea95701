"""The controllers of a GitOps tool, as processes of this machine on the cluster of the kubeconfig in use."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo.kubectl import ROOT, kubectl, run

_BUILD = ROOT / "hack/cluster/host/build.sh"


def built(tool: str, *folders: str) -> list[Path]:
    """What hack/cluster/host/settings.sh calls `folders`. The tool is built if it is not there, which takes a while."""
    run(str(_BUILD), tool, timeout=3600)
    told = " ".join(f'"${folder}"' for folder in folders)
    where = f"source hack/cluster/choose.sh && source hack/cluster/host/settings.sh && printf '%s\\n' {told}"
    found = subprocess.run(["bash", "-c", where], cwd=ROOT, check=True, capture_output=True, text=True)
    return [Path(line) for line in found.stdout.splitlines()]


@dataclass(slots=True)
class Controllers:
    """Processes that log to `folder`, and on the cluster the tool's namespace and its definitions (a folder of manifests).

    When they end, the definitions go with all that is of them: delete before what one of the processes has to finish. So nothing is begun
    where the tool runs already: RuntimeError.
    """

    definitions: Path
    namespace: str
    folder: Path
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list, init=False)

    def __enter__(self) -> "Controllers":
        self.folder.mkdir(parents=True, exist_ok=True)
        if kubectl("get", "deployments,statefulsets", "-n", self.namespace, "-o", "name"):
            raise RuntimeError(f"the namespace {self.namespace} of this cluster has a tool of its own: use a cluster without it")
        kubectl("apply", "--server-side", "--force-conflicts", "-f", str(self.definitions))
        kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(self.definitions), timeout=40)
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(namespace))
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        kubectl("delete", "-f", str(self.definitions), "--ignore-not-found", "--wait=false")
        kubectl("delete", "namespace", self.namespace, "--ignore-not-found", "--timeout=60s", timeout=70)

    def start(self, name: str, *command: str, **environment: str) -> None:
        """`environment` is added to that of this process."""
        variables = os.environ | {"TMPDIR": str(self.folder)} | environment
        with self._log(name).open("ab") as log:
            self._processes.append(subprocess.Popen(command, env=variables, stdout=log, stderr=log))

    def stop(self) -> None:
        """The last one first, because it uses the ones before."""
        while self._processes:
            process = self._processes.pop()
            process.terminate()
            process.wait(30)

    def entries(self, name: str) -> Iterator[dict[str, Any]]:
        """What a process has logged as JSON so far; other lines say nothing here."""
        for line in self._log(name).read_text().splitlines():
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                continue

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
