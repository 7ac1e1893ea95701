"""The record of a leader election in a coordination.k8s.io Lease, and what a process does about it. Pure.

Two rules keep two processes from leading at once, whatever their clocks show, as long as no clock runs faster than another by
`duration / renew_deadline` (1.5 by default): a leader stops `renew_deadline` after it *sent* its last successful renewal; anyone else waits
`duration` after it *saw* the record change. Times of day in the record are for people, never compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any

from headgate.kube.interface import Object
from headgate.kube.labels import PREFIX

TERM = PREFIX + "term"
"""leaseTransitions of the holder who keeps the remarks up to date."""


@dataclass(frozen=True, slots=True)
class LeaseSettings:
    """Seconds. Raises ValueError unless duration > renew_deadline > retry_period > 0."""

    duration: int = 15
    renew_deadline: float = 10.0
    retry_period: float = 2.0

    def __post_init__(self) -> None:
        if not self.duration > self.renew_deadline > self.retry_period > 0:
            raise ValueError(f"lease times must be duration > renew_deadline > retry_period > 0, got {self}")


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """What the Lease object says. `holder` is empty after a release. `duration` is what the holder announced, in seconds. `term`: the value
    of `transitions` for which its remarks are kept up to date; None if there are none."""

    holder: str
    duration: float
    transitions: int
    acquire_time: str
    renew_time: str
    resource_version: str
    term: int | None = None

    @property
    def remarked(self) -> bool:
        """Whether its remarks are up to date: not where somebody held it since who makes none, of an earlier release."""
        return self.term == self.transitions


@dataclass(frozen=True, slots=True)
class LeaseView:
    """What one process knows. Times are of its own monotonic clock.

    `observed_at`: when `record` was first seen as it is. `renewed_at`: when the last successful write of this process was sent;
    None while it does not lead.
    """

    record: LeaseRecord | None = None
    observed_at: float = 0.0
    renewed_at: float | None = None


class Step(Enum):
    """What to do next: try to take the lease, try to renew it, wait, or give up leading at once."""

    ACQUIRE = auto()
    RENEW = auto()
    WAIT = auto()
    LOST = auto()


def leads(view: LeaseView, now: float, settings: LeaseSettings) -> bool:
    """Whether this process may still act as the leader at `now`."""
    return view.renewed_at is not None and now - view.renewed_at < settings.renew_deadline


def transition(view: LeaseView, now: float, identity: str, settings: LeaseSettings) -> Step:
    """The next step of the process `identity`, which must be unique to one process for ever."""
    if view.renewed_at is not None:
        held = view.record is not None and view.record.holder == identity
        return Step.RENEW if held and leads(view, now, settings) else Step.LOST
    if view.record is None or view.record.holder in ("", identity):
        return Step.ACQUIRE
    return Step.ACQUIRE if now - view.observed_at >= view.record.duration else Step.WAIT


def observed(view: LeaseView, record: LeaseRecord | None, now: float) -> LeaseView:
    """The view after reading `record`. The expiry clock starts again only if it differs from what was known."""
    changed = record != view.record
    return LeaseView(record, now if changed else view.observed_at, view.renewed_at)


def read_record(lease: Object) -> LeaseRecord:
    """Of a Lease object, whoever wrote it."""
    spec = lease.get("spec") or {}
    return LeaseRecord(
        holder=spec.get("holderIdentity") or "",
        duration=float(spec.get("leaseDurationSeconds") or 0),
        transitions=int(spec.get("leaseTransitions") or 0),
        acquire_time=spec.get("acquireTime") or "",
        renew_time=spec.get("renewTime") or "",
        resource_version=lease["metadata"].get("resourceVersion") or "",
        term=int(told) if (told := (lease["metadata"].get("annotations") or {}).get(TERM, "")).isdecimal() else None,
    )


def remarks_in(lease: Object) -> Mapping[str, str]:
    """What the holders of a Lease left behind, as annotations; empty where nobody kept it up to date."""
    return lease["metadata"].get("annotations") or {} if read_record(lease).remarked else {}


def held_spec(view: LeaseView, identity: str, wall: datetime, settings: LeaseSettings) -> dict[str, Any]:
    """spec of the Lease as `identity` writes it to acquire or renew. leaseTransitions counts changes of holder."""
    record, now = view.record, micro_time(wall)
    renewing = record is not None and record.holder == identity
    transitions = 0 if record is None else record.transitions + (0 if renewing else 1)
    return {
        "holderIdentity": identity,
        "leaseDurationSeconds": settings.duration,
        "leaseTransitions": transitions,
        "acquireTime": record.acquire_time if record is not None and renewing and record.acquire_time else now,
        "renewTime": now,
    }


def micro_time(wall: datetime) -> str:
    """The API's MicroTime: UTC, exactly six decimals."""
    return wall.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
