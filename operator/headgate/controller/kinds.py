"""Whether the API server still knows AIModels. Deleting their definition deletes them all, and that is no user's wish for any of them."""

import asyncio
import logging
import time
from collections.abc import Callable

from headgate.kube.errors import Forbidden, KubeError, NotFound
from headgate.kube.interface import KubeApi
from headgate.kube.resources import AIMODELS, CUSTOM_RESOURCE_DEFINITIONS, GOVERNANCE_APPROVALS, ROLLOUT_POLICIES

log = logging.getLogger(__name__)

_EACH = 15.0
_KINDS = (AIMODELS, ROLLOUT_POLICIES, GOVERNANCE_APPROVALS)


class Kinds:
    """`problem` says which definition is missing, being deleted, or another one than before; it is empty while all are there."""

    def __init__(self, api: KubeApi, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._monotonic = monotonic
        self._checking = asyncio.Lock()
        self._checked_at = float("-inf")
        self._known: dict[str, str] = {}
        self._missing: list[str] = []
        self._lost = False
        self.problem = ""

    async def present_since(self, moment: float) -> bool:
        """Whether the definitions were there when looked at after `moment` (monotonic seconds). Raises KubeError."""
        async with self._checking:
            # One look answers all that were waiting for one.
            if self._checked_at <= moment:
                await self._check()
        return not self.problem

    async def run(self) -> None:
        """Looks every now and then. Ends when definitions that were missing are back: their watches have ended, and only a new process
        begins them again."""
        while True:
            try:
                async with self._checking:
                    await self._check()
            except KubeError as error:
                log.warning("cannot tell whether the CustomResourceDefinitions are there: %s", error)
            if self._lost and not self._missing:
                log.critical("the CustomResourceDefinitions are back: a new process has to watch them")
                return
            await asyncio.sleep(_EACH)

    async def _check(self) -> None:
        began = self._monotonic()
        found = {kind.qualified: await self._uid(kind.qualified) for kind in _KINDS}
        self._checked_at = began
        self._missing = [name for name, uid in found.items() if uid is None]
        # One that was replaced between two looks took its objects along as well.
        self._lost = self._lost or bool(self._missing) or any(uid != self._known.get(name, uid) for name, uid in found.items())
        self._known |= {name: uid for name, uid in found.items() if uid is not None}
        what = f"are missing: {', '.join(self._missing)}" if self._missing else "were replaced"
        problem = f"CustomResourceDefinitions {what}; everything stays as it is until they are back and watched" if self._lost else ""
        if problem and problem != self.problem:
            log.error(problem)
        self.problem = problem

    async def _uid(self, name: str) -> str | None:
        """None if it is missing or being deleted."""
        try:
            found = await self._api.get(CUSTOM_RESOURCE_DEFINITIONS, name)
        except NotFound:
            return None
        except Forbidden as error:
            # Rights of an older chart. The lists of the kinds themselves tell as well, only later.
            log.debug("may not look at %s: %s", name, error)
            return ""
        metadata = found["metadata"]
        return None if metadata.get("deletionTimestamp") else str(metadata.get("uid") or "")
