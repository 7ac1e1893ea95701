"""What one receiver is told of one occasion: which words, with which commands. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote

from headgate.api.notifications import Notification
from headgate.api.reasons import Reason
from headgate.api.vocabulary import Gate, Role

_MOST_WORDS = 1500

_TITLES: Mapping[Reason, str] = {
    Reason.WAITING_FOR_APPROVAL: "waits for approval",
    Reason.APPROVED: "is approved",
    Reason.APPROVAL_LAPSED: "lost an approval",
    Reason.CONTINUATION_DUE: "needs the approval of its use case renewed",
    Reason.CONTINUATION_EXPIRED: "has no approved use case any more",
    Reason.USE_CASE_REJECTED: "had its use case rejected",
    Reason.STARTED: "starts a rollout",
    Reason.STAGE_STARTED: "enters a stage",
    Reason.PROMOTED: "left a stage",
    Reason.LIVE: "is live",
    Reason.ROLLED_BACK: "was taken back",
    Reason.CANCELLED: "was cancelled",
    Reason.SUPERSEDED: "gave way to a newer version",
    Reason.FROZEN: "is frozen",
    Reason.BREAK_GLASS: "goes on without its approvals",
    Reason.SHARED_FAILURE: "fails in both versions",
    Reason.FAILOVER: "is answered by somebody else",
    Reason.FAILOVER_ENDED: "answers again",
    Reason.INTERVENTION_TAKEN_UP: "was intervened in",
    Reason.INTERVENTION_REFUSED: "had an intervention refused",
    Reason.AUDIT_BROKEN: "has a broken audit chain",
    Reason.DRIFT_RESPONSE: "drifts",
}
_BY_COMMAND: Mapping[Reason, str] = {
    Reason.ROLLED_BACK: "evidence",
    Reason.AUDIT_BROKEN: "audit verify --model",
}
"""What shows more of it; explain where nothing is named."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where it happened. `version` is the one on its way, else the live one; empty if there is neither."""

    environment: str
    namespace: str
    model: str
    uid: str
    version: str = ""
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Occasion:
    """Something that people may want to hear of. `gate` and `roles`: whose approval is missing, where one is."""

    reason: Reason
    words: str
    warning: bool = False
    gate: Gate | None = None
    subject: str = ""
    roles: tuple[Role, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Letter:
    """The same for every channel. `id` tells one occurrence from another and stays the same when it is sent again."""

    id: str
    at: datetime
    place: Place
    occasion: Occasion
    title: str
    commands: tuple[str, ...]
    link: str = ""


def letters(
    occasion: Occasion, place: Place, at: datetime, notifications: tuple[Notification, ...], dashboard: str = ""
) -> tuple[tuple[Notification, Letter], ...]:
    """A letter for each notification that wants to hear of it. `dashboard` is an address in which {namespace} and {model} are filled in."""
    written = _letter(occasion, place, at, dashboard)
    return tuple(
        (one, replace(written, commands=_commands(occasion, place, one.roles)))
        for one in notifications
        if one.wants(occasion.reason) and (not one.roles or set(one.roles) & set(occasion.roles))
    )


def _letter(occasion: Occasion, place: Place, at: datetime, dashboard: str) -> Letter:
    what = _TITLES.get(occasion.reason, f"reports {occasion.reason}")
    who = " ".join(part for part in (place.model, place.version) if part)
    said = replace(occasion, words=cut(occasion.words), missing=tuple(map(cut, occasion.missing)))
    return Letter(
        id=_identity(occasion, place, at),
        at=at,
        place=place,
        occasion=said,
        title=f"{who} {what} ({place.namespace}, {place.environment})",
        commands=(),
        link=_filled(dashboard, place),
    )


def _commands(occasion: Occasion, place: Place, only: tuple[Role, ...]) -> tuple[str, ...]:
    """What to type. Each role that is asked decides for itself, so each has a line of its own."""
    where = f"{place.model} -n {place.namespace}"
    roles = [role for role in occasion.roles if not only or role in only]
    if occasion.gate is None or not roles:
        return (f"kubectl headgate {_BY_COMMAND.get(occasion.reason, 'explain')} {where}",)
    gate = "" if occasion.gate is Gate.DEPLOYMENT else f" --gate {occasion.gate}"
    return (
        f"kubectl headgate gates {where}",
        *(f"kubectl headgate approve {where}{gate} --role {role}" for role in roles),
    )


def _identity(occasion: Occasion, place: Place, at: datetime) -> str:
    parts = (place.environment, place.uid, str(place.attempt), occasion.reason, occasion.words, at.isoformat())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _filled(dashboard: str, place: Place) -> str:
    return dashboard.replace("{namespace}", quote(place.namespace, safe="")).replace("{model}", quote(place.model, safe=""))


def cut(words: str) -> str:
    """At most as many characters as every channel takes."""
    return words if len(words) <= _MOST_WORDS else words[: _MOST_WORDS - 1] + "…"
