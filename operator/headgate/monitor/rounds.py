"""One round over all live models after the other: list them, count what grew, judge, and tell what changed."""

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from headgate.api.conditions import Condition
from headgate.kube.errors import KubeError, NotFound
from headgate.kube.interface import KubeApi, Object
from headgate.kube.resources import AIMODELS, ROLLOUT_POLICIES
from headgate.monitor.counting import Counting
from headgate.monitor.held import Held
from headgate.monitor.keeping import FIELD_MANAGER, Keeper
from headgate.monitor.metrics import MonitorMetrics
from headgate.monitor.models import ModelKey, Reader, ServingModel
from headgate.monitor.pacing import end_of, step_of, store_pause
from headgate.monitor.responder import Responder
from headgate.monitoring.inservice.assessing import assess
from headgate.monitoring.inservice.assessment import Assessment
from headgate.monitoring.inservice.conditions import conditions
from headgate.monitoring.response import UNWATCHED, Severity
from headgate.prometheus.asking import Asker

log = logging.getLogger(__name__)

SETTLING = 15.0
"""Seconds that samples get to arrive before they are asked for; a shorter period, where rounds are as frequent as that."""
SILENCE = 1200.0
"""Seconds without an answer after which nothing is said of distributions any more."""
_RETRY_REFERENCE = 300.0


@dataclass(frozen=True, slots=True)
class Settings:
    """`period`: seconds between rounds. `namespaces` empty for all."""

    policy_namespace: str
    period: float = 300.0
    namespaces: tuple[str, ...] = ()


