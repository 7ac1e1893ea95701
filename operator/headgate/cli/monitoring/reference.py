"""`headgate reference`: the frozen distributions that a live model is compared with, as a ConfigMap."""

import asyncio
import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml
from pydantic import ValidationError

from headgate.api.aimodel import AIModelSpec
from headgate.api.faults import first_fault
from headgate.cli.cluster import Access, run
from headgate.cli.judging.plan import ADDRESS, PROMETHEUS, open_prometheus
from headgate.cli.options import AS_USER, CONTEXT, EXIT_CODES, MODEL_NAME, NAMESPACE, parse_duration
from headgate.cli.refused import Refused

if TYPE_CHECKING:
    from headgate.monitoring.inservice.counting import Grown
    from headgate.monitoring.inservice.plan import Plan
    from headgate.monitoring.inservice.reference import Reference

reference = typer.Typer(help="Take the reference that a live model is compared with.", no_args_is_help=True)

_SHORTEST_STRETCH = 60.0
"""Seconds: a few scrapes."""


class Arm(StrEnum):
    """Whose past a reference is made of, as `status` calls it."""

    STABLE = "stable"
    CANDIDATE = "candidate"


SINCE = Annotated[str, typer.Option("--since", help="How much of the past to count, like 7d: whole weeks have every hour of the week.")]
OF = Annotated[
    Arm, typer.Option("--of", help="stable: what users got. candidate: what it saw and said of copied requests, in its shadow stage.")
]
OUT = Annotated[Path | None, typer.Option("--out", "-o", dir_okay=False, help="Write the manifest here.", show_default=False)]
FILE = Annotated[Path, typer.Argument(exists=True, dir_okay=False, metavar="FILE", help=".csv, .csv.gz or .parquet with a header.")]
MODEL = Annotated[str, typer.Option("--model", help="Whose reference it is: NAMESPACE/NAME.", show_default=False)]
EDGES = Annotated[
    list[str] | None,
    typer.Option("--edges", help="COLUMN=EDGE,EDGE,… as the model's histogram has them; may be repeated.", show_default=False),
]
CATEGORICAL = Annotated[
    list[str] | None, typer.Option("--categorical", help="A column of numbers that are codes; may be repeated.", show_default=False)
]
IGNORE = Annotated[list[str] | None, typer.Option("--ignore", help="A column to leave out; may be repeated.", show_default=False)]


@reference.command(epilog=EXIT_CODES)
def capture(
    model: MODEL_NAME,
    since: SINCE = "7d",
    of: OF = Arm.STABLE,
    out: OUT = None,
    prometheus: PROMETHEUS = None,
    namespace: NAMESPACE = None,
    context: CONTEXT = None,
    as_user: AS_USER = None,
) -> None:
    """Count what a version of MODEL saw and said in the past, by the edges and classes that it exports, and freeze that.

    The features are those of spec.monitoring. Prints a ConfigMap, and what to write into the AIModel. Changes nothing.
    """
    access, seconds = Access(namespace, context, as_user), float(parse_duration(since))
    stored = run(access, lambda cluster: cluster.stored(model, access.where))
    if prometheus is None:
        raise Refused(f"where does Prometheus answer? Say --prometheus URL or set {ADDRESS}")
    from headgate.monitoring.inservice.capturing import captured

    plan, revision = _watched(stored, of)
    now = time.time()
    told = f"revision {revision}, {_instant(now - seconds)} to {_instant(now)}"
    found, left_out = captured(plan, asyncio.run(_stretches(prometheus, plan, revision, now, seconds)), told)
    for name, why in left_out.items():
        typer.secho(f"warning: {name} is left out: {why}", fg="yellow", err=True)
    if not found.features:
        raise Refused(f"nothing of {plan.model} could be counted in the last {since}: is it exported, and does Prometheus keep it so long?")
    _write(found, model, out)


