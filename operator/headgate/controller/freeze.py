"""The freeze of the whole cluster: one ConfigMap in the policy namespace, which one command makes and every auditor can read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from headgate.api.faults import first_fault
from headgate.api.windows import Freeze
from headgate.kube.interface import KubeApi
from headgate.kube.polled import PolledObject
from headgate.kube.resources import CONFIG_MAPS

NAME = "headgate-freeze"
EACH = 15.0
"""Seconds between two looks."""
_ALWAYS = "0001-01-01T00:00:00Z"
_NEVER = "9999-12-31T00:00:00Z"


@dataclass(frozen=True, slots=True)
class FreezeState:
    """`freezes` are those with an end. `held` says why nothing rises for as long as nobody can tell."""

    freezes: tuple[Freeze, ...] = ()
    held: str = ""


class ClusterFreeze:
    """The present answer. Nothing rises before the first one; when the API server cannot be asked, the last one stands."""

    def __init__(self, api: KubeApi, namespace: str, wall: Callable[[], datetime]) -> None:
        """`namespace` is that of the policies: who may edit these may freeze."""
        self._where = f"ConfigMap {namespace}/{NAME}"
        self._object = PolledObject(api, CONFIG_MAPS, NAME, namespace, f"the freeze of the cluster in {self._where}")
        self._wall = wall
        self.state = FreezeState(held="it has not been read yet whether the cluster is frozen")

    async def look(self) -> bool:
        """Whether the answer changed. It also does by the time alone: a freeze without an end begins."""
        before = self.state
        await self._object.look()
        if self._object.known:
            body = self._object.body
            self.state = FreezeState() if body is None else read(body.get("data") or {}, self._where, self._wall())
        return self.state != before


def read(data: Mapping[str, Any], where: str, now: datetime) -> FreezeState:
    """`from` and `to` may be left out: then it begins at once, and ends when somebody lifts it. What cannot be read freezes as well."""
    by = f" (by {data['by']})" if data.get("by") else ""
    written = {"from": data.get("from") or _ALWAYS, "to": data.get("to") or _NEVER, "reason": f"{data.get('reason') or 'no reason'}{by}"}
    try:
        freeze = Freeze.model_validate(written)
    except ValidationError as error:
        fault = first_fault(error, whole="from and to")
        return FreezeState(held=f"the freeze in {where} cannot be read ({fault}): nothing rises until it is corrected"[:1000])
    if data.get("to"):
        return FreezeState((freeze,))
    return FreezeState(held=f"frozen: {freeze.reason}, until {where} says otherwise") if freeze.begin <= now else FreezeState()
