"""What a pod template takes from ConfigMaps, Secrets and other volumes: where it names them, and copies put in their place."""

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
    """What approvals bind beside images and environment: the data, every volume that does not begin empty, and how these reach each
    container. Empty where there is none of it.

    Secrets count by name, and by a keyed hash where `digests` has one; what is on a claim or a host counts by where it is. Raises KeyError
    for a ConfigMap without its digest.
    """
    named, pod = references(template), _mapping(template.get("spec"))
    volumes = [volume for volume in _listed(pod.get("volumes")) if _brings_data(volume)]
    brought = [volume.get("name") for volume in volumes]
    mounts = {str(container.get("name")): _mounts(container, brought) for container in _containers(pod)}
    mounts = {name: given for name, given in mounts.items() if given}
    if not (named or volumes or mounts):
        return {}
    return {
        "configMaps": {one.name: digests[one] for one in named if one.source is Source.CONFIG_MAP},
        "secrets": {one.name: digests.get(one, ABSENT) for one in named if one.source is Source.SECRET},
        "volumes": volumes,
        "mounts": mounts,
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


def _brings_data(volume: dict[str, Any]) -> bool:
    """All but emptyDir, which is also what a volume without a source is. A kind that comes to Kubernetes later counts as well."""
    return any(value is not None for kind, value in volume.items() if kind not in ("name", "emptyDir"))


def _mounts(container: dict[str, Any], brought: list[Any]) -> list[dict[str, Any]]:
    """Those of volumes that bring data, and each that shows a part of a volume: another part of what an init container fetched is other
    data."""
    listed = [*_listed(container.get("volumeMounts")), *_listed(container.get("volumeDevices"))]
    return [mount for mount in listed if mount.get("name") in brought or mount.get("subPath") or mount.get("subPathExpr")]


def _place(source: Source, holder: Any, field: str = "name") -> Iterator[_Place]:
    if isinstance(holder, dict) and isinstance(holder.get(field), str) and holder[field]:
        yield _Place(source, holder, field)


def _containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*_listed(pod.get("initContainers")), *_listed(pod.get("containers"))]


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _listed(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
