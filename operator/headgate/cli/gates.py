"""`headgate gates`: who decided what about a model, and who is still missing, at each of its three gates."""

from datetime import datetime
from typing import Any

from rich.console import Console

from headgate.api.status import GateState, UseCaseStatus
from headgate.api.vocabulary import Gate
from headgate.cli.cluster import Access, run
from headgate.cli.decisions import nothing_to_approve
from headgate.cli.options import AS_USER, CONTEXT, MODEL_NAME, NAMESPACE, OUTPUT_OR_YAML, Output, print_document
from headgate.cli.view import ModelView, clock, command, missing_roles


def gates(
    model: MODEL_NAME,
    namespace: NAMESPACE = None,
    context: CONTEXT = None,
    as_user: AS_USER = None,
    output: OUTPUT_OR_YAML = Output.TEXT,
) -> None:
    """Show the gates UseCase, Deployment and Continuation of MODEL: open or closed, by whom, until when, and who is missing."""
    access = Access(namespace, context, as_user)
    view = run(access, lambda cluster: cluster.model(model, access.where))
    if output is not Output.TEXT:
        print_document({"namespace": view.namespace, "name": view.name, "gates": _document(view)}, output)
        return
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for gate in Gate:
        console.print(str(gate), style="bold")
        for words in gate_words(view, gate) or (nothing_to_approve(view, gate),):
            console.print(f"  {words}")


def gate_words(view: ModelView, gate: Gate) -> tuple[str, ...]:
    """Its state in sentences; nothing for a gate that asks for nothing."""
    asked, case = view.gate_state(gate), view.status.use_case
    if asked is None:
        return ()
    if gate is Gate.CONTINUATION:
        return _continuation_words(view, case) if case is not None else ()
    lapsed = f" since an approval lapsed at {clock(asked.lapsed_since)}" if asked.lapsed_since and gate is Gate.DEPLOYMENT else ""
    return (
        f"The {gate} gate is {'open' if asked.open else 'closed'}{lapsed} (tier {asked.tier}, subject {asked.subject}).",
        *(f"Counted: {entry}" for entry in asked.counted),
        *(f"Missing: {entry}" for entry in asked.missing),
    )


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
    found: dict[str, Any] = {str(gate): _state(view.gate_state(gate)) for gate in (Gate.USE_CASE, Gate.DEPLOYMENT)}
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
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