class Rounds:
    """Keeps what is held of each model. Only the leader counts and writes."""

    def __init__(
        self,
        api: KubeApi,
        asker: Asker,
        responder: Responder,
        metrics: MonitorMetrics,
        settings: Settings,
        *,
        wall: Callable[[], float],
    ) -> None:
        self._api = api
        self._asker = asker
        self._counting = Counting(asker)
        self._responder = responder
        self._metrics = metrics
        self._settings = settings
        self._wall = wall
        self._reader = Reader()
        self._keeper = Keeper(api)
        self._held: dict[ModelKey, Held] = {}
        self._whole = 0.0
        """When the last round over all models ended."""

    @property
    def due(self) -> float:
        """Seconds until the next round."""
        return self._step - self._settled % self._settings.period % self._step

    @property
    def _step(self) -> float:
        return step_of(self._settings.period, (held.pace for held in self._held.values() if held.hurried))

    @property
    def _settled(self) -> float:
        """Up to when samples have arrived, by the clock of Prometheus: what came later than asked for would be lost."""
        return self._wall() + self._asker.skew - min(SETTLING, self._settings.period)

    async def round(self) -> None:
        """Look at every live model once, or within a period at those that are to be looked at more often. Raises KubeError if the models
        cannot be listed; whatever else fails concerns one model, or is asked for again in the next round."""
        end, everything = end_of(self._settled, self._settings.period, self._step, self._whole)
        if everything:
            await self._over_all(end)
        else:
            hurried = [held for held in self._held.values() if held.hurried]
            await self._counting.count(hurried, end)
            await self._assess(hurried, end)

    async def _over_all(self, end: float) -> None:
        clock = asyncio.get_running_loop().time
        began = clock()
        await self._list()
        self._whole = end
        answered = await self._counting.count(self._held.values(), end)
        await self._assess(list(self._held.values()), end)
        self._metrics.models.set(len(self._held))
        self._metrics.seconds.observe(clock() - began)
        if answered:
            self._metrics.last_success.set(self._wall())

    async def _list(self) -> None:
        policies = await self._api.list(ROLLOUT_POLICIES, self._settings.policy_namespace)
        self._reader.policies(policies.items)
        items: list[Object] = []
        for namespace in self._settings.namespaces or (None,):
            items += (await self._api.list(AIMODELS, namespace)).items
        serving = self._reader.models(items)
        for key in self._held.keys() - serving.keys():
            self._forget(key)
        for model in serving.values():
            if model.plan.empty:
                await self._leave(model)
            else:
                await self._hold(model)

    def _forget(self, key: ModelKey) -> None:
        self._held.pop(key, None)
        self._metrics.forget(key)

    async def _leave(self, model: ServingModel) -> None:
        """Nothing is asked about it: nothing is said either."""
        self._forget(model.key)
        await self._end_responses(model)
        if model.conditions:
            await self._tell(model, ())

    async def _end_responses(self, model: ServingModel) -> None:
        """What drift caused ends when nobody looks for it any more: nobody else would ever end it."""
        if model.told not in (None, Severity.LOW):
            await self._responder.respond(model, UNWATCHED)

    async def _hold(self, model: ServingModel) -> None:
        held = self._held.get(model.key)
        try:
            if held is None or held.model.uid != model.uid:
                memory = await self._keeper.recall(model)
                held = self._held[model.key] = Held(model, memory, stored=memory.as_of or 0.0)
            self._measure(held, model)
            await self._refer(held)
        except KubeError as error:
            log.warning("a model cannot be looked at: %s", error, extra={"model": "/".join(model.key)})
            return
        held.memory.fit(held.model.plan, held.reference, model.revision, model.live_since)

    def _measure(self, held: Held, model: ServingModel) -> None:
        known = dict(held.memory.yardsticks)
        plan = held.memory.measuring(model.plan, model.revision, settled=model.settled)
        held.model = replace(model, plan=plan)
        if held.memory.yardsticks != known:
            # Once the spec asks for another version nothing else remembers it.
            held.stored = 0.0

    async def _refer(self, held: Held) -> None:
        """A reference that is there is kept: it does not move."""
        wanted, (known, at) = held.model.plan.reference, held.looked_for
        if wanted != known or (held.problem and self._wall() - at >= _RETRY_REFERENCE):
            held.reference, held.problem = await self._keeper.reference(held.model)
            held.looked_for = wanted, self._wall()

    async def _assess(self, some_of_them: Collection[Held], end: float) -> None:
        for held in some_of_them:
            if end - held.assessed < held.pace:
                continue
            held.assessed = end
            found = self._found(held, end)
            self._metrics.assessed(held.model.key, found)
            await self._act(held, found, end)
            # Judging takes milliseconds: others get their turn in between.
            await asyncio.sleep(0)

    def _found(self, held: Held, end: float) -> Assessment:
        reference, problem = held.reference, held.problem
        silent = end - (held.memory.as_of or 0.0)
        if held.too_large:
            reference, problem = None, f"{held.too_large} for this model alone: a label of its metrics tells single things apart"
        elif silent > SILENCE:
            reference, problem = None, f"Prometheus has given no answer for {silent / 60:.0f} min"
        return assess(held.memory, held.model.plan, reference, problem, held.model.table, end)

    async def _act(self, held: Held, found: Assessment, end: float) -> None:
        model = held.model
        if found.response is not None:
            await self._responder.respond(model, found.response)
            held.memory.severity = found.response.severity
        else:
            await self._end_responses(model)
            held.memory.severity = None
        told = conditions(model.conditions, found, model.generation, datetime.fromtimestamp(end, UTC))
        if told != model.conditions and await self._tell(model, told):
            held.model = replace(model, conditions=told)
        verdicts = {str(kind): found.verdict(kind) for kind in found.figures}
        changed, held.verdicts = held.verdicts is not None and verdicts != held.verdicts, verdicts
        if not changed and end - held.stored < store_pause(model.key):
            return
        try:
            await self._keeper.store(model, held.memory, found, datetime.fromtimestamp(end, UTC).isoformat().replace("+00:00", "Z"))
        except KubeError as error:
            log.warning("the figures of a model cannot be stored: %s", error, extra={"model": "/".join(model.key)})
            held.stored = 0.0
            return
        held.stored = end

    async def _tell(self, model: ServingModel, told: tuple[Condition, ...]) -> bool:
        """Only these conditions: by server-side apply the operator's part of the status stays as it is."""
        status = {"conditions": [one.model_dump(mode="json", by_alias=True) for one in told]}
        try:
            await self._api.patch_status(AIMODELS, model.key.name, model.key.namespace, status, field_manager=FIELD_MANAGER)
        except NotFound:
            return False
        except KubeError as error:
            log.warning("conditions cannot be written: %s", error, extra={"model": "/".join(model.key)})
            return False
        return True
