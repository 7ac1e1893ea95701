"""What drift causes: from figures to a severity, from a severity to actions, and which of these are still to be done."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from headgate.api.responses import Action, DriftResponses, Priority, Severity
from headgate.monitoring.loss import Alarm
from headgate.monitoring.result import LimitVerdict, Result

__all__ = [
    "LONGEST_ONSET",
    "UNWATCHED",
    "Action",
    "Done",
    "Priority",
    "Response",
    "Responses",
    "Row",
    "Severity",
    "due",
    "pace",
    "respond",
    "table_of",
]


@dataclass(frozen=True, slots=True)
class Row:
    """From a PSI or a loss (a share) of so much on, each inclusive, these actions. A row that retrains has a priority."""

    severity: Severity
    psi: float
    loss: float
    actions: tuple[Action, ...]
    priority: Priority | None = None

    def __post_init__(self) -> None:
        if (Action.RETRAIN in self.actions) is (self.priority is None):
            raise ValueError(f"{self.severity}: a priority belongs to {Action.RETRAIN}, and only to it")


@dataclass(frozen=True, slots=True)
class Responses:
    """The table, worst row first; what no row covers is Low. A loss of `rollback_loss` that began with a release is rolled back."""

    rows: tuple[Row, ...] = (
        Row(Severity.CRITICAL, 0.3, 0.10, (Action.EVENT, Action.ALERT, Action.REVIEW_MODE, Action.RETRAIN), Priority.URGENT),
        Row(Severity.HIGH, 0.2, 0.05, (Action.EVENT, Action.ALERT, Action.RETRAIN, Action.MONITOR_MORE), Priority.HIGH),
        Row(Severity.MEDIUM, 0.1, 0.03, (Action.EVENT, Action.ALERT, Action.RETRAIN), Priority.NORMAL),
    )
    rollback_loss: float = 0.15
    low: tuple[Action, ...] = (Action.EVENT,)
    cool_down: timedelta = timedelta(days=7)

    def __post_init__(self) -> None:
        for worse, milder in pairwise(self.rows):
            if worse.psi < milder.psi or worse.loss < milder.loss:
                raise ValueError(f"{worse.severity} begins below {milder.severity}: list the worst first")


def table_of(written: DriftResponses | None) -> Responses:
    """The table that a policy writes down; the usual one where it does not."""
    if written is None:
        return Responses()
    rows = (
        Row(Severity(row.severity), float(row.psi), row.loss.fraction, tuple(map(Action, row.actions)), row.priority)
        for row in written.worst_first
    )
    return Responses(
        rows=tuple(rows),
        rollback_loss=written.rollback_loss.fraction,
        low=tuple(map(Action, written.low)),
        cool_down=timedelta(seconds=written.cool_down),
    )


@dataclass(frozen=True, slots=True)
class Response:
    """What is called for now. `release` is the one to take back, if Rollback is among the actions."""

    severity: Severity
    actions: tuple[Action, ...]
    why: str
    priority: Priority | None = None
    release: date | None = None


UNWATCHED = Response(Severity.LOW, (Action.EVENT,), "neither drift nor performance is watched any more: what was done about them ends")
"""Of a model that nobody looks at any more. No all-clear, but the last word that there is."""
LONGEST_ONSET = timedelta(days=7)
"""If the onset is not known better than this, it follows no release."""


def respond(
    psi: Result | None,
    loss: Result | None,
    alarm: Alarm | None,
    regained: tuple[float, float] | None,
    releases: Sequence[date],
    table: Responses,
) -> Response:
    """`psi` is the largest of all features, `loss` that of the last days, `alarm` when it began; without `psi` or `loss` it is not watched.
    `regained`: between which shares users would win with the version before, None if that is not known. `releases`: the days on which users
    got another version, the last of them that of the live one.

    Only what is Drifting or Violated counts: beyond its limit, and not by chance. What was not assessed raises nothing, and clears nothing.
    """
    found = next((row for row in table.rows if _reaches(psi, row.psi) or _reaches(loss, row.loss)), None)
    watched = [one for one in (psi, loss) if one is not None]
    told = "; ".join(f"{one.statistic}: {one.why}" for one in watched)
    if found is None:
        unknown = any(one.verdict is LimitVerdict.NOT_ASSESSED for one in watched)
        return Response(Severity.UNKNOWN if unknown else Severity.LOW, table.low, told)
    if loss is None or not _reaches(loss, table.rollback_loss):
        return Response(found.severity, found.actions, told, found.priority)
    limit = table.rollback_loss
    doubt = _unproven(loss, limit) or _not_with_its_release(alarm, releases) or _grown(alarm, limit) or _no_better(regained)
    if doubt:
        return Response(found.severity, found.actions, f"{told}; no rollback: {doubt}", found.priority)
    why = f"{told}; the loss began with the release of {releases[-1]}"
    return Response(found.severity, (*found.actions, Action.ROLLBACK), why, found.priority, releases[-1])


def _reaches(result: Result | None, limit: float) -> bool:
    if result is None or result.value is None:
        return False
    return result.verdict in (LimitVerdict.DRIFTING, LimitVerdict.VIOLATED) and result.value >= limit


def _unproven(loss: Result, limit: float) -> str:
    return f"a loss of {100 * limit:.3g} points is not proven" if loss.interval is None or loss.interval[0] < limit else ""


def _not_with_its_release(alarm: Alarm | None, releases: Sequence[date]) -> str:
    """Why the loss did not begin with the release of the live version, and no other. Going back cures nothing that came from outside: the
    version before meets the same inputs. Nor does it from a cure: labels tell of days before it, and the version before would be the
    culprit.
    """
    if alarm is None:
        return "it is not known when the loss began"
    first, last = alarm.between
    if first is None:
        return f"the loss may be older than all days that are known ({last} at the latest)"
    if last - first > LONGEST_ONSET:
        return f"it is not known well enough when the loss began ({first} to {last})"
    # A window is a day: users who met the release in the evening show it the day after.
    followed = [release for release in releases if first - timedelta(days=1) <= release <= last]
    if not followed:
        return f"the loss began between {first} and {last}, and no release did"
    if releases[-1] not in followed:
        return f"the loss began with the release of {followed[-1]}, and the version that is live came on {releases[-1]}"
    if len(followed) > 1:
        days = ", ".join(map(str, followed))
        return f"the loss began between {first} and {last}, and it is not known with which of the releases of {days}"
    return ""


def _grown(alarm: Alarm | None, limit: float) -> str:
    """What was lost later did not come with the release."""
    if alarm is None or alarm.lost[0] >= limit:
        return ""
    low, high = (100 * bound for bound in alarm.lost)
    return f"since it began {low:.3g} to {high:.3g} points are lost on average: the rest came later"


def _no_better(regained: tuple[float, float] | None) -> str:
    """What falls short of its own baseline may do better than what was there before."""
    if regained is None:
        return "no day of the version before is known that it could be compared with"
    low, high = (100 * bound for bound in regained)
    return f"the version before is not proven to do better ({low:.3g} to {high:.3g} points)" if low <= 0.0 else ""


@dataclass(frozen=True, slots=True)
class Done:
    """What was done for this model before."""

    severity: Severity | None = None
    retraining_open: bool = False
    retraining_asked: datetime | None = None
    taken_back: tuple[date, ...] = ()


def due(response: Response, done: Done, table: Responses, now: datetime) -> tuple[Action, ...]:
    """The actions to be done now, so that each is done once: told when the severity changes, one retraining request at a time and none
    within the cool-down, one rollback of a release.
    """
    changed = response.severity is not done.severity
    cooled = done.retraining_asked is None or now - done.retraining_asked >= table.cool_down
    allowed = {
        Action.RETRAIN: not done.retraining_open and cooled,
        Action.ROLLBACK: response.release not in done.taken_back,
    }
    return tuple(action for action in response.actions if allowed.get(action, changed))


_MORE_OFTEN = 4
_SHORTEST = timedelta(minutes=1)


def pace(usual: timedelta, severity: Severity | None, table: Responses) -> timedelta:
    """How long until the next look at a model that was last found to be so bad: a quarter of the usual where the table says MonitorMore."""
    row = next((row for row in table.rows if row.severity is severity), None)
    if row is None or Action.MONITOR_MORE not in row.actions:
        return usual
    return min(usual, max(_SHORTEST, usual / _MORE_OFTEN))
