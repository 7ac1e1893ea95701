"""What AIModel.status keeps of traffic: who gets which share of the requests, and who answers while the stable version cannot."""

from typing import Annotated

from pydantic import Field

from headgate.api.base import ATOMIC, Count, Label, Line, RevisionName, StatusModel, Time
from headgate.api.vocabulary import StandIn

FALLBACK = "fallback"
"""The fallback's name where revisions are told apart. No revision can have it: they are hex digits."""

Weight = Annotated[int, Field(ge=0, le=1000)]


class SlotStatus(StatusModel):
    """One place in the route's list of backends. Metrics are counted by place."""

    revision: RevisionName
    weight: Weight
    since: Time
    """When this revision took the place."""


class MirrorStatus(StatusModel):
    """Copies of requests."""

    revision: RevisionName
    permille: Weight
    since: Time


class FallbackStatus(StatusModel):
    """The share of the requests that spec.serving.fallback answers: the place after the versions'."""

    service: Label
    port: Annotated[int, Field(ge=1, le=65535)]
    weight: Weight


class TrafficStatus(StatusModel):
    """Who gets how many thousandths of the requests."""

    slots: Annotated[tuple[SlotStatus, ...], Field(max_length=2, json_schema_extra=ATOMIC)] = ()
    mirror: MirrorStatus | None = None
    fallback: FallbackStatus | None = None

    @property
    def shares(self) -> dict[str, int]:
        """Thousandths by revision, and those of the fallback under FALLBACK; without what has none."""
        shares = {slot.revision: slot.weight for slot in self.slots if slot.weight}
        return shares | {FALLBACK: self.fallback.weight} if self.fallback is not None and self.fallback.weight else shares

    def weight_of(self, revision: str) -> int:
        """0 for a revision that has no slot."""
        return sum(slot.weight for slot in self.slots if slot.revision == revision)


class FailoverStatus(StatusModel):
    """The stable version cannot answer, so somebody else does: an open circuit breaker."""

    to: StandIn
    since: Time
    why: Line
    measured: bool = False
    """Whether its requests failed. Otherwise it had no ready pod, and pods being ready is all that its return takes."""
    trips: Count = 0
    """Trials that failed since it began."""
    retry_at: Time | None = None
    """When the stable version is tried next."""
    trial: Time | None = None
    """Since when the stable version is being tried, or was seen ready again."""
