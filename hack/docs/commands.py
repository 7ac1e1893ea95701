"""The help of every command, from the command line itself."""

from collections.abc import Iterator
from typing import Any

import typer

from docs.markdown import code, made, table
from headgate.cli.main import app
from headgate.cli.options import EXIT_CODES


def pages() -> dict[str, str]:
    """The text of each page by its name."""
    group = typer.main.get_command(app)
    parts = [
        "Every command with its arguments and options, as `--help` shows them. [Commands](../commands.md) tells what they are for, with"
        " examples. `headgate X` and `kubectl headgate X` are the same.",
        f"{EXIT_CODES} Commands that say more by their exit code say so below.",
    ]
    for name, command in sorted(_commands(group, "")):
        parts += [f"## {name}", *_command(name, command)]
    return {"commands.md": made("Help of the commands", "operator/headgate/cli", *parts)}


def _commands(group: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Each command that does something, with the words that call it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{prefix}{name} ")
        elif not command.hidden:
            yield f"{prefix}{name}", command


def _command(name: str, command: Any) -> Iterator[str]:
    context = command.make_context(name, [], resilient_parsing=True)
    yield f"```\nheadgate {name} {' '.join(command.collect_usage_pieces(context))}\n```"
    yield _words(command.help)
    rows = [record for parameter in command.params if (record := _record(parameter, context)) is not None]
    if rows:
        yield table(("option or argument", "meaning"), rows)
    if command.epilog and command.epilog != EXIT_CODES:
        yield _words(command.epilog)


def _record(parameter: Any, context: Any) -> tuple[str, str] | None:
    """None for what its help hides as well, and for --help."""
    if getattr(parameter, "hidden", False) or parameter.name == "help":
        return None
    found = parameter.get_help_record(context)
    return None if found is None else (code(" ".join(found[0].split())), _words(found[1]))


def _words(text: str | None) -> str:
    """Plain words, in paragraphs, for a page: what looks like a tag is not one."""
    return (text or "").replace("<", "&lt;").strip()
