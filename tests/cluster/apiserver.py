"""A real API server, as any of its users sees it: over HTTP, with that user's identity."""

import base64
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

Object = dict[str, Any]

HEADGATE = "/apis/headgate.dev/v1alpha1"
PLURALS = {
    "AIModel": "aimodels",
    "RolloutPolicy": "rolloutpolicies",
    "GovernanceApproval": "governanceapprovals",
    "TrustStore": "truststores",
}


@dataclass(frozen=True)
class Answer:
    """What the API server said. `message` is empty for a success."""

    code: int
    body: Object

    @property
    def accepted(self) -> bool:
        return self.code < 300

    @property
    def message(self) -> str:
        return "" if self.accepted else str(self.body.get("message", self.body))


@dataclass(frozen=True)
class User:
    """Who asks. With a token or certificate of their own, or as the administrator impersonates them."""

    http: httpx.Client
    headers: tuple[tuple[str, str], ...] = ()

    def ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, kind: str = "application/json", dry: bool = False
    ) -> Answer:
        parameters = {"fieldValidation": "Strict"} | ({"dryRun": "All"} if dry else {}) if method == "POST" else None
        headers = [*self.headers, ("Content-Type", kind)]
        response = self.http.request(method, path, json=body, headers=headers, params=parameters)
        return Answer(response.status_code, response.json())

    def create(self, path: str, body: Mapping[str, Any], *, dry: bool = False) -> Answer:
        return self.ask("POST", path, body, dry=dry)

    def merge(self, path: str, body: Mapping[str, Any]) -> Answer:
        return self.ask("PATCH", path, body, kind="application/merge-patch+json")

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def delete(self, path: str) -> Answer:
        return self.ask("DELETE", path)


class Cluster:
    """The API server of a kubeconfig, and its users."""

    def __init__(self, kubeconfig: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        context = next(entry["context"] for entry in config["contexts"] if entry["name"] == config["current-context"])
        cluster = next(entry["cluster"] for entry in config["clusters"] if entry["name"] == context["cluster"])
        user = next(entry["user"] for entry in config["users"] if entry["name"] == context["user"])
        self.server = str(cluster["server"])
        self._open: list[httpx.Client] = []
        self._authority = self._text(cluster, "certificate-authority", kubeconfig.parent)
        certificate = self._text(user, "client-certificate", kubeconfig.parent)
        key = self._text(user, "client-key", kubeconfig.parent)
        self._admin = self._client(certificate=certificate, key=key)

    @staticmethod
    def _text(entry: Mapping[str, str], name: str, folder: Path) -> str:
        if f"{name}-data" in entry:
            return base64.b64decode(entry[f"{name}-data"]).decode()
        return (folder / entry[name]).read_text()

    def _client(self, *, certificate: str = "", key: str = "", token: str = "") -> httpx.Client:
        context = ssl.create_default_context(cadata=self._authority)
        if certificate:
            with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
                file.write(certificate + "\n" + key)
                file.flush()
                context.load_cert_chain(file.name)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        client = httpx.Client(base_url=self.server, verify=context, headers=headers, timeout=20, trust_env=False)
        self._open.append(client)
        return client

    def close(self) -> None:
        for client in self._open:
            client.close()

    @property
    def admin(self) -> User:
        return User(self._admin)

    def impersonated(self, name: str, *groups: str) -> User:
        asked = [("Impersonate-User", name), *(("Impersonate-Group", group) for group in (*groups, "system:authenticated"))]
        return User(self._admin, tuple(asked))

    def service_account(self, namespace: str, name: str) -> User:
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
        return self.impersonated(f"system:serviceaccount:{namespace}:{name}", *groups)

    def with_certificate(self, certificate: str, key: str) -> User:
        return User(self._client(certificate=certificate, key=key))

    def with_token(self, token: str) -> User:
        return User(self._client(token=token))


def path_of(document: Object, namespace: str) -> str:
    """Where objects of this document's kind are created in `namespace`."""
    return f"{HEADGATE}/namespaces/{namespace}/{PLURALS[document['kind']]}"
