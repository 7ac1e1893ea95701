"""Who does something about drift."""

from typing import Protocol

from headgate.monitor.models import ServingModel
from headgate.monitoring.response import Response


class Responder(Protocol):
    """Does what an assessment calls for. It is called after every assessment, so it must do each thing once; `model.told` is the severity
    that it told before, as status.drift has it. It raises nothing that the monitor would have to handle."""

    async def respond(self, model: ServingModel, response: Response) -> None: ...
