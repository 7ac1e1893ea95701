"""Writing autoscalers. While one is there, the size of its Deployment is nobody else's."""

from contextlib import suppress
from dataclasses import dataclass

from headgate.api.digests import sha256
from headgate.controller.cache import Cache
from headgate.controller.facts import ModelKey
from headgate.controller.manifests import described_by
from headgate.controller.observe import Observation
from headgate.kube.autoscalers import Autoscaler, autoscaler
from headgate.kube.errors import NotFound
from headgate.kube.interface import KubeApi
from headgate.kube.labels import FIELD_MANAGER, Owner, revision_name
from headgate.kube.resources import HORIZONTAL_POD_AUTOSCALERS
from headgate.rollout.decision import WantedWorkload


@dataclass(frozen=True, slots=True)
class AutoscalerWriter:
    """Writes only what differs from the cache, which takes in each answer."""

    api: KubeApi
    cache: Cache

    async def grow(self, seen: Observation, wanted: WantedWorkload, owner: Owner | None) -> None:
        """Make the autoscaler, or give it higher bounds or other metrics."""
        present = self.cache.owned(seen.key).autoscalers.get(wanted.revision)
        if wanted.ceiling is None:
            return
        edited = _describes(seen, wanted) and present is not None and present.metrics != metrics_digest(seen)
        if present is None or wanted.replicas > present.least or wanted.ceiling > present.most or edited:
            await self._write(seen, wanted, wanted.ceiling, owner)

    async def shrink(self, seen: Observation, wanted: WantedWorkload, owner: Owner | None) -> None:
        """Give it the lower bounds. Without an autoscaler to be there, take it away."""
        present = self.cache.owned(seen.key).autoscalers.get(wanted.revision)
        if present is None:
            return
        if wanted.ceiling is None:
            await self.remove(seen.key, wanted.revision)
        elif (present.least, present.most) != (wanted.replicas, wanted.ceiling):
            await self._write(seen, wanted, wanted.ceiling, owner)

    async def remove(self, key: ModelKey, revision: str) -> None:
        """Whoever sets a size by hand does this first, or the autoscaler would undo it."""
        if revision not in self.cache.owned(key).autoscalers:
            return
        name = revision_name(key.name, revision)
        with suppress(NotFound):
            await self.api.delete(HORIZONTAL_POD_AUTOSCALERS, name, key.namespace)
        self.cache.drop(HORIZONTAL_POD_AUTOSCALERS, {"metadata": {"name": name, "namespace": key.namespace}})

    async def _write(self, seen: Observation, wanted: WantedWorkload, most: int, owner: Owner | None) -> None:
        key, present = seen.key, self.cache.owned(seen.key).autoscalers.get(wanted.revision)
        if present is not None and not _describes(seen, wanted):
            # The metrics of a revision that the spec no longer describes stand in the object alone.
            body = {"spec": {"minReplicas": wanted.replicas, "maxReplicas": most}}
            name = revision_name(key.name, wanted.revision)
            changed = await self.api.patch(HORIZONTAL_POD_AUTOSCALERS, name, key.namespace, body, field_manager=FIELD_MANAGER)
        else:
            body = autoscaler(_intent(seen, wanted, most, owner))
            changed = await self.api.apply(HORIZONTAL_POD_AUTOSCALERS, body, field_manager=FIELD_MANAGER, force=True)
        self.cache.put(HORIZONTAL_POD_AUTOSCALERS, changed)


def metrics_digest(seen: Observation) -> str:
    """Of the spec's metrics, as the annotation has it."""
    return sha256(list(_metrics(seen))).removeprefix("sha256:")[:16]


def _metrics(seen: Observation) -> tuple[dict[str, object], ...]:
    spec = seen.snapshot.spec
    wanted = spec.serving.deployment.autoscaling if spec else None
    return wanted.metrics if wanted else ()


def _describes(seen: Observation, wanted: WantedWorkload) -> bool:
    spec = described_by(seen, wanted.revision)
    return spec is not None and spec.serving.deployment.autoscaling is not None


def _intent(seen: Observation, wanted: WantedWorkload, most: int, owner: Owner | None) -> Autoscaler:
    return Autoscaler(
        model=seen.key.name,
        namespace=seen.key.namespace,
        revision=wanted.revision,
        least=wanted.replicas,
        most=most,
        metrics=_metrics(seen),
        digest=metrics_digest(seen),
        owner=owner,
    )
