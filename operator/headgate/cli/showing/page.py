"""A story as one HTML page that needs nothing else: the picture, the sentences, and the numbers behind the curves."""

from collections.abc import Iterator
from html import escape

from headgate.cli.showing.standings import COLUMNS, MEANING, rows, thresholds
from headgate.cli.showing.story import Story, moment_of
from headgate.cli.view import clock

_MOST_ROWS = 240
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1b1f24; background: #fff; max-width: 70rem; margin: 1.5rem auto; padding: 0 1rem; }
h1 { font-size: 1.3rem; } h2 { font-size: 1.05rem; margin-top: 2rem; }
svg { width: 100%; height: auto; } svg text { font-family: system-ui, sans-serif !important; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .15rem .7rem; border-bottom: 1px solid #e1e6ee; white-space: nowrap; }
th:nth-child(-n+2), td:nth-child(-n+2) { text-align: left; }
summary { cursor: pointer; font-weight: 600; margin-top: .7rem; } .bad { color: #b34700; } .good { color: #007a5e; }
.wide { overflow-x: auto; }
"""
"""Of every page that the command line makes."""


def page(story: Story, picture: str) -> str:
    """`picture` is an svg element. All text from the cluster is escaped."""
    return "\n".join(_page(story, picture))


def _page(story: Story, picture: str) -> Iterator[str]:
    title = escape(story.title)
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>"
    yield "<ul>"
    for moment in story.moments:
        yield f'<li class="{"good" if moment.good else "bad"}">{clock(moment_of(moment.time))}: {escape(moment.words)}</li>'
    yield f"</ul>\n{picture}\n<h2>What the evidence says</h2>\n<ul>"
    yield from (f"<li>{escape(words)}</li>" for words in story.sentences)
    yield f"</ul>\n<h2>Numbers</h2>\n<p>{escape(MEANING)}</p>\n<ul>"
    yield from (f"<li>{escape(words)}</li>" for words in thresholds(story))
    yield "</ul>"
    for number, name in enumerate(story.timeline.checks):
        yield f'<details>\n<summary>{escape(name)}</summary>\n<div class="wide"><table>\n<tr>{cells("th", COLUMNS)}</tr>'
        yield from (f"<tr>{cells('td', row)}</tr>" for row in rows(story, number, _MOST_ROWS))
        yield "</table></div>\n</details>"
    yield "</body>\n</html>\n"


def cells(kind: str, texts: tuple[str, ...]) -> str:
    """Cells of one row of a table: `kind` is th or td."""
    return "".join(f"<{kind}>{escape(text)}</{kind}>" for text in texts)
