"""What the API server will not take, as something a person can repair."""

import re
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from headgate.api.reasons import Reason
from headgate.kube.errors import Forbidden, KubeError
from headgate.rollout.snapshot import Problem

_RBAC = re.compile(r'User "[^"]*" cannot ')


def problem_of(error: KubeError, reason: Reason, what: str) -> Problem:
    """`reason` unless the operator itself lacks the right. The server's words stay word for word."""
    if isinstance(error, Forbidden) and (error.status == 401 or _RBAC.search(error.message)):
        message = f"Headgate may not write {what}: {error.message}. Grant it to the operator's service account"
        return Problem(Reason.ACCESS_DENIED, message[:1000])
    return Problem(reason, f"the API server refuses {what}: {error.message}"[:1000])


def in_the_way(kind: str, name: str) -> Problem:
    """Somebody else's object has the name that one of ours needs. It is neither used nor touched."""
    return Problem(Reason.WORKLOAD_REFUSED, f"{kind} {name} is there already and is not Headgate's: delete or rename it")


@dataclass(frozen=True, slots=True)
class _Refused:
    intent: str
    problem: Problem
    until: float


class Refusals:
    """Remembers what was refused, so that it is not sent again at every look: only when it changed, or after `patience` seconds, as what
    refused it may have changed instead."""

    def __init__(self, *, patience: float = 60.0, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._patience = patience
        self._monotonic = monotonic
        self._known: dict[Hashable, _Refused] = {}

    def known(self, what: Hashable, intent: str) -> Problem | None:
        """Why `intent` (a digest) was refused lately; None if it is worth a try."""
        found = self._known.get(what)
        if found is None or found.intent != intent or self._monotonic() >= found.until:
            return None
        return found.problem

    def remember(self, what: Hashable, intent: str, problem: Problem) -> Problem:
        now = self._monotonic()
        # Models that are gone never ask again.
        self._known = {other: refused for other, refused in self._known.items() if refused.until > now}
        self._known[what] = _Refused(intent, problem, now + self._patience)
        return problem

    def forget(self, what: Hashable) -> None:
        self._known.pop(what, None)
