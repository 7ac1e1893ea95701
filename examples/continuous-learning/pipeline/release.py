"""The last step of retraining: makes what was fitted the next version of the AIModel. Gates and stages decide what becomes of it.

Runs in the Job that Headgate starts, with Headgate's image. Needs in WORK what `model-server fit` writes: parameters.json, training.csv and
edges.json. Safe to repeat: what is named by its content is made once, and the same version is asked for again.
"""

import copy
import hashlib
import json
import os
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

import yaml

WORK = Path("/work")
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
SERVER = "https://kubernetes.default.svc"
REFERENCE = ("-c", "from headgate.cli.main import main; main()", "reference", "from-file")
NAMED = "in the AIModel: spec.monitoring.reference: "

Object = dict[str, Any]


class Refused(Exception):  # noqa: N818  what it is, where it is caught
    """The message says why there is no new version, and what to do."""


class Api:
    """The API server, as the Job's ServiceAccount. Raises Refused with the server's words."""

    def __init__(self) -> None:
        self._context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))

    def get(self, path: str) -> Object:
        return self._ask("GET", path)

    def create(self, path: str, body: Object) -> None:
        """What is there already was made by an earlier try."""
        self._ask("POST", path, body, passing=409)

    def apply(self, path: str, body: Object) -> None:
        """Server-side: only what `body` says is ours."""
        self._ask("PATCH", f"{path}?fieldManager=credit-limits-pipeline&force=true", body, kind="application/apply-patch+yaml")

    def _ask(self, method: str, path: str, body: Object | None = None, *, kind: str = "application/json", passing: int = 0) -> Object:
        headers = {"Authorization": f"Bearer {(ACCOUNT / 'token').read_text()}", "Content-Type": kind}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(SERVER + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30, context=self._context) as answer:
                found: Object = json.load(answer)
                return found
        except urllib.error.HTTPError as error:
            if error.code == passing:
                return {}
            raise Refused(f"{method} {path}: {error.code} {error.read().decode(errors='replace')}") from error
        except urllib.error.URLError as error:
            raise Refused(f"{method} {path}: {error.reason}") from error


class Fitted(NamedTuple):
    """A version by what was fitted. `parameters` are environment variables of the server."""

    version: str
    digest: str
    parameters: dict[str, str]


def fitted(work: Path) -> Fitted:
    """The name follows from the parameters: the same ones are the same version."""
    parameters: dict[str, str] = json.loads((work / "parameters.json").read_text())
    digest = hashlib.sha256(json.dumps(parameters, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    version = f"fit-{digest[:8]}"
    return Fitted(version, f"sha256:{digest}", parameters | {"VERSION": version})


def reference(work: Path, model: Object) -> tuple[Object, Object]:
    """The ConfigMap with what the new version was fitted to and says of it, and what spec.monitoring.reference is to say."""
    watched = {feature["name"] for feature in model["spec"]["monitoring"]["features"]} | {"predictions"}
    edges: dict[str, list[float]] = json.loads((work / "edges.json").read_text())
    options = [
        f"--edges={column}={','.join(f'{edge:g}' for edge in known)}" if column in watched else f"--ignore={column}"
        for column, known in edges.items()
    ]
    name = f"{model['metadata']['namespace']}/{model['metadata']['name']}"
    command = (sys.executable, *REFERENCE, str(work / "training.csv"), "--model", name, *options)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refused(f"no reference could be made: {done.stderr}")
    said = next(line.removeprefix(NAMED) for line in done.stderr.splitlines() if line.startswith(NAMED))
    return yaml.safe_load(done.stdout), yaml.safe_load(said)


def parameters_of(made: Fitted, model: Object) -> Object:
    """The ConfigMap that the new version's server takes its environment from."""
    metadata = {"name": f"{model['metadata']['name']}-parameters-{made.version}", "namespace": model["metadata"]["namespace"]}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "immutable": True, "data": made.parameters}


def asked_for(made: Fitted, model: Object, named: Object) -> Object:
    """What is applied: the parts of the AIModel that make the new version, with its own reference beside it, and nothing else."""
    metadata = {key: model["metadata"][key] for key in ("namespace", "name")}
    name = parameters_of(made, model)["metadata"]["name"]
    template = copy.deepcopy(model["spec"]["serving"]["deployment"]["template"])
    template["spec"]["containers"][0]["envFrom"] = [{"configMapRef": {"name": name}}]
    spec = {
        "version": made.version,
        "artifact": {"uri": f"configmap://{metadata['namespace']}/{name}", "digest": made.digest},
        "serving": {"deployment": {"template": template}},
        "monitoring": {"reference": named},
    }
    return {"apiVersion": model["apiVersion"], "kind": model["kind"], "metadata": metadata, "spec": spec}


def release(api: Api, work: Path, namespace: str, name: str) -> str:
    """What was asked for, in words. Raises Refused."""
    path = f"/apis/headgate.dev/v1alpha1/namespaces/{namespace}/aimodels/{name}"
    model, made = api.get(path), fitted(work)
    live, asked = model["status"]["stable"]["version"], model["spec"]["version"]
    if asked not in (live, made.version):
        raise Refused(f"{asked} is asked for and {live} is live: let that rollout end first, or ask for {live} again")
    compared, named = reference(work, model)
    for body in (parameters_of(made, model), compared):
        api.create(f"/api/v1/namespaces/{namespace}/configmaps", body)
    api.apply(path, asked_for(made, model, named))
    return f"{made.version} is asked for, with reference {named['configMap']}: kubectl headgate status {name} -n {namespace}"


def main() -> int:
    """The exit code: 1 lets the Job try again."""
    try:
        print(release(Api(), WORK, os.environ["HEADGATE_NAMESPACE"], os.environ["HEADGATE_MODEL"]))
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
