"""Conversations with an API server, as files of JSON lines: requests with their answers, and what others changed meanwhile."""

import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

Object = dict[str, Any]

FOLDER = Path(__file__).with_name("recordings")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer. A watch's answer is the list of its events."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    content_type: str
    user: str
    status: int
    answer: Any
    version: int = 0
    """The resourceVersion that the server had come to; 0 if the answer does not tell."""
    wrote: bool = False
    """Whether the object is another one since."""

    def __str__(self) -> str:
        query = "&".join(f"{key}={value}" for key, value in self.query.items())
        return f"{self.method} {self.path}{'?' + query if query else ''}"


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody else did to an object: ADDED, MODIFIED or DELETED."""

    type: str
    object: Object

    @property
    def version(self) -> int:
        return version_of(self.object)


Line = Exchange | Change


def version_of(body: Any) -> int:
    metadata = body.get("metadata") or {} if isinstance(body, dict) else {}
    text = str(metadata.get("resourceVersion") or "")
    return int(text) if text.isdigit() else 0


def in_order(exchanges: list[Exchange], seen: list[Change], begun: int) -> list[Line]:
    """Each change of others before the first answer that can have known it; what was there before version `begun` comes first."""
    deleted = {change.object["metadata"]["uid"]: change.version for change in seen if change.type == "DELETED"}
    exchanges = [_placed(exchange, deleted) for exchange in exchanges]
    own = {exchange.version for exchange in exchanges if exchange.wrote}
    waiting = sorted((change for change in seen if change.version not in own), key=lambda change: change.version, reverse=True)
    lines: list[Line] = []
    for exchange in exchanges:
        while waiting and max(begun, exchange.version) >= waiting[-1].version:
            lines.append(waiting.pop())
        lines.append(exchange)
    return lines


def _placed(exchange: Exchange, deleted: dict[str, int]) -> Exchange:
    """With its version: that of the answer, or of a deletion, whose answer does not tell."""
    version = version_of(exchange.answer)
    if exchange.method in ("GET", "POST") or exchange.status != 200 or exchange.query.get("dryRun"):
        return replace(exchange, version=version)
    metadata = exchange.answer.get("metadata") or {}
    if exchange.method == "DELETE":
        gone = "deletionTimestamp" not in metadata
    else:
        gone = "deletionTimestamp" in metadata and not metadata.get("finalizers")
    uid = metadata.get("uid") or (exchange.answer.get("details") or {}).get("uid")
    if gone and uid in deleted:
        return replace(exchange, version=deleted[uid], wrote=True)
    return replace(exchange, version=version)


def save(name: str, lines: Iterable[Line]) -> Path:
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.jsonl.gz"
    text = "".join(json.dumps(_plain(line), separators=(",", ":"), sort_keys=True) + "\n" for line in lines)
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    return path


def load(path: Path) -> Iterator[Line]:
    for text in gzip.decompress(path.read_bytes()).decode().splitlines():
        line = json.loads(text)
        yield Change(**line) if "object" in line else Exchange(**line)


def _plain(line: Line) -> Object:
    return {name: getattr(line, name) for name in line.__slots__}
