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
from headgate.kube.errors import KubeError, NotFound
from headgate.kube.interface import KubeApi
from headgate.kube.resources import TRUST_STORES

log = logging.getLogger(__name__)


class TrustReader:
    """The present answer. No approval is counted before the first one; when the API server cannot be asked, the last one stands."""

    def __init__(self, api: KubeApi, namespace: str, environment: str, *, required: bool = False) -> None:
        """`namespace` is that of the policies. `required`: without a store nobody's approval counts above Low."""
        self._api = api
        self._namespace = namespace
        self._version = ""
        self.trust = Trust(environment, required=required, known=False)

    async def look(self) -> bool:
        """Whether the answer changed."""
        before = self.trust
        try:
            body = await self._api.get(TRUST_STORES, TRUST_STORE, self._namespace)
        except NotFound:
            self._version, self.trust = "", replace(self.trust, store=None, problem="", known=True)
        except KubeError as error:
            log.warning("the trust store could not be read: %s", error)
        else:
            await self._take(body)
        return self.trust != before

    async def _take(self, body: Mapping[str, Any]) -> None:
        version = str(body["metadata"].get("resourceVersion") or "")
        if version and version == self._version and self.trust.known:
            return
        store, problem = None, ""
        try:
            # Hundreds of persons take a while: not on the loop that takes traffic off bad versions.
            store = await asyncio.to_thread(TrustStoreSpec.model_validate, body.get("spec") or {})
        except ValidationError as error:
            fault = first_fault(error, "spec")
            problem = f"the trust store {self._namespace}/{TRUST_STORE} cannot be read ({fault}): correct it"[:256]
            log.error(problem)
        self._version, self.trust = version, replace(self.trust, store=store, problem=problem, known=True)
