"""`headgate unmanaged`: workloads that use AI and that no AIModel owns."""

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from headgate.cli.cluster import Access, run
from headgate.cli.options import AS_USER, CONTEXT, NAMESPACE, OPERATOR_NAMESPACE, OUTPUT, Format, rendered
from headgate.kube.unmanaged import Sighting
from headgate.monitoring.unmanaged import Sign, Unmanaged

EVERYWHERE = Annotated[bool, typer.Option("--all-namespaces", "-A", help="Workloads of all namespaces.")]
_WIDE = 200


def unmanaged(
    everywhere: EVERYWHERE = False,
    namespace: NAMESPACE = None,
    operator_namespace: OPERATOR_NAMESPACE = "headgate-system",
    context: CONTEXT = None,
    as_user: AS_USER = None,
    output: OUTPUT = Format.TEXT,
) -> None:
    """Show what serves models or sends data to AI services without an AIModel, and by what it was recognised. No value of a variable is
    shown."""
    access = Access(namespace, context, as_user)
    within = None if everywhere else access.where
    sighting = run(access, lambda cluster: cluster.unmanaged(within, operator_namespace))
    for words in sighting.unseen:
        typer.secho(f"warning: not all was looked at: {words}", fg="yellow", err=True)
    if output is not Format.TEXT:
        typer.echo(rendered(_document(sighting), output))
    elif sighting.found:
        _print(sighting)
    else:
        seen = f"in namespace {within}" if within else "in the cluster"
        typer.echo(f"nothing {seen} is recognised as AI without an AIModel (signatures {sighting.signatures})")


def _print(sighting: Sighting) -> None:
    table = Table(box=None, pad_edge=False, header_style="")
    for heading in ("NAMESPACE", "KIND", "NAME", "PRODUCT", "RECOGNISED BY"):
        table.add_column(heading, overflow="fold")
    for one in sighting.found:
        for number, sign in enumerate(one.signs):
            place = ("", "", "") if number else (one.namespace, one.kind, one.name)
            table.add_row(*place, sign.product, _by(sign))
    Console(width=None if Console().is_terminal else _WIDE, highlight=False, markup=False).print(table)


def _by(sign: Sign) -> str:
    return f"{sign.where}: {sign.host}" if sign.host else sign.where


def _document(sighting: Sighting) -> dict[str, Any]:
    return {
        "signatures": sighting.signatures,
        "workloads": [_one(one) for one in sighting.workloads],
        "egress": [_one(one) for one in sighting.egress],
        "unseen": list(sighting.unseen),
    }


def _one(one: Unmanaged) -> dict[str, Any]:
    signs = [{"product": sign.product, "where": sign.where, **({"host": sign.host} if sign.host else {})} for sign in one.signs]
    return {"namespace": one.namespace, "kind": one.kind, "name": one.name, "signs": signs}
