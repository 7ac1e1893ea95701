"""Is the operator's time of day right? Steps of it are found by the monotonic clock, what was wrong before by the API server's.

An hour that nobody lived through must end no stage and delete nothing.
"""

from collections.abc import Callable
from datetime import datetime

from headgate.rollout.snapshot import ClockStep

_TOLERANCE = 5.0
"""Seconds between two looks, or two clocks. Clocks that are steered run apart by less than a thousandth."""
PATIENCE = 600.0
"""Seconds for which a step is not trusted: time servers put right what a resumed machine or a wrong setting did."""
_BEARABLE = 60.0
"""Seconds. Who differs from the API server by no more is believed after PATIENCE: a minute of a stage or a grace is no harm, and standing
still for ever is. Who differs by more never is: grace, windows and the end of approvals would be wrong by as much, and nothing in a status
says by which clock it was written."""
_RESOLUTION = 1.0
"""An answer tells its time in whole seconds."""
_UNTIL_THEN = "nothing rises, runs out of time or is deleted"


class ClockWatch:
    """Compares clocks at every `look` and `hear`. Instants of before a step mean something else after it."""

    def __init__(self, wall: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._began = monotonic()
        self._offset = self._difference()
        self._stepped: tuple[float, float] | None = None
        self._heard = False
        self._ahead = 0.0
        self._doubted = False

    @property
    def doubted(self) -> bool:
        """At the last look."""
        return self._doubted

    def hear(self, date: datetime | None, seconds: float) -> None:
        """The API server answered just now, after `seconds`, and showed `date`; None where it does not tell. It may share our clock, so
        that it agrees says nothing about a step. What a slow answer leaves open changes nothing."""
        self._note_step()
        self._heard = True
        if date is None:
            self._ahead = 0.0
            return
        most = (self._wall() - date).total_seconds()
        self._ahead = min(max(self._ahead, most - seconds - _RESOLUTION), most)

    def look(self) -> ClockStep | None:
        """Why the time of day is not trusted; None while it is."""
        self._note_step()
        found = self._lately_stepped() or self._compared()
        self._doubted = found is not None
        return found

    def _note_step(self) -> None:
        now, offset = self._monotonic(), self._difference()
        step, self._offset = offset - self._offset, offset
        if self._stepped is not None and now - self._stepped[0] >= PATIENCE:
            self._stepped = None
        if abs(step) <= _TOLERANCE:
            return
        before, self._ahead = self._ahead, self._ahead + step
        size = step + (self._stepped[1] if self._stepped else 0.0)
        put_right = abs(before) > _TOLERANCE >= abs(self._ahead)
        self._stepped = (now, size) if abs(size) > _TOLERANCE and not put_right else None

    def _lately_stepped(self) -> ClockStep | None:
        if self._stepped is None:
            return None
        direction = "forward" if self._stepped[1] > 0 else "back"
        words = (
            f"the operator's clock jumped {direction} by about {max(1, round(abs(self._stepped[1]) / 60))} min: for {PATIENCE / 60:g} min "
            f"{_UNTIL_THEN}"
        )
        return ClockStep(self._stepped[1], words)

    def _compared(self) -> ClockStep | None:
        if not self._heard:
            return ClockStep(0.0, f"the operator's clock has not been compared with the API server's yet: until it is, {_UNTIL_THEN}")
        apart = abs(self._ahead)
        new = self._monotonic() - self._began < PATIENCE
        if apart <= _TOLERANCE or (apart <= _BEARABLE and not new):
            return None
        size = f"{round(apart)} s" if apart < 100 else f"{round(apart / 60)} min"
        side = "ahead of" if self._ahead > 0 else "behind"
        until = f"for {PATIENCE / 60:g} min" if apart <= _BEARABLE else "set the clocks of their nodes; until they agree"
        return ClockStep(self._ahead, f"the operator's clock is {size} {side} the API server's: {until} {_UNTIL_THEN}")

    def _difference(self) -> float:
        return self._wall().timestamp() - self._monotonic()
