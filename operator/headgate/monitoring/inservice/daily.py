"""Two sums for each of the last days, or weeks, under any number of names: a few bytes a day."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np

from headgate.evidence.bets.arrays import Floats

LONGEST = 100
"""Days that are kept: more than a quarter of a year. Where labels take long, so many more."""
LONGEST_LAG = 400
"""Days that labels may take."""
MOST_NAMES = 600
"""Of each kind, like `reviewer/`. More are names of single things. What is beyond is left out, and said so."""
_MOST_STORED = 4 * MOST_NAMES
"""Of all kinds: what has more was not written by this program."""


@dataclass(slots=True)
class Daily:
    """(part, whole) by name and day. `last` is the newest day; `sums[name]` has a row for each of `length` days up to it, oldest first.

    `crowded`: there were more names than are kept.
    """

    last: date | None = None
    sums: dict[str, Floats] = field(default_factory=dict)
    crowded: bool = False
    length: int = LONGEST

    def document(self) -> dict[str, Any]:
        """For JSON, as part of what is stored. Releases that kept the last LONGEST days only read those."""
        return {
            "last": self.last.isoformat() if self.last else None,
            "crowded": self.crowded,
            "daily": {name: _days(rows[-LONGEST:]) for name, rows in self.sums.items()},
            "earlier": {name: _days(rows[:-LONGEST]) for name, rows in self.sums.items() if rows[:-LONGEST].any()},
            "length": self.length,
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Daily":
        """The inverse of `document`."""
        found = cls(date.fromisoformat(document["last"]) if document["last"] else None, crowded=bool(document["crowded"]))
        found.reach(int(document.get("length", LONGEST)) - LONGEST)
        earlier = document.get("earlier", {})
        for name, rows in list(document["daily"].items())[:_MOST_STORED]:
            sums = np.zeros((found.length, 2))
            for at, part, whole in rows:
                sums[int(at) - LONGEST] = part, whole
            for at, part, whole in earlier.get(name, ()):
                sums[int(at)] = part, whole
            found.sums[str(name)] = sums
        return found

    def add(self, name: str, day: date, part: float, whole: float) -> None:
        """A day before all that are kept is left out."""
        self.advance(day)
        assert self.last is not None
        at = self.length - 1 - (self.last - day).days
        if at < 0:
            return
        if name not in self.sums:
            kind, apart, _ = name.partition("/")
            if apart and len(self.names(kind + apart)) >= MOST_NAMES:
                self.crowded = True
                return
            self.sums[name] = np.zeros((self.length, 2))
        self.sums[name][at] += (part, whole)

    def reach(self, lag: int) -> None:
        """Keep days that labels are `lag` days late for as long as all others."""
        more = LONGEST + min(lag, LONGEST_LAG) - self.length
        if more > 0:
            self.length += more
            self.sums = {name: np.concatenate((np.zeros((more, 2)), rows)) for name, rows in self.sums.items()}

    def advance(self, day: date) -> None:
        """It is this day now, or later. What is older than all that are kept is forgotten, whether or not anything was counted."""
        if self.last is None:
            self.last = day
        ahead = (day - self.last).days
        if ahead <= 0:
            return
        for name, rows in list(self.sums.items()):
            moved = np.zeros_like(rows)
            if ahead < self.length:
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
            yield self.last - timedelta(days=int(self.length - 1 - at)), float(part), float(whole)

    def names(self, prefix: str) -> tuple[str, ...]:
        """Those that begin so, without the prefix, in order."""
        return tuple(sorted(name.removeprefix(prefix) for name in self.sums if name.startswith(prefix)))

    def total(self, name: str, since: date, until: date | None = None) -> tuple[float, float]:
        """(part, whole) of all days from `since` to `until`, both included."""
        found = [(part, whole) for day, part, whole in self.days(name) if since <= day and (until is None or day <= until)]
        return sum(part for part, _ in found), sum(whole for _, whole in found)


def _days(rows: Floats) -> list[list[float]]:
    """(number, part, whole) of the days on which there was anything."""
    return [[int(at), *rows[at].tolist()] for at in np.flatnonzero(rows.any(axis=1))]
