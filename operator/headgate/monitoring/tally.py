"""Counts by bin of one column, read once from its beginning to its end, in memory that does not grow with it."""

import numpy as np

from headgate.evidence.bets.arrays import Floats
from headgate.monitoring.bins import Codes

_STRETCHES = 40
_THINNED = 65_536


class Tally:
    """Counts per bin, and per stretch of consecutive rows: 20 to 40 stretches of equal length, however many rows come."""

    def __init__(self, bins: int) -> None:
        self._bins = bins
        self._rows = 0
        self._length = 1
        self._stretches: Floats = np.zeros((_STRETCHES, bins))

    def add(self, codes: Codes) -> None:
        """The bins of the next rows."""
        while len(codes):
            taken = codes[: _STRETCHES * self._length - self._rows]
            stretch = (self._rows + np.arange(len(taken))) // self._length
            seen = np.bincount(stretch * self._bins + taken, minlength=_STRETCHES * self._bins)
            self._stretches += seen.reshape(_STRETCHES, self._bins)
            self._rows += len(taken)
            codes = codes[len(taken) :]
            if self._rows == _STRETCHES * self._length:
                self._halve()

    def widen(self, bins: int) -> None:
        """From now on there are at least so many bins; those added are empty so far."""
        more = max(0, bins - self._bins)
        self._stretches = np.pad(self._stretches, ((0, 0), (0, more)))
        self._bins += more

    def _halve(self) -> None:
        half = _STRETCHES // 2
        self._stretches[:half] = self._stretches[0::2] + self._stretches[1::2]
        self._stretches[half:] = 0.0
        self._length *= 2

    @property
    def stretches(self) -> Floats:
        """Shape (stretches, bins). The last one may be shorter."""
        return self._stretches[: -(-self._rows // self._length)].copy()


class Thinned:
    """Every k-th finite value of a column, k as small as fits into memory, with the least and the greatest of all."""

    def __init__(self) -> None:
        self._kept: Floats = np.zeros(0)
        self._every = 1
        self._seen = 0
        self.least = np.inf
        self.greatest = -np.inf

    def add(self, values: Floats) -> None:
        """The next values; those that are not finite are left out."""
        values = values[np.isfinite(values)]
        if not len(values):
            return
        self.least, self.greatest = min(self.least, float(values.min())), max(self.greatest, float(values.max()))
        first = -self._seen % self._every
        self._seen += len(values)
        self._kept = np.concatenate((self._kept, values[first :: self._every]))
        while len(self._kept) > _THINNED:
            self._kept = self._kept[::2].copy()
            self._every *= 2

    @property
    def values(self) -> Floats:
        return self._kept
