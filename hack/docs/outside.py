"""A hook of MkDocs: pages may link to any file of the repository, as they must on a viewer of repositories.

Every file outside docs/ that a page links to, and every page below `source/` in the navigation, becomes a page of the site: Markdown as it
is, other text as a block of code. Links are changed to fit. A link to a file that is not there stays as it is, so `--strict` refuses it.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PREFIX = "source"
"""Below this path of the site lie the pages of files outside docs/."""

_CODE = re.compile(r"(^[ \t]*```.*?^[ \t]*```[ \t]*$|`[^`\n]+`)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)(?=[)#])")
_UNSEARCHED = "---\nsearch: {exclude: true}\n---\n"
"""Words of source files would bury those of pages."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds a page for every file that is linked to, however far from docs/."""
    left = [*_in_navigation(config.nav), *(target for page in DOCS.rglob("*.md") for target in _outside(page))]
    while left:
        path = left.pop()
        if files.get_file_from_path(place(path)) is None:
            files.append(File.generated(config, place(path), content=_page(path)))
            left.extend(_outside(path) if path.suffix == ".md" else ())
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The page with links that fit the site."""
    uri = page.file.src_uri
    return relinked(markdown, ROOT / uri.removeprefix(f"{PREFIX}/") if uri.startswith(f"{PREFIX}/") else DOCS / uri)


def relinked(markdown: str, page: Path) -> str:
    """The text of the file `page` with links from and to files outside docs/ led to their places in the site."""
    here = Path(place(page)).parent

    def led(found: re.Match[str]) -> str:
        target = _target(page, found[1])
        if target is None or (_inside(page) and _inside(target)):
            return found[1]
        return Path(os.path.relpath(place(target), here)).as_posix()

    # Every other piece is code: what looks like a link there is none.
    return "".join(piece if number % 2 else _LINK.sub(led, piece) for number, piece in enumerate(_CODE.split(markdown)))


def place(path: Path) -> str:
    """Where in the site's sources the page of a file of the repository lies."""
    if _inside(path):
        return path.relative_to(DOCS).as_posix()
    name = f"{PREFIX}/{path.relative_to(ROOT).as_posix()}"
    return name if path.suffix == ".md" else f"{name}.md"


def _outside(page: Path) -> Iterator[Path]:
    for number, piece in enumerate(_CODE.split(page.read_text(encoding="utf-8"))):
        targets = () if number % 2 else (_target(page, link) for link in _LINK.findall(piece))
        yield from (target for target in targets if target is not None and not _inside(target))


def _target(page: Path, link: str) -> Path | None:
    """The file that a link leads to; of a directory its README. None if there is no such file in the repository."""
    path = (page.parent / link).resolve()
    path = path / "README.md" if path.is_dir() else path
    return path if path.is_file() and path.is_relative_to(ROOT) else None


def _inside(path: Path) -> bool:
    return path.is_relative_to(DOCS)


def _page(path: Path) -> str:
    text, name = path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix()
    if path.suffix == ".md":
        return text
    longest = max((len(ticks) for ticks in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{_UNSEARCHED}# {path.name}\n\n`{name}` of the repository.\n\n{fence}{path.suffix[1:]}\n{text.rstrip()}\n{fence}\n"


def _in_navigation(entries: Any) -> Iterator[Path]:
    if isinstance(entries, str):
        if entries.startswith(f"{PREFIX}/"):
            yield ROOT / entries.removeprefix(f"{PREFIX}/")
    elif isinstance(entries, dict):
        yield from (path for entry in entries.values() for path in _in_navigation(entry))
    elif entries is not None:
        yield from (path for entry in entries for path in _in_navigation(entry))
