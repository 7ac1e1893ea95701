"""An API server in memory: resourceVersions, 409, generations, server-side apply by owner of fields, refusals and crashes on demand.

It also plays the Deployment controller, the kubelet and the gateway, when told to.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from headgate.kube.errors import Conflict, KubeError, NotFound
from headgate.kube.interface import About, Listing, Object, Propagation, Subresource
from headgate.kube.resources import DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS, HTTP_ROUTES, PODS, Resource

Name = tuple[str, str, str]
START = datetime(2026, 3, 1, tzinfo=UTC)


class CrashError(BaseException):
    """The operator's process died: nothing of it can handle that."""


@dataclass(frozen=True)
class Write:
    """A request that changes something (or asks whether it may)."""

    verb: str
    plural: str
    name: str
    body: Mapping[str, Any]
    dry_run: bool = False

    @property
    def short(self) -> str:
        return f"{'dry-run ' if self.dry_run else ''}{self.verb} {self.plural}"


class FakeCluster:
    """`refuse` may answer a write with an error. `die_before` and `die_after` name the number of the write that the process dies at."""

    def __init__(self) -> None:
        self.objects: dict[Name, Object] = {}
        self.writes: list[Write] = []
        self.refuse: Callable[[Write], KubeError | None] = lambda write: None
        self.die_before: int | None = None
        self.die_after: int | None = None
        self.permit: Callable[[], None] = lambda: None
        self.now = START
        self._version = 0
        self._applied: dict[tuple[Name, str], Object] = {}
        self._status_fields: dict[tuple[Name, str], set[str]] = {}

    def permitted(self, permit: Callable[[], None]) -> "FakeCluster":
        """As KubeClient's."""
        self.permit = permit
        return self

    def of(self, resource: Resource) -> list[Object]:
        return [body for (plural, _, _), body in self.objects.items() if plural == resource.plural]

    def find(self, resource: Resource, name: str, namespace: str = "lending") -> Object | None:
        return self.objects.get((resource.plural, namespace, name))

    def put(self, resource: Resource, body: Object) -> Object:
        """What somebody else writes."""
        return self._store(_name(resource, body), {"kind": resource.kind, **deepcopy(body)})

    def remove(self, resource: Resource, name: str, namespace: str = "lending") -> Object:
        """What somebody else deletes; garbage collection takes along what it owns."""
        gone = self.objects.pop((resource.plural, namespace, name))
        uid = gone["metadata"]["uid"]
        for key, body in list(self.objects.items()):
            if any(reference["uid"] == uid for reference in body["metadata"].get("ownerReferences") or ()):
                del self.objects[key]
        return gone

    async def about(self) -> About:
        return About("v1.36.3", self.now)

    async def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object:
        found = self.objects.get((resource.plural, namespace or "", name))
        if found is None:
            raise NotFound(f"{resource.plural} {name} not found", status=404)
        return deepcopy(found)

    async def list(self, resource: Resource, namespace: str | None = None, *, labels: str = "", fields: str = "") -> Listing:
        wanted = [label.partition("=") for label in labels.split(",") if label]
        inside = [o for o in self.of(resource) if namespace in (None, o["metadata"].get("namespace"))]
        items = [o for o in inside if all(_labelled(o, *label) for label in wanted)]
        return Listing(tuple(deepcopy(items)), str(self._version))

    async def pages(self, resource: Resource, namespace: str | None = None, *, labels: str = "") -> AsyncIterator[tuple[Object, ...]]:
        yield (await self.list(resource, namespace, labels=labels)).items

    async def create(self, resource: Resource, body: Mapping[str, Any], *, field_manager: str, dry_run: bool = False) -> Object:
        name = _name(resource, body)
        with self._writing("create", resource, name, body, dry_run):
            if name in self.objects:
                raise Conflict(f"{name[2]} already exists", status=409, reason="AlreadyExists")
            return self._store(name, dict(deepcopy(dict(body))))

    async def apply(
        self, resource: Resource, body: Mapping[str, Any], *, field_manager: str, force: bool = False, dry_run: bool = False
    ) -> Object:
        name = _name(resource, body)
        with self._writing("apply", resource, name, body, dry_run):
            present = self.objects.get(name)
            self._check_version(present, body["metadata"].get("resourceVersion"))
            if present is None and body["metadata"].get("uid"):
                raise Conflict("uid mismatch: an uid was specified, and no existing object was found", status=409)
            if present is not None and not force and (name, field_manager) not in self._applied:
                raise Conflict('Apply failed with 1 conflict: conflict with "somebody": .spec.rules', status=409)
            if dry_run:
                return deepcopy(dict(body))
            before = self._applied.get((name, field_manager), {})
            self._applied[(name, field_manager)] = deepcopy(dict(body))
            made = _merged(_without(present or {}, before, body), body)
            if resource is DEPLOYMENTS and "replicas" not in made["spec"]:
                made["spec"]["replicas"] = (present or {}).get("spec", {}).get("replicas", 1)
            return self._store(name, made)

    async def patch(
        self,
        resource: Resource,
        name: str,
        namespace: str | None,
        body: Mapping[str, Any],
        *,
        field_manager: str,
        subresource: Subresource | None = None,
    ) -> Object:
        key = (resource.plural, namespace or "", name)
        with self._writing("patch", resource, key, body, False):
            present = self._present(key)
            self._check_version(present, (body.get("metadata") or {}).get("resourceVersion"))
            return self._store(key, _merged(present, body))

    async def patch_status(
        self,
        resource: Resource,
        name: str,
        namespace: str | None,
        status: Mapping[str, Any],
        *,
        field_manager: str,
        resource_version: str = "",
    ) -> Object:
        key = (resource.plural, namespace or "", name)
        with self._writing("status", resource, key, status, False):
            present = self._present(key)
            self._check_version(present, resource_version or None)
            self._status_fields[(key, field_manager)] = set(status)
            others = {
                field for (at, manager), fields in self._status_fields.items() if at == key and manager != field_manager for field in fields
            }
            kept = {field: value for field, value in present.get("status", {}).items() if field in others}
            return self._store(key, {**present, "status": {**kept, **deepcopy(dict(status))}})

    async def delete(
        self, resource: Resource, name: str, namespace: str | None = None, *, uid: str = "", propagation: Propagation = "Background"
    ) -> None:
        key = (resource.plural, namespace or "", name)
        with self._writing("delete", resource, key, {}, False):
            self._present(key)
            del self.objects[key]

    def run_pods(self, broken: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        """Every Deployment gets its pods; those of a revision in `broken` have the given status instead of being ready."""
        wanted: dict[Name, Object] = {}
        for deployment in self.of(DEPLOYMENTS):
            labels = deployment["metadata"]["labels"]
            revision = labels["headgate.dev/revision"]
            for number in range(deployment["spec"]["replicas"]):
                name = f"{deployment['metadata']['name']}-abc-{number}"
                status = (broken or {}).get(revision) or {"conditions": [{"type": "Ready", "status": "True"}]}
                kept = {key: labels[key] for key in ("headgate.dev/model", "headgate.dev/revision")}
                metadata = {"name": name, "namespace": "lending", "labels": kept}
                wanted[(PODS.plural, "lending", name)] = {"metadata": metadata, "status": dict(status)}
        ours = [
            key for key, body in self.objects.items() if key[0] == PODS.plural and "headgate.dev/revision" in body["metadata"]["labels"]
        ]
        for key in [key for key in ours if key not in wanted]:
            del self.objects[key]
        for key, body in wanted.items():
            if (self.objects.get(key) or {}).get("status") != body["status"]:
                self._store(key, body)

    def autoscale(self, wanted: Mapping[str, int] | None = None) -> None:
        """The autoscaler controller: bounds hold without any metric; `wanted` is what metrics ask for, by revision. 0 disables it."""
        for scaler in self.of(HORIZONTAL_POD_AUTOSCALERS):
            name = (DEPLOYMENTS.plural, "lending", scaler["spec"]["scaleTargetRef"]["name"])
            target = self.objects.get(name)
            if target is None or target["spec"]["replicas"] == 0:
                continue
            revision = scaler["metadata"]["labels"]["headgate.dev/revision"]
            asked = (wanted or {}).get(revision, target["spec"]["replicas"])
            size = min(scaler["spec"]["maxReplicas"], max(scaler["spec"]["minReplicas"], asked))
            if size != target["spec"]["replicas"]:
                self._store(name, {**target, "spec": {**target["spec"], "replicas": size}})

    def take_routes(self) -> None:
        """The gateway accepts every route as it is now."""
        for route in self.of(HTTP_ROUTES):
            generation = route["metadata"]["generation"]
            given = [{"type": kind, "status": "True", "observedGeneration": generation} for kind in ("Accepted", "ResolvedRefs")]
            parents = [{"parentRef": ref, "conditions": given} for ref in route["spec"]["parentRefs"]]
            if (route.get("status") or {}).get("parents") != parents:
                self._store(_name(HTTP_ROUTES, route), {**route, "status": {"parents": parents}})

    def _present(self, key: Name) -> Object:
        if key not in self.objects:
            raise NotFound(f"{key[0]} {key[2]} not found", status=404)
        return self.objects[key]

    def _check_version(self, present: Object | None, expected: str | None) -> None:
        if expected and (present is None or present["metadata"]["resourceVersion"] != expected):
            raise Conflict("the object has been modified", status=409)

    def _store(self, name: Name, body: Object) -> Object:
        before = self.objects.get(name)
        self._version += 1
        metadata = dict(body["metadata"])
        old = before["metadata"] if before else {}
        metadata["uid"] = old.get("uid") or metadata.get("uid") or f"uid-{self._version}"
        metadata["creationTimestamp"] = old.get("creationTimestamp") or metadata.get("creationTimestamp") or _stamp(self.now)
        changed = before is None or before.get("spec") != body.get("spec")
        metadata["generation"] = old.get("generation", 0) + (1 if changed else 0)
        metadata["resourceVersion"] = str(self._version)
        self.objects[name] = {**body, "metadata": metadata}
        return deepcopy(self.objects[name])

    def _writing(self, verb: str, resource: Resource, name: Name, body: Mapping[str, Any], dry_run: bool) -> "_Attempt":
        return _Attempt(self, Write(verb, resource.plural, name[2], deepcopy(dict(body)), dry_run))


class _Attempt:
    """One write, with the deaths and refusals that were asked for."""

    def __init__(self, cluster: FakeCluster, write: Write) -> None:
        self._cluster, self._write = cluster, write

    def __enter__(self) -> None:
        cluster = self._cluster
        cluster.permit()
        cluster.writes.append(self._write)
        if cluster.die_before == len(cluster.writes):
            raise CrashError
        refusal = cluster.refuse(self._write)
        if refusal is not None:
            raise refusal

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self._cluster.die_after == len(self._cluster.writes):
            raise CrashError


def _labelled(body: Object, name: str, equals: str, value: str) -> bool:
    labels = body["metadata"].get("labels") or {}
    if name.startswith("!"):
        return name[1:] not in labels
    if name.endswith("!"):
        return labels.get(name[:-1]) != value
    return labels.get(name) == value if equals else name in labels


def _name(resource: Resource, body: Mapping[str, Any]) -> Name:
    return (resource.plural, body["metadata"].get("namespace") or "", body["metadata"]["name"])


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> Object:
    """Objects merge, everything else is replaced; null takes away."""
    result = deepcopy(dict(old))
    for key, value in new.items():
        known = result.get(key)
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(known, value) if isinstance(value, Mapping) and isinstance(known, Mapping) else deepcopy(value)
    return result


def _without(present: Mapping[str, Any], before: Mapping[str, Any], now: Mapping[str, Any]) -> Object:
    """`present` without the fields that the manager set before and leaves out now."""
    result = deepcopy(dict(present))
    for key, value in before.items():
        if key not in now:
            result.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(result.get(key), Mapping) and isinstance(now[key], Mapping):
            result[key] = _without(result[key], value, now[key])
    return result
