"""`headgate gates`: what each gate of a model asks for, who filled it, and what became of every decision about it."""

from typing import Any

import typer
from rich.console import Console, RenderableType
from rich.table import Table

from headgate.api.approval import GovernanceApprovalStatus
from headgate.api.status import GateStatus
from headgate.api.vocabulary import Gate
from headgate.cli.cluster import Access, run
from headgate.cli.decisions import nothing_to_approve
from headgate.cli.options import AS_USER, CONTEXT, MODEL_NAME, NAMESPACE, OUTPUT, Format, rendered
from headgate.cli.view import ModelView
from headgate.kube.interface import Object

_WIDE = 240


def gates_of(view: ModelView) -> tuple[tuple[Gate, GateStatus], ...]:
    """The gates that the operator has read, in the order in which a version meets them."""
    return ((Gate.DEPLOYMENT, view.gate),) if view.gate is not None else ()


def as_document(view: ModelView, decided: tuple[Object, ...]) -> dict[str, Any]:
    """For programs."""
    return {
        "namespace": view.namespace,
        "model": view.name,
        "gates": [{"gate": str(gate), **status.model_dump(mode="json", by_alias=True)} for gate, status in gates_of(view)],
        "decisions": [_decision(body) for body in decided],
    }


def _decision(body: Object) -> dict[str, Any]:
    spec, status = body.get("spec") or {}, GovernanceApprovalStatus.model_validate(body.get("status") or {})
    kept = {
        name: spec[name]
        for name in ("decision", "gate", "role", "approver", "onBehalfOf", "subject", "conditions", "expiresAt")
        if name in spec
    }
    state = str(status.state) if status.state else "Pending"
    return {"name": body["metadata"]["name"], **kept, "signed": "signature" in spec, "state": state, "message": status.message}


def _shown(view: ModelView, decided: tuple[Object, ...]) -> list[RenderableType]:
    shown: list[RenderableType] = []
    for gate, status in gates_of(view):
        shown.append(f"{gate} gate of {view.namespace}/{view.name}: {'open' if status.open else 'closed'}")
        shown.append(f"  subject   {status.subject}\n  tier      {status.tier}\n  needs     {', '.join(status.required)}")
        shown += [f"  broken    {status.break_glass}"] if status.break_glass else []
        shown += [f"  counted   {line}" for line in status.counted]
        shown += [f"  missing   {line}" for line in status.missing]
    if not shown:
        shown.append(nothing_to_approve(view))
    return [*shown, _table(decided)] if decided else shown


def _table(decided: tuple[Object, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="")
    for heading in ("NAME", "DECISION", "ROLE", "APPROVER", "STATE", "WHY"):
        table.add_column(heading, overflow="fold")
    for one in map(_decision, decided):
        approver = f"{one.get('approver', '')}{' (signed)' if one['signed'] else ''}"
        table.add_row(one["name"], one.get("decision", ""), one.get("role", ""), approver, one["state"], one["message"])
    return table


def gates(
    model: MODEL_NAME,
    namespace: NAMESPACE = None,
    context: CONTEXT = None,
    as_user: AS_USER = None,
    output: OUTPUT = Format.TEXT,
) -> None:
    """Show the gates of MODEL: who has to approve, who has, and why each decision counts or does not."""
    access = Access(namespace, context, as_user)
    view = run(access, lambda cluster: cluster.model(model, access.where))
    decided = run(access, lambda cluster: cluster.decisions(model, access.where))
    if output is not Format.TEXT:
        typer.echo(rendered(as_document(view, decided), output))
        return
    console = Console(width=None if Console().is_terminal else _WIDE, highlight=False, markup=False)
    for part in _shown(view, decided):
        console.print(part)
