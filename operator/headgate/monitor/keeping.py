"""The monitor's ConfigMaps: what a restart continues from, what people read, and the references that models name."""

import json
import logging
from typing import Any

from headgate.kube.errors import NotFound
from headgate.kube.interface import KubeApi
from headgate.kube.labels import MODEL, Owner, made_for, object_metadata
from headgate.kube.resources import AIMODELS, CONFIG_MAPS
from headgate.monitor.models import ServingModel
from headgate.monitoring.inservice.assessment import MEMORY_KEY, RESULTS_KEY, Assessment, monitoring_config_map
from headgate.monitoring.inservice.memory import Memory, recalled, stored
from headgate.monitoring.inservice.reference import KEY, Reference, UnusableReference, read

log = logging.getLogger(__name__)

FIELD_MANAGER = "headgate-monitor"


class Keeper:
    """Every method raises KubeError but where it says otherwise."""

    def __init__(self, api: KubeApi) -> None:
        self._api = api

    async def recall(self, model: ServingModel) -> Memory:
        """What was stored of this model, or an empty memory if that is nothing, or nothing that this version can read. What somebody else
        put there is nothing: who writes the memory says what drifts."""
        try:
            found = await self._api.get(CONFIG_MAPS, monitoring_config_map(model.key.name), model.key.namespace)
            return recalled((found.get("data") or {})[MEMORY_KEY]) if made_for(found["metadata"]) == model.key.name else Memory()
        except (NotFound, KeyError):
            return Memory()
        except ValueError as error:
            log.warning("what was remembered of a model cannot be read, and begins anew: %s", error, extra={"model": "/".join(model.key)})
            return Memory()

    async def store(self, model: ServingModel, memory: Memory, found: Assessment, at: str) -> None:
        """`at`: the time of the figures."""
        owner = Owner(AIMODELS.api_version, AIMODELS.kind, model.key.name, model.uid)
        metadata = object_metadata(monitoring_config_map(model.key.name), model.key.namespace, owner, {MODEL: model.key.name})
        results: dict[str, Any] = {"at": at, "revision": model.revision, **found.document()}
        data = {RESULTS_KEY: json.dumps(results, separators=(",", ":"), allow_nan=False), MEMORY_KEY: stored(memory)}
        await self._api.apply(CONFIG_MAPS, {"metadata": metadata, "data": data}, field_manager=FIELD_MANAGER, force=True)

    async def reference(self, model: ServingModel) -> tuple[Reference | None, str]:
        """The reference that a model names, or None and why there is none."""
        if model.plan.reference is None:
            return None, ""
        name, digest = model.plan.reference
        try:
            stored = await self._api.get(CONFIG_MAPS, name, model.key.namespace)
        except NotFound:
            return None, f"there is no ConfigMap {name} in this namespace: take a reference with `kubectl headgate reference capture`"
        text = (stored.get("data") or {}).get(KEY)
        if text is None:
            return None, f"ConfigMap {name} has no {KEY}: write it with `kubectl headgate reference`"
        try:
            return read(text, model=model.plan.model, digest=digest), ""
        except UnusableReference as error:
            return None, f"the reference in ConfigMap {name} cannot be used: {error}"
