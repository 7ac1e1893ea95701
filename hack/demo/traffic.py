"""What users notice: the load generator's record of every request, read while it is written."""

import json
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

GRACE = 40
"""Seconds that a request may take."""
STREAM_GRACE = 90


@dataclass(frozen=True, slots=True)
class Rates:
    """What is sent per second. HTTP/1.1 connections are kept; a stream is open for a minute."""

    http1: float = 100
    http2: float = 0
    streams: float = 0


@dataclass(slots=True)
class Tail:
    """The load generator's file, read while it is written."""

    file: Path
    _offset: int = 0

    def new(self) -> Iterator[dict[str, Any]]:
        """The records that were written since the last call."""
        if not self.file.exists():
            return
        with self.file.open("rb") as stream:
            stream.seek(self._offset)
            for line in stream:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                yield json.loads(line)


@dataclass(slots=True)
class Served:
    """The requests that reached one version, as the client saw them."""

    requests: int = 0
    failed: int = 0
    first: float | None = None
    last: float | None = None

    def add(self, start: float, *, failed: bool) -> None:
        self.requests += 1
        self.failed += failed
        self.first = start if self.first is None else min(self.first, start)
        self.last = start if self.last is None else max(self.last, start)


@dataclass(slots=True)
class Users:
    """Tails the load generator's file. `revisions` maps the route's revision header to a version, as far as it is known."""

    file: Path
    revisions: dict[str, str] = field(default_factory=dict)
    served: dict[str, Served] = field(default_factory=dict)
    total: int = 0
    unexplained: list[dict[str, object]] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    _tail: Tail = field(init=False)

    def __post_init__(self) -> None:
        self._tail = Tail(self.file)

    def read(self) -> None:
        """Take in what was written since the last call."""
        for record in self._tail.new():
            self._take(record)

    def _take(self, record: dict[str, object]) -> None:
        self.total += 1
        status, revision = int(str(record["status"])), str(record["revision"])
        self.statuses[status] += 1
        named = str(record["version"])
        # The load generator names a version that the body does not by its revision.
        by_model = named not in ("", revision)
        version = named if by_model else self.revisions.get(revision, revision)
        failed = not 200 <= status < 400
        if version:
            self.served.setdefault(version, Served()).add(float(str(record["start"])), failed=failed)
        if failed and not by_model:
            # The gateway, the network or nobody answered.
            self.unexplained.append(record | {"version": version})

    def by_switches(self, built_to_fail: set[str]) -> int:
        """Failed requests that no version built to fail is answerable for."""
        return sum(1 for record in self.unexplained if record["version"] not in built_to_fail)


class Reader(Protocol):
    """Takes in the records of `file`."""

    file: Path

    def read(self) -> None: ...


_Reader = TypeVar("_Reader", bound=Reader)


class Load(Generic[_Reader]):
    """The load generator as a process, for `hosts` in turn. Use as a context manager.

    `url` is that of a score request; `users` reads the records. After the end `summary` is the load generator's own.
    """

    def __init__(self, binary: Path, url: str, hosts: Sequence[str], users: _Reader, rates: Rates = Rates()) -> None:
        users.file.parent.mkdir(parents=True, exist_ok=True)
        users.file.unlink(missing_ok=True)
        self.users = users
        self.summary: dict[str, Any] = {}
        wanted: dict[str, object] = {
            "-url": url,
            "-host": ",".join(hosts),
            "-rate": rates.http1,
            "-http2-rate": rates.http2,
            "-stream-rate": rates.streams,
            "-stream-url": url.replace("/v1/score?", "/v1/score/stream?"),
            "-timeout": f"{GRACE}s",
            "-stream-timeout": f"{STREAM_GRACE}s",
            "-out": users.file,
        }
        self._command = [str(binary), *(str(part) for option in wanted.items() for part in option)]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> _Reader:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        return self.users

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            told = self._process.communicate(timeout=STREAM_GRACE + 20)[0]
            self.summary = json.loads(told)
        self.users.read()
