"""`headgate subject`: what exactly there is to approve."""

import json
from typing import Any

import typer
from pydantic import ValidationError

from headgate.api.gate_status import GateState, TierLoweringStatus, UseCaseStatus
from headgate.api.policy import RolloutPolicySpec
from headgate.api.vocabulary import Gate
from headgate.cli.cluster import Access, run
from headgate.cli.governing.decisions import nothing_to_approve
from headgate.cli.options import AS_USER, CONTEXT, GATE, MODEL_NAME, NAMESPACE, OUTPUT, Format, rendered
from headgate.cli.refused import Refused
from headgate.cli.view import ModelView
from headgate.governance.subjects import deployment_statement, subject_of, tier_lowering_statement, use_case_statement


def statement_of(view: ModelView, gate: Gate = Gate.DEPLOYMENT) -> dict[str, Any] | None:
    """The statement behind the subject of `gate`, made anew from the model, and for Deployment from the attempt and its policy; None if
    the gate asks for nothing, or the policy cannot be read.

    Raises Refused if its digest is not the gate's subject.
    """
    if gate is Gate.DEPLOYMENT:
        return _deployment(view)
    return _case(view, view.status.tier_lowering if gate is Gate.TIER_LOWERING else view.status.use_case)


def _case(view: ModelView, asked: UseCaseStatus | TierLoweringStatus | None) -> dict[str, Any] | None:
    written = view.written_down()
    if asked is None:
        return None
    if written is None:
        raise Refused(_differs(asked))
    about: dict[str, Any] = {
        "environment": asked.environment,
        "namespace": view.namespace,
        "name": view.name,
        "classification": written.classification,
        "requirements": written.requirements,
        "vendor": written.vendor,
    }
    if isinstance(asked, TierLoweringStatus):
        return _verified(asked, tier_lowering_statement(**about, table_tier=asked.tier, declared=asked.declared))
    return _verified(asked, use_case_statement(**about, tier=asked.tier))


def _deployment(view: ModelView) -> dict[str, Any] | None:
    candidate, gate, written = view.status.candidate, view.gate, view.written_down()
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
        replay=gate.replay,
        evidence=written.evidence if written else (),
        lineage=written.lineage if written else (),
    )
    return _verified(gate, statement)


def _verified(gate: GateState, statement: dict[str, Any]) -> dict[str, Any]:
    if subject_of(statement) != gate.subject:
        raise Refused(_differs(gate))
    return statement


def unverified(view: ModelView) -> str:
    """Said where `statement_of` has none for a gate."""
    copy = view.status.candidate.policy_copy if view.status.candidate else ""
    return f"The digest is not verified: the ConfigMap {copy} in {view.namespace} is not there, or you may not read it."


def _differs(gate: GateState) -> str:
    return (
        f"the statement made from this model and its policy does not have the digest {gate.subject}: the model is changing just now "
        "(try again), this command is not of the operator's release, or somebody edited the ConfigMap (do not approve)"
    )


def subject(
    model: MODEL_NAME,
    gate: GATE = Gate.DEPLOYMENT,
    namespace: NAMESPACE = None,
    context: CONTEXT = None,
    as_user: AS_USER = None,
    output: OUTPUT = Format.TEXT,
) -> None:
    """Print the digest that approvals of MODEL must name, and the statement it is made of, which is made anew and verified here."""
    access = Access(namespace, context, as_user)
    view = run(access, lambda cluster: cluster.model_to_approve(model, access.where))
    asked = view.gate_state(gate)
    if asked is None:
        raise Refused(nothing_to_approve(view, gate))
    statement = statement_of(view, gate)
    if output.is_document:
        typer.echo(rendered({"subject": asked.subject, "statement": statement}, output))
        return
    typer.echo(asked.subject)
    if statement is None:
        typer.echo(unverified(view), err=True)
    else:
        typer.echo(json.dumps(statement, indent=2, sort_keys=True))
