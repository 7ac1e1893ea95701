"""`headgate status`: all models in a table, or one in detail, once or until interrupted."""

import json
from asyncio import sleep
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from headgate.api.gate_status import GateState, TierLoweringStatus, UseCaseStatus
from headgate.api.vocabulary import Gate, Verdict
from headgate.cli.cluster import Access, Cluster, run
from headgate.cli.completing.names import model_names
from headgate.cli.options import AS_USER, CONTEXT, NAMESPACE, OUTPUT, Format, rendered
from headgate.cli.screen import screen
from headgate.cli.showing.columns import COLOURS, table
from headgate.cli.showing.explain import observed_words, tested_words, waits_for
from headgate.cli.showing.replayed import replay_words
from headgate.cli.view import ModelView, clock
from headgate.evidence.fairness.words import fairness_words
from headgate.evidence.readings import encode
from headgate.evidence.segments.words import segment_words
from headgate.evidence.words import limit, of_candidate, of_stable
from headgate.kube.errors import Unavailable

SOME_MODEL = Annotated[
    str | None, typer.Argument(help="Name of one AIModel. Default: all of the namespace.", show_default=False, autocompletion=model_names)
]
EVERYWHERE = Annotated[bool, typer.Option("--all-namespaces", "-A", help="Models of all namespaces.")]
_EVERY_SECONDS = 2.0
Views = tuple[ModelView, ...]


def detail(view: ModelView, now: datetime, *, wide: bool = False) -> RenderableType:
    """The row, who serves what share, the checks in counts, the approvals, and what is waited for."""
    parts: list[RenderableType] = [table((view,), now, namespaces=False, wide=wide)]
    for heading, lines in (("TRAFFIC", _traffic(view)), ("APPROVALS", _approvals(view)), ("WAITS FOR", waits_for(view))):
        parts += _block(heading, lines)
    if view.present_evidence is not None:
        parts += [Text("\nEVIDENCE", style="bold"), _checks(view)]
        parts += _block("SEGMENTS", _segments(view))
        parts += _block("FAIRNESS", _fairness(view))
    parts += _block("ANSWERS COMPARED", replay_words(view))
    parts += _block("OBSERVED ONLY", observed_words(view))
    parts += _block("A/A TEST", tested_words(view))
    parts += _block("CONDITIONS", tuple(f"{c.type}={c.status} {c.reason}: {c.message}" for c in view.status.conditions))
    return Group(*parts)


def _block(heading: str, lines: tuple[str, ...]) -> list[RenderableType]:
    return [Text(f"\n{heading}", style="bold"), *(Text(f"  {line}") for line in lines)] if lines else []


def _traffic(view: ModelView) -> tuple[str, ...]:
    traffic, candidate = view.status.traffic, view.status.candidate
    lines = []
    for slot in traffic.slots:
        role = "candidate" if candidate and slot.revision == candidate.revision else "stable"
        lines.append(f"{slot.weight / 10:5.1f} %  {role} (revision {slot.revision})")
    if traffic.fallback is not None:
        lines.append(f"{traffic.fallback.weight / 10:5.1f} %  fallback (Service {traffic.fallback.service})")
    if traffic.mirror is not None:
        lines.append(f"{traffic.mirror.permille / 10:5.1f} %  copied to revision {traffic.mirror.revision}")
    return tuple(lines)


def _approvals(view: ModelView) -> tuple[str, ...]:
    named = ((gate, view.gate_state(gate)) for gate in (Gate.TIER_LOWERING, Gate.USE_CASE, Gate.DEPLOYMENT))
    return tuple(line for gate, asked in named if asked is not None for line in _gate(gate, asked))


def _gate(gate: Gate, asked: GateState) -> tuple[str, ...]:
    until = f", until {clock(asked.until)}" if isinstance(asked, UseCaseStatus | TierLoweringStatus) and asked.open and asked.until else ""
    return (
        f"{gate} gate {'open' if asked.open else 'closed'}{until}",
        *(f"+ {entry}" for entry in asked.counted),
        *(f"- {entry}" for entry in asked.missing),
    )


