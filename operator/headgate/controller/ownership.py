"""Whether garbage collection takes what was made for a model along when the AIModel is deleted."""

from contextlib import suppress
from dataclasses import dataclass

from headgate.controller.cache import Cache
from headgate.controller.facts import ModelKey
from headgate.kube.errors import NotFound
from headgate.kube.interface import KubeApi
from headgate.kube.labels import FIELD_MANAGER, Owner
from headgate.kube.resources import CONTROLLER_REVISIONS, DEPLOYMENTS


@dataclass(frozen=True, slots=True)
class OwnershipWriter:
    """Owner references of everything that was made for a model, written only where they differ."""

    api: KubeApi
    cache: Cache

    async def settle(self, key: ModelKey, owner: Owner | None) -> None:
        """Everything belongs to `owner`, or to nobody. Raises KubeError.

        A merge patch, because it takes a reference away whoever wrote it: after a restored backup that is not this operator, and
        server-side apply would leave it.
        """
        wanted = owner.uid if owner is not None else ""
        references = [owner.reference()] if owner is not None else None
        for (resource, name), present in list(self.cache.owned(key).objects.items()):
            if present == wanted:
                continue
            body = {"metadata": {"ownerReferences": references}}
            if resource is DEPLOYMENTS:
                # Stored manifests are not watched: each goes the way of its Deployment, and before it, so that none is forgotten.
                with suppress(NotFound):
                    await self.api.patch(CONTROLLER_REVISIONS, name, key.namespace, body, field_manager=FIELD_MANAGER)
            with suppress(NotFound):
                self.cache.put(resource, await self.api.patch(resource, name, key.namespace, body, field_manager=FIELD_MANAGER))
