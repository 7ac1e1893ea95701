"""Writing what serves: policy copies, Deployments, Services, autoscalers. More before traffic rises, less after it left."""

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from headgate.api.digests import canonical
from headgate.api.reasons import Reason
from headgate.controller.autoscaling import AutoscalerWriter, metrics_digest
from headgate.controller.cache import Cache
from headgate.controller.facts import ModelKey
from headgate.controller.inventory import Owned
from headgate.controller.manifests import Manifests, described
from headgate.controller.observe import Observation, route_of
from headgate.controller.refusals import Refusals, in_the_way, problem_of
from headgate.controller.workload_facts import DeploymentFacts
from headgate.kube.errors import Conflict, Forbidden, Invalid, KubeError, NotFound
from headgate.kube.interface import KubeApi
from headgate.kube.labels import ATTEMPT, FIELD_MANAGER, MODEL, ROLE, Owner, TrafficRole, annotations_patch, object_metadata, revision_name
from headgate.kube.manifests import Manifest
from headgate.kube.resources import CONFIG_MAPS, DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS, SERVICES, Resource
from headgate.kube.routes import gateway
from headgate.kube.workloads import Workload, deployment, service
from headgate.rollout.decision import POLICY_KEY, Decision, PolicyCopy, WantedWorkload
from headgate.rollout.snapshot import Problem

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CapacityWriter:
    """Writes only what differs from the cache, which takes in each answer."""

    api: KubeApi
    cache: Cache
    refusals: Refusals
    manifests: Manifests

    async def copy_policy(self, seen: Observation, copy: PolicyCopy, owner: Owner | None) -> Problem | None:
        """The immutable copy an attempt runs on. Returns a refusal. Raises the KubeErrors that time may cure."""
        if copy.name in self.cache.owned(seen.key).copies:
            return None
        what = f"ConfigMap {seen.key.namespace}/{copy.name}"
        return await self._try(what, copy.name, lambda: self._copy_policy(seen, copy, owner))

    async def _copy_policy(self, seen: Observation, copy: PolicyCopy, owner: Owner | None) -> Problem | None:
        metadata = object_metadata(copy.name, seen.key.namespace, owner, {MODEL: seen.key.name})
        metadata["annotations"] = {"headgate.dev/policy": copy.source}
        data = {POLICY_KEY: canonical(copy.spec.model_dump(mode="json", by_alias=True, exclude_none=True)).decode()}
        try:
            made = await self.api.create(CONFIG_MAPS, {"metadata": metadata, "immutable": True, "data": data}, field_manager=FIELD_MANAGER)
        except Conflict:
            # Our own, if the answer to an earlier request was lost. The cache knows by labels and digest.
            made = await self.api.get(CONFIG_MAPS, copy.name, seen.key.namespace)
        self.cache.put(CONFIG_MAPS, made)
        return None if copy.name in self.cache.owned(seen.key).copies else in_the_way("ConfigMap", copy.name)

    async def grow(self, seen: Observation, decision: Decision) -> Problem | None:
        """Make what is missing and enlarge what is too small. Returns a refusal; the other revisions are not held up by it."""
        problem: Problem | None = None
        for wanted in decision.workloads:
            problem = await self._try_to_grow(seen, wanted, seen.owning(decision)) or problem
        return problem

    async def make_room(self, seen: Observation, decision: Decision) -> None:
        """Scale down what users have left already: others may need the room to grow, but do not depend on it."""
        for wanted in decision.workloads:
            if wanted.role != "stable" and self._too_large(seen.key, wanted):
                try:
                    await self._resize(seen, wanted)
                except KubeError as error:
                    log.warning("not scaled down yet: %s", error, extra={"model": "/".join(seen.key), "revision": wanted.revision})

    async def shrink(self, seen: Observation, decision: Decision) -> None:
        """Scale down, and delete revisions that nobody wants any more, once the route was seen without them."""
        owned = self.cache.owned(seen.key)
        for wanted in decision.workloads:
            if self._too_large(seen.key, wanted):
                await self._resize(seen, wanted)
            elif wanted.replicas > 0:
                await self._autoscalers.shrink(seen, wanted, seen.owning(decision))
            present = owned.deployments.get(wanted.revision)
            if present is not None and _mislabelled(present, wanted):
                await self._relabel(seen, wanted)
        for revision in _unwanted(seen, decision, owned):
            name = revision_name(seen.key.name, revision)
            for resource in (HORIZONTAL_POD_AUTOSCALERS, DEPLOYMENTS):
                await self._delete(resource, name, seen.key.namespace)
            await self.manifests.delete(seen, revision)
            # Last, as what is watched is what a restarted operator finds again.
            await self._delete(SERVICES, name, seen.key.namespace)
        candidate = decision.status.candidate
        for name in [name for name in owned.copies if candidate is None or name != candidate.policy_copy]:
            await self._delete(CONFIG_MAPS, name, seen.key.namespace)

    @property
    def _autoscalers(self) -> AutoscalerWriter:
        return AutoscalerWriter(self.api, self.cache)

    async def _try_to_grow(self, seen: Observation, wanted: WantedWorkload, owner: Owner | None) -> Problem | None:
        name = revision_name(seen.key.name, wanted.revision)
        intent = f"{wanted.replicas} {wanted.ceiling} at generation {seen.snapshot.generation}"
        problem = await self._try(f"Deployment {seen.key.namespace}/{name}", intent, lambda: self._grow_one(seen, wanted, owner))
        if problem is not None or wanted.ceiling is None:
            return problem
        what, intent = f"HorizontalPodAutoscaler {seen.key.namespace}/{name}", f"{wanted.replicas} {wanted.ceiling} {metrics_digest(seen)}"
        return await self._try(what, intent, lambda: self._autoscalers.grow(seen, wanted, owner))

    async def _try(self, what: str, intent: str, write: Callable[[], Awaitable[Problem | None]]) -> Problem | None:
        """What was refused lately is not sent again."""
        known = self.refusals.known(what, intent)
        if known is not None:
            return known
        try:
            problem = await write()
        except (Invalid, Forbidden) as error:
            return self.refusals.remember(what, intent, problem_of(error, Reason.WORKLOAD_REFUSED, what))
        if problem is not None:
            return self.refusals.remember(what, intent, problem)
        self.refusals.forget(what)
        return None

    async def _grow_one(self, seen: Observation, wanted: WantedWorkload, owner: Owner | None) -> Problem | None:
        owned = self.cache.owned(seen.key)
        present = owned.deployments.get(wanted.revision)
        if present is not None and wanted.revision in owned.ports and owned.configuration.keys() >= set(present.copies):
            if present.replicas < wanted.replicas and (wanted.ceiling is None or present.replicas == 0):
                await self._resize(seen, wanted)
            return None
        if not wanted.replicas and present is None and described(seen, wanted.revision) is None:
            return None
        manifest = await self.manifests.of(seen, wanted)
        return await self._make(seen, wanted, manifest, owner) if manifest is not None else _lost(wanted)

    async def _make(self, seen: Observation, wanted: WantedWorkload, manifest: Manifest, owner: Owner | None) -> Problem | None:
        """What is missing of a revision."""
        owned, workload = self.cache.owned(seen.key), _workload(seen, wanted, manifest, owner)
        if wanted.revision not in owned.ports:
            # Before the Deployment, so that a Deployment always has its Service.
            await self._apply(SERVICES, service(workload))
        if wanted.revision in owned.deployments:
            return await self.manifests.keep_copies(seen, manifest, owner)
        problem = await self.manifests.keep(seen, manifest, wanted.attempt, owner)
        if problem is None:
            await self._apply(DEPLOYMENTS, deployment(workload))
        return problem

    def _too_large(self, key: ModelKey, wanted: WantedWorkload) -> bool:
        """Whether pods are to go now. None go from under users, whatever was decided: the route may have been refused."""
        present = self.cache.owned(key).deployments.get(wanted.revision)
        if present is None or present.replicas <= wanted.replicas or wanted.ceiling is not None:
            return False
        return wanted.role == "stable" or not self._weights(key).get(wanted.revision)

    def _weights(self, key: ModelKey) -> dict[str, int]:
        """As the route has them after our own writes."""
        route = route_of(self.cache.owned(key))
        return dict(gateway.read(route).weights) if route else {}

    async def _apply(self, resource: Resource, body: dict[str, object]) -> None:
        self.cache.put(resource, await self.api.apply(resource, body, field_manager=FIELD_MANAGER, force=True))

    async def _resize(self, seen: Observation, wanted: WantedWorkload) -> None:
        """Size and labels only: the template is never touched, or pods would restart."""
        if wanted.ceiling is None:
            await self._autoscalers.remove(seen.key, wanted.revision)
        await self._patch(seen, wanted, {"metadata": _marks(wanted), "spec": {"replicas": wanted.replicas}})

    async def _relabel(self, seen: Observation, wanted: WantedWorkload) -> None:
        await self._patch(seen, wanted, {"metadata": _marks(wanted)})

    async def _patch(self, seen: Observation, wanted: WantedWorkload, body: dict[str, object]) -> None:
        name = revision_name(seen.key.name, wanted.revision)
        changed = await self.api.patch(DEPLOYMENTS, name, seen.key.namespace, body, field_manager=FIELD_MANAGER)
        self.cache.put(DEPLOYMENTS, changed)

    async def _delete(self, resource: Resource, name: str, namespace: str) -> None:
        with suppress(NotFound):
            await self.api.delete(resource, name, namespace)
        self.cache.drop(resource, {"metadata": {"name": name, "namespace": namespace}})


