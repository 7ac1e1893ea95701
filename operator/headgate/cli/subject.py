"""`headgate subject`: what exactly there is to approve."""

import json
from typing import Any

import typer

from headgate.cli.cluster import Access, run
from headgate.cli.decisions import nothing_to_approve
from headgate.cli.options import AS_USER, CONTEXT, MODEL_NAME, NAMESPACE, OUTPUT, Format
from headgate.cli.refused import Refused
from headgate.cli.view import ModelView
from headgate.governance.subjects import subject_of


def statement_of(view: ModelView) -> dict[str, Any] | None:
    """The published statement behind the gate's subject, or None. Raises Refused if its digest is another one."""
    gate = view.gate
    if gate is None or not view.statement:
        return None
    try:
        statement = json.loads(view.statement)
        if subject_of(statement) == gate.subject:
            return dict(statement)
    except (ValueError, TypeError):
        pass
    raise Refused(
        f"the published statement does not have the digest {gate.subject}: "
        "the model is changing just now (try again), or somebody edited the ConfigMap (do not approve)"
    )


def subject(
    model: MODEL_NAME,
    namespace: NAMESPACE = None,
    context: CONTEXT = None,
    as_user: AS_USER = None,
    output: OUTPUT = Format.TEXT,
) -> None:
    """Print the digest that approvals of MODEL must name, and the statement it is made of, whose digest is verified here."""
    access = Access(namespace, context, as_user)
    view = run(access, lambda cluster: cluster.model(model, access.where))
    if view.gate is None:
        raise Refused(nothing_to_approve(view))
    statement = statement_of(view)
    if output is Format.JSON:
        typer.echo(json.dumps({"subject": view.gate.subject, "statement": statement}, indent=2))
        return
    typer.echo(view.gate.subject)
    if statement is None:
        typer.echo("The operator published no statement for it, or you may not read ConfigMaps in this namespace.", err=True)
    else:
        typer.echo(json.dumps(statement, indent=2, sort_keys=True))
