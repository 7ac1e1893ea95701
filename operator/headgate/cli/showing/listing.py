"""`headgate list`: all models in a table, those that need somebody first."""

from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from headgate.api.vocabulary import Phase, Role
from headgate.cli.cluster import Access, run
from headgate.cli.options import AS_USER, CONTEXT, NAMESPACE, Format, rendered
from headgate.cli.screen import prose, screen
from headgate.cli.showing.attention import by_attention, missing
from headgate.cli.showing.columns import table
from headgate.cli.showing.status import EVERYWHERE, as_json
from headgate.cli.view import ModelView
from headgate.kube.resources import AIMODELS


class ListFormat(StrEnum):
    """How to print a list."""

    TEXT = "text"
    WIDE = "wide"
    NAME = "name"
    JSON = "json"
    YAML = "yaml"


LABELS = Annotated[str, typer.Option("--selector", "-l", help="Only models with these labels, like team=credit-ml.", show_default=False)]
PHASE = Annotated[list[Phase] | None, typer.Option("--phase", help="Only models in this phase; may be repeated.", show_default=False)]
ROLE = Annotated[Role | None, typer.Option("--waiting-for", help="Only models that wait for an approval of this role.", show_default=False)]
LIST_OUTPUT = Annotated[
    ListFormat,
    typer.Option("--output", "-o", help="text, or wide with reason, policy, owner and who is waited for; name, json or yaml for programs."),
]


def list_models(
    everywhere: EVERYWHERE = False,
    namespace: NAMESPACE = None,
    labels: LABELS = "",
    phase: PHASE = None,
    waiting_for: ROLE = None,
    context: CONTEXT = None,
    as_user: AS_USER = None,
    output: LIST_OUTPUT = ListFormat.TEXT,
) -> None:
    """List models, those that need somebody first: users at risk, something to repair, taken back, waiting for people, in doubt, moving,
    settled."""
    access = Access(namespace, context, as_user)
    found = run(access, lambda cluster: cluster.models(None if everywhere else access.where, labels))
    chosen = sorted(_chosen(found, phase or [], waiting_for), key=by_attention)
    if output is ListFormat.NAME:
        for view in chosen:
            typer.echo(f"{AIMODELS.kind.lower()}.{AIMODELS.group}/{view.name}")
    elif output in (ListFormat.JSON, ListFormat.YAML):
        typer.echo(rendered([as_json(view) for view in chosen], Format(output.value)))
    elif chosen:
        screen().print(table(chosen, datetime.now(UTC), namespaces=everywhere, wide=output is ListFormat.WIDE))
    else:
        prose().print(_nothing(found, "" if everywhere else access.where))


def _chosen(views: tuple[ModelView, ...], phases: list[Phase], role: Role | None) -> Iterator[ModelView]:
    for view in views:
        if (not phases or view.status.phase in phases) and (role is None or role in missing(view)):
            yield view


def _nothing(found: tuple[ModelView, ...], namespace: str) -> str:
    where = f" in {namespace}" if namespace else ""
    return f"none of {len(found)} AIModels{where} is like that" if found else f"no AIModels{where}"
