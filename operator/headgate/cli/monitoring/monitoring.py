"""`headgate monitoring`: what the monitor says of a live model."""

import typer

from headgate.cli.cluster import Access, run
from headgate.cli.monitoring.stored import figures, results_in, scores
from headgate.cli.monitoring.verdicts import print_results
from headgate.cli.options import AS_USER, CONTEXT, MODEL_NAME, NAMESPACE, OUTPUT, Format, rendered
from headgate.cli.refused import Refused
from headgate.monitoring.inservice.assessment import monitoring_config_map


def monitoring(
    model: MODEL_NAME,
    namespace: NAMESPACE = None,
    context: CONTEXT = None,
    as_user: AS_USER = None,
    output: OUTPUT = Format.TEXT,
) -> None:
    """Show what `headgate monitor` found out about the live version of MODEL: drift, performance, oversight, vendor, fairness, value,
    and its scorecard."""
    access = Access(namespace, context, as_user)
    stored = run(access, lambda cluster: cluster.kept(monitoring_config_map(model), access.where))
    document = results_in(stored, model)
    if document is None:
        raise Refused(
            f"nothing is known of {model} in namespace {access.where} (-n chooses another one): is it live, has it spec.monitoring or "
            "spec.oversight, and does `headgate monitor` run (monitor.enabled of the chart)?"
        )
    if output is not Format.TEXT:
        typer.echo(rendered(document, output))
        return
    print_results(
        [
            *((f"{kind} {name}".strip(), result) for kind, name, result in figures(document)),
            *(("scorecard", result) for result in scores(document)),
        ],
        of="OF",
    )
    if (answered := document.get("response")) is not None:
        typer.echo(f"severity {answered['severity']}: {answered['why']}")
    for note in document.get("notes") or ():
        typer.echo(note)
    for quarter in document.get("creditsDue") or ():
        typer.echo(f"credits are due for {quarter}")
    typer.echo(f"revision {document['revision']}, as of {document['at']}")
