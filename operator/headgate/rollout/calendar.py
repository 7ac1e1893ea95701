"""Is this a time for an upward move, and if not, when is the next one? By the clock on the wall of the policy's time zone."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo

from headgate.api.windows import Day, Freeze, Window, Windows

_DAYS = tuple(Day)
_WEEKS = timedelta(days=16)
"""Every window opens within two weeks: the clock is set forward over it once a year at most."""
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """What the policy and the whole cluster say about time. `zone` is that of the policy's windows."""

    windows: Windows = field(default_factory=Windows)
    zone: tzinfo = UTC
    freezes: tuple[Freeze, ...] = ()
    """Of the cluster."""
    held: str = ""
    """Why nothing rises although nobody can tell until when."""


@dataclass(frozen=True, slots=True)
class Closed:
    """Why nothing rises now, in words, and the first instant at which something may; None if nobody can tell."""

    why: str
    until: datetime | None
    frozen: bool


def closed(calendar: Calendar, now: datetime) -> Closed | None:
    """None while upward moves may happen."""
    if calendar.held:
        return Closed(calendar.held, None, frozen=True)
    freeze = _freeze_at(calendar, now)
    if freeze is None and _open_at(calendar, now):
        return None
    why = f"frozen: {freeze.reason}" if freeze is not None else "outside the policy's windows"
    until = _next(calendar, now)
    return Closed(f"{why}; the earliest next step is {words(until, calendar.zone)}", until, frozen=freeze is not None)


def words(moment: datetime, zone: tzinfo) -> str:
    """`Mon 2026-11-23 09:00 Europe/Berlin (08:00Z)`."""
    there, here = moment.astimezone(zone), moment.astimezone(UTC)
    if zone is UTC or str(zone) == "UTC":
        return f"{_DAYS[here.weekday()]} {here:%Y-%m-%d %H:%M}Z"
    universal = f"{here:%H:%M}Z" if here.date() == there.date() else f"{here:%Y-%m-%d %H:%M}Z"
    return f"{_DAYS[there.weekday()]} {there:%Y-%m-%d %H:%M} {zone} ({universal})"


def _freeze_at(calendar: Calendar, moment: datetime) -> Freeze | None:
    """The one that lasts longest."""
    present = [one for one in (*calendar.freezes, *calendar.windows.freezes) if one.begin <= moment < one.end]
    return max(present, key=lambda one: one.end, default=None)


def _open_at(calendar: Calendar, moment: datetime) -> bool:
    there = moment.astimezone(calendar.zone)
    minute = there.hour * 60 + there.minute
    return not calendar.windows.allow or any(_covers(window, there.weekday(), minute) for window in calendar.windows.allow)


def _covers(window: Window, weekday: int, minute: int) -> bool:
    begin, end = window.begin_minute, window.end_minute
    today, yesterday = _DAYS[weekday] in window.days, _DAYS[weekday - 1] in window.days
    if begin < end:
        return today and begin <= minute < end
    return (today and minute >= begin) or (yesterday and minute < end)


def _next(calendar: Calendar, now: datetime) -> datetime:
    """The first instant after `now` that is in a window and in no freeze."""
    moment = now
    while (freeze := _freeze_at(calendar, moment)) is not None or not _open_at(calendar, moment):
        moment = freeze.end if freeze is not None else next(_openings(calendar, moment))
    return moment


def _openings(calendar: Calendar, after: datetime) -> Iterator[datetime]:
    """Instants later than `after` at which a window opens, in order: its first minute, or the change of the clock that leads into it."""
    day = after.astimezone(calendar.zone).date() - timedelta(days=1)
    for number in range(_WEEKS.days):
        date = day + timedelta(days=number)
        midnight = datetime.combine(date, time(), calendar.zone)
        candidates = set(_changes(midnight, calendar.zone))
        for window in calendar.windows.allow:
            begin = midnight + timedelta(minutes=window.begin_minute)
            candidates |= {begin.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}
        for candidate in sorted(candidates):
            if candidate > after and _open_at(calendar, candidate) and not _open_at(calendar, candidate - _MINUTE):
                yield candidate
    raise AssertionError("a weekly window opens within two weeks")


def _changes(midnight: datetime, zone: tzinfo) -> Iterator[datetime]:
    """The instant, if there is one, at which the clock is changed within a day of `midnight`."""
    low, high = midnight.astimezone(UTC), (midnight + timedelta(days=1)).astimezone(UTC)
    before = low.astimezone(zone).utcoffset()
    if high.astimezone(zone).utcoffset() == before:
        return
    while high - low > _MINUTE:
        middle = low + ((high - low) / 2 // _MINUTE or 1) * _MINUTE
        low, high = (middle, high) if middle.astimezone(zone).utcoffset() == before else (low, middle)
    yield high
