"""A namespace with an operator of its own behind faulty proxies, and models that it serves."""

import base64
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from demo.kubectl import CommandError, apply, get, kubectl, remove
from faults.proxy import Proxy
from faults.replica import Replica
from fleet.model import Model, prepare, statuses
from fleet.policy import NAMESPACE as POLICIES

OPERATOR = "headgate"
"""Name of the service account and of the lease."""
_FRESH = 0.4
Status = Mapping[str, Any]


@dataclass(slots=True)
class Site:
    """Use as a context manager: on entry the namespace and the proxies are there, on exit all of it is gone.

    `folder` takes their logs. Each replica reaches the API server through a proxy of its own, and Prometheus through one that they share.
    """

    namespace: str
    binary: Path
    prometheus_url: str
    policies: tuple[dict[str, Any], ...]
    folder: Path
    names: tuple[str, ...] = ("one",)
    api: dict[str, Proxy] = field(default_factory=dict, init=False)
    prometheus: Proxy = field(init=False)
    replicas: dict[str, Replica] = field(default_factory=dict, init=False)
    _seen: tuple[float, dict[str, dict[str, Any]]] = field(default=(float("-inf"), {}), init=False)

    def __enter__(self) -> "Site":
        prepare(self.namespace, *self.policies)
        apply(*_leader_rights(self.namespace))
        self.folder.mkdir(parents=True, exist_ok=True)
        token = kubectl("create", "token", OPERATOR, "-n", POLICIES, "--duration=1h").strip()
        server, authorities = _api_server(self.folder)
        self.prometheus = Proxy(self.binary, "prometheus", self.prometheus_url)
        for name in self.names:
            proxy = self.api[name] = Proxy(self.binary, "api", server, authorities)
            self.replicas[name] = Replica(name, self.namespace, POLICIES, proxy.url, self.prometheus.url, token, self.folder)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for replica in self.replicas.values():
            replica.kill()
        for proxy in (*self.api.values(), self.prometheus):
            proxy.close()
        if error is not None:
            for replica in self.replicas.values():
                print(f"--- {self.namespace}/{replica.name}\n{_tail(replica.log)}")
        remove(self.namespace)

    def release(self, model: str, version: str, **environment: str) -> None:
        """Apply a version of a model, by the first of the site's policies."""
        settings = {"ERROR_RATE": "0"} | environment
        apply(Model(self.namespace, model).manifest(version, self.policies[0]["metadata"]["name"], settings))

    def status(self, model: str) -> Status:
        """Empty while there is none. As of at most half a second ago: each look costs a process."""
        at, known = self._seen
        if time.monotonic() - at > _FRESH:
            known = statuses(self.namespace)
            self._seen = time.monotonic(), known
        return known.get(model) or {}

    def until(self, seconds: float, what: str, met: Callable[[], bool], meanwhile: Callable[[], None] = lambda: None) -> float:
        """Wait for it, and tell how long it took. Raises AssertionError with everything's status when it takes too long."""
        began = time.monotonic()
        while not met():
            if time.monotonic() - began > seconds:
                raise AssertionError(f"{self.namespace}: not within {seconds:g} s: {what}: {json.dumps(statuses(self.namespace))}")
            meanwhile()
            time.sleep(0.3)
        return time.monotonic() - began

    def live(self, model: str, version: str) -> bool:
        return is_live(self.status(model), version)

    def weight(self, model: str, version: str) -> int:
        """Thousandths of the users that the route, not the status, gives to a version."""
        status = self.status(model)
        known = [part for part in (status.get("stable"), status.get("candidate"), *status.get("blocked", ())) if part]
        revisions = {part["revision"] for part in known if part["version"] == version}
        return sum(weight for revision, weight in self.weights(model).items() if revision in revisions)

    def weights(self, model: str) -> dict[str, int]:
        """Thousandths by revision, as the route in the cluster says."""
        route = get("httproute", model, self.namespace) or {}
        found: dict[str, int] = {}
        for rule in (route.get("spec") or {}).get("rules", ())[:1]:
            for ref in rule.get("backendRefs") or ():
                revision = ref["name"].removeprefix(f"{model}-")
                found[revision] = found.get(revision, 0) + ref.get("weight", 1)
        return found

    def holder(self) -> str:
        """The name of the replica that holds the lease; empty if nobody does."""
        lease = get("lease", OPERATOR, self.namespace) or {}
        return str((lease.get("spec") or {}).get("holderIdentity") or "").rsplit("-", 1)[0]

    def free_lease(self) -> None:
        """As if the time of a killed leader were over. To be called only when it is dead."""
        try:
            kubectl("patch", "lease", OPERATOR, "-n", self.namespace, "--type=merge", "-p", '{"spec": {"holderIdentity": ""}}')
        except CommandError as error:
            if "NotFound" not in str(error) and "not found" not in str(error):
                raise


def is_live(status: Status, version: str) -> bool:
    return status.get("phase") == "Live" and (status.get("stable") or {}).get("version") == version


def is_back(status: Status, version: str) -> bool:
    """Whether the version was taken back and nothing moves any more."""
    return status.get("phase") == "RolledBack" and any(entry["version"] == version for entry in status.get("blocked", ()))


def at_stage(status: Status, version: str, stage: str | None = None) -> bool:
    """Whether the version's users are at this stage (or any), and the gateway has taken it."""
    candidate = status.get("candidate") or {}
    known = candidate.get("stage") or {}
    return candidate.get("version") == version and "effective" in known and stage in (None, known.get("name"))


def reasons(status: Status) -> set[str]:
    """The reasons that the conditions show."""
    return {condition["reason"] for condition in status.get("conditions", ())}


def _leader_rights(namespace: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the chart grants in the operator's namespace."""
    group = "rbac.authorization.k8s.io"
    metadata = {"name": "faults-leader", "namespace": namespace}
    rules = [
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create", "get", "update", "patch"]},
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "create", "patch"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create", "get"]},
    ]
    account = {"kind": "ServiceAccount", "name": OPERATOR, "namespace": POLICIES}
    role = {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, "rules": rules}
    reference = {"apiGroup": group, "kind": "Role", "name": "faults-leader"}
    return role, {"apiVersion": f"{group}/v1", "kind": "RoleBinding", "metadata": metadata, "roleRef": reference, "subjects": [account]}


def _api_server(folder: Path) -> tuple[str, Path]:
    """Its URL, and a file with the certificates that its own is signed by."""
    config = yaml.safe_load(Path(os.environ["KUBECONFIG"]).read_text())
    cluster = config["clusters"][0]["cluster"]
    file = folder / "ca.crt"
    file.write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    return cluster["server"], file


def _tail(file: Path) -> str:
    return "\n".join(file.read_text().splitlines()[-40:]) if file.exists() else ""
