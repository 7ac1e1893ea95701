"""Asking before deciding, and recording the decision."""

from datetime import UTC, datetime

import typer

from headgate.api.approval import GovernanceApprovalSpec
from headgate.cli.cluster import Access, run
from headgate.cli.governing.decisions import body_of, still_stands
from headgate.cli.options import Format, rendered
from headgate.cli.view import ModelView, command


def ask_for_words(what: str, option: str, given: str | None, *, yes: bool) -> str:
    """`given`, or what the user types. Raises typer.BadParameter if asking is not wanted."""
    if given and given.strip():
        return given.strip()
    if yes:
        raise typer.BadParameter(f"say why with {option}: a decision without a reason is not recorded")
    return str(typer.prompt(what, err=True)).strip()


def ask_to_go_on(question: str, *, yes: bool) -> None:
    """Raises typer.Abort (exit code 1) unless the user agrees."""
    if not yes:
        typer.confirm(question, abort=True, err=True)


def record(access: Access, view: ModelView, spec: GovernanceApprovalSpec, output: Format) -> None:
    """Create the GovernanceApproval and print it: the whole object for programs, or one line and how to go on."""
    now = datetime.now(UTC)
    created, fresh = run(
        access, lambda cluster: cluster.record(body_of(view, spec), lambda existing: still_stands(view, spec, existing, now))
    )
    if output.is_document:
        typer.echo(rendered(created, output))
        return
    done = "recorded" if fresh else "was decided before and still stands"
    typer.echo(f"governanceapproval.headgate.dev/{created['metadata']['name']} {done}")
    typer.echo(f"Watch what comes of it: {command(view, 'status', '-w')}", err=True)
