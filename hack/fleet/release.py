"""Releases of one model after the other: each goes live, is stopped by a person, or is taken back because it fails."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from demo.kubectl import apply, headgate
from fleet.model import ON_CALL, Model


@dataclass(frozen=True, slots=True)
class Release:
    """`halt_at`: the stage in which a person stops it. `fails`: it answers every request with an error."""

    version: str
    policy: str
    halt_at: str | None = None
    fails: bool = False

    @property
    def ends(self) -> str:
        """The phase in which it must end."""
        return "RolledBack" if self.halt_at or self.fails else "Live"

    @property
    def environment(self) -> dict[str, str]:
        return {"ERROR_RATE": "1" if self.fails else "0"}


class WrongEndError(AssertionError):
    """A release ended otherwise than it must."""


@dataclass(slots=True)
class Course:
    """The releases of one model. `step` is called with its status again and again; it never waits."""

    model: Model
    releases: Iterator[Release]
    done: list[Release] = field(default_factory=list)
    current: Release | None = None
    _halted: bool = False

    def step(self, status: dict[str, Any]) -> None:
        """Do what is due. Raises WrongEndError when the present release ended otherwise than it must."""
        if self.current is not None and self._ended(status, self.current):
            self.done.append(self.current)
            self.current = None
        if self.current is None:
            self._begin()
        elif self.current.halt_at and not self._halted and self._reached(status, self.current):
            self._halted = True
            who, why = ["--as", ON_CALL], ["--yes", "--reason", "a person stops it"]
            headgate("halt", self.model.name, "-n", self.model.namespace, *who, *why)

    @property
    def finished(self) -> bool:
        return self.current is None

    def _begin(self) -> None:
        self.current, self._halted = next(self.releases, None), False
        if self.current is not None:
            apply(self.model.manifest(self.current.version, self.current.policy, self.current.environment))

    def _reached(self, status: dict[str, Any], release: Release) -> bool:
        candidate = status.get("candidate") or {}
        stage = candidate.get("stage") or {}
        return candidate.get("version") == release.version and stage.get("name") == release.halt_at and "effective" in stage

    def _ended(self, status: dict[str, Any], release: Release) -> bool:
        live = status.get("phase") == "Live" and (status.get("stable") or {}).get("version") == release.version
        taken_back = next((entry for entry in status.get("blocked", ()) if entry["version"] == release.version), None)
        if taken_back if release.ends == "Live" else live:
            raise WrongEndError(f"{self.model.name} {release}: {status.get('phase')} {taken_back or ''}")
        return live or (taken_back is not None and status["phase"] == "RolledBack")
