"""The trust store: one object in the policy namespace, looked at now and then."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from headgate.api.faults import first_fault
from headgate.api.trust_store import TRUST_STORE, TrustStoreSpec
from headgate.governance.trust import Trust
from headgate.kube.interface import KubeApi
from headgate.kube.polled import PolledObject
from headgate.kube.resources import TRUST_STORES

log = logging.getLogger(__name__)


class TrustReader:
    """The present answer. No approval is counted before the first one; when the API server cannot be asked, the last one stands."""

    def __init__(self, api: KubeApi, namespace: str, environment: str, *, required: bool = False) -> None:
        """`namespace` is that of the policies. `required`: without a store nobody's approval counts above Low."""
        self._where = f"the trust store {namespace}/{TRUST_STORE}"
        self._object = PolledObject(api, TRUST_STORES, TRUST_STORE, namespace, self._where)
        self.trust = Trust(environment, required=required, known=False)

    async def look(self) -> bool:
        """Whether the answer changed."""
        if not await self._object.look():
            return False
        before, body = self.trust, self._object.body
        store, problem = (None, "") if body is None else await self._read(body)
        self.trust = replace(before, store=store, problem=problem, known=True)
        return self.trust != before

    async def _read(self, body: Mapping[str, Any]) -> tuple[TrustStoreSpec | None, str]:
        try:
            # Hundreds of persons take a while: not on the loop that takes traffic off bad versions.
            return await asyncio.to_thread(TrustStoreSpec.model_validate, body.get("spec") or {}), ""
        except ValidationError as error:
            fault = first_fault(error, "spec")
            problem = f"{self._where} cannot be read ({fault}): correct it"[:256]
            log.error(problem)
            return None, problem
