"""What goes over the wire, and what a path names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote

OPERATOR = "system:serviceaccount:headgate-system:headgate"
VERSION = "/version"
"""What the server says of itself."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request with a decoded body."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    content_type: str = "application/json"
    user: str = OPERATOR

    @property
    def dry_run(self) -> bool:
        return bool(self.query.get("dryRun"))


@dataclass(frozen=True, slots=True)
class Response:
    """The answer. Its body is shared with the server: look, do not touch."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


class Target(NamedTuple):
    """What a path names: a collection if `name` is empty. `kind` is a qualified plural, `deployments.apps`."""

    kind: str
    version: str
    namespace: str
    name: str
    subresource: str


@lru_cache(maxsize=4096)
def target_of(path: str) -> Target | None:
    """None for a path that is no resource's."""
    parts = [unquote(part) for part in path.strip("/").split("/")]
    if parts[0] == "api" and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    plural, name, subresource, *more = [*rest, "", "", ""][:4]
    if more[0]:
        return None
    return Target(f"{plural}.{group}" if group else plural, version, namespace, name, subresource)
