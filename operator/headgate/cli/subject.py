"""`headgate subject`: what exactly there is to approve."""

import json
from typing import Any

import typer
from pydantic import ValidationError

from headgate.api.policy import RolloutPolicySpec
from headgate.api.status import GateStatus
from headgate.cli.cluster import Access, run
from headgate.cli.decisions import nothing_to_approve
from headgate.cli.options import AS_USER, CONTEXT, MODEL_NAME, NAMESPACE, OUTPUT, Format, rendered
from headgate.cli.refused import Refused
from headgate.cli.view import ModelView
from headgate.governance.subjects import deployment_statement, subject_of


def statement_of(view: ModelView) -> dict[str, Any] | None:
    """The statement behind the gate's subject, made anew from the attempt and its policy; None without a gate or the policy.

    Raises Refused if its digest is not the gate's subject.
    """
    candidate, gate = view.status.candidate, view.gate
    if candidate is None or gate is None or view.policy is None:
        return None
    try:
        policy = RolloutPolicySpec.model_validate_json(view.policy)
    except ValidationError as error:
        raise Refused(_differs(gate)) from error
    statement = deployment_statement(
        environment=gate.environment,
        namespace=view.namespace,
        name=view.name,
        content=candidate.content,
        tier=gate.tier,
        policy=policy,
        mode=gate.mode,
    )
    if subject_of(statement) != gate.subject:
        raise Refused(_differs(gate))
    return statement


def unverified(view: ModelView) -> str:
    """Said where `statement_of` has none for a gate."""
    copy = view.status.candidate.policy_copy if view.status.candidate else ""
    return f"The digest is not verified: the ConfigMap {copy} in {view.namespace} is not there, or you may not read it."


def _differs(gate: GateStatus) -> str:
    return (
        f"the statement made from this model and its policy does not have the digest {gate.subject}: the model is changing just now "
        "(try again), this command is not of the operator's release, or somebody edited the ConfigMap (do not approve)"
    )


def subject(
    model: MODEL_NAME,
    namespace: NAMESPACE = None,
    context: CONTEXT = None,
    as_user: AS_USER = None,
    output: OUTPUT = Format.TEXT,
) -> None:
    """Print the digest that approvals of MODEL must name, and the statement it is made of, which is made anew and verified here."""
    access = Access(namespace, context, as_user)
    view = run(access, lambda cluster: cluster.model_to_approve(model, access.where))
    if view.gate is None:
        raise Refused(nothing_to_approve(view))
    statement = statement_of(view)
    if output is not Format.TEXT:
        typer.echo(rendered({"subject": view.gate.subject, "statement": statement}, output))
        return
    typer.echo(view.gate.subject)
    if statement is None:
        typer.echo(unverified(view), err=True)
    else:
        typer.echo(json.dumps(statement, indent=2, sort_keys=True))
