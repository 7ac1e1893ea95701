"""What the users of the fleet notice: every request of every kind, by model and version."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo.traffic import Tail


@dataclass(slots=True)
class Version:
    """What one version of one model answered. Times are Unix seconds; `streams` holds begin and end of the complete ones."""

    kinds: Counter[str] = field(default_factory=Counter)
    last: float = 0.0
    streams: list[tuple[float, float]] = field(default_factory=list)

    def outlived(self) -> list[float]:
        """For each stream that was open when the version got its last request: how many seconds longer it went on."""
        return [end - self.last for begun, end in self.streams if begun <= self.last < end]


@dataclass(slots=True)
class Fleet:
    """Reads the load generator's file. `failed`: requests without a complete good answer, unless a model itself said that it fails."""

    file: Path
    versions: dict[tuple[str, str], Version] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)
    failed: list[dict[str, Any]] = field(default_factory=list)
    failed_by_models: int = 0
    _tail: Tail = field(init=False)

    def __post_init__(self) -> None:
        self._tail = Tail(self.file)

    def read(self) -> None:
        """Take in what was written since the last call."""
        for record in self._tail.new():
            self._take(record)

    def of(self, host: str, version: str) -> Version:
        return self.versions.setdefault((host, version), Version())

    def _take(self, record: dict[str, Any]) -> None:
        self.kinds[record["kind"]] += 1
        version = self.of(record["host"], record["version"])
        version.kinds[record["kind"]] += 1
        version.last = max(version.last, record["start"])
        by_model = record["version"] != record["revision"]
        if record["complete"] and 200 <= record["status"] < 400:
            if record["kind"].startswith("stream-"):
                version.streams.append((record["start"], record["end"]))
        elif record["complete"] and by_model:
            self.failed_by_models += 1
        else:
            self.failed.append(record)
