"""Whom a RolloutPolicy tells what: receivers outside the cluster, and the occasions that each of them hears of."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from headgate.api.base import ATOMIC, Label, Model, ObjectName, each_once, list_map, rules
from headgate.api.reasons import Reason
from headgate.api.vocabulary import Role


class Occasions(StrEnum):
    """Several reasons by one word."""

    ANY = "Any"
    APPROVAL_EXPIRING = "ApprovalExpiring"
    NEEDS_REPAIR = "NeedsRepair"
    PROGRESS = "Progress"
    INTERVENTIONS = "Interventions"
    AVAILABILITY = "Availability"
    DRIFT = "Drift"


REASONS_OF: Mapping[Occasions, frozenset[Reason]] = {
    Occasions.ANY: frozenset(Reason),
    Occasions.APPROVAL_EXPIRING: frozenset(
        {Reason.CONTINUATION_DUE, Reason.CONTINUATION_EXPIRED, Reason.USE_CASE_REJECTED, Reason.APPROVAL_LAPSED}
    ),
    Occasions.NEEDS_REPAIR: frozenset(
        {
            Reason.INVALID_SPEC,
            Reason.POLICY_NOT_FOUND,
            Reason.POLICY_INVALID,
            Reason.CONFIGURATION_MISSING,
            Reason.WORKLOAD_REFUSED,
            Reason.IMAGE_UNAVAILABLE,
            Reason.CRASH_LOOP,
            Reason.WORKLOAD_NOT_READY,
            Reason.WAITING_FOR_CAPACITY,
            Reason.ROUTE_REFUSED,
            Reason.ROUTE_NOT_ACCEPTED,
            Reason.ACCESS_DENIED,
            Reason.SHADOW_NOT_ALLOWED,
            Reason.SOURCE_DOWN,
            Reason.NOT_MEASURABLE,
            Reason.DEGRADED,
            Reason.AUDIT_UNAVAILABLE,
            Reason.AUDIT_BROKEN,
            Reason.TRAFFIC_BYPASS,
        }
    ),
    Occasions.PROGRESS: frozenset(
        {
            Reason.STARTED,
            Reason.APPROVED,
            Reason.STAGE_STARTED,
            Reason.PROMOTED,
            Reason.LIVE,
            Reason.CANCELLED,
            Reason.SUPERSEDED,
            Reason.RESTORED,
        }
    ),
    Occasions.INTERVENTIONS: frozenset({Reason.INTERVENTION_TAKEN_UP, Reason.INTERVENTION_REFUSED}),
    Occasions.AVAILABILITY: frozenset({Reason.DEGRADED, Reason.SHARED_FAILURE, Reason.FAILOVER, Reason.FAILOVER_ENDED}),
    Occasions.DRIFT: frozenset({Reason.DRIFT_RESPONSE}),
}

_WORDS = sorted({*map(str, Reason), *map(str, Occasions)})


def _known(word: str) -> str:
    if word not in _WORDS:
        groups = ", ".join(map(str, Occasions))
        raise ValueError(f"{word!r} is no occasion: write a reason as Events show it (RolledBack, Live), or one of {groups}")
    return word


Occasion = Annotated[str, Field(max_length=63, json_schema_extra={"enum": _WORDS}), AfterValidator(_known)]
"""A Reason, or one of Occasions."""

URL = r"^https?://[^\s/?#]+[^\s]*$"
_ADDRESS = r"^[^@\s,;:<>()\"\\]+@[^@\s,;:<>()\"\\]+$"
_Address = Annotated[str, Field(pattern=_ADDRESS, max_length=254)]


class SecretKey(Model):
    """One key of a Secret in the policy namespace. The chart's value notifications.secrets has to name the Secret."""

    name: ObjectName
    key: Annotated[str, Field(pattern=r"^[-._a-zA-Z0-9]+$", max_length=253)]


class Webhook(Model):
    """An address that is itself a secret: whoever knows it can post."""

    secret_ref: SecretKey


