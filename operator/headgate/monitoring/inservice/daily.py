"""Two sums for each of the last days, or weeks, under any number of names: a few bytes a day."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

from headgate.evidence.bets.arrays import Floats

LONGEST = 100
"""Days that are kept: more than a quarter of a year."""
MOST_NAMES = 600
"""More are names of single things. What is beyond is left out, and said so."""


@dataclass(slots=True)
class Daily:
    """(part, whole) by name and day. `last` is the newest day; `sums[name]` has a row for each of LONGEST days up to it, oldest first.

    `crowded`: there were more names than are kept.
    """

    last: date | None = None
    sums: dict[str, Floats] = field(default_factory=dict)
    crowded: bool = False

    def add(self, name: str, day: date, part: float, whole: float) -> None:
        """A day before all that are kept is left out."""
        self._advance(day)
        assert self.last is not None
        at = LONGEST - 1 - (self.last - day).days
        if at < 0:
            return
        if name not in self.sums:
            if len(self.sums) >= MOST_NAMES:
                self.crowded = True
                return
            self.sums[name] = np.zeros((LONGEST, 2))
        self.sums[name][at] += (part, whole)

    def _advance(self, day: date) -> None:
        if self.last is None:
            self.last = day
        ahead = (day - self.last).days
        if ahead <= 0:
            return
        for name, rows in list(self.sums.items()):
            moved = np.zeros_like(rows)
            if ahead < LONGEST:
                moved[:-ahead] = rows[ahead:]
            if moved.any():
                self.sums[name] = moved
            else:
                del self.sums[name]
        self.last = day

    def days(self, name: str) -> Iterator[tuple[date, float, float]]:
        """(day, part, whole) of the days on which there was anything, in order."""
        if self.last is None or name not in self.sums:
            return
        for at in np.flatnonzero(self.sums[name][:, 1]):
            part, whole = self.sums[name][at]
            yield self.last - timedelta(days=int(LONGEST - 1 - at)), float(part), float(whole)

    def names(self, prefix: str) -> tuple[str, ...]:
        """Those that begin so, without the prefix, in order."""
        return tuple(sorted(name.removeprefix(prefix) for name in self.sums if name.startswith(prefix)))

    def total(self, name: str, since: date, until: date | None = None) -> tuple[float, float]:
        """(part, whole) of all days from `since` to `until`, both included."""
        found = [(part, whole) for day, part, whole in self.days(name) if since <= day and (until is None or day <= until)]
        return sum(part for part, _ in found), sum(whole for _, whole in found)
