"""Assessments of AI literacy: one ConfigMap in the policy namespace, looked at now and then."""

import asyncio
import logging

from headgate.governance.literacy import LITERACY, LITERACY_KEY, Literacy, assessments_of
from headgate.kube.interface import KubeApi
from headgate.kube.polled import PolledObject
from headgate.kube.resources import CONFIG_MAPS

log = logging.getLogger(__name__)


class LiteracyReader:
    """The present answer. Where a policy requires literacy, no approval counts before the first one, and none while there is a problem."""

    def __init__(self, api: KubeApi, namespace: str) -> None:
        """`namespace` is that of the policies."""
        self._where = f"the assessments of AI literacy in ConfigMap {namespace}/{LITERACY}"
        self._object = PolledObject(api, CONFIG_MAPS, LITERACY, namespace, self._where)
        self.literacy = Literacy(known=False)

    async def look(self) -> bool:
        """Whether the answer changed."""
        if not await self._object.look():
            return False
        before, body = self.literacy, self._object.body
        if body is None:
            self.literacy = Literacy(problem=f"{self._where} do not exist: create it, or set gates.literacy of the policy to Shown")
        else:
            self.literacy = await self._read((body.get("data") or {}).get(LITERACY_KEY))
        return self.literacy != before

    async def _read(self, text: str | None) -> Literacy:
        problem = f"there is no key {LITERACY_KEY}"
        if text is not None:
            try:
                # Thousands of rows take a while: not on the loop that takes traffic off bad versions.
                return Literacy(await asyncio.to_thread(assessments_of, text))
            except ValueError as error:
                problem = str(error)
        # A row names a person and a score. Statuses are for everybody: they tell where to look, and do not quote it.
        place = problem.partition(":")[0]
        found = Literacy(problem=f"{self._where} cannot be read ({place}): correct it, as `headgate literacy` tells"[:256])
        log.error(found.problem)
        return found
