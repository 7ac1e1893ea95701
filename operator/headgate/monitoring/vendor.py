"""Whether a vendor keeps a contract, quarter by quarter, literally."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from headgate.api.vendor import Change
from headgate.monitoring.floors import Floor, kept
from headgate.monitoring.result import LimitVerdict, Result, worst


@dataclass(frozen=True, slots=True)
class Sla:
    """What is promised, as shares: of answers that are right, of requests within each time, of probes that succeed.

    P95 within 200 ms is the same as 95 % of the requests within 200 ms. `tolerance` is no slack: a shortfall of so much must show.
    """

    accuracy: float = 0.85
    p95: timedelta = timedelta(milliseconds=200)
    p99: timedelta = timedelta(milliseconds=500)
    uptime: float = 0.995
    tolerance: float = 0.02
    quarters: int = 2


@dataclass(frozen=True, slots=True, order=True)
class Quarter:
    """Of a calendar year, 1 to 4."""

    year: int
    number: int

    @classmethod
    def of(cls, day: date) -> "Quarter":
        return cls(day.year, (day.month + 2) // 3)

    @property
    def next(self) -> "Quarter":
        return Quarter(self.year + self.number // 4, self.number % 4 + 1)

    def __str__(self) -> str:
        return f"{self.year}-Q{self.number}"


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one quarter: (good, all) of each clause."""

    right: tuple[int, int] = (0, 0)
    within_p95: tuple[int, int] = (0, 0)
    within_p99: tuple[int, int] = (0, 0)
    up: tuple[int, int] = (0, 0)


def clauses(counts: Counts, sla: Sla) -> tuple[Result, ...]:
    """Each clause by itself. Raises ValueError where more is good than there was."""
    return (
        kept("accuracy", *counts.right, Floor(sla.accuracy, sla.tolerance)),
        kept("latencyP95", *counts.within_p95, Floor(0.95, sla.tolerance)),
        kept("latencyP99", *counts.within_p99, Floor(0.99, sla.tolerance / 2)),
        kept("uptime", *counts.up, Floor(sla.uptime, (1.0 - sla.uptime) / 2)),
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """What is remembered of the quarters so far: how many violated ones adjoin, up to `last`; `owed` those for which credits are due."""

    last: Quarter | None = None
    violated: int = 0
    owed: tuple[Quarter, ...] = ()


def closed(standing: Standing, quarter: Quarter, results: Sequence[Result], sla: Sla) -> Standing:
    """After a quarter is over. One that was closed before changes nothing.

    A quarter that was not assessed, or was left out, ends the row: a claim needs proof of each.
    """
    if standing.last is not None and quarter <= standing.last:
        return standing
    if worst(result.verdict for result in results) is not LimitVerdict.VIOLATED:
        return replace(standing, last=quarter, violated=0)
    adjoins = standing.last is not None and standing.last.next == quarter
    violated = standing.violated + 1 if adjoins else 1
    owed = (*standing.owed, quarter) if violated >= sla.quarters else standing.owed
    return Standing(quarter, violated, owed)


NOTICE = {Change.MATERIAL: timedelta(days=60), Change.SECURITY: timedelta(hours=48)}
DEFERRAL = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Notice:
    """A change that was announced on one day and takes effect on another."""

    kind: Change
    announced: date
    effective: date

    @property
    def earliest(self) -> date:
        """From when on the contract allows it."""
        return self.announced + NOTICE[self.kind]

    @property
    def late(self) -> bool:
        return self.effective < self.earliest

    @property
    def deferrable_until(self) -> date | None:
        """How long the customer may put it off; security updates may not be."""
        return self.effective + DEFERRAL if self.kind is Change.MATERIAL else None
