"""The audit of one model as one file for auditors: a zip with JSON and a page that needs nothing else."""

import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from html import escape
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from headgate import __version__
from headgate.cli.auditing.history import History, Span, people, timeline, verdicts
from headgate.cli.showing.page import STYLE, cells
from headgate.governance.controls import APPROVALS, CONTROLS, ENTRIES, TABLE_VERSION, TIMELINE, VERDICTS

ANCHOR = "anchor.json"
_CONTROLS, _REPORT = "controls.json", "report.html"
_LEFT = "th, td, th:nth-child(n), td:nth-child(n) { text-align: left; white-space: normal; vertical-align: top; }"
_DATE = (1980, 1, 1, 0, 0, 0)
"""Of every file in the zip: the same audit gives the same bytes."""


def bundle(history: History, findings: tuple[str, ...]) -> bytes:
    """`findings` are those of verifying the chain as it was read; the page shows them first."""
    files = {ENTRIES: history.document, APPROVALS: _json(history.approvals), **_derived(history, findings)}
    written = io.BytesIO()
    with ZipFile(written, "w", ZIP_DEFLATED) as file:
        for name, text in files.items():
            info = ZipInfo(name, _DATE)
            info.compress_type = ZIP_DEFLATED
            file.writestr(info, text)
    return written.getvalue()


def _derived(history: History, findings: tuple[str, ...]) -> dict[str, str]:
    """What follows from the entries and the head alone."""
    controls = {"release": __version__, "version": TABLE_VERSION, "controls": [asdict(control) for control in CONTROLS]}
    return {
        ANCHOR: _json(history.head),
        VERDICTS: _json(list(verdicts(history.entries))),
        TIMELINE: _json([asdict(span) for span in timeline(history.entries)]),
        _CONTROLS: _json(controls),
        _REPORT: "\n".join(_page(history, findings)),
    }


def altered(zipped: ZipFile, history: History, findings: tuple[str, ...]) -> Iterator[str]:
    """Which files of a bundle are not what follows from its entries, in words. `findings`: as `bundle` was told them. Another release may
    draw the page in another way, and know other controls: of its bundles these two files are not compared. Raises KeyError for a file
    that is not there, and ValueError for one that cannot be read."""
    release = json.loads(zipped.read(_CONTROLS)).get("release")
    for name, text in _derived(history, findings).items():
        if zipped.read(name).decode() != text and (release == __version__ or name not in (_CONTROLS, _REPORT)):
            yield f"{name} is not what follows from {ENTRIES}: somebody changed one of them"


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _page(history: History, findings: tuple[str, ...]) -> Iterator[str]:
    title = escape(f"Audit of {history.model}")
    entries = history.entries
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f"<title>{title}</title>\n<style>{STYLE}{_LEFT}</style>\n</head>\n<body>\n<h1>{title}</h1>"
    yield f"<p>{len(history.lines)} entries, the newest of {escape(entries[-1]['time'] if entries else '-')}. Its hash: "
    yield f"<code>{escape(str(history.head.get('hash', '')))}</code>, signed by "
    yield f"<code>{escape(str(history.head.get('key', '')))}</code>.</p>"
    yield from (f'<p class="bad">{escape(finding)}</p>' for finding in findings)
    yield "<p>This page shows what was recorded. Whether the records are those that were made is told by "
    yield "<code>kubectl headgate audit verify</code> with an anchor that was kept elsewhere.</p>"
    spans = list(timeline(entries))
    yield from _table("Which version served which share", ("from", "until", "users", "copies"), (_span(span) for span in spans))
    yield from _table("Decisions of people", ("time", "who", "what", "subject", "why"), map(_person, people(entries)))
    yield from _table(
        "Verdicts", ("time", "decision", "version", "verdict", "check", "candidate", "stable", "counted", "query"), _verdicts(history)
    )
    yield from _table("All entries", ("entry", "time", "what", "by", "version", "why"), map(_entry, entries))
    controls = ((c.framework, c.id, c.subject, "record for it: " + ", ".join(c.records)) for c in CONTROLS)
    yield from _table(f"Controls these are a record for (table of {TABLE_VERSION})", ("framework", "control", "about", ""), controls)
    yield "</body>\n</html>\n"


def _table(title: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f'<h2>{escape(title)}</h2>\n<div class="wide"><table>\n<tr>{cells("th", columns)}</tr>'
    yield from (f"<tr>{cells('td', row)}</tr>" for row in rows)
    yield "</table></div>"


def _span(span: Span) -> tuple[str, ...]:
    return span.begin, span.end or "now", _shares(span.shares), _shares(span.mirrored)


def _shares(shares: dict[str, int]) -> str:
    return ", ".join(f"{share / 10:g} % {who}" for who, share in shares.items())


def _person(entry: dict[str, Any]) -> tuple[str, ...]:
    return entry["time"], entry["by"], entry["what"], entry.get("subject", ""), entry.get("why", "")


def _entry(entry: dict[str, Any]) -> tuple[str, ...]:
    version = " ".join(filter(None, (entry.get("version"), entry.get("revision"))))
    return str(entry["id"]["sequence"]), entry["time"], entry["what"], entry["by"], version, entry.get("why", "")


def _verdicts(history: History) -> Iterator[tuple[str, ...]]:
    for verdict in verdicts(history.entries):
        measured = verdict["measured"]
        counted = f"{measured.get('since', '')} to {measured.get('until', '')}"
        about = (verdict["time"], verdict["what"], verdict.get("version", ""))
        checks: list[dict[str, Any]] = measured.get("checks") or [{}]
        for check in checks:
            words = f"{check['metric']}: {check['verdict']}" if check else ""
            counts = (_counts(check, "candidate"), _counts(check, "stable"))
            yield *about, measured["verdict"], words, *counts, counted, measured.get("query", "")


def _counts(check: dict[str, Any], who: str) -> str:
    return f"{check[f'{who}Events']} of {check[f'{who}Requests']}" if check else ""
