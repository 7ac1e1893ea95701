"""The audit chain of one model: entries that each name the hash of the one before, kept in segments, held against an anchor.

An entry is canonical JSON: the fields of its AuditRecord, `id` {attempt, sequence}, `model`, and `previous`, the hash of the entry before
it. Sequences have no gaps. The first entry's `previous` is a hash of the model's name, so that no chain passes for another model's.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from headgate.api.audit import AuditHead, AuditRecord
from headgate.api.digests import canonical, sha256

Entry = dict[str, Any]

MOST_ENTRIES = 64
MOST_BYTES = 64_000
"""Of one segment. Each append rewrites its segment in the API server's store."""


@dataclass(frozen=True, slots=True)
class Tail:
    """Where a chain goes on: its newest entry (`sequence` 0 and the genesis hash without one), and how full its newest segment is
    (`segment` 0 before the first)."""

    sequence: int
    hash: str
    segment: int = 0
    entries: int = 0
    size: int = 0
    sealed: bool = True

    @property
    def head(self) -> AuditHead:
        return AuditHead(sequence=self.sequence, hash=self.hash, segment=self.segment)


@dataclass(frozen=True, slots=True)
class Append:
    """One write: `entries` (canonical JSON by sequence) join segment `segment`, which is made by it if `begins`. `after` is the tail once
    it is done; if that is sealed, nothing is added to the segment any more."""

    segment: int
    begins: bool
    entries: dict[int, str]
    after: Tail


def genesis(model: str) -> str:
    """What the first entry of `model` (namespace/name) names as its predecessor."""
    return sha256({"chain": model})


def entry_of(record: AuditRecord, model: str, sequence: int, previous: str) -> Entry:
    """`record` in its place."""
    told = record.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"attempt"})
    return {
        **{name: value for name, value in told.items() if value != ""},
        "id": {"attempt": record.attempt, "sequence": sequence},
        "model": model,
        "previous": previous,
    }


def identity(entry: Entry) -> str:
    """A digest of what an entry says wherever it stands: of two that are alike, one is a repetition."""
    return sha256({**entry, "id": {"attempt": entry["id"]["attempt"]}, "previous": ""})


def identity_of(record: AuditRecord, model: str) -> str:
    """The identity of the entry that `record` becomes."""
    return identity(entry_of(record, model, 0, ""))


def appends(records: Iterable[AuditRecord], model: str, tail: Tail) -> tuple[Append, ...]:
    """The writes that store `records` behind `tail`, in order: as many as segments are touched, so nearly always one."""
    writes: list[Append] = []
    for record in records:
        entry = entry_of(record, model, tail.sequence + 1, tail.hash)
        text = canonical(entry).decode()
        fits = not tail.sealed and bool(writes)
        begins = tail.sealed
        segment = tail.segment + 1 if begins else tail.segment
        entries, size = (1, len(text)) if begins else (tail.entries + 1, tail.size + len(text))
        full = entries >= MOST_ENTRIES or size >= MOST_BYTES
        tail = Tail(tail.sequence + 1, sha256(entry), segment, entries, size, sealed=full)
        if fits:
            writes[-1] = replace(writes[-1], entries={**writes[-1].entries, tail.sequence: text}, after=tail)
        else:
            writes.append(Append(segment, begins, {tail.sequence: text}, tail))
    return tuple(writes)


def read(line: str) -> Entry | None:
    """The entry that a line is; None unless it is written exactly as it was stored."""
    try:
        entry = json.loads(line)
        numbers = (entry["id"]["sequence"], entry["id"]["attempt"])
        whole = canonical(entry).decode() == line and all(type(number) is int for number in numbers)
        return entry if whole and isinstance(entry["model"], str) and isinstance(entry["previous"], str) else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


@dataclass(frozen=True, slots=True)
class Anchor:
    """What is known of a chain from outside of the cluster: at `sequence` stood `hash`, said under `key` (empty: not signed)."""

    model: str
    sequence: int
    hash: str
    key: str = ""


def verify(lines: Sequence[str], model: str, anchor: Anchor | None = None) -> tuple[str, ...]:
    """What is wrong with a chain, oldest first, in words; empty if it is whole.

    Against an anchor every change, loss, insertion and exchange up to the anchor is found. Without one, or behind it, a chain whose end
    was cut off or written anew from some entry on is as whole as the original.
    """
    findings: list[str] = []
    previous, sequence, hashes = genesis(model), 0, dict[int, str]()
    for number, line in enumerate(lines, 1):
        entry = read(line)
        if entry is None:
            findings.append(f"line {number} is no entry in canonical JSON: it was changed")
            sequence, previous = sequence + 1, ""
            continue
        found = entry["id"]["sequence"]
        if found != sequence + 1:
            findings.append(f"line {number}: entry {sequence + 1} was expected, and entry {found} stands there")
        if entry["model"] != model:
            findings.append(f"line {number}: entry {found} is of {entry['model']}, not of {model}")
        if previous and entry["previous"] != previous:
            findings.append(f"line {number}: entry {found} does not follow the one before it: one of them was changed, lost or put in")
        sequence, previous = found, sha256(entry)
        hashes[found] = previous
    return (*findings, *(_against(anchor, model, hashes) if anchor is not None else ()))


def _against(anchor: Anchor, model: str, hashes: dict[int, str]) -> tuple[str, ...]:
    if anchor.model != model:
        return (f"the anchor is of {anchor.model}, not of {model}",)
    if anchor.sequence == 0:
        return ()
    found = hashes.get(anchor.sequence)
    if found is None:
        return (f"entry {anchor.sequence}, which the anchor names, is not there: the chain was cut",)
    if found != anchor.hash:
        return (f"entry {anchor.sequence} is not the one that the anchor names: it or an earlier one was changed",)
    return ()
