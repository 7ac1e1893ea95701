"""Tables of Markdown."""

from collections.abc import Iterable, Sequence


def code(text: str) -> str:
    """As a code span, or nothing for nothing.

    Viewers differ in how they read a bar within the code of a table's cell: with one it becomes HTML, in which nothing is special.
    """
    if "|" not in text:
        return f"`{text}`" if text else ""
    plain = "".join(sign if sign.isalnum() or sign in " ,.:/" else f"&#{ord(sign)};" for sign in text)
    return f"<code>{plain}</code>"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """One line for each row; cells may hold Markdown, and their bars and line feeds are taken care of."""
    lines = [_line(heads), "|" + "---|" * len(heads), *map(_line, rows)]
    return "\n".join(lines) + "\n"


def made(title: str, origin: str, *parts: str) -> str:
    """A whole page. `origin` says what it is made from; parts are separated by blank lines."""
    note = f"<!-- Made from {origin} by `make docs`: edits are lost. -->"
    return "\n\n".join([f"# {title}", note, *(part.strip() for part in parts if part.strip())]) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"
