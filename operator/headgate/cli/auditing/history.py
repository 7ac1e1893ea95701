"""What the audit of one model tells: its entries, which version served which share when, and the verdicts. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from headgate.api.digests import canonical
from headgate.governance.audit_chain import Entry, read
from headgate.kube.interface import Object

FALLBACK_WORDS = "the fallback"


@dataclass(frozen=True, slots=True)
class History:
    """`lines` are the entries as they are stored, `head` the signed head, `approvals` the decisions of people whose objects are there."""

    model: str
    lines: tuple[str, ...]
    head: dict[str, Any]
    approvals: tuple[Object, ...] = ()

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Those that can be read."""
        return tuple(entry for line in self.lines if (entry := read(line)) is not None)

    @property
    def document(self) -> str:
        """JSON lines: the entries, and the signed head as the last line."""
        return "".join(f"{line}\n" for line in (*self.lines, canonical({"head": self.head}).decode()))


@dataclass(frozen=True, slots=True)
class Span:
    """From `begin` to `end` (empty: until now) these shares were wanted: thousandths by version, and of the requests that were copied."""

    begin: str
    end: str
    shares: dict[str, int]
    mirrored: dict[str, int]


def timeline(entries: Sequence[Entry]) -> Iterator[Span]:
    """One span for each change of traffic."""
    told = [entry for entry in entries if entry.get("version") and entry.get("revision")]
    names = {entry["revision"]: f"{entry['version']} ({entry['revision']})" for entry in told}
    moves = [entry for entry in entries if "traffic" in entry]
    for entry, following in pairwise((*moves, None)):
        assert entry is not None
        traffic = entry["traffic"]
        yield Span(
            begin=entry["time"],
            end=following["time"] if following is not None else "",
            shares=_named(traffic["after"], names),
            mirrored=_named(traffic["mirrored"], names),
        )


def _named(shares: dict[str, int], names: dict[str, str]) -> dict[str, int]:
    return {names.get(revision, FALLBACK_WORDS if revision == "fallback" else revision): share for revision, share in shares.items()}


def verdicts(entries: Sequence[Entry]) -> Iterator[dict[str, Any]]:
    """Each decision that rests on numbers, with the query, the time they are of, and the counts."""
    for entry in entries:
        if "measured" in entry:
            yield {name: entry[name] for name in ("id", "time", "what", "version", "stage", "why", "measured") if name in entry}


def people(entries: Sequence[Entry]) -> Iterator[Entry]:
    """What persons decided, as it took effect or did not."""
    return (entry for entry in entries if entry.get("approval"))