def _watched(stored: dict[str, Any], of: Arm) -> tuple["Plan", str]:
    from headgate.monitoring.inservice.plan import plan_of

    metadata = stored["metadata"]
    name = f"{metadata['namespace']}/{metadata['name']}"
    revision = ((stored.get("status") or {}).get(of) or {}).get("revision")
    if not revision:
        raise Refused(f"{name} has no {'live version' if of is Arm.STABLE else 'candidate'}: nothing was counted of it")
    try:
        spec = AIModelSpec.model_validate(stored.get("spec") or {})
    except ValidationError as error:
        raise Refused(f"{name}: {first_fault(error, whole='spec')}") from error
    # Gauges have no past that a reference is made of.
    plan = replace(plan_of(name, spec, None), gauges=None)
    if not plan.features:
        raise Refused(f"{name} names no features: list them in spec.monitoring.features, and spec.monitoring.predictions")
    return plan, str(revision)


async def _stretches(address: str, plan: "Plan", revision: str, now: float, seconds: float) -> list["Grown"]:
    """Increments of equal parts of the time, one after the other."""
    from headgate.monitoring.inservice.capturing import CAPTURED_STRETCHES
    from headgate.prometheus.asking import Asker
    from headgate.prometheus.client import SourceError
    from headgate.prometheus.profiles import Target

    namespace, _, name = plan.model.partition("/")
    number = max(1, min(CAPTURED_STRETCHES, int(seconds // _SHORTEST_STRETCH)))
    target, part = Target(namespace, name, stable=revision), seconds / number
    try:
        async with open_prometheus(address) as client:
            asker = Asker(client, lambda template, result: None)
            ends = [now - part * later for later in reversed(range(number))]
            return [(await asker.grown({target: plan}, end - part, end))[target] for end in ends]
    except SourceError as error:
        raise Refused(f"Prometheus at {address} gives no answer ({error.outage}): {error}") from error


def _instant(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@reference.command(name="from-file", epilog=EXIT_CODES)
def from_file(
    file: FILE,
    model: MODEL,
    edges: EDGES = None,
    categorical: CATEGORICAL = None,
    ignore: IGNORE = None,
    out: OUT = None,
) -> None:
    """Count the rows of a file, such as the training data: columns are features, rows in the order of time.

    A column of numbers without --edges gets tenths of its values; the model's histogram must then have these edges.
    """
    namespace, _, name = model.partition("/")
    if not namespace or not name:
        raise typer.BadParameter("write NAMESPACE/NAME", param_hint="--model")
    # What reads files takes a second to load, and other commands do without.
    from headgate.cli.monitoring.drift import parsed_edges
    from headgate.cli.monitoring.samples import Reading, distributions
    from headgate.monitoring.inservice.reference import MOST_FEATURES, Reference

    reading = Reading(None, dict(parsed_edges(text) for text in edges or ()), frozenset(categorical or ()), frozenset(ignore or ()))
    found, left_out = distributions(file, reading)
    for column, why in left_out.items():
        typer.secho(f"warning: {column} is left out: {why}", fg="yellow", err=True)
    if not 1 <= len(found) <= MOST_FEATURES:
        raise Refused(f"{file} has {len(found)} columns to watch: 1 to {MOST_FEATURES} can be, --ignore leaves some out")
    _write(Reference(model, f"file {file.name}", found), name, out)


def _write(found: "Reference", model: str, out: Path | None) -> None:
    from headgate.monitoring.inservice.reference import KEY

    document, name = found.document(), f"{model}-reference-{found.digest[7:15]}"
    metadata = {"name": name, "namespace": found.model.partition("/")[0]}
    text = json.dumps(document, separators=(",", ":"), sort_keys=True)
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "immutable": True, "data": {KEY: text}}
    written = yaml.safe_dump(manifest, sort_keys=False, width=140)
    if out is None:
        typer.echo(written, nl=False)
    else:
        try:
            out.write_text(written)
        except OSError as error:
            raise Refused(f"{out} cannot be written: {error.strerror}") from error
    for feature, one in found.features.items():
        kind = f"edges {', '.join(f'{edge:g}' for edge in one.edges)}" if one.edges else f"classes {', '.join(one.classes)}"
        typer.echo(f"{feature}: {round(one.counts.sum()):,} rows, {kind}", err=True)
    typer.echo(f"in the AIModel: spec.monitoring.reference: {{configMap: {name}, digest: {found.digest}}}", err=True)
