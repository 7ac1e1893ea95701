"""The result of looking at one thing."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

T = TypeVar("T")
_MOST_NAMED = 5


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


def some(named: Sequence[str]) -> str:
    """The first few, and how many there are beyond."""
    more = len(named) - _MOST_NAMED
    return ", ".join(named[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
