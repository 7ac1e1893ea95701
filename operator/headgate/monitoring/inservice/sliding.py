"""Counts by bin over a window that slides along with time, in equal stretches."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from headgate.evidence.bets.arrays import Floats

STRETCHES = 16
"""As many as the estimate of clustering wants (clustering.py)."""


@dataclass(slots=True)
class Sliding:
    """`counts` has the shape (STRETCHES, bins); stretch number s of the clock, `length` seconds each, is row s mod STRETCHES. `newest` is
    the number of the newest stretch, `since` the time from which on all was counted; None before there was anything.
    """

    length: float
    counts: NDArray[np.float32] = field(default_factory=lambda: np.zeros((STRETCHES, 0), dtype=np.float32))
    newest: int | None = None
    since: float | None = None

    @classmethod
    def empty(cls, window: float, bins: int) -> "Sliding":
        """For a window of so many seconds."""
        return cls(window / STRETCHES, np.zeros((STRETCHES, bins), dtype=np.float32))

    def move(self, start: float, end: float) -> int:
        """Let the window reach to `end`; what is added next is of `start`..`end`. Returns the row it belongs to."""
        number = int(np.ceil(end / self.length)) - 1
        if self.newest is None or number - self.newest >= STRETCHES:
            self.counts[:] = 0.0
        elif number > self.newest:
            self.counts[np.arange(self.newest + 1, number + 1) % STRETCHES] = 0.0
        self.newest = number if self.newest is None else max(self.newest, number)
        if self.since is None:
            self.since = start
        return number % STRETCHES

    def begin_again(self) -> None:
        """After a time of which nothing is known: a window with a hole is not a window."""
        self.counts[:] = 0.0
        self.newest = self.since = None

    def covered(self, now: float) -> float:
        """Seconds of the window that were counted."""
        return 0.0 if self.since is None else min(now - self.since, self.length * STRETCHES)

    def ordered(self, columns: slice) -> Floats:
        """Counts of these bins, oldest stretch first."""
        if self.newest is None:
            return np.zeros((STRETCHES, self.counts.shape[1]))[:, columns]
        rows = np.arange(self.newest + 1 - STRETCHES, self.newest + 1) % STRETCHES
        found: Floats = self.counts[rows, columns].astype(np.float64)
        return found
