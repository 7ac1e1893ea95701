"""The cluster as the demo's people see it: kubectl and the headgate command line, nothing else."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HEADGATE = str(Path(sys.executable).parent / "headgate")


class CommandError(RuntimeError):
    """A command failed; the message holds what it printed."""


def run(*command: str, stdin: str | None = None, timeout: float = 60) -> str:
    """Standard output. Raises CommandError with standard error."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout, check=False)
    if done.returncode != 0:
        raise CommandError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def kubectl(*arguments: str, stdin: str | None = None, timeout: float = 60) -> str:
    return run("kubectl", *arguments, stdin=stdin, timeout=timeout)


def apply(*objects: dict[str, Any]) -> None:
    """Server-side apply, as the demo's data scientist."""
    manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=demo", "-f", "-", stdin=manifest)


def get(kind: str, name: str, namespace: str) -> dict[str, Any] | None:
    """None when it is not there."""
    try:
        found: dict[str, Any] = json.loads(kubectl("get", kind, name, "-n", namespace, "-o", "json"))
    except CommandError as error:
        if "NotFound" in str(error) or "not found" in str(error):
            return None
        raise
    return found


def remove(namespace: str) -> None:
    """Until it is gone, without the patience that pods in a drain of over a minute ask for: nobody uses them any more."""
    kubectl("delete", "namespace", namespace, "--ignore-not-found", "--wait=false")
    kubectl("delete", "pods", "--all", "-n", namespace, "--force", "--grace-period=0", timeout=120)
    kubectl("delete", "namespace", namespace, "--ignore-not-found", "--wait=true", "--timeout=180s", timeout=200)


def headgate(*arguments: str) -> str:
    return run(HEADGATE, *arguments)