_ONE_ADDRESS = "cloudEvents takes url, or secretRef where the address holds a token: one of the two"


class CloudEvents(Model):
    """Whatever takes CloudEvents 1.0 by HTTP, in structured mode. Its address is exactly one of url and secretRef."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    url: Annotated[str, Field(pattern=URL, max_length=1024)] | None = None
    secret_ref: SecretKey | None = None

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if (self.url is None) == (self.secret_ref is None):
            raise ValueError(_ONE_ADDRESS)
        return self


class Encryption(StrEnum):
    """StartTLS: asked for after the greeting, and required. TLS: from the first byte. None: for a relay on the same network, without
    a password."""

    START_TLS = "StartTLS"
    TLS = "TLS"
    NONE = "None"


_BOTH = "username and secretRef (the password) go together"
_CLEAR = "a password needs encryption StartTLS or TLS: without it everybody on the way could read it"


class Email(Model):
    """A mail to each of `to`, by an SMTP server."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("has(self.username) == has(self.secretRef)", _BOTH),
            ("!has(self.username) || !has(self.encryption) || self.encryption != 'None'", _CLEAR),
        )
    )

    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9]([-.:A-Za-z0-9]*[A-Za-z0-9])?$", max_length=253)]
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    encryption: Encryption = Encryption.START_TLS
    username: Annotated[str, Field(min_length=1, max_length=254)] | None = None
    secret_ref: SecretKey | None = None
    """The password."""
    sender: _Address
    to: Annotated[tuple[_Address, ...], Field(min_length=1, max_length=16, json_schema_extra=ATOMIC)]

    @model_validator(mode="after")
    def _password(self) -> Self:
        if (self.username is None) != (self.secret_ref is None):
            raise ValueError(_BOTH)
        if self.username is not None and self.encryption is Encryption.NONE:
            raise ValueError(_CLEAR)
        return self


class Channel(StrEnum):
    """By which way something is told."""

    CLOUD_EVENTS = "cloudEvents"
    SLACK = "slack"
    TEAMS = "teams"
    EMAIL = "email"


_ONE_WAY = "to takes exactly one of cloudEvents, slack, teams and email: write a notification of its own for each receiver"


class Receiver(Model):
    """Exactly one of the four."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    cloud_events: CloudEvents | None = None
    slack: Webhook | None = None
    teams: Webhook | None = None
    email: Email | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(way is not None for way in (self.cloud_events, self.slack, self.teams, self.email)) != 1:
            raise ValueError(_ONE_WAY)
        return self

    @property
    def channel(self) -> Channel:
        ways = {
            Channel.CLOUD_EVENTS: self.cloud_events,
            Channel.SLACK: self.slack,
            Channel.TEAMS: self.teams,
            Channel.EMAIL: self.email,
        }
        return next(channel for channel, way in ways.items() if way is not None)


_DEFAULT = (
    str(Reason.WAITING_FOR_APPROVAL),
    str(Occasions.APPROVAL_EXPIRING),
    str(Reason.ROLLED_BACK),
    str(Reason.FROZEN),
    str(Reason.BREAK_GLASS),
    str(Reason.LIVE),
)


class Notification(Model):
    """One receiver and what it is told."""

    name: Label
    on: Annotated[tuple[Occasion, ...], Field(min_length=1, max_length=64, json_schema_extra=ATOMIC)] = _DEFAULT
    """Reasons as Events show them, or groups of them."""
    roles: Annotated[tuple[Role, ...], Field(max_length=8, json_schema_extra=ATOMIC)] = ()
    """Only where an approval of one of these roles is missing; everything in `on` if left out."""
    to: Receiver

    def wants(self, reason: Reason) -> bool:
        return any(word == reason or (word in set(Occasions) and reason in REASONS_OF[Occasions(word)]) for word in self.on)


Notifications = Annotated[tuple[Notification, ...], Field(max_length=16, json_schema_extra=list_map("name")), each_once("name")]
