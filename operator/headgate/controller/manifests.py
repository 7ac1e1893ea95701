"""What a revision was made from: copies of its ConfigMaps and its stored manifest. Made before the pods, deleted with them."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from headgate.api.aimodel import AIModelSpec
from headgate.api.reasons import Reason
from headgate.controller.cache import Cache
from headgate.controller.configuration import Configurations
from headgate.controller.facts import Body
from headgate.controller.observe import Observation
from headgate.controller.refusals import in_the_way
from headgate.kube import manifests
from headgate.kube.errors import Conflict, Invalid, NotFound
from headgate.kube.interface import KubeApi
from headgate.kube.labels import FIELD_MANAGER, Owner, absent_copy_name, copy_name, revision_name
from headgate.kube.manifests import Copy, Manifest
from headgate.kube.resources import CONFIG_MAPS, CONTROLLER_REVISIONS
from headgate.rollout.configuration import Source, digest_of, references, with_copies
from headgate.rollout.decision import WantedWorkload
from headgate.rollout.revisions import description_of, revision_of
from headgate.rollout.snapshot import Problem


@dataclass(frozen=True, slots=True)
class Manifests:
    """Stored manifests are read by name, and only when the spec does not describe the revision any more."""

    api: KubeApi
    cache: Cache
    configurations: Configurations

    async def of(self, seen: Observation, wanted: WantedWorkload) -> Manifest | None:
        """From the spec while it describes this revision, else as stored; None if it is lost. Raises KubeError.

        A copy is made like its original, and reads the ConfigMaps that were copied for that one.
        """
        found = await self._known(seen, wanted.revision)
        if found is not None or wanted.copy_of is None:
            return found
        original = await self._known(seen, wanted.copy_of)
        return replace(original, revision=wanted.revision, copies=()) if original is not None else None

    async def _known(self, seen: Observation, revision: str) -> Manifest | None:
        return described(seen, revision) or await self._stored(seen, revision)

    async def keep(self, seen: Observation, manifest: Manifest, attempt: int, owner: Owner | None) -> Problem | None:
        """Copies first: a stored manifest names them. Raises Conflict if a ConfigMap was edited since it was decided on."""
        problem = await self.keep_copies(seen, manifest, owner)
        if problem is not None:
            return problem
        body = manifests.stored(manifest, seen.key.name, seen.key.namespace, owner, attempt)
        with suppress(Conflict, Invalid):
            # Not created: the server keeps the bytes of `data` as they were sent then, and takes any later patch of the object's metadata,
            # which writes them without white space, for a change of what is immutable.
            await self.api.apply(CONTROLLER_REVISIONS, body, field_manager=FIELD_MANAGER)
            return None
        if await self._stored(seen, manifest.revision) is None:
            return in_the_way("ControllerRevision", body["metadata"]["name"])
        return None

    async def keep_copies(self, seen: Observation, manifest: Manifest, owner: Owner | None) -> Problem | None:
        """Make the copies that are not there."""
        there = self.cache.owned(seen.key).configuration
        for copy in manifest.copies:
            if copy.name not in there and (problem := await self._copy(seen, manifest, copy, owner)) is not None:
                return problem
        return None

    async def delete(self, seen: Observation, revision: str) -> None:
        """All that was kept for a revision."""
        with suppress(NotFound):
            await self.api.delete(CONTROLLER_REVISIONS, revision_name(seen.key.name, revision), seen.key.namespace)
        for name in _of_revision(self.cache.owned(seen.key).configuration, revision):
            with suppress(NotFound):
                await self.api.delete(CONFIG_MAPS, name, seen.key.namespace)
            self.cache.drop(CONFIG_MAPS, {"metadata": {"name": name, "namespace": seen.key.namespace}})

    async def _stored(self, seen: Observation, revision: str) -> Manifest | None:
        name = revision_name(seen.key.name, revision)
        try:
            body = await self.api.get(CONTROLLER_REVISIONS, name, seen.key.namespace)
        except NotFound:
            return None
        return manifests.read(body, seen.key.name, revision)

    async def _copy(self, seen: Observation, manifest: Manifest, copy: Copy, owner: Owner | None) -> Problem | None:
        source = await self.configurations.fetch(seen.key.namespace, copy.source)
        if source is None or digest_of(source) != copy.digest:
            if described(seen, manifest.revision) is not None:
                raise Conflict(f"ConfigMap {copy.source} was changed while revision {manifest.revision} was being made", status=409)
            message = (
                f"ConfigMap {copy.name}, the copy of {copy.source} for revision {manifest.revision}, is gone, and {copy.source} holds "
                "other data by now: put the earlier data back into it for a moment, or release this version again"
            )
            return Problem(Reason.CONFIGURATION_MISSING, message)
        body = manifests.copied(copy, source, manifest, seen.key.name, owner)
        try:
            made = await self.api.create(CONFIG_MAPS, body, field_manager=FIELD_MANAGER)
        except Conflict:
            made = await self.api.get(CONFIG_MAPS, copy.name, seen.key.namespace)
            if not _is_copy(made, body):
                return in_the_way("ConfigMap", copy.name)
        self.cache.put(CONFIG_MAPS, made)
        return None


def described(seen: Observation, revision: str) -> Manifest | None:
    """The manifest of `revision` as the spec or its baseline says it; None if neither does, or it is not known whether."""
    configuration, spec = seen.snapshot.configuration, described_by(seen, revision)
    if spec is None:
        return None
    wanted = revision_of(spec, configuration.digests)
    model, template = seen.key.name, spec.serving.deployment.template
    present = {one.name: configuration.digests[one] for one in references(template) if one.source is Source.CONFIG_MAP}
    names = {name: copy_name(model, revision, name) if digest else absent_copy_name(model, revision) for name, digest in present.items()}
    return Manifest(
        revision=revision,
        version=wanted.version,
        content=wanted.content,
        artifact=spec.artifact.model_dump(mode="json"),
        port=spec.serving.deployment.port,
        drain=int(spec.serving.drain),
        template=with_copies(template, names),
        copies=tuple(Copy(names[name], name, digest) for name, digest in present.items() if digest),
    )


def described_by(seen: Observation, revision: str) -> AIModelSpec | None:
    """The spec, or that of its baseline, if it describes `revision`."""
    spec, configuration = seen.snapshot.spec, seen.snapshot.configuration
    if spec is None or configuration.problem is not None or not configuration.known:
        return None
    return description_of(spec, configuration.digests, revision)


def _of_revision(copies: dict[str, str], revision: str) -> Iterable[str]:
    return [name for name, of in copies.items() if of == revision]


def _is_copy(found: Body, wanted: Body) -> bool:
    """Only what carries our labels is protected against others, and only immutable data stays what was approved."""
    labels, ours = found["metadata"].get("labels") or {}, wanted["metadata"]["labels"]
    same = found.get("immutable") is True and digest_of(found) == digest_of(wanted)
    return same and all(labels.get(label) == value for label, value in ours.items())
