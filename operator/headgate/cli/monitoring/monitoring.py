"""`headgate monitoring`: what the monitor says of a live model."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import typer

from headgate.cli.cluster import Access, run
from headgate.cli.monitoring.verdicts import print_results
from headgate.cli.options import AS_USER, CONTEXT, MODEL_NAME, NAMESPACE, OUTPUT, Format, rendered
from headgate.cli.refused import Refused
from headgate.monitoring.inservice.assessment import RESULTS_KEY, monitoring_config_map
from headgate.monitoring.result import LimitVerdict, Result


def monitoring(
    model: MODEL_NAME,
    namespace: NAMESPACE = None,
    context: CONTEXT = None,
    as_user: AS_USER = None,
    output: OUTPUT = Format.TEXT,
) -> None:
    """Show what `headgate monitor` found out about the live version of MODEL: drift, performance, oversight, vendor, fairness, value."""
    access = Access(namespace, context, as_user)
    stored = run(access, lambda cluster: cluster.kept(monitoring_config_map(model), access.where))
    text = ((stored or {}).get("data") or {}).get(RESULTS_KEY)
    if text is None:
        raise Refused(
            f"nothing is known of {model} in namespace {access.where} (-n chooses another one): is it live, has it spec.monitoring or "
            "spec.oversight, and does `headgate monitor` run (monitor.enabled of the chart)?"
        )
    try:
        document = json.loads(text)
        lines = list(_lines(document))
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(f"what is stored about {model} cannot be read: {error}") from error
    if output is not Format.TEXT:
        typer.echo(rendered(document, output))
        return
    print_results(lines, of="OF")
    if (answered := document.get("response")) is not None:
        typer.echo(f"severity {answered['severity']}: {answered['why']}")
    for note in document.get("notes") or ():
        typer.echo(note)
    for quarter in document.get("creditsDue") or ():
        typer.echo(f"credits are due for {quarter}")
    typer.echo(f"revision {document['revision']}, as of {document['at']}")


def _lines(document: Mapping[str, Any]) -> Iterator[tuple[str, Result]]:
    for kind, told in document["kinds"].items():
        for one in told["figures"]:
            interval = None if one["interval"] is None else (float(one["interval"][0]), float(one["interval"][1]))
            value = None if one["value"] is None else float(one["value"])
            result = Result(one["statistic"], LimitVerdict(one["verdict"]), one["why"], tuple(one["samples"]), value, interval)
            yield f"{kind} {one.get('of', '')}".strip(), result