def _marks(wanted: WantedWorkload) -> dict[str, object]:
    return {"labels": {ROLE: wanted.role, ATTEMPT: str(wanted.attempt)}, "annotations": annotations_patch(wanted.provenance)}


def _mislabelled(present: DeploymentFacts, wanted: WantedWorkload) -> bool:
    """Rebuilding a lost status starts from these marks. The attempt of a version at rest says nothing: it is not rewritten."""
    if present.role != wanted.role or present.provenance != wanted.provenance:
        return True
    return wanted.role == "candidate" and present.attempt != str(wanted.attempt)


def _unwanted(seen: Observation, decision: Decision, owned: Owned) -> Iterator[str]:
    wanted = {workload.revision for workload in decision.workloads}
    route = seen.snapshot.route
    for revision in sorted({*owned.deployments, *owned.autoscalers, *owned.ports, *owned.configuration.values()} - wanted):
        if not route.may_serve(revision):
            yield revision


def _lost(wanted: WantedWorkload) -> Problem:
    message = (
        f"the Deployment or Service of revision {wanted.revision} ({wanted.role}) is gone and its ControllerRevision too, and spec "
        "describes another revision: release its manifest again, or pin it as spec.serving.baseline, to bring it back"
    )
    return Problem(Reason.WORKLOAD_REFUSED, message)


def _workload(seen: Observation, wanted: WantedWorkload, manifest: Manifest, owner: Owner | None) -> Workload:
    return Workload(
        model=seen.key.name,
        namespace=seen.key.namespace,
        revision=wanted.revision,
        template=manifest.template,
        port=manifest.port,
        replicas=wanted.replicas if wanted.ceiling is None else None,
        drain=float(manifest.drain),
        role=TrafficRole(wanted.role),
        attempt=str(wanted.attempt),
        provenance=wanted.provenance,
        owner=owner,
    )
