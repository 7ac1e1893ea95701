"""What a pod template takes from ConfigMaps and Secrets: where it names them, and copies put in their place."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from headgate.api.digests import sha256


class Source(StrEnum):
    """Kinds that a pod takes configuration from."""

    CONFIG_MAP = "ConfigMap"
    SECRET = "Secret"


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """One object in the model's namespace that a pod template names."""

    source: Source
    name: str

    def __str__(self) -> str:
        return f"{self.source} {self.name}"


ABSENT = ""
"""In place of the digest of an optional object that is not there."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a template names an object: `holder[field]`."""

    source: Source
    holder: dict[str, Any]
    field: str

    @property
    def reference(self) -> Reference:
        return Reference(self.source, self.holder[self.field])

    @property
    def required(self) -> bool:
        return self.holder.get("optional") is not True


def references(template: Mapping[str, Any]) -> dict[Reference, bool]:
    """Every ConfigMap and Secret that containers read, as volume or environment, in order; and whether the pod needs it to start.

    Parts of the wrong shape name nothing: the API server refuses them when the Deployment is made.
    """
    found: dict[Reference, bool] = {}
    for place in _places(template):
        found[place.reference] = found.get(place.reference, False) or place.required
    return dict(sorted(found.items()))


def digest_of(body: Mapping[str, Any]) -> str:
    """Of the data of a ConfigMap, text and binary. Labels and annotations are not configuration."""
    return sha256({"data": body.get("data") or {}, "binaryData": body.get("binaryData") or {}})


def content_of(template: Mapping[str, Any], digests: Mapping[Reference, str]) -> dict[str, Any]:
    """What approvals bind beside images and environment: the data, and how it reaches each container. Empty without references.

    Secrets count by name, and by a keyed hash where `digests` has one. Raises KeyError for a ConfigMap without its digest.
    """
    named = references(template)
    if not named:
        return {}
    pod = _mapping(template.get("spec"))
    volumes = [volume for volume in _listed(pod.get("volumes")) if any(_of_volume(volume))]
    mounted = {volume.get("name") for volume in volumes}
    mounts = {
        str(container.get("name")): [mount for mount in _listed(container.get("volumeMounts")) if mount.get("name") in mounted]
        for container in _containers(pod)
    }
    return {
        "configMaps": {one.name: digests[one] for one in named if one.source is Source.CONFIG_MAP},
        "secrets": {one.name: digests.get(one, ABSENT) for one in named if one.source is Source.SECRET},
        "volumes": volumes,
        "mounts": {name: given for name, given in mounts.items() if given},
    }


def with_copies(template: Mapping[str, Any], copies: Mapping[str, str]) -> dict[str, Any]:
    """`template` with the name of each ConfigMap replaced by that of its copy."""
    result: dict[str, Any] = deepcopy(dict(template))
    for place in list(_places(result)):
        if place.source is Source.CONFIG_MAP:
            place.holder[place.field] = copies[place.reference.name]
    return result


def _places(template: Mapping[str, Any]) -> Iterator[_Place]:
    pod = _mapping(template.get("spec"))
    for container in _containers(pod):
        for variable in _listed(container.get("env")):
            taken = _mapping(variable.get("valueFrom"))
            yield from _place(Source.CONFIG_MAP, taken.get("configMapKeyRef"))
            yield from _place(Source.SECRET, taken.get("secretKeyRef"))
        for taken in _listed(container.get("envFrom")):
            yield from _place(Source.CONFIG_MAP, taken.get("configMapRef"))
            yield from _place(Source.SECRET, taken.get("secretRef"))
    for volume in _listed(pod.get("volumes")):
        yield from _of_volume(volume)


def _of_volume(volume: dict[str, Any]) -> Iterator[_Place]:
    yield from _place(Source.CONFIG_MAP, volume.get("configMap"))
    yield from _place(Source.SECRET, volume.get("secret"), "secretName")
    for projected in _listed(_mapping(volume.get("projected")).get("sources")):
        yield from _place(Source.CONFIG_MAP, projected.get("configMap"))
        yield from _place(Source.SECRET, projected.get("secret"))


def _place(source: Source, holder: Any, field: str = "name") -> Iterator[_Place]:
    if isinstance(holder, dict) and isinstance(holder.get(field), str) and holder[field]:
        yield _Place(source, holder, field)


def _containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*_listed(pod.get("initContainers")), *_listed(pod.get("containers"))]


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _listed(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
