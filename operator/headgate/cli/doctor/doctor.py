"""`headgate doctor`: everything that has to be right about an installation, each with what to do if it is not."""

from functools import partial
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from headgate.cli.cluster import Access, run_with_api
from headgate.cli.doctor.check import Check, Level
from headgate.cli.doctor.facts import Facts
from headgate.cli.doctor.gathering import gather
from headgate.cli.doctor.governance import governance
from headgate.cli.doctor.installation import installation
from headgate.cli.doctor.measuring import measuring
from headgate.cli.doctor.routing import routing
from headgate.cli.doctor.subjects import subjects
from headgate.cli.judging.plan import PROMETHEUS, open_prometheus
from headgate.cli.options import AS_USER, CONTEXT, OPERATOR_NAMESPACE, OUTPUT, Format, rendered
from headgate.cli.screen import screen

_COLOURS = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}
NAMESPACE = Annotated[
    str | None, typer.Option("--namespace", "-n", help="Look only at models of this namespace. Default: all.", show_default=False)
]


def examined(facts: Facts) -> tuple[Check, ...]:
    """All checks, in the order in which one would repair things."""
    return (*installation(facts), *governance(facts), *subjects(facts), *measuring(facts), *routing(facts))


def doctor(
    namespace: NAMESPACE = None,
    operator_namespace: OPERATOR_NAMESPACE = "headgate-system",
    prometheus: PROMETHEUS = None,
    context: CONTEXT = None,
    as_user: AS_USER = None,
    output: OUTPUT = Format.TEXT,
) -> None:
    """Check the installation: cluster, definitions, operator, admission policies, rights, who could approve in somebody else's name,
    Prometheus and its labels, scrapes, gateway and clocks. It changes nothing.

    Exit codes: 0 nothing fails, 1 something does, 2 wrong usage.
    """
    open_client = partial(open_prometheus, prometheus) if prometheus else None
    facts = run_with_api(
        Access(namespace, context, as_user),
        lambda api: gather(
            api, operator_namespace=operator_namespace, namespace=namespace, prometheus=open_client, address=prometheus or ""
        ),
    )
    checks = examined(facts)
    if output.is_document:
        typer.echo(rendered([check.document() for check in checks], output))
    else:
        screen().print(_table(checks))
        counts = {level: sum(check.level is level for check in checks) for level in Level}
        typer.echo(", ".join(f"{number} {level}" for level, number in counts.items() if number), err=True)
    if any(check.level is Level.FAIL for check in checks):
        raise typer.Exit(1)


def _table(checks: tuple[Check, ...]) -> Table:
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("", "CHECK", "FOUND"):
        drawn.add_column(column, overflow="fold")
    for check in checks:
        said = Text(check.said)
        if check.todo:
            said.append(f"\nTo do: {check.todo}", style="bold")
        drawn.add_row(Text(check.level, style=_COLOURS[check.level]), check.topic, said)
    return drawn
