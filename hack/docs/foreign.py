"""What pages of the built site would fetch from elsewhere: `python -m docs.foreign SITE` fails if there is anything."""

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

_FETCHED = {
    "img": "src",
    "script": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "embed": "src",
    "object": "data",
}
_LINKS = {"stylesheet", "icon", "preload", "preconnect", "dns-prefetch", "modulepreload", "manifest", "prefetch"}


class _Fetched(HTMLParser):
    """Collects the addresses that a browser asks for by itself; a link that a reader follows is none."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "link" and _LINKS & set((given.get("rel") or "").split()):
            self.addresses.append(given.get("href") or "")
        elif tag in _FETCHED:
            self.addresses.append(given.get(_FETCHED[tag]) or "")


def fetched(html: str) -> list[str]:
    """The addresses on another host that a browser asks for when it opens this page."""
    parser = _Fetched()
    parser.feed(html)
    return [address for address in parser.addresses if address.startswith(("http:", "https:", "//"))]


def found(site: Path) -> Iterator[str]:
    """`PAGE: ADDRESS` for each, style sheets included."""
    for page in sorted(site.rglob("*.html")):
        yield from (f"{page.relative_to(site)}: {address}" for address in fetched(page.read_text(encoding="utf-8")))
    for sheet in sorted(site.rglob("*.css")):
        text = sheet.read_text(encoding="utf-8")
        yield from (f"{sheet.relative_to(site)}: {start}" for start in ("url(http", "url(//", 'url("http', "@import") if start in text)


def main() -> int:
    """The exit code."""
    if len(sys.argv) != 2 or not Path(sys.argv[1], "index.html").exists():
        print("name the directory of a built site: python -m docs.foreign build/site", file=sys.stderr)
        return 2
    foreign = list(found(Path(sys.argv[1])))
    for line in foreign:
        print(line, file=sys.stderr)
    return 1 if foreign else 0


if __name__ == "__main__":
    sys.exit(main())
