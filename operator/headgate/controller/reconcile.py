"""Workers: a key -> observe -> decide -> apply. One model's failure never stops another's decision."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from headgate.controller.alerts import AlertReader
from headgate.controller.apply import Applier, Outcome
from headgate.controller.audit import AuditTrail
from headgate.controller.bypass import Bypass
from headgate.controller.cache import Cache
from headgate.controller.classification import ClassificationTable
from headgate.controller.clock import ClockWatch
from headgate.controller.configuration import Configurations
from headgate.controller.enforcement import Enforcement
from headgate.controller.facts import ModelKey
from headgate.controller.freeze import ClusterFreeze
from headgate.controller.judging import Judging
from headgate.controller.literacy import LiteracyReader
from headgate.controller.observe import Observation, Surroundings, UnreadableStatus, observe
from headgate.controller.orphans import Orphans
from headgate.controller.queue import Priority, Queue, ShutDown
from headgate.controller.trust import TrustReader
from headgate.controller.watching import Watching
from headgate.kube.errors import Conflict, KubeError
from headgate.kube.fence import NotLeading
from headgate.rollout.decide import decide
from headgate.rollout.decision import Decision
from headgate.rollout.snapshot import Problem, Snapshot
from headgate.telemetry import Telemetry

log = logging.getLogger(__name__)

WORKERS = (Priority.HARM, Priority.ROLLOUT, *[Priority.STABLE] * 4)
"""What each worker takes at least: one is always free for harm, one for rollouts, however slow the API server is for the rest."""
DEADLINE = 30.0
_ASK_AGAIN = 30.0
_SOONEST = 0.05
_HARM_RETRY = 1.0
_ROLLOUT_RETRY = 5.0


@dataclass(frozen=True, slots=True)
class Setting:
    """What is the same for every model."""

    environment: str
    policy_namespace: str
    sees_gateways: bool
    wall: Callable[[], datetime]


class Reconciler:
    """`decide` is a parameter for tests of what surrounds it."""

    def __init__(
        self,
        cache: Cache,
        queue: Queue[ModelKey],
        judging: Judging,
        watching: Watching,
        applier: Applier,
        orphans: Orphans,
        enforcement: Enforcement,
        setting: Setting,
        telemetry: Telemetry,
        *,
        alerts: AlertReader,
        audit: AuditTrail,
        bypass: Bypass,
        configurations: Configurations,
        freeze: ClusterFreeze,
        table: ClassificationTable,
        trust: TrustReader,
        literacy: LiteracyReader,
        clock: ClockWatch,
        decide: Callable[[Snapshot], Decision] = decide,
    ) -> None:
        self._cache = cache
        self._queue = queue
        self._judging = judging
        self._watching = watching
        self._applier = applier
        self._orphans = orphans
        self._enforcement = enforcement
        self._setting = setting
        self._telemetry = telemetry
        self._alerts = alerts
        self._audit = audit
        self._bypass = bypass
        self._configurations = configurations
        self._freeze = freeze
        self._table = table
        self._trust = trust
        self._literacy = literacy
        self._clock = clock
        self._decide = decide
        self._refusals: dict[ModelKey, Problem] = {}
        self._replay_refusals: dict[ModelKey, str] = {}

    async def run(self) -> None:
        """Until the queue is closed and every key that was handed out is done."""
        async with asyncio.TaskGroup() as group:
            for least in WORKERS:
                group.create_task(self._work(least))

    async def _work(self, least: Priority) -> None:
        while True:
            try:
                key = await self._queue.get(least)
            except ShutDown:
                return
            try:
                await self.handle(key)
            finally:
                self._queue.done(key)

    async def handle(self, key: ModelKey) -> str:
        """Reconcile and, whatever happens, see to it that the model is looked at again when it should be. Returns what happened."""
        began = time.monotonic()
        result = "done"
        try:
            async with asyncio.timeout(DEADLINE):
                await self.reconcile(key)
            self._queue.forget(key)
        except Conflict as error:
            result = "conflict"
            log.info("something else was written first: %s", error, extra=_model(key))
        except NotLeading:
            result = "not-leading"
            log.warning("nothing is written without the lease", extra=_model(key))
        except UnreadableStatus as error:
            result = "unreadable"
            log.error("its status cannot be read, so nothing is decided: %s", error, extra=_model(key))
        except (KubeError, TimeoutError) as error:
            result = "failed"
            log.warning("to be tried again: %s", error or f"not done within {DEADLINE:g} s", extra=_model(key))
        except Exception:
            result = "error"
            log.exception("to be tried again", extra=_model(key))
        if result != "done":
            self._retry(key)
        self._telemetry.reconciled(result, time.monotonic() - began)
        return result

    def _retry(self, key: ModelKey) -> None:
        """Pauses grow, but not while users wait to be taken off a version."""
        pause = self._queue.retry(key)
        harm = self._watching.fires(key) or self._judging.harms(key) or self._alerts.fires(key)
        longest = _HARM_RETRY if harm else _ROLLOUT_RETRY if key in self._cache.moving else pause
        self._queue.add_after(key, min(pause, longest))

    async def reconcile(self, key: ModelKey) -> None:
        """One pass. Raises what apply raises, and UnreadableStatus."""
        self._configurations.ask(key)
        seen = observe(self._cache, key, self._around(key))
        if seen is None:
            self._forget(key)
            await self._leave_behind(key)
            return
        self._orphans.forget(key)
        if seen.snapshot.awaiting:
            self._enforcement.ask(key)
        decision = self._decide(seen.snapshot)
        outcome = await self._applier.apply(seen, decision)
        self._follow_up(seen, decision, outcome)

    async def _leave_behind(self, key: ModelKey) -> None:
        again = await (self._orphans.unburden(key) if key in self._cache.models else self._orphans.settle(key))
        if again is not None:
            self._queue.add_after(key, max(_SOONEST, again))

    def _around(self, key: ModelKey) -> Surroundings:
        return Surroundings(
            now=self._setting.wall(),
            environment=self._setting.environment,
            policy_namespace=self._setting.policy_namespace,
            configuration=self._configurations.state(key),
            freeze=self._freeze.state,
            table=self._table.state,
            trust=self._trust.trust,
            literacy=self._literacy.literacy,
            clock_step=self._clock.look(),
            governance_problem=self._enforcement.problem,
            proof=self._enforcement.proof,
            ways=self._bypass.ways,
            evidence=self._judging.evidence.get(key),
            live=self._watching.readings.get(key),
            audit=self._audit.state(key),
            alerts=self._alerts.state(key),
            refusal=self._refusals.get(key),
            replay_refusal=self._replay_refusals.get(key, ""),
            sees_gateways=self._setting.sees_gateways,
        )

    def _follow_up(self, seen: Observation, decision: Decision, outcome: Outcome) -> None:
        key = seen.key
        if outcome.refusal != self._refusals.get(key):
            # The next decision says so.
            self._queue.add(key, Priority.ROLLOUT)
        if outcome.unanswered:
            self._queue.add(key, Priority.ROLLOUT)
        if outcome.replay_refusal != self._replay_refusals.get(key, ""):
            self._queue.add(key, Priority.ROLLOUT)
        if outcome.replay_refusal:
            self._replay_refusals[key] = outcome.replay_refusal
        else:
            self._replay_refusals.pop(key, None)
        if outcome.refusal is None:
            self._refusals.pop(key, None)
        else:
            self._refusals[key] = outcome.refusal
            self._queue.add_after(key, _HARM_RETRY if outcome.harmed else _ASK_AGAIN)
        if decision.look_again is not None:
            self._queue.add_after(key, max(_SOONEST, decision.look_again))
        self._telemetry.decided(key, seen.snapshot, decision)
        if outcome.changed:
            _log_decision(seen, decision)

    def _forget(self, key: ModelKey) -> None:
        self._refusals.pop(key, None)
        self._replay_refusals.pop(key, None)
        self._judging.forget(key)
        self._watching.forget(key)
        self._alerts.forget(key)
        self._applier.forget(key)
        self._queue.forget(key)
        self._telemetry.forget(key)


def _model(key: ModelKey) -> dict[str, str]:
    return {"namespace": key.namespace, "model": key.name}


def _log_decision(seen: Observation, decision: Decision) -> None:
    status = decision.status
    log.info(
        "decided",
        extra={
            **_model(seen.key),
            "uid": seen.owner.uid,
            "generation": seen.snapshot.generation,
            "attempt": status.attempts,
            "phase": str(status.phase),
            "stage": status.stage,
            "traffic": status.traffic_summary,
            "verdict": status.verdict,
            "announced": [f"{told.reason}: {told.note}" for told in decision.announcements],
        },
    )
