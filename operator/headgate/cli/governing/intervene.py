"""`headgate halt`, `rollback`, `pause`, `resume`, `promote`, `retry`, `aa-test`, `break-glass`: one person steps in."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from headgate.api.quantities import Duration
from headgate.api.status import AIModelStatus
from headgate.api.vocabulary import DecisionKind
from headgate.cli.cluster import Access, run
from headgate.cli.governing.confirm import ask_for_words, ask_to_go_on, record
from headgate.cli.governing.decisions import intervention_spec, target_of
from headgate.cli.options import AS_USER, CONTEXT, MODEL_NAME, NAMESPACE, OUTPUT, YES, Format, parse_duration
from headgate.cli.view import ModelView, clock
from headgate.rollout.break_glass import LONGEST

REASON = Annotated[str | None, typer.Option("--reason", help="Why; asked for if left out.", show_default=False)]

HELP = {
    DecisionKind.HALT: "Take all traffic off the candidate of MODEL, or off a live version that has a predecessor, at once.",
    DecisionKind.PAUSE: "Stop steps up of MODEL's rollout. It is still taken back when it does harm.",
    DecisionKind.RESUME: "End a pause of MODEL's rollout.",
    DecisionKind.PROMOTE: "End the present stage of MODEL's rollout now. Never overrides evidence of harm or a closed gate.",
    DecisionKind.RETRY: "Try the version of MODEL that was taken back once more, from the first stage.",
    DecisionKind.AA_TEST: "Set the live version of MODEL against a copy of itself, through the canary stages, to see what the judge says.",
}
_FOUR_HOURS = Duration(4 * 3600)
REVISION = r"[0-9a-f]{8}"
_MEANS = {
    DecisionKind.HALT: "it gets no traffic from now on, until a retry",
    DecisionKind.ROLLBACK: "all traffic goes back",
    DecisionKind.PAUSE: "no step up until a resume; it is still taken back if it does harm",
    DecisionKind.RESUME: "steps up go on",
    DecisionKind.PROMOTE: "its present stage ends; without proof of being good that is your risk, and it is recorded so",
    DecisionKind.RETRY: "a new attempt starts from the first stage",
    DecisionKind.AA_TEST: "a copy of it goes through the canary stages, never gets all users, and is taken off when they are over",
    DecisionKind.BREAK_GLASS: "once a second person has done so too, its gate is open although approvals are missing; everybody is told",
}


def _intervene(kind: DecisionKind, access: Access, model: str, reason: str | None, output: Format, *, yes: bool, **more: Any) -> None:
    view = run(access, lambda cluster: cluster.model(model, access.where))
    target = target_of(view, kind)
    goal, until = more.get("to_revision"), more.get("expires_at")
    back = f" to revision {goal}" if goal else f" until {clock(until)}" if until else ""
    version = _version_of(view, target.revision)
    typer.echo(
        f"{kind} of {view.namespace}/{view.name} {version} (revision {target.revision}, attempt {target.attempt}){back}: {_MEANS[kind]}.",
        err=True,
    )
    words = ask_for_words("Reason", "--reason", reason, yes=yes)
    ask_to_go_on(f"{kind}?", yes=yes)
    approver = run(access, lambda cluster: cluster.whoami())
    record(access, view, intervention_spec(view, kind, approver=approver, reason=words, **more), output)


def _version_of(view: ModelView, revision: str) -> str:
    status: AIModelStatus = view.status
    known = [entry for entry in (status.candidate, status.stable, *status.past, *status.blocked) if entry is not None]
    return next((entry.version for entry in known if entry.revision == revision), "")


def command_name(kind: DecisionKind) -> str:
    """As it is typed."""
    return "aa-test" if kind is DecisionKind.AA_TEST else kind.value.lower()


def intervention(kind: DecisionKind) -> Callable[..., None]:
    """The command for one kind of intervention that takes no argument but the model."""

    def command(
        model: MODEL_NAME,
        reason: REASON = None,
        yes: YES = False,
        namespace: NAMESPACE = None,
        context: CONTEXT = None,
        as_user: AS_USER = None,
        output: OUTPUT = Format.TEXT,
    ) -> None:
        _intervene(kind, Access(namespace, context, as_user), model, reason, output, yes=yes)

    return command


def rollback(
    model: MODEL_NAME,
    to: Annotated[str | None, typer.Option("--to", metavar="REVISION", help="An earlier live revision.", show_default=False)] = None,
    reason: REASON = None,
    yes: YES = False,
    namespace: NAMESPACE = None,
    context: CONTEXT = None,
    as_user: AS_USER = None,
    output: OUTPUT = Format.TEXT,
) -> None:
    """Take the candidate of MODEL back, or go from the live version to an earlier one. Needs no approval."""
    if to is not None and not re.fullmatch(REVISION, to):
        raise typer.BadParameter(f"{to!r} is not a revision: write 8 hex digits, as `headgate status MODEL -o json` shows them")
    _intervene(DecisionKind.ROLLBACK, Access(namespace, context, as_user), model, reason, output, yes=yes, to_revision=to)


def break_glass(
    model: MODEL_NAME,
    expires: Annotated[
        Duration, typer.Option("--expires", parser=parse_duration, metavar="DURATION", help="From now, at most 1d.")
    ] = _FOUR_HOURS,
    reason: REASON = None,
    yes: YES = False,
    namespace: NAMESPACE = None,
    context: CONTEXT = None,
    as_user: AS_USER = None,
    output: OUTPUT = Format.TEXT,
) -> None:
    """Open the gate of MODEL's candidate, with a second person, although approvals are missing. It goes live only with them."""
    if expires > LONGEST.total_seconds():
        raise typer.BadParameter(f"{expires} is longer than a day: approve it, or break the glass again when it ends")
    expires_at = (datetime.now(UTC) + timedelta(seconds=expires)).replace(microsecond=0)
    access = Access(namespace, context, as_user)
    _intervene(DecisionKind.BREAK_GLASS, access, model, reason, output, yes=yes, expires_at=expires_at)
