"""What users notice: the load generator's record of every request, read while it is written."""

import json
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

RATE = 100


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
    _offset: int = 0

    def read(self) -> None:
        """Take in what was written since the last call."""
        if not self.file.exists():
            return
        with self.file.open("rb") as stream:
            stream.seek(self._offset)
            for line in stream:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                self._take(json.loads(line))

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


class Load:
    """The load generator as a process. Use as a context manager."""

    def __init__(self, binary: Path, url: str, host: str, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        self.users = Users(file)
        self._command = [str(binary), "-url", url, "-host", host, "-rate", str(RATE), "-timeout", "40s", "-out", str(file)]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Users:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        return self.users

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=60)
        self.users.read()
