"""`headgate pin`: what to commit, so that a cluster rebuilt from Git begins with the version that is live now."""

from enum import StrEnum
from typing import Annotated, Any

import typer
import yaml

from headgate.cli.cluster import Access, run
from headgate.cli.options import AS_USER, CONTEXT, MODEL_NAME, NAMESPACE
from headgate.cli.refused import Refused
from headgate.cli.view import ModelView, describes, view_of
from headgate.kube.interface import Object
from headgate.kube.resources import AIMODELS
from headgate.rollout.revisions import baseline_of

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


class Form(StrEnum):
    """What to print."""

    PATCH = "patch"
    YAML = "yaml"


FORM = Annotated[Form, typer.Option("--output", "-o", help="patch: spec.serving.baseline alone; yaml: the AIModel with it.")]
WRITE = Annotated[bool, typer.Option("--write", help="Patch the AIModel in the cluster too. Not where a GitOps tool applies it.")]


def baseline_to_pin(view: ModelView) -> dict[str, Any]:
    """The live version as it is written in the spec. Raises Refused if the spec does not hold it."""
    stable, spec = view.status.stable, view.valid_spec()
    if stable is None:
        raise Refused(f"no version of {view.name} is live: there is nothing to pin")
    if spec is None:
        raise Refused(f"the spec of {view.name} cannot be read. Is this command as new as the operator?")
    if describes(spec, stable):
        serving = view.spec["serving"]
        return {"version": view.spec["version"], "artifact": view.spec["artifact"], "deployment": serving["deployment"]}
    pinned = baseline_of(spec)
    if pinned is not None and describes(pinned, stable):
        baseline: dict[str, Any] = dict(view.spec["serving"]["baseline"])
        return baseline
    raise Refused(
        f"{stable.version} (revision {stable.revision}) is live, and the spec describes {view.version}: "
        f"pin a version while the spec asks for it, or take its manifest from Git"
    )


def manifest_of(stored: Object, baseline: dict[str, Any]) -> Object:
    """The AIModel as people apply it, with `baseline`."""
    metadata, spec = stored["metadata"], stored["spec"]
    kept = {key: metadata[key] for key in ("name", "namespace", "labels") if metadata.get(key)}
    annotations = {key: value for key, value in (metadata.get("annotations") or {}).items() if key != _LAST_APPLIED}
    return {
        "apiVersion": AIMODELS.api_version,
        "kind": AIMODELS.kind,
        "metadata": kept | ({"annotations": annotations} if annotations else {}),
        "spec": spec | {"serving": spec["serving"] | {"baseline": baseline}},
    }


def pin(
    model: MODEL_NAME,
    write: WRITE = False,
    namespace: NAMESPACE = None,
    context: CONTEXT = None,
    as_user: AS_USER = None,
    output: FORM = Form.PATCH,
) -> None:
    """Print MODEL with the version that is live now as its baseline, to be committed to Git. Writes nothing unless asked to."""
    access = Access(namespace, context, as_user)
    stored = run(access, lambda cluster: cluster.stored(model, access.where))
    baseline = baseline_to_pin(view_of(stored))
    patch = {"spec": {"serving": {"baseline": baseline}}}
    if write:
        run(access, lambda cluster: cluster.edit(stored, patch))
        typer.echo(f"pinned {baseline['version']} as the baseline of {access.where}/{model}", err=True)
    document = patch if output is Form.PATCH else manifest_of(stored, baseline)
    typer.echo(yaml.safe_dump(document, sort_keys=False), nl=False)
