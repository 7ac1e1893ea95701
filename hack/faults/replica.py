"""One replica of the operator as a process of this machine: killed, frozen and thawed exactly when a test says so."""

import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from demo.kubectl import ROOT


@dataclass(slots=True)
class Replica:
    """Runs with the environment that the chart's Deployment sets, under the operator's own service account.

    `namespace` holds its lease and, with the policies', is all that it watches: so several operators run side by side.
    `folder` gets its kubeconfig and its log.
    """

    name: str
    namespace: str
    policies: str
    api: str
    prometheus: str
    token: str
    folder: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    starts: int = field(default=0, init=False)

    def start(self) -> None:
        """Like a container that starts: with an empty memory."""
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "headgate", "run"]
            self._process = subprocess.Popen(command, env=self._environment(), stdout=log, stderr=log, cwd=self.folder)
        self.starts += 1

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll() if self._process is not None else None

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _environment(self) -> dict[str, str]:
        ports = {"HEADGATE_PROBE_PORT": str(_free_port()), "HEADGATE_METRICS_PORT": str(_free_port())}
        return ports | {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT / "operator"),
            "KUBECONFIG": str(self._kubeconfig()),
            "HEADGATE_NAMESPACE": self.namespace,
            "HEADGATE_POLICY_NAMESPACE": self.policies,
            "HEADGATE_WATCH_NAMESPACES": self.namespace,
            "HEADGATE_POD_NAME": self.name,
            "HEADGATE_ENVIRONMENT": "testbed",
            "HEADGATE_PROMETHEUS_URL": self.prometheus,
        }

    def _kubeconfig(self) -> Path:
        file = self.folder / f"{self.name}.kubeconfig"
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "proxy", "cluster": {"server": self.api}}],
            "users": [{"name": "operator", "user": {"token": self.token}}],
            "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "operator", "namespace": self.namespace}}],
            "current-context": "proxy",
        }
        file.write_text(yaml.safe_dump(content))
        return file


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("", 0))
        port: int = one.getsockname()[1]
        return port
