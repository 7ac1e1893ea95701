"""The judge's memory in the cluster: one ConfigMap for each model, with what a restart continues from and what people read."""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from headgate.api.aimodel import DeletionPolicy
from headgate.controller.cache import Cache
from headgate.controller.facts import ModelKey, model_of
from headgate.controller.judging import Judging
from headgate.controller.observe import UnreadableStatus, parse_spec, parse_status
from headgate.evidence import attempt_state
from headgate.evidence.attempt_state import AttemptEvidence
from headgate.evidence.readings import READINGS_KEY, config_map_name, encode
from headgate.evidence.timeline import TIMELINE_KEY
from headgate.evidence.view import Evidence
from headgate.kube.errors import KubeError, NotFound
from headgate.kube.interface import KubeApi
from headgate.kube.labels import FIELD_MANAGER, MODEL, Owner, object_metadata
from headgate.kube.resources import AIMODELS, CONFIG_MAPS
from headgate.rollout.ownership import deletion_policy

log = logging.getLogger(__name__)

CHECKPOINT = "checkpoint.json"
_LOOK = 1.0
_SHORTEST, _LONGEST = 5.0, 120.0
_INTERVALS = 8


def pause_between(interval: float) -> float:
    """Seconds between two writes for one model. What a restart then asks Prometheus for anew is at most this old."""
    return min(_LONGEST, max(_SHORTEST, _INTERVALS * interval))


@dataclass(slots=True)
class _Written:
    at: float
    interval: float
    evidence: Evidence


class Checkpoints:
    """Writes and reads the ConfigMaps. A write that fails is tried again; nothing waits for it."""

    def __init__(self, api: KubeApi, cache: Cache, *, monotonic: Callable[[], float]) -> None:
        self._api = api
        self._cache = cache
        self._monotonic = monotonic
        self._written: dict[ModelKey, _Written] = {}

    async def recall(self, key: ModelKey, number: str) -> AttemptEvidence | None:
        """The state of attempt `number` as last written; None if there is none, or none that this version can read. Raises KubeError:
        to begin anew because the API server is slow would shorten nothing but lose evidence.

        What somebody else put there is none: whoever writes evidence decides."""
        try:
            stored = await self._api.get(CONFIG_MAPS, config_map_name(key.name), key.namespace)
        except NotFound:
            return None
        if model_of(stored) != key:
            log.warning("a checkpoint that is not Headgate's is not read", extra={"model": "/".join(key)})
            return None
        try:
            state = attempt_state.restore(_joined(stored.get("data") or {}))
        except ValueError as error:
            log.warning("checkpoint of another version: %s", error, extra={"model": "/".join(key)})
            return None
        return state if state.attempt == number else None

    async def run(self, judging: Judging, leading: Callable[[], bool]) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(_LOOK)
            if leading():
                await self.write_due(judging)

    async def write_due(self, judging: Judging) -> None:
        """Write what is due. An attempt that is over is written once more, for people, and forgotten."""
        for key, state in list(judging.states.items()):
            evidence = judging.evidence.get(key)
            if evidence is None:
                continue
            over = self._over(key, state)
            if not over and (judging.harms(key) or not self._is_due(key, evidence)):
                # First users leave the candidate, then it is written down why.
                continue
            try:
                await self._write(key, state, evidence)
            except KubeError as error:
                log.warning("could not write the evidence: %s", error, extra={"model": "/".join(key)})
                continue
            except Exception:
                log.exception("could not write the evidence", extra={"model": "/".join(key)})
            if over:
                judging.forget(key)
                self._written.pop(key, None)

    def _over(self, key: ModelKey, state: AttemptEvidence) -> bool:
        model = self._cache.models.get(key)
        if model is None:
            return True
        try:
            candidate = parse_status(key, model.status).candidate
        except UnreadableStatus:
            return False
        return candidate is None or str(candidate.attempt) != state.attempt

    def _is_due(self, key: ModelKey, evidence: Evidence) -> bool:
        before = self._written.get(key)
        if before is None:
            return True
        return before.evidence != evidence and self._monotonic() - before.at >= pause_between(before.interval)

    async def _write(self, key: ModelKey, state: AttemptEvidence, evidence: Evidence) -> None:
        model = self._cache.models.get(key)
        if model is None or model.leaving:
            return
        try:
            outlives = deletion_policy(parse_spec(key, model.spec)[0], parse_status(key, model.status)) is DeletionPolicy.ORPHAN
        except UnreadableStatus:
            return
        owner = None if outlives else Owner(AIMODELS.api_version, AIMODELS.kind, key.name, model.uid)
        exposure = state.tracker.exposure
        data = {**_parted(attempt_state.checkpoint(state)), READINGS_KEY: encode(evidence)}
        metadata = object_metadata(config_map_name(key.name), key.namespace, owner, {MODEL: key.name})
        await self._api.apply(CONFIG_MAPS, {"metadata": metadata, "data": data}, field_manager=FIELD_MANAGER, force=True)
        self._written[key] = _Written(self._monotonic(), exposure.interval if exposure else _LONGEST, evidence)


def _parted(checkpoint: dict[str, Any]) -> dict[str, str]:
    """The checkpoint as it is stored: what people look at stands apart, and only once."""
    memory = {name: part for name, part in checkpoint.items() if name != attempt_state.TIMELINE}
    parts = {CHECKPOINT: memory, TIMELINE_KEY: checkpoint[attempt_state.TIMELINE]}
    return {key: json.dumps(part, separators=(",", ":"), allow_nan=False) for key, part in parts.items()}


def _joined(data: Mapping[str, str]) -> dict[str, Any]:
    """The inverse of `_parted`. Raises ValueError if the checkpoint is no JSON; a timeline that is none is left out."""
    memory: dict[str, Any] = json.loads(data.get(CHECKPOINT) or "{}")
    try:
        return {**memory, attempt_state.TIMELINE: json.loads(data.get(TIMELINE_KEY) or "null")}
    except ValueError:
        return memory
