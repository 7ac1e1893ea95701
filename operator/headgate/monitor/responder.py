"""What is done about drift: whoever does it, and the least of it, an Event."""

from datetime import UTC, datetime
from typing import Protocol

from headgate.api.reasons import Reason
from headgate.kube.events import EventRecorder, EventType, Happening, Regarding
from headgate.kube.resources import AIMODELS
from headgate.monitor.models import ServingModel
from headgate.monitoring.response import Action, Done, Response, Responses, Severity, due

_BAD = {Severity.CRITICAL: Reason.LIMIT_VIOLATED, Severity.HIGH: Reason.LIMIT_VIOLATED, Severity.MEDIUM: Reason.DRIFTING}
_QUIET = {Severity.LOW: Reason.WITHIN_LIMITS, Severity.UNKNOWN: Reason.NOT_ASSESSED}


class Responder(Protocol):
    """Does what an assessment calls for. It is called after every assessment, so it must do each thing once; `model.told` is the severity
    that it was called with before, also after a restart. It raises nothing that the monitor would have to handle."""

    async def respond(self, model: ServingModel, response: Response) -> None: ...


class EventResponder:
    """Tells a change of severity as an Event on the AIModel."""

    def __init__(self, events: EventRecorder, table: Responses) -> None:
        self._events = events
        self._table = table

    async def respond(self, model: ServingModel, response: Response) -> None:
        actions = due(response, Done(severity=model.told), self._table, datetime.now(UTC))
        # That a model which nobody looked at before does not drift is no news.
        if Action.EVENT not in actions or (model.told is None and response.severity in _QUIET):
            return
        bad = response.severity in _BAD
        reason = _BAD.get(response.severity) or _QUIET[response.severity]
        regarding = Regarding(AIMODELS.api_version, AIMODELS.kind, *model.key, model.uid)
        note = f"{response.severity}: {response.why}"
        await self._events.record(regarding, Happening("Monitor", str(reason), note, EventType.WARNING if bad else EventType.NORMAL))
