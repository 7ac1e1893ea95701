"""What the monitor holds of one model between two rounds."""

from collections.abc import Mapping
from dataclasses import dataclass

from headgate.monitor.models import ServingModel
from headgate.monitoring.inservice.memory import Memory
from headgate.monitoring.inservice.reference import Reference
from headgate.monitoring.response import Severity, pace
from headgate.monitoring.result import LimitVerdict

_NO_HURRY = (None, Severity.LOW, Severity.UNKNOWN)


@dataclass(slots=True)
class Held:
    """One model between two rounds. Times in seconds since 1970, 0 for never."""

    model: ServingModel
    memory: Memory
    reference: Reference | None = None
    problem: str = ""
    looked_for: tuple[tuple[str, str] | None, float] = (None, 0.0)
    """Which reference was looked for, and when."""
    too_large: str = ""
    """Why the answer about this model alone could not be read; empty if it could."""
    assessed: float = 0.0
    stored: float = 0.0
    verdicts: Mapping[str, LimitVerdict] | None = None

    @property
    def pace(self) -> float:
        """Seconds between two looks at it."""
        usual = self.model.plan.interval
        if self.memory.severity in _NO_HURRY:
            # Of ten thousand models most are well, and their tables need not be read.
            return usual.total_seconds()
        return pace(usual, self.memory.severity, self.model.table).total_seconds()

    @property
    def hurried(self) -> bool:
        """Whether what it does calls for more looks than usual."""
        return self.pace < self.model.plan.interval.total_seconds()
