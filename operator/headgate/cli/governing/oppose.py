"""`headgate reject`, `headgate revoke`: one person says no to a version, or takes an approval back."""

from collections.abc import Callable
from typing import Annotated

import typer

from headgate.api.base import Digest
from headgate.api.vocabulary import DecisionKind, Gate, Role
from headgate.cli.cluster import Access, run
from headgate.cli.governing.confirm import ask_for_words, ask_to_go_on, record
from headgate.cli.governing.decisions import gate_spec, nothing_to_approve
from headgate.cli.governing.signing import SIGN, print_signed, private_key
from headgate.cli.options import AS_USER, CONTEXT, GATE, MODEL_NAME, NAMESPACE, OUTPUT, YES, Format
from headgate.cli.refused import Refused
from headgate.cli.view import ModelView

OPPOSITION = {
    DecisionKind.REJECT: "Reject the candidate of MODEL, or its use case (--gate), in one role: nothing goes on until that role approves.",
    DecisionKind.REVOKE: "Take back what a role approved: the candidate of MODEL, the live version, or its use case (--gate).",
}
_MEANS = {
    DecisionKind.REJECT: "it loses its users and is blocked; deleting the decision lifts nothing",
    DecisionKind.REVOKE: "a candidate loses its users, a live version gives way to the one before; deleting the decision lifts nothing",
}
_MEANS_FOR_USE_CASE = "nothing starts, a candidate loses its users, what is live stays and is frozen; deleting the decision lifts nothing"

_MEANS_FOR_TIER = "the table's tier counts, and what is approved at the lower one loses its users or is frozen; deleting it lifts nothing"


def opposition(kind: DecisionKind) -> Callable[..., None]:
    """The command for Reject or Revoke."""

    def command(
        model: MODEL_NAME,
        role: Annotated[Role, typer.Option("--role", "-r", help="In which capacity you decide.", show_default=False)],
        rationale: Annotated[str | None, typer.Option("--rationale", help="Why; asked for if left out.", show_default=False)] = None,
        live: Annotated[bool, typer.Option("--live", help="The live version, although another one is on its way.")] = False,
        gate: GATE = Gate.DEPLOYMENT,
        sign: SIGN = None,
        yes: YES = False,
        namespace: NAMESPACE = None,
        context: CONTEXT = None,
        as_user: AS_USER = None,
        output: OUTPUT = Format.TEXT,
    ) -> None:
        access = Access(namespace, context, as_user)
        view = run(access, lambda cluster: cluster.model(model, access.where))
        about, subject = _about(view, kind, live=live) if gate is Gate.DEPLOYMENT else _about_matter(view, kind, gate)
        asked = view.gate_state(gate)
        key = private_key(sign) if sign else None
        if key and asked is None:
            raise Refused("only what waits at a gate can be signed for: the status of a live version does not say its environment")
        approver = run(access, lambda cluster: cluster.whoami())
        means = {Gate.DEPLOYMENT: _MEANS[kind], Gate.TIER_LOWERING: _MEANS_FOR_TIER}.get(gate, _MEANS_FOR_USE_CASE)
        typer.echo(f"{kind} of {view.namespace}/{view.name} {about} as {role}, by {approver}: {means}.", err=True)
        typer.echo(f"  subject  {subject}", err=True)
        words = ask_for_words("Rationale", "--rationale", rationale, yes=yes)
        ask_to_go_on(f"{kind}?", yes=yes)
        spec = gate_spec(view, kind, gate=gate, subject=subject, role=role, approver=approver, rationale=words)
        if key and asked:
            print_signed(view, spec, asked.environment, key, output)
        else:
            record(access, view, spec, output)

    return command


def _about(view: ModelView, kind: DecisionKind, *, live: bool) -> tuple[str, Digest]:
    """Which version, in words, and the subject that was, or is to be, approved. Raises Refused if there is none."""
    candidate, stable = view.status.candidate, view.status.stable
    if candidate is not None and view.gate is not None and not live:
        return f"{candidate.version} (revision {candidate.revision})", view.gate.subject
    if kind is DecisionKind.REJECT and not live:
        raise Refused(nothing_to_approve(view).replace("approve", "reject", 1))
    if stable is None or stable.subject is None:
        raise Refused(f"there is nothing to {kind.lower()}: no version of {view.name} is live on an approval")
    return f"{stable.version} (revision {stable.revision}), which is live", stable.subject


def _about_matter(view: ModelView, kind: DecisionKind, gate: Gate) -> tuple[str, Digest]:
    """What is not about a version, in words, and its subject. Raises Refused if there is none."""
    if gate is not Gate.TIER_LOWERING:
        return _about_use_case(view, kind, gate)
    asked = view.status.tier_lowering
    if asked is None:
        raise Refused(nothing_to_approve(view, gate).replace("approve", kind.lower(), 1))
    return f"(tier {asked.declared} instead of {asked.tier})", asked.subject


def _about_use_case(view: ModelView, kind: DecisionKind, gate: Gate) -> tuple[str, Digest]:
    """A Revoke is of what was approved last, a Reject of what is asked about now. Raises Refused where no use case is."""
    case = view.status.use_case
    if case is None:
        raise Refused(nothing_to_approve(view, gate).replace("approve", kind.lower(), 1))
    if kind is DecisionKind.REVOKE and case.stands_for is None:
        raise Refused(f"there is nothing to revoke: the use case of {view.name} was never approved")
    return "(its use case)", case.stands_for if kind is DecisionKind.REVOKE and case.stands_for else case.subject
