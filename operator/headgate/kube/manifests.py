"""What a revision was made from, kept as a ControllerRevision: Kubernetes' own kind for immutable data that a workload goes back to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from headgate.kube.interface import Object
from headgate.kube.labels import MODEL, PREFIX, REVISION, Owner, made_for, object_metadata, revision_name
from headgate.kube.resources import CONFIG_MAPS, CONTROLLER_REVISIONS

SOURCE = PREFIX + "source"
"""Annotation of a copy: the ConfigMap it was made from."""


@dataclass(frozen=True, slots=True)
class Copy:
    """The copy of one ConfigMap. `digest` is of its data."""

    name: str
    source: str
    digest: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """All that is needed to make a revision's workload again. `template` names the copies of ConfigMaps; `drain` is in seconds."""

    revision: str
    version: str
    content: str
    artifact: Mapping[str, Any]
    port: int
    drain: int
    template: Mapping[str, Any]
    copies: tuple[Copy, ...] = field(default=())


def stored(manifest: Manifest, model: str, namespace: str, owner: Owner | None, attempt: int) -> Object:
    """The ControllerRevision, named like the Deployment."""
    labels = {MODEL: model, REVISION: manifest.revision}
    return {
        "apiVersion": CONTROLLER_REVISIONS.api_version,
        "kind": CONTROLLER_REVISIONS.kind,
        "metadata": object_metadata(revision_name(model, manifest.revision), namespace, owner, labels),
        "revision": attempt,
        "data": {
            "version": manifest.version,
            "content": manifest.content,
            "artifact": dict(manifest.artifact),
            "port": manifest.port,
            "drain": manifest.drain,
            "template": dict(manifest.template),
            "copies": [{"name": copy.name, "source": copy.source, "digest": copy.digest} for copy in manifest.copies],
        },
    }


def read(body: Mapping[str, Any], model: str, revision: str) -> Manifest | None:
    """None if it is not Headgate's manifest of this revision: only what carries our labels is protected against others."""
    metadata, data = body["metadata"], body.get("data")
    if made_for(metadata) != model or metadata["labels"].get(REVISION) != revision or not isinstance(data, Mapping):
        return None
    try:
        return Manifest(
            revision=revision,
            version=data["version"],
            content=data["content"],
            artifact=data["artifact"],
            port=data["port"],
            drain=data["drain"],
            template=data["template"],
            copies=tuple(Copy(copy["name"], copy["source"], copy["digest"]) for copy in data["copies"]),
        )
    except (KeyError, TypeError):
        return None


def copied(copy: Copy, source: Mapping[str, Any], manifest: Manifest, model: str, owner: Owner | None) -> Object:
    """The immutable copy of `source` that pods of this revision read, whatever becomes of the original."""
    namespace = source["metadata"]["namespace"]
    metadata = object_metadata(copy.name, namespace, owner, {MODEL: model, REVISION: manifest.revision})
    metadata["annotations"] = {SOURCE: copy.source}
    data = {key: source[key] for key in ("data", "binaryData") if source.get(key)}
    return {"apiVersion": CONFIG_MAPS.api_version, "kind": CONFIG_MAPS.kind, "metadata": metadata, "immutable": True, **data}
