"""Applications of Argo CD: what their status tells, and syncs that nobody needs."""

import json
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from demo.kubectl import CommandError, get, kubectl
from gitops.argocd import NAMESPACE

KIND = "applications.argoproj.io"


@dataclass(frozen=True, slots=True)
class Told:
    """The status of an Application. Of each resource (Kind/namespace/name): whether it is as in Git, and its health."""

    revision: str
    sync: str
    health: str
    resources: dict[str, tuple[str, str]]
    conditions: tuple[str, ...]


def told(name: str) -> Told:
    """What is not known (yet) is ""."""
    status = (get(KIND, name, NAMESPACE) or {}).get("status") or {}
    sync = status.get("sync") or {}
    return Told(
        sync.get("revision", ""),
        sync.get("status", ""),
        _health(status),
        {_name(one): (one.get("status", ""), _health(one)) for one in status.get("resources", ())},
        tuple(f"{one['type']}: {one['message']}" for one in status.get("conditions", ())),
    )


def sync(name: str) -> None:
    """Ask for all that Git holds to be applied, as `argocd app sync` does; nothing while another sync is under way.

    Raises CommandError when somebody else wrote the Application meanwhile.
    """
    found = get(KIND, name, NAMESPACE)
    if found is None or "operation" in found:
        return
    asked = {"prune": True, "syncOptions": found["spec"]["syncPolicy"]["syncOptions"]}
    operation = {"initiatedBy": {"username": "team"}, "sync": asked}
    patch = {"metadata": {"resourceVersion": found["metadata"]["resourceVersion"]}, "operation": operation}
    kubectl("patch", KIND, name, "-n", NAMESPACE, "--type=merge", "-p", json.dumps(patch))


@dataclass(slots=True)
class Again:
    """Syncs an Application every `seconds` seconds. Argo CD itself applies only what differs; Flux applies everything each time."""

    application: str
    seconds: float = 10
    _over: threading.Event = field(default_factory=threading.Event, init=False)
    _thread: threading.Thread = field(init=False)

    def __enter__(self) -> "Again":
        self._thread = threading.Thread(target=self._run, name=f"sync {self.application}")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self.seconds):
            with suppress(CommandError):
                sync(self.application)


def _name(resource: dict[str, Any]) -> str:
    return "/".join(part for part in (resource["kind"], resource.get("namespace"), resource["name"]) if part)


def _health(told: dict[str, Any]) -> str:
    return str((told.get("health") or {}).get("status", ""))
