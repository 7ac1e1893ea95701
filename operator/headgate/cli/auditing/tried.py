"""`headgate history`: the versions of a model over time."""

import typer
from rich.table import Table
from rich.text import Text

from headgate.cli.auditing.history import History
from headgate.cli.auditing.versions import Attempt, Share, from_audit, from_status
from headgate.cli.cluster import Access, Cluster, run
from headgate.cli.options import AS_USER, CONTEXT, MODEL_NAME, NAMESPACE, OPERATOR_NAMESPACE, OUTPUT, Format, rendered
from headgate.cli.refused import Refused
from headgate.cli.screen import prose, screen, warn
from headgate.cli.showing.columns import COLOURS
from headgate.cli.view import ModelView
from headgate.kube.audit_segments import head_of, lines_of
from headgate.kube.errors import Forbidden

_COLUMNS = ("ATTEMPT", "VERSION", "REVISION", "FROM", "UNTIL", "REACHED", "OUTCOME", "BY", "APPROVED BY")


def history(
    model: MODEL_NAME,
    operator_namespace: OPERATOR_NAMESPACE = "headgate-system",
    namespace: NAMESPACE = None,
    context: CONTEXT = None,
    as_user: AS_USER = None,
    output: OUTPUT = Format.TEXT,
) -> None:
    """Show the versions of MODEL over time: when each was tried, which share of the users it had, who approved, and why it ended.

    It is told from the audit. Who may not read that gets what the status still knows, and a warning. -o wide adds each share and reason.
    """
    access = Access(namespace, context, as_user)

    async def look(cluster: Cluster) -> tuple[ModelView, tuple[Attempt, ...], str]:
        view = await cluster.model(model, access.where)
        try:
            segments = await cluster.audit(model, access.where, operator_namespace)
        except (Forbidden, Refused) as error:
            return view, from_status(view.status), str(error)
        told = History(f"{access.where}/{model}", tuple(lines_of(segments)), head_of(segments) or {})
        return view, from_audit(told.entries), ""

    view, attempts, unread = run(access, look)
    if unread:
        warn(f"{unread}. Shown is what the status still knows")
    if output.is_document:
        found = {"namespace": view.namespace, "name": view.name, "complete": not unread}
        typer.echo(rendered(found | {"attempts": [one.document() for one in attempts]}, output))
    elif attempts:
        screen().print(_table(attempts, wide=output is Format.WIDE))
    else:
        prose().print(f"no version of {view.name} was tried yet")


def _table(attempts: tuple[Attempt, ...], *, wide: bool) -> Table:
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for column in (*_COLUMNS, *(("SHARES", "WHY") if wide else ())):
        drawn.add_column(column, overflow="fold", no_wrap=column in _COLUMNS[:7])
    for one in attempts:
        cells = (
            str(one.attempt or ""),
            one.version,
            one.revision,
            _clock(one.begin),
            _clock(one.until) or "now",
            f"{one.reached / 10:g} %",
            one.outcome,
            one.by,
            "; ".join(one.approved_by),
        )
        more = ("; ".join(map(_share, one.shares)), one.why) if wide else ()
        drawn.add_row(*(Text(cell, style=COLOURS.get(cell, "")) for cell in (*cells, *more)))
    return drawn


def _share(share: Share) -> str:
    copies = f" and copies of {share.copies / 10:g} %" if share.copies else ""
    return f"{share.users / 10:g} %{copies} from {_clock(share.begin)}"


def _clock(time: str) -> str:
    """To the second; all times are UTC."""
    return time[:19].replace("T", " ")
