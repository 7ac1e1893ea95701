"""Makes and deletes the Jobs that compare answers. Nothing waits for them, and what refuses them refuses nothing else."""

import logging
from contextlib import suppress
from dataclasses import dataclass

from headgate.api.reasons import Reason
from headgate.api.replay import ReplayPlan
from headgate.controller.cache import Cache
from headgate.controller.observe import Observation
from headgate.controller.refusals import Refusals, problem_of
from headgate.kube.errors import Conflict, KubeError, NotFound
from headgate.kube.interface import KubeApi
from headgate.kube.labels import FIELD_MANAGER, revision_name
from headgate.kube.replays import RunnerImage, replay_job
from headgate.kube.resources import JOBS
from headgate.rollout.decision import Decision, WantedReplay
from headgate.rollout.snapshot import Problem

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReplayWriter:
    """One Job for each question: it is created, never changed, and deleted when nobody asks any more."""

    api: KubeApi
    cache: Cache
    refusals: Refusals
    image: RunnerImage

    async def settle(self, seen: Observation, decision: Decision) -> str:
        """Make what is wanted, delete what is not. Returns why a wanted Job cannot be made."""
        wanted, present = {one.name: one for one in decision.replays}, self.cache.owned(seen.key).replays
        try:
            for name in [name for name in present if name not in wanted]:
                await self._delete(name, seen.key.namespace)
            problems = [await self._make(seen, one) for name, one in wanted.items() if name not in present]
        except KubeError as error:
            log.warning("to be tried again: %s", error, extra={"model": "/".join(seen.key)})
            return f"the API server does not take its Job: {error}"
        return next((problem.message for problem in problems if problem is not None), "")

    async def _delete(self, name: str, namespace: str) -> None:
        with suppress(NotFound):
            await self.api.delete(JOBS, name, namespace)
        self.cache.drop(JOBS, {"metadata": {"name": name, "namespace": namespace}})

    async def _make(self, seen: Observation, wanted: WantedReplay) -> Problem | None:
        what = f"Job {seen.key.namespace}/{wanted.name}"
        if not self.image.name:
            return Problem(Reason.WORKLOAD_REFUSED, "HEADGATE_IMAGE is not set for the operator: it must be the image that Jobs run")
        if (known := self.refusals.known(what, wanted.name)) is not None:
            return known
        try:
            self.cache.put(JOBS, await self.api.create(JOBS, self._body(seen, wanted), field_manager=FIELD_MANAGER))
        except Conflict:
            there = await self.api.get(JOBS, wanted.name, seen.key.namespace)
            self.cache.put(JOBS, there)
            if wanted.name in self.cache.owned(seen.key).replays:
                return None
            told = f"{what} is there already and is not Headgate's: delete or rename it"
            return self.refusals.remember(what, wanted.name, Problem(Reason.WORKLOAD_REFUSED, told))
        except KubeError as error:
            log.warning("answers cannot be compared: %s", error, extra={"model": "/".join(seen.key)})
            return self.refusals.remember(what, wanted.name, problem_of(error, Reason.WORKLOAD_REFUSED, what))
        return None

    def _body(self, seen: Observation, wanted: WantedReplay) -> dict[str, object]:
        plan = ReplayPlan(
            stable=self._address(seen, wanted.stable) if wanted.stable is not None else None,
            candidate=self._address(seen, wanted.candidate),
            replay=wanted.asked,
            limits=wanted.limits,
        )
        return replay_job(wanted.name, seen.key.namespace, seen.key.name, wanted.attempt, plan, self.image, seen.owner)

    def _address(self, seen: Observation, revision: str) -> str:
        """Of the revision's Service, past the gateway: users' counters do not see these requests."""
        port = self.cache.owned(seen.key).ports.get(revision, 0)
        return f"http://{revision_name(seen.key.name, revision)}.{seen.key.namespace}.svc:{port}"
