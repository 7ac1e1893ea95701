"""`headgate gates`: who decided what about a model, who is still missing at each of its gates, and what became of every decision."""

from datetime import datetime
from typing import Any

import typer
from rich.table import Table

from headgate.api.approval import GovernanceApprovalStatus
from headgate.api.gate_status import GateState, GateStatus, TierLoweringStatus, UseCaseStatus
from headgate.api.vocabulary import Gate
from headgate.cli.cluster import Access, run
from headgate.cli.governing.decisions import nothing_to_approve
from headgate.cli.governing.training import training_of
from headgate.cli.options import AS_USER, CONTEXT, MODEL_NAME, NAMESPACE, OUTPUT, Format, rendered
from headgate.cli.screen import screen
from headgate.cli.vendor_words import vendor_words
from headgate.cli.view import ModelView, clock, command, missing_roles
from headgate.kube.interface import Object

_OF_SPEC = ("decision", "gate", "role", "approver", "onBehalfOf", "subject", "conditions", "expiresAt")


def gates(
    model: MODEL_NAME,
    namespace: NAMESPACE = None,
    context: CONTEXT = None,
    as_user: AS_USER = None,
    output: OUTPUT = Format.TEXT,
) -> None:
    """Show the gates UseCase, Deployment, Continuation and TierLowering of MODEL: open or closed, by whom and until when, who is missing,
    who needs training, and why each decision counts or does not."""
    access = Access(namespace, context, as_user)
    view = run(access, lambda cluster: cluster.model(model, access.where))
    decided = run(access, lambda cluster: cluster.decisions(model, access.where))
    training = training_of(run(access, lambda cluster: cluster.literacy(view)), decided)
    if output.is_document:
        told = {"namespace": view.namespace, "name": view.name, "gates": _document(view), "decisions": [_decision(one) for one in decided]}
        told |= {"literacy": training.document()} if training is not None else {}
        if view.status.vendor is not None:
            told["vendor"] = view.status.vendor.model_dump(mode="json", by_alias=True, exclude_none=True)
        typer.echo(rendered(told, output))
        return
    console = screen()
    for gate in Gate:
        if gate is Gate.TIER_LOWERING and view.gate_state(gate) is None:
            # Few models ask for that.
            continue
        console.print(str(gate), style="bold", soft_wrap=True)
        for words in gate_words(view, gate) or (nothing_to_approve(view, gate),):
            console.print(f"  {words}", soft_wrap=True)
        asked = view.gate_state(gate)
        for words in training.words(tuple(asked.required)) if training is not None and asked is not None else ():
            console.print(f"  {words}", soft_wrap=True)
    if vendor := vendor_words(view.status.vendor):
        console.print("Vendor", style="bold")
        for words in vendor:
            console.print(f"  {words}", soft_wrap=True)
    if decided:
        console.print(_table(decided))


def gate_words(view: ModelView, gate: Gate) -> tuple[str, ...]:
    """Its state in sentences; nothing for a gate that asks for nothing."""
    asked, case = view.gate_state(gate), view.status.use_case
    if asked is None:
        return ()
    if gate is Gate.CONTINUATION:
        return _continuation_words(view, case) if case is not None else ()
    lapsed = f" since an approval lapsed at {clock(asked.lapsed_since)}" if asked.lapsed_since and gate is Gate.DEPLOYMENT else ""
    glass = _glass(asked)
    lower = f", {asked.declared} is declared" if isinstance(asked, TierLoweringStatus) else ""
    return (
        f"The {gate} gate is {'open' if asked.open else 'closed'}{lapsed} (tier {asked.tier}{lower}, subject {asked.subject}).",
        *((f"Broken: {glass}",) if glass else ()),
        *(f"Counted: {entry}" for entry in asked.counted),
        *(f"Missing: {entry}" for entry in asked.missing),
    )


def _glass(asked: GateState) -> str:
    return asked.break_glass if isinstance(asked, GateStatus) else ""


def _continuation_words(view: ModelView, case: UseCaseStatus) -> tuple[str, ...]:
    if case.stands_for is None or case.until is None:
        return ()
    if case.lapsed_since is not None:
        return (f"The use case is no longer approved since {clock(case.lapsed_since)}: {case.rejected or 'its approval was not renewed'}.",)
    changed = "" if case.stands_for == case.subject else " It is of an earlier classification or requirements document."
    return (f"The approval of the use case stands until {clock(case.until)}.{changed}",)


def to_approve(view: ModelView) -> tuple[str, ...]:
    """What people of which roles would have to type about the use case."""
    case = view.status.use_case
    if case is None or (case.open and case.warned is None):
        return ()
    gate = Gate.CONTINUATION if case.stands_for == case.subject else Gate.USE_CASE
    roles = dict.fromkeys(case.required) if case.open else missing_roles(case)
    before = f", before {clock(case.until)}" if case.open and case.until is not None else ""
    return tuple(f"{role}, for the use case{before}: {command(view, 'approve', '--gate', gate, '--role', role)}" for role in roles)


def _document(view: ModelView) -> dict[str, Any]:
    case = view.status.use_case
    found: dict[str, Any] = {str(gate): _state(view.gate_state(gate)) for gate in (Gate.USE_CASE, Gate.DEPLOYMENT, Gate.TIER_LOWERING)}
    if case is not None and case.stands_for is not None:
        found[str(Gate.CONTINUATION)] = {
            "open": case.lapsed_since is None,
            "subject": case.stands_for,
            "until": _time(case.until),
            "lapsedSince": _time(case.lapsed_since),
        }
    return {name: state for name, state in found.items() if state}


def _state(asked: GateState | None) -> dict[str, Any] | None:
    if asked is None:
        return None
    return {
        "open": asked.open,
        "tier": str(asked.tier),
        "subject": asked.subject,
        "required": [str(role) for role in asked.required],
        "counted": list(asked.counted),
        "missing": list(asked.missing),
        **({"breakGlass": glass} if (glass := _glass(asked)) else {}),
        **({"declared": str(asked.declared), "until": _time(asked.until)} if isinstance(asked, TierLoweringStatus) else {}),
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def _decision(body: Object) -> dict[str, Any]:
    spec, status = body.get("spec") or {}, GovernanceApprovalStatus.model_validate(body.get("status") or {})
    kept = {name: spec[name] for name in _OF_SPEC if name in spec}
    state = str(status.state) if status.state else "Pending"
    return {"name": body["metadata"]["name"], **kept, "signed": "signature" in spec, "state": state, "message": status.message}


def _table(decided: tuple[Object, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="")
    for heading in ("NAME", "DECISION", "GATE", "ROLE", "APPROVER", "STATE", "WHY"):
        table.add_column(heading, overflow="fold")
    for one in map(_decision, decided):
        approver = f"{one.get('approver', '')}{' (signed)' if one['signed'] else ''}"
        table.add_row(one["name"], *(one.get(name, "") for name in ("decision", "gate", "role")), approver, one["state"], one["message"])
    return table
