"""Times in status that have not come yet although they should be past: the clock that wrote them was ahead."""

from datetime import datetime, timedelta
from typing import Any, TypeVar

from headgate.api.base import StatusModel
from headgate.api.status import AIModelStatus, CandidateStatus

Part = TypeVar("Part", bound=StatusModel)

_TOLERANCE = timedelta(seconds=2)
"""Clocks of replicas may differ by this much without any harm."""


def pulled_back(status: AIModelStatus, now: datetime, *, trusted: bool) -> AIModelStatus:
    """`status` with each beginning that lies in the future set to `now`; times that are meant to come stay.

    To wait for such a time would keep guards blind and stages standing for as long as the clock was off. Not `trusted`: perhaps it is
    `now` that is wrong. Beginnings of a grace, which ends for nobody meanwhile, stay then: set too early, they would end it early.
    """
    status = _pulled(status, now, "phase_since")
    changes: dict[str, Any] = {}
    if status.candidate is not None:
        changes["candidate"] = _candidate(status.candidate, now, trusted=trusted)
    if status.stable is not None:
        changes["stable"] = _pulled(status.stable, now, "unready_since")
    if status.failover is not None:
        changes["failover"] = _pulled(status.failover, now, "since", "trial")
    if status.use_case is not None and trusted:
        changes["use_case"] = _pulled(status.use_case, now, "lapsed_since")
    slots = tuple(_pulled(slot, now, "since") for slot in status.traffic.slots)
    mirror = _pulled(status.traffic.mirror, now, "since") if status.traffic.mirror else None
    changes["traffic"] = _with(status.traffic, slots=slots, mirror=mirror)
    return _with(status, **changes)


def _candidate(candidate: CandidateStatus, now: datetime, *, trusted: bool) -> CandidateStatus:
    stage = _pulled(candidate.stage, now, "entered", "effective", "waived_since") if candidate.stage else None
    gate = _pulled(candidate.gate, now, "lapsed_since") if candidate.gate and trusted else candidate.gate
    return _with(_pulled(candidate, now, "started", "exposed"), stage=stage, gate=gate)


def _pulled(part: Part, now: datetime, *names: str) -> Part:
    late = {name: now for name in names if (moment := getattr(part, name)) is not None and moment > now + _TOLERANCE}
    return part.model_copy(update=late) if late else part


def _with(part: Part, **fields: Any) -> Part:
    """The same object if nothing changes: most statuses are read far more often than their times are wrong."""
    changes = any((present := getattr(part, name)) is not value and present != value for name, value in fields.items())
    return part.model_copy(update=fields) if changes else part
