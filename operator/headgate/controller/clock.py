"""Steps of the wall clock, found by the monotonic one: an hour that nobody lived through must end no stage and delete nothing."""

from collections.abc import Callable
from datetime import datetime

from headgate.rollout.snapshot import ClockStep

_TOLERANCE = 5.0
"""Seconds between two looks. Clocks that are steered run apart by less than a thousandth."""
PATIENCE = 600.0
"""Seconds for which a step is not trusted: time servers put right what a resumed machine or a wrong setting did."""


class ClockWatch:
    """Compares the two clocks at every `look`. Instants of before a step mean something else after it."""

    def __init__(self, wall: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._offset = self._difference()
        self._stepped: tuple[float, float] | None = None

    @property
    def stepped(self) -> bool:
        """At the last look."""
        return self._stepped is not None

    def look(self) -> ClockStep | None:
        """The step that is not trusted yet."""
        now, offset = self._monotonic(), self._difference()
        step, self._offset = offset - self._offset, offset
        if self._stepped is not None and now - self._stepped[0] >= PATIENCE:
            self._stepped = None
        if abs(step) > _TOLERANCE:
            size = step + (self._stepped[1] if self._stepped else 0.0)
            self._stepped = (now, size) if abs(size) > _TOLERANCE else None
        if self._stepped is None:
            return None
        direction = "forward" if self._stepped[1] > 0 else "back"
        words = (
            f"the operator's clock jumped {direction} by about {max(1, round(abs(self._stepped[1]) / 60))} min: for {PATIENCE / 60:g} min "
            "nothing rises, runs out of time or is deleted"
        )
        return ClockStep(self._stepped[1], words)

    def _difference(self) -> float:
        return self._wall().timestamp() - self._monotonic()
