"""`headgate init`: the first manifests of a model, empty or from a Deployment that is there."""

import re
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from headgate.api.aimodel import AIModelSpec
from headgate.api.base import MODEL_NAME
from headgate.api.faults import first_fault
from headgate.cli.cluster import Access, run
from headgate.cli.options import AS_USER, CONTEXT
from headgate.cli.refused import Refused
from headgate.cli.starting.scaffold import Wanted, files_of, model_of
from headgate.cli.starting.taken import Taken, taken_from

NAME = Annotated[str | None, typer.Argument(metavar="[NAME]", help="Of the AIModel. Default: the Deployment's.", show_default=False)]
FROM = Annotated[str | None, typer.Option("--from", metavar="deployment/NAME", help="Take what it says.", show_default=False)]
DIRECTORY = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="DIR", file_okay=False, help="Where to write. Default: NAME.", show_default=False)
]
POLICY = Annotated[
    str, typer.Option("--policy", "-p", help="A policy of the platform. Default: one is written beside the model.", show_default=False)
]
OWNER = Annotated[
    str | None, typer.Option("--owner", help="Technical owner. Default: who you are to the cluster, if it is asked.", show_default=False)
]
NAMESPACE = Annotated[
    str | None, typer.Option("--namespace", "-n", help="Namespace of the model. Default: that of the kubeconfig.", show_default=False)
]
_NOBODY = "owner@example.com"


def init(
    name: NAME = None,
    source: FROM = None,
    directory: DIRECTORY = None,
    policy: POLICY = "",
    owner: OWNER = None,
    namespace: NAMESPACE = None,
    context: CONTEXT = None,
    as_user: AS_USER = None,
) -> None:
    """Write the first manifests of a model: AIModel, RolloutPolicy and an example of an approval. With --from its pod template, port, size,
    autoscaler and route are those of a Deployment in the cluster; nothing in the cluster is changed."""
    deployment = _deployment_name(source)
    called = name or deployment
    if called is None:
        raise typer.BadParameter("say how the model is called, or take a Deployment with --from deployment/NAME")
    if not re.fullmatch(MODEL_NAME, called):
        raise typer.BadParameter(f"{called}: a model has at most 50 lower-case letters, digits and dashes, beginning with a letter")
    access = Access(namespace, context, as_user)
    taken = taken_from(run(access, lambda cluster: cluster.surroundings(deployment, access.where))) if deployment else None
    who = owner or (run(access, lambda cluster: cluster.whoami()) if deployment else _NOBODY)
    wanted = Wanted(called, access.where, who, policy)
    _check(wanted, taken)
    where = directory or Path(called)
    for path in _written(where, wanted, taken):
        typer.echo(path)
    for note in taken.notes if taken else ():
        typer.echo(f"- {note}", err=True)
    typer.echo(f"Fill in what is marked with (*) in {where / 'model.yaml'}, then: kubectl headgate lint {where}", err=True)


def _deployment_name(source: str | None) -> str | None:
    if source is None:
        return None
    kind, _, name = source.partition("/")
    if kind not in ("deployment", "deploy", "deployments", "deployment.apps") or not name:
        raise typer.BadParameter(f"{source}: name a Deployment, like deployment/credit-scorer", param_hint="--from")
    return name


def _check(wanted: Wanted, taken: Taken | None) -> None:
    """What is in the cluster may say more than an AIModel can."""
    try:
        AIModelSpec.model_validate(model_of(wanted, taken)["spec"])
    except ValidationError as error:
        raise Refused(f"an AIModel cannot say what this Deployment or its route does: {first_fault(error, 'spec')}") from error


def _written(where: Path, wanted: Wanted, taken: Taken | None) -> list[Path]:
    """Nothing is written over."""
    files = {where / path: text for path, text in files_of(wanted, taken).items()}
    there = [str(path) for path in files if path.exists()]
    if there:
        raise Refused(f"{', '.join(there)} is there already: choose another directory with -o, or take it away")
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refused(f"cannot be written: {error}") from error
    return list(files)
