"""The envelope of Prometheus' answers: whether one is good and complete, and its rows."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from headgate.evidence.counting.series import Outage
from headgate.prometheus.client import SourceError

_ROWS = '"result":['
_LARGE = 200_000
Read = TypeVar("Read")


async def read_aside(body: bytes, parse: Callable[[bytes], Read]) -> Read:
    """What `parse` makes of an answer: in a thread if it is large, so that other tasks have their turn meanwhile."""
    return await asyncio.to_thread(parse, body) if len(body) > _LARGE else parse(body)


@contextmanager
def garbled() -> Iterator[None]:
    """Turns what goes wrong while an answer is read into a SourceError."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise SourceError(Outage.GARBLED, f"{type(error).__name__}: {error}"[:200]) from error


def require(answer: Any, kind: str) -> None:
    """Raises SourceError unless `answer` is a complete result of this type; KeyError or TypeError if it is nothing of the sort."""
    if answer["status"] != "success":
        raise SourceError(Outage.REFUSED, f"{answer.get('errorType', 'error')}: {answer.get('error', '')}")
    if answer.get("warnings"):
        raise SourceError(Outage.PARTIAL, "; ".join(map(str, answer["warnings"]))[:200])
    if answer["data"]["resultType"] != kind:
        raise SourceError(Outage.GARBLED, f"a {kind} was asked for, a {answer['data']['resultType']} came")


def rows(body: bytes, kind: str) -> Iterator[dict[str, Any]]:
    """The rows of a large answer, one at a time. Raises SourceError, maybe after some rows: what came before counts for nothing then.

    One call of json.loads on megabytes would hold the interpreter's lock, and with it the event loop, even from a thread.
    """
    with garbled():
        text = body.decode()
        at = text.find(_ROWS) + len(_ROWS)
        if at < len(_ROWS):
            require(json.loads(text), kind)
            raise SourceError(Outage.GARBLED, "an answer without rows")
        head, decode = text[:at], json.JSONDecoder().raw_decode
        while text[at] != "]":
            row, at = decode(text, at)
            if text[at] == ",":
                at += 1
            yield row
        require(json.loads(head + text[at:]), kind)
