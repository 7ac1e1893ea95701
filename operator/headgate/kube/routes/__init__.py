"""What every way of splitting traffic must be able to do. One file per router; none knows the others."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from headgate.kube.interface import Object
from headgate.kube.labels import Owner
from headgate.kube.resources import Resource

FULL_WEIGHT = 1000
"""All of the traffic: weights have a resolution of 0.1 %."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One version that users may reach. `weight` in 0..1000; at 0 it is left out of the route."""

    service: str
    port: int
    weight: int
    revision: str

    def __post_init__(self) -> None:
        if not 0 <= self.weight <= FULL_WEIGHT:
            raise ValueError(f"weight of {self.service} must be within 0..{FULL_WEIGHT}, got {self.weight}")


@dataclass(frozen=True, slots=True)
class Mirror:
    """A version that gets copies of requests. `percent` in (0, 100], resolution 0.1. Nobody waits for its answers."""

    service: str
    port: int
    percent: float

    def __post_init__(self) -> None:
        if not 0.1 <= self.percent <= 100:
            raise ValueError(f"mirror percent must be within 0.1..100, got {self.percent}")


@dataclass(frozen=True, slots=True)
class WantedRoute:
    """The whole traffic of one model. Raises ValueError unless the weights sum to 1000, or to 0 before anything is served.

    `slots`: the stable version first, then the candidate, always. Gateways count by position. `rules` are the user's rules in the
    router's own language, without destinations.
    """

    name: str
    namespace: str
    owner: Owner | None
    parent_refs: tuple[Mapping[str, Any], ...]
    hostnames: tuple[str, ...]
    rules: tuple[Mapping[str, Any], ...]
    slots: tuple[Slot, ...]
    mirror: Mirror | None
    attempt: str
    annotations: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        total = sum(slot.weight for slot in self.slots)
        if total not in (0, FULL_WEIGHT):
            raise ValueError(f"weights of route {self.name} must sum to {FULL_WEIGHT}, got {total}")


@dataclass(frozen=True, slots=True)
class ObservedRoute:
    """What the route in the cluster says and what its gateways answered.

    `weights`: revision to share in 0..1000 of its traffic, the greatest over all rules; `uniform` is False if rules disagree.
    `order`: revisions by position of the first rule. A destination that is no revision appears under its own name.
    `accepted`, `resolved`, `programmed`: over all parents the worst answer for the current generation; None as long as one is
    missing. `programmed` is None as well where gateways do not tell. `reason` and `message` belong to the worst answer, word for word.
    `generation_current`: every parent has answered for the current generation.
    `foreign_managers`: who besides us has written to the spec.
    """

    exists: bool = False
    resource_version: str = ""
    weights: Mapping[str, int] = field(default_factory=dict)
    uniform: bool = True
    order: tuple[str, ...] = ()
    mirror_service: str = ""
    mirror_percent: float = 0.0
    accepted: bool | None = None
    resolved: bool | None = None
    programmed: bool | None = None
    reason: str = ""
    message: str = ""
    generation_current: bool = False
    foreign_managers: tuple[str, ...] = ()


class Router(Protocol):
    """One way of splitting traffic. A module with these names is one."""

    @property
    def RESOURCE(self) -> Resource:  # noqa: N802  a constant of the module that implements it
        """The kind that carries the weights."""
        ...

    def render(self, wanted: WantedRoute) -> Object:
        """The complete intent for server-side apply with force."""
        ...

    def with_weights(self, last_accepted: Mapping[str, Any], wanted: WantedRoute) -> Object:
        """The route that the server accepted last, with destinations, mirror and attempt of `wanted` and nothing else changed.

        For taking weight away while some other edit of the user is invalid. `last_accepted` may be an intent or an observed object.
        """
        ...

    def read(self, observed: Mapping[str, Any] | None) -> ObservedRoute: ...

    def differs(self, intent: Mapping[str, Any], observed: Mapping[str, Any] | None) -> bool:
        """Whether applying `intent` would change anything."""
        ...
