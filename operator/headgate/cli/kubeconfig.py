"""Which namespace the user's kubeconfig is set to, as kubectl sees it."""

import os
from pathlib import Path
from typing import Any

import yaml

_IN_POD = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def current_namespace(context: str | None = None) -> str:
    """The namespace of `context` (default: the current one) in $KUBECONFIG or ~/.kube/config; inside a pod its own; else `default`.

    A file that cannot be read counts as empty here: connecting reports what is wrong with it.
    """
    named = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    files = [_read(Path(part)) for part in named.split(os.pathsep) if part]
    chosen = context or next((str(file["current-context"]) for file in files if file.get("current-context")), "")
    for file in files:
        for entry in file.get("contexts") or ():
            if isinstance(entry, dict) and entry.get("name") == chosen:
                return str((entry.get("context") or {}).get("namespace") or "default")
    return _IN_POD.read_text().strip() if _IN_POD.is_file() else "default"


def _read(path: Path) -> dict[str, Any]:
    try:
        loaded = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError):
        return {}
    return loaded if isinstance(loaded, dict) else {}
