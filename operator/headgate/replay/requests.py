"""The golden set: a file of JSON lines, and the requests in it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

METHODS = ("GET", "POST", "PUT", "PATCH")
_KNOWN = frozenset({"id", "method", "path", "headers", "body", "label", "answer"})


class UnusableError(Exception):
    """There is nothing to compare with: the message says what to repair."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as both versions get it. `label`: the right class, None where nobody knows it."""

    name: str
    method: str
    path: str
    body: bytes | None
    headers: Mapping[str, str] = field(default_factory=dict)
    label: object = None
    answer: bytes | None = None
    """The body of a good answer that was recorded earlier."""


@dataclass(frozen=True, slots=True)
class Requests:
    """A golden set, with the digest of its bytes."""

    digest: str
    requests: tuple[Request, ...]


def parse(data: bytes, path: str, most: int, digest: str | None) -> Requests:
    """At most `most` requests of the set, evenly spread. `path`: of those that name none; `digest`: what the set must have, if given.

    Raises UnusableError, which names the first line that cannot be used.
    """
    found = f"sha256:{hashlib.sha256(data).hexdigest()}"
    if digest is not None and digest != found:
        raise UnusableError(f"the golden set has the digest {found}, not {digest} as spec.serving.replay.goldenSet.digest says")
    lines = [(number, line) for number, line in enumerate(data.splitlines(), 1) if line.strip()]
    if not lines:
        raise UnusableError("the golden set is empty: write one JSON object a line, each with a body")
    return Requests(found, tuple(_request(number, line, path) for number, line in _spread(lines, most)))


def _spread(lines: list[tuple[int, bytes]], most: int) -> list[tuple[int, bytes]]:
    if len(lines) <= most:
        return lines
    return [lines[place * len(lines) // most] for place in range(most)]


def _request(number: int, line: bytes, path: str) -> Request:
    try:
        written = json.loads(line)
    except ValueError as error:
        raise UnusableError(f"line {number} of the golden set is no JSON: {error}") from error
    if not isinstance(written, dict):
        raise UnusableError(f'line {number} of the golden set is no object: write {{"body": …}}')
    if unknown := sorted(set(written) - _KNOWN):
        raise UnusableError(f"line {number} of the golden set has the field {unknown[0]}: known are {', '.join(sorted(_KNOWN))}")
    method, where = written.get("method", "POST"), written.get("path", path)
    headers = written.get("headers", {})
    if method not in METHODS:
        raise UnusableError(f"line {number} of the golden set has the method {method}: it must be one of {', '.join(METHODS)}")
    if not isinstance(where, str) or not where.startswith("/"):
        raise UnusableError(f"line {number} of the golden set has the path {where!r}: it must begin with /")
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise UnusableError(f"line {number} of the golden set has headers that are no object of strings")
    if "body" not in written and method != "GET":
        raise UnusableError(f"line {number} of the golden set has no body")
    return Request(
        name=str(written.get("id", f"in line {number}")),
        method=method,
        path=where,
        body=_bytes(written["body"]) if "body" in written else None,
        headers={name.lower(): value for name, value in headers.items()},
        label=written.get("label"),
        answer=_bytes(written["answer"]) if "answer" in written else None,
    )


def _bytes(body: Any) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
