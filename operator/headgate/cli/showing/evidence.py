"""`headgate evidence`: how the evidence of an attempt came about, as tables, a picture or a page."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from headgate.cli.cluster import Access, run
from headgate.cli.options import AS_USER, CONTEXT, MODEL_NAME, NAMESPACE, OUTPUT, Format, rendered
from headgate.cli.refused import Refused
from headgate.cli.screen import screen
from headgate.cli.showing.page import page
from headgate.cli.showing.standings import COLUMNS, MEANING, rows, thresholds
from headgate.cli.showing.story import Story, moment_of, story_of
from headgate.cli.view import clock
from headgate.evidence.timeline import to_json

_MOST_ROWS = 16
PNG = Annotated[Path | None, typer.Option("--png", dir_okay=False, help="Draw it into this file.", show_default=False)]
HTML = Annotated[
    Path | None, typer.Option("--html", dir_okay=False, help="Picture, sentences and numbers as one page in this file.", show_default=False)
]


def evidence(
    model: MODEL_NAME,
    png: PNG = None,
    html: HTML = None,
    namespace: NAMESPACE = None,
    context: CONTEXT = None,
    as_user: AS_USER = None,
    output: OUTPUT = Format.TEXT,
) -> None:
    """Show how the evidence of MODEL's latest attempt came about: its strength over time, both versions' rates, and what decided.

    --png and --html need matplotlib: pip install 'headgate[plots]'. Without them it is a table for each check.
    """
    access = Access(namespace, context, as_user)
    view = run(access, lambda cluster: cluster.model(model, access.where))
    story = story_of(view)
    if png is not None or html is not None:
        _draw(story, png, html)
    elif output.is_document:
        told = {"namespace": view.namespace, "name": view.name, "title": story.title, "timeline": to_json(story.timeline)}
        typer.echo(json.dumps(told, allow_nan=False) if output is Format.JSON else rendered(told, output))
    else:
        screen().print(_tables(story))


def _draw(story: Story, png: Path | None, html: Path | None) -> None:
    try:
        from headgate.cli.showing import picture
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        raise Refused("pictures need matplotlib: pip install 'headgate[plots]' (without --png and --html there are tables)") from error
    try:
        if png is not None:
            picture.save_png(story, png)
        if html is not None:
            html.write_text(page(story, picture.svg(story)), encoding="utf-8")
    except OSError as error:
        raise Refused(f"cannot be written: {error}") from error


def _tables(story: Story) -> RenderableType:
    parts: list[RenderableType] = [Text(story.title, style="bold")]
    parts += [Text(f"{clock(moment_of(m.time))}: {m.words}", style="green" if m.good else "red") for m in story.moments]
    for number, name in enumerate(story.timeline.checks):
        drawn = Table(box=None, pad_edge=False, header_style="bold")
        for k, column in enumerate(COLUMNS):
            drawn.add_column(column, no_wrap=True, justify="left" if k < 2 else "right")
        for row in rows(story, number, _MOST_ROWS):
            drawn.add_row(*row)
        parts += [Text(f"\n{name}", style="bold"), drawn]
    return Group(*parts, Text(), *(Text(words) for words in (*thresholds(story), MEANING, "", *story.sentences)))
