"""How text for people reaches a terminal, a pipe or a file: one look for all commands.

Colour goes to terminals only, and not where NO_COLOR is set or TERM is dumb. A pipe has no width, and cut cells help nobody.
"""

from rich.console import Console
from rich.text import Text

_PIPE_WIDTH = 240


def screen() -> Console:
    """For tables and blocks: as wide as the terminal. Markup in square brackets is text."""
    return Console(width=None if Console().is_terminal else _PIPE_WIDTH, highlight=False, markup=False)


def prose() -> Console:
    """For sentences: a terminal breaks them where it likes, and nothing is put into what a pipe gets."""
    return Console(highlight=False, markup=False, soft_wrap=True)


def warn(words: str) -> None:
    """On standard error: it went on, but somebody should know."""
    _aside("warning", words, "yellow")


def complain(words: str) -> None:
    """On standard error: why it did not go on."""
    _aside("error", words, "red")


def _aside(kind: str, words: str, colour: str) -> None:
    Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(Text(f"{kind}: {words}", style=colour))
