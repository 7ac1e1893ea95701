"""What drift of a live model causes: which figures are how bad, what is done then, and what the status keeps of it."""

from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from headgate.api.base import ATOMIC, Model, RevisionName, StatusModel, Text, Time, each_once, list_map, rules
from headgate.api.quantities import Duration, Margin, PointsMargin, Probability, Unit


class Severity(StrEnum):
    """Unknown: something that the table asks for was not measured, and what was measured is not worse than Low."""

    CRITICAL = "Critical"
    HIGH = "High"
    MEDIUM = "Medium"
    LOW = "Low"
    UNKNOWN = "Unknown"


class Action(StrEnum):
    """What Headgate can do. ReviewMode: the application sends its decisions to people."""

    EVENT = "Event"
    ALERT = "Alert"
    REVIEW_MODE = "ReviewMode"
    RETRAIN = "Retrain"
    MONITOR_MORE = "MonitorMore"
    FREEZE = "Freeze"
    ROLLBACK = "Rollback"


class Priority(StrEnum):
    """Of a retraining request."""

    URGENT = "Urgent"
    HIGH = "High"
    NORMAL = "Normal"


class Listed(StrEnum):
    """Severities that a policy says something about."""

    CRITICAL = "Critical"
    HIGH = "High"
    MEDIUM = "Medium"


class Chosen(StrEnum):
    """Actions that a policy chooses. Rollback is not among them: it follows from rollbackLoss, and only where a release began the loss."""

    EVENT = "Event"
    ALERT = "Alert"
    REVIEW_MODE = "ReviewMode"
    RETRAIN = "Retrain"
    MONITOR_MORE = "MonitorMore"
    FREEZE = "Freeze"


_Actions = Annotated[tuple[Chosen, ...], Field(max_length=6, json_schema_extra=ATOMIC)]
_PRIORITY = "priority goes with the action Retrain, and only with it"


class SeverityRow(Model):
    """From a PSI of the worst feature or a loss of the pinned baseline of so much on, each inclusive."""

    model_config = ConfigDict(json_schema_extra=rules(("has(self.priority) == self.actions.exists(a, a == 'Retrain')", _PRIORITY)))

    severity: Listed
    psi: Probability
    loss: PointsMargin
    actions: _Actions
    priority: Priority | None = None

    @model_validator(mode="after")
    def _ranked(self) -> Self:
        if (self.priority is None) is (Chosen.RETRAIN in self.actions):
            raise ValueError(f"{self.severity}: {_PRIORITY}")
        return self


def _row(severity: Listed, psi: float, loss: float, priority: Priority, *more: Chosen) -> SeverityRow:
    actions = (Chosen.EVENT, Chosen.ALERT, Chosen.RETRAIN, *more)
    return SeverityRow(severity=severity, psi=Probability(psi), loss=Margin(loss, Unit.POINTS), actions=actions, priority=priority)


_ORDER = "a worse severity must not begin below a milder one"
_RANKS = tuple(Listed)


class DriftResponses(Model):
    """The table. A row that is left out is never reached."""

    rows: Annotated[tuple[SeverityRow, ...], Field(max_length=3, json_schema_extra=list_map("severity")), each_once("severity")] = (
        _row(Listed.CRITICAL, 0.3, 10, Priority.URGENT, Chosen.REVIEW_MODE),
        _row(Listed.HIGH, 0.2, 5, Priority.HIGH, Chosen.MONITOR_MORE),
        _row(Listed.MEDIUM, 0.1, 3, Priority.NORMAL),
    )
    low: _Actions = (Chosen.EVENT,)
    rollback_loss: PointsMargin = Margin(15, Unit.POINTS)
    """A loss of at least so much, proven, that began with a release, takes that release back. 100pp: never."""
    cool_down: Duration = Duration(7 * 86_400)
    """Between two retraining requests of a model."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for worse, milder in pairwise(self.worst_first):
            if worse.psi < milder.psi or worse.loss.fraction < milder.loss.fraction:
                raise ValueError(f"{worse.severity} begins below {milder.severity}: {_ORDER}")
        return self

    @property
    def worst_first(self) -> tuple[SeverityRow, ...]:
        return tuple(sorted(self.rows, key=lambda row: _RANKS.index(row.severity)))


class DriftStatus(StatusModel):
    """What `headgate monitor` found of the live version and did about it, and what it asks of the operator. The monitor alone writes it."""

    severity: Severity
    since: Time
    """Since when it is so, or worse or milder, but not well."""
    at: Time
    """When this was said. The operator tells it once, and does what it asks once."""
    why: Text = ""
    actions: Annotated[tuple[Action, ...], Field(max_length=7, json_schema_extra=ATOMIC)] = ()
    """What was done when it was said."""
    freeze: Literal["Requested"] | None = None
    """What was on its way at `since` is not to rise as long as this stands. A version that is asked for later may be the cure."""
    roll_back: RevisionName | None = None
    """The live revision that is to be taken back, because the loss began with its release."""
    release: Annotated[str, Field(max_length=10)] = ""
    """The day on which `rollBack` was released."""
    retraining: Annotated[str, Field(max_length=253)] = ""
    """The last request for a new version: the Job's name, or the event's id."""
    retraining_asked: Time | None = None
