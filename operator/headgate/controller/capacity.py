"""Writing what serves: policy copies, Deployments, Services. More before traffic rises, less after it left."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from headgate.api.digests import canonical
from headgate.api.reasons import Reason
from headgate.controller.cache import Cache, Owned
from headgate.controller.manifests import Manifests, described
from headgate.controller.observe import Observation
from headgate.controller.refusals import Refusals, problem_of
from headgate.kube.errors import Conflict, Forbidden, Invalid, NotFound
from headgate.kube.interface import KubeApi
from headgate.kube.labels import ATTEMPT, FIELD_MANAGER, MODEL, ROLE, TrafficRole, object_metadata, revision_name
from headgate.kube.manifests import Manifest
from headgate.kube.resources import CONFIG_MAPS, DEPLOYMENTS, SERVICES, Resource
from headgate.kube.workloads import Workload, deployment, service
from headgate.rollout.decision import POLICY_KEY, Decision, PolicyCopy, WantedWorkload
from headgate.rollout.snapshot import Problem


@dataclass(frozen=True, slots=True)
class CapacityWriter:
    """Writes only what differs from the cache, which takes in each answer."""

    api: KubeApi
    cache: Cache
    refusals: Refusals
    manifests: Manifests

    async def copy_policy(self, seen: Observation, copy: PolicyCopy) -> None:
        """The immutable copy an attempt runs on. One of the same name has the same content: names are digests."""
        if copy.name in self.cache.owned(seen.key).copies:
            return
        metadata = object_metadata(copy.name, seen.key.namespace, seen.owner, {MODEL: seen.key.name})
        metadata["annotations"] = {"headgate.dev/policy": copy.source}
        data = {POLICY_KEY: canonical(copy.spec.model_dump(mode="json", by_alias=True, exclude_none=True)).decode()}
        try:
            made = await self.api.create(CONFIG_MAPS, {"metadata": metadata, "immutable": True, "data": data}, field_manager=FIELD_MANAGER)
        except Conflict:
            made = await self.api.get(CONFIG_MAPS, copy.name, seen.key.namespace)
        self.cache.put(CONFIG_MAPS, made)

    async def grow(self, seen: Observation, decision: Decision) -> Problem | None:
        """Make what is missing and enlarge what is too small. Returns a refusal; the other revisions are not held up by it."""
        problem: Problem | None = None
        for wanted in decision.workloads:
            problem = await self._try_to_grow(seen, wanted) or problem
        return problem

    async def shrink(self, seen: Observation, decision: Decision) -> None:
        """Scale down, and delete revisions that nobody wants any more, once the route was seen without them."""
        owned = self.cache.owned(seen.key)
        for wanted in decision.workloads:
            present = owned.deployments.get(wanted.revision)
            if present is not None and (present.replicas > wanted.replicas or _mislabelled(present.role, present.attempt, wanted)):
                await self._resize(seen, wanted)
        for revision in _unwanted(seen, decision, owned):
            name = revision_name(seen.key.name, revision)
            await self._delete(DEPLOYMENTS, name, seen.key.namespace)
            await self.manifests.delete(seen, revision)
            # Last, as what is watched is what a restarted operator finds again.
            await self._delete(SERVICES, name, seen.key.namespace)
        candidate = decision.status.candidate
        for name in [name for name in owned.copies if candidate is None or name != candidate.policy_copy]:
            await self._delete(CONFIG_MAPS, name, seen.key.namespace)

    async def _try_to_grow(self, seen: Observation, wanted: WantedWorkload) -> Problem | None:
        what, intent = (seen.key, wanted.revision), f"{wanted.replicas} at generation {seen.snapshot.generation}"
        known = self.refusals.known(what, intent)
        if known is not None:
            return known
        try:
            problem = await self._grow_one(seen, wanted)
        except (Invalid, Forbidden) as error:
            name = revision_name(seen.key.name, wanted.revision)
            return self.refusals.remember(what, intent, problem_of(error, Reason.WORKLOAD_REFUSED, f"Deployment {name}"))
        if problem is not None:
            return self.refusals.remember(what, intent, problem)
        self.refusals.forget(what)
        return None

    async def _grow_one(self, seen: Observation, wanted: WantedWorkload) -> Problem | None:
        owned = self.cache.owned(seen.key)
        present = owned.deployments.get(wanted.revision)
        if present is not None and wanted.revision in owned.ports and owned.configuration.keys() >= set(present.copies):
            if present.replicas < wanted.replicas:
                await self._resize(seen, wanted)
            return None
        if not wanted.replicas and present is None and described(seen, wanted.revision) is None:
            return None
        manifest = await self.manifests.of(seen, wanted.revision)
        return await self._make(seen, wanted, manifest) if manifest is not None else _lost(wanted)

    async def _make(self, seen: Observation, wanted: WantedWorkload, manifest: Manifest) -> Problem | None:
        """What is missing of a revision."""
        owned, workload = self.cache.owned(seen.key), _workload(seen, wanted, manifest)
        if wanted.revision not in owned.ports:
            # Before the Deployment, so that a Deployment always has its Service.
            await self._apply(SERVICES, service(workload))
        if wanted.revision in owned.deployments:
            return await self.manifests.keep_copies(seen, manifest)
        problem = await self.manifests.keep(seen, manifest, wanted.attempt)
        if problem is None:
            await self._apply(DEPLOYMENTS, deployment(workload))
        return problem

    async def _apply(self, resource: Resource, body: dict[str, object]) -> None:
        self.cache.put(resource, await self.api.apply(resource, body, field_manager=FIELD_MANAGER, force=True))

    async def _resize(self, seen: Observation, wanted: WantedWorkload) -> None:
        """Size and labels only: the template is never touched, or pods would restart."""
        labels = {ROLE: wanted.role, ATTEMPT: str(wanted.attempt)}
        body = {"metadata": {"labels": labels}, "spec": {"replicas": wanted.replicas}}
        name = revision_name(seen.key.name, wanted.revision)
        changed = await self.api.patch(DEPLOYMENTS, name, seen.key.namespace, body, field_manager=FIELD_MANAGER)
        self.cache.put(DEPLOYMENTS, changed)

    async def _delete(self, resource: Resource, name: str, namespace: str) -> None:
        with suppress(NotFound):
            await self.api.delete(resource, name, namespace)
        self.cache.drop(resource, {"metadata": {"name": name, "namespace": namespace}})


def _mislabelled(role: str, attempt: str, wanted: WantedWorkload) -> bool:
    """Rebuilding a lost status starts from these labels. The attempt of a version at rest says nothing: it is not rewritten."""
    return role != wanted.role or (wanted.role == "candidate" and attempt != str(wanted.attempt))


def _unwanted(seen: Observation, decision: Decision, owned: Owned) -> Iterator[str]:
    wanted = {workload.revision for workload in decision.workloads}
    route = seen.snapshot.route
    for revision in sorted({*owned.deployments, *owned.ports, *owned.configuration.values()} - wanted):
        if not route.weights.get(revision) and not route.mirrored.get(revision):
            yield revision


def _lost(wanted: WantedWorkload) -> Problem:
    message = (
        f"the Deployment or Service of revision {wanted.revision} ({wanted.role}) is gone and its ControllerRevision too, and spec "
        "describes another revision: release its manifest again to bring it back"
    )
    return Problem(Reason.WORKLOAD_REFUSED, message)


def _workload(seen: Observation, wanted: WantedWorkload, manifest: Manifest) -> Workload:
    return Workload(
        model=seen.key.name,
        namespace=seen.key.namespace,
        revision=wanted.revision,
        template=manifest.template,
        port=manifest.port,
        replicas=wanted.replicas,
        drain=float(manifest.drain),
        role=TrafficRole(wanted.role),
        attempt=str(wanted.attempt),
        owner=seen.owner,
    )