def _checks(view: ModelView) -> Table:
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 2))
    for column in ("CHECK", "VERDICT", "CANDIDATE", "STABLE", "LIMIT"):
        drawn.add_column(column, no_wrap=True)
    evidence = view.present_evidence
    for check in evidence.checks if evidence else ():
        drawn.add_row(
            str(check.metric),
            Text(check.verdict, style=COLOURS.get(check.verdict, "")),
            of_candidate(check),
            of_stable(check),
            "" if check.verdict is Verdict.NOT_MEASURABLE else limit(check),
        )
    return drawn


def _segments(view: ModelView) -> tuple[str, ...]:
    segments = view.present_evidence.segments if view.present_evidence else None
    if segments is None:
        return ()
    together, *each = segment_words(segments)
    return (f"{segments.verdict}: {together}", *each)


def _fairness(view: ModelView) -> tuple[str, ...]:
    fairness = view.present_evidence.fairness if view.present_evidence else None
    return (f"{fairness.verdict}: {fairness_words(fairness)}",) if fairness is not None else ()


def as_json(view: ModelView) -> dict[str, Any]:
    """The status as stored, and the readings if there are any."""
    evidence = view.present_evidence
    return {
        "namespace": view.namespace,
        "name": view.name,
        "version": view.version,
        "status": view.status.model_dump(mode="json", by_alias=True, exclude_none=True),
        "evidence": json.loads(encode(evidence)) if evidence else None,
    }


def status(
    model: SOME_MODEL = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Keep showing it until interrupted.")] = False,
    everywhere: EVERYWHERE = False,
    namespace: NAMESPACE = None,
    context: CONTEXT = None,
    as_user: AS_USER = None,
    output: OUTPUT = Format.TEXT,
) -> None:
    """Show where a model and its new version stand; without MODEL all models by name (`list` begins with those that need somebody)."""
    if model and everywhere:
        raise typer.BadParameter("a model lives in one namespace: use -n instead of -A")
    access = Access(namespace, context, as_user)

    async def look(cluster: Cluster) -> Views:
        if model:
            return (await cluster.model(model, access.where),)
        return await cluster.models(None if everywhere else access.where)

    def text(views: Views) -> RenderableType:
        now = datetime.now(UTC)
        if model:
            return detail(views[0], now, wide=output is Format.WIDE)
        if not views:
            return Text(f"no AIModels{'' if everywhere else ' in ' + access.where}")
        return table(views, now, namespaces=everywhere, wide=output is Format.WIDE)

    def document(views: Views) -> str:
        found = as_json(views[0]) if model else [as_json(view) for view in views]
        if output is Format.YAML:
            return ("---\n" if watch else "") + rendered(found, output)
        return json.dumps(found) if watch else rendered(found, output)

    try:
        if output.is_document:
            run(access, lambda cluster: _print_changes(cluster, look, document, once=not watch))
        elif watch:
            run(access, lambda cluster: _paint(cluster, look, text))
        else:
            screen().print(text(run(access, look)))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


_Look = Callable[[Cluster], Awaitable[Views]]


async def _paint(cluster: Cluster, look: _Look, text: Callable[[Views], RenderableType]) -> None:
    """Repaint in place. A server that does not answer for a while is said and waited out."""
    with Live(console=screen(), auto_refresh=False) as live:
        last: RenderableType = Text("")
        while True:
            try:
                last = text(await look(cluster))
                live.update(last, refresh=True)
            except Unavailable as error:
                live.update(Group(last, Text(f"\n{error}", style="red")), refresh=True)
            await sleep(_EVERY_SECONDS)


async def _print_changes(cluster: Cluster, look: _Look, document: Callable[[Views], str], *, once: bool) -> None:
    """One document, or one line for each change."""
    before = ""
    while True:
        now = document(await look(cluster))
        if now != before:
            typer.echo(now)
        if once:
            return
        before = now
        await sleep(_EVERY_SECONDS)
