"""Which version users had on which day, and what it promised."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from headgate.api.monitoring import PinnedBaseline

MOST_VERSIONS = 20


@dataclass(frozen=True, slots=True)
class Lived:
    """A version that went live on the day `since`. `baseline`: of its performance, None where that was not asked for."""

    since: date
    baseline: PinnedBaseline | None = None


def continued(versions: tuple[Lived, ...], live: Lived, *, released: bool) -> tuple[Lived, ...]:
    """With the version that is live now, the newest last. Not `released`: it is the last one, whose baseline may have been edited."""
    if released or not versions:
        return (*versions, live)[-MOST_VERSIONS:]
    return (*versions[:-1], replace(versions[-1], baseline=live.baseline))


def first_whole_day(versions: Sequence[Lived]) -> date:
    """Of the live version. On the day of a release users met two versions, and sums of days cannot tell them apart."""
    return versions[-1].since + timedelta(days=1) if versions else date.min


def live_on(versions: Sequence[Lived], day: date) -> Lived | None:
    """The version that was live all of this day; None if two were, or it is not known."""
    if any(one.since == day for one in versions):
        return None
    return next((one for one in reversed(versions) if one.since < day), None)
