"""The result of looking at one thing."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Level(StrEnum):
    """FAIL: Headgate does not work, or does not protect. WARN: it may not, or it could not be looked at. OK: as it should be."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Check:
    """`topic` is what was looked at, `said` what was found, `todo` what to do about it; empty where there is nothing to do."""

    topic: str
    level: Level
    said: str
    todo: str = ""

    def document(self) -> dict[str, Any]:
        return {"check": self.topic, "level": self.level.value, "message": self.said, "todo": self.todo}


def ok(topic: str, said: str) -> Check:
    return Check(topic, Level.OK, said)


def warn(topic: str, said: str, todo: str) -> Check:
    return Check(topic, Level.WARN, said, todo)


def fail(topic: str, said: str, todo: str) -> Check:
    return Check(topic, Level.FAIL, said, todo)


@dataclass(frozen=True, slots=True)
class Asked(Generic[T]):
    """An answer, or why there is none, in the server's words. `missing`: because there is no such thing; else it could not be asked."""

    value: T | None = None
    problem: str = ""
    missing: bool = False


def unseen(topic: str, asked: Asked[Any]) -> Check:
    """For what could not be looked at."""
    return warn(topic, f"it could not be looked at: {asked.problem}", "ask somebody who may to run `kubectl headgate doctor`")
