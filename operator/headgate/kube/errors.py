"""How a request to the API server can fail, by what the caller should do about it.

    KubeError                     any other refusal: report it
    ├── Conflict                  409: somebody else wrote first, or owns the field. Observe again, never repeat blindly
    ├── NotFound                  404: no such object, or no such kind
    ├── Gone                      410: the list or watch position is too old. List again
    ├── Forbidden                 401, 403: identity or RBAC. Retrying changes nothing until somebody grants it
    ├── Invalid                   400, 413, 415, 422: the object is wrong. Retrying changes nothing until it is edited
    ├── Throttled                 429: the server asks for a pause of `retry_after` seconds
    ├── Unavailable               5xx, no connection, no answer in time: nothing is known about whether the request took effect
    └── NotConfigured             no credentials to begin with

`str(error)` is the server's message word for word, so that it can stand in a condition or an event.
"""

# ruff: noqa: N818  the words of the API read better where they are caught: `except Conflict`

from collections.abc import Mapping
from typing import Any


class KubeError(Exception):
    """`status` is the HTTP code, 0 without an answer. `reason` is the word of the server's Status object (`AlreadyExists`), or empty."""

    def __init__(self, message: str, *, status: int = 0, reason: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.reason = reason


class Conflict(KubeError):
    """Optimistic concurrency, a name already taken, or a field that another manager owns."""


class NotFound(KubeError):
    """The object or its kind is not there."""


class Gone(KubeError):
    """A continue token or resourceVersion has expired."""


class Forbidden(KubeError):
    """Not authenticated or not authorised."""


class Invalid(KubeError):
    """Refused by schema, CEL, admission policy or decoding."""


class Throttled(KubeError):
    """Too many requests. `retry_after` in seconds, 0 if the server named none."""

    def __init__(self, message: str, *, status: int = 429, reason: str = "", retry_after: float = 0.0) -> None:
        super().__init__(message, status=status, reason=reason)
        self.retry_after = retry_after


class Unavailable(KubeError):
    """The server, or the way to it, is down or too slow."""


class NotConfigured(KubeError):
    """Neither a service account nor a usable kubeconfig."""


_BY_STATUS: Mapping[int, type[KubeError]] = {
    400: Invalid,
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    413: Invalid,
    415: Invalid,
    422: Invalid,
}

_UNKNOWN_FIELD = "failed to create typed patch object"
"""The server answers 500 to an apply whose body has a field that the schema does not know. The body is at fault, not the server."""


def from_response(status: int, body: Mapping[str, Any], text: str, retry_after: float) -> KubeError:
    """The error of an answer outside 2xx. `body` is the decoded Status object (empty if it was none), `text` the raw answer."""
    message = str(body.get("message") or text.strip() or f"the API server answered {status} without a message")
    reason = str(body.get("reason") or "")
    if status == 429:
        return Throttled(message, status=status, reason=reason, retry_after=retry_after)
    if status >= 500:
        kind = Invalid if _UNKNOWN_FIELD in message else Unavailable
        return kind(message, status=status, reason=reason)
    return _BY_STATUS.get(status, KubeError)(message, status=status, reason=reason)
