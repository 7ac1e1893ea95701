"""A look through the cluster for AI that no AIModel owns: a page of objects in memory at a time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from headgate.kube.errors import Forbidden, Gone, NotFound
from headgate.kube.interface import Object, PagedApi
from headgate.kube.labels import made_for
from headgate.kube.polled import PolledObject
from headgate.kube.resources import (
    AIMODELS,
    CALICO_NETWORK_POLICIES,
    CILIUM_NETWORK_POLICIES,
    CONFIG_MAPS,
    CRON_JOBS,
    DAEMON_SETS,
    DEPLOYMENTS,
    INFERENCE_SERVICES,
    JOBS,
    PODS,
    SERVICE_ENTRIES,
    STATEFUL_SETS,
    Resource,
)
from headgate.monitoring.ai_signatures import BUILT_IN, Signatures, signatures_of
from headgate.monitoring.unmanaged import Sign, Unmanaged, signs_of_egress, signs_of_pod

SIGNATURES, SIGNATURES_KEY = "headgate-ai-signatures", "signatures.yaml"
"""The ConfigMap in the operator's namespace with an own table, and where in it that is."""
MOST_FOUND = 10_000
WORKLOADS = (DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS, CRON_JOBS, JOBS, PODS, INFERENCE_SERVICES)
EGRESS = (SERVICE_ENTRIES, CILIUM_NETWORK_POLICIES, CALICO_NETWORK_POLICIES)
_EGRESS_KINDS = frozenset(kind.kind for kind in EGRESS)
_MADE_BY = {
    DEPLOYMENTS.kind: {"InferenceService"},
    JOBS.kind: {"CronJob"},
    PODS.kind: {"StatefulSet", "DaemonSet", "Job"},
}
"""Whose objects are looked at through who made them."""
_OURS = frozenset({DEPLOYMENTS.kind, JOBS.kind})
"""What Headgate makes for a model. The label on anything else says nothing."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was found, ordered by namespace, kind and name. `unseen`: what could not be looked at, in words: there may be more."""

    found: tuple[Unmanaged, ...] = ()
    unseen: tuple[str, ...] = ()
    signatures: str = ""
    """Version of the table."""

    @property
    def workloads(self) -> tuple[Unmanaged, ...]:
        return tuple(one for one in self.found if one.kind not in _EGRESS_KINDS)

    @property
    def egress(self) -> tuple[Unmanaged, ...]:
        """Rules that let pods reach AI services."""
        return tuple(one for one in self.found if one.kind in _EGRESS_KINDS)


class UnusableSignatures(Exception):  # noqa: N818  what is said of the table
    """The own table cannot be read. The built-in one may find less, so nothing is looked for; the message says what to correct."""


@dataclass(slots=True)
class _Pass:
    """One look. Found ones are kept by identity: a list that is begun again finds them once more."""

    signatures: Signatures
    models: set[tuple[str, str]] = field(default_factory=set)
    found: dict[tuple[str, str, str], Unmanaged] = field(default_factory=dict)
    unseen: list[str] = field(default_factory=list)

    def take(self, resource: Resource, body: Object) -> None:
        metadata = body["metadata"]
        namespace, kind, name = str(metadata.get("namespace") or ""), resource.kind, str(metadata["name"])
        if resource is AIMODELS:
            self.models.add((namespace, name))
            return
        signs = _signs(resource, body, self.signatures)
        if not signs or self._owned(kind, metadata, namespace):
            return
        maker = _controller(metadata)
        if maker in _MADE_BY.get(kind, ()) or (maker == "ReplicaSet" and _of_deployment(metadata)):
            return
        if kind == PODS.kind and maker:
            kind, name = maker, str(_controlling(metadata)["name"])
        if len(self.found) < MOST_FOUND or (namespace, kind, name) in self.found:
            self.found[namespace, kind, name] = Unmanaged(namespace, kind, name, signs)
        elif not any("more than" in words for words in self.unseen):
            self.unseen.append(f"there are more than {MOST_FOUND}")

    def _owned(self, kind: str, metadata: Mapping[str, Any], namespace: str) -> bool:
        owners = [one for one in metadata.get("ownerReferences") or () if one.get("kind") == AIMODELS.kind]
        named = made_for(metadata) if kind in _OURS else ""
        return any((namespace, name) in self.models for name in (named, *(one.get("name") for one in owners)) if name)


class UnmanagedSearch:
    """`look` may be repeated; the table of signatures is read again when it changed."""

    def __init__(self, api: PagedApi, operator_namespace: str, within: str | None = None) -> None:
        """`within`: one namespace instead of all."""
        self._api = api
        self._within = within
        self._where = f"ConfigMap {operator_namespace}/{SIGNATURES}"
        self._table = PolledObject(api, CONFIG_MAPS, SIGNATURES, operator_namespace, f"the AI signatures in {self._where}")
        self._signatures = BUILT_IN
        self._problem = ""

    async def look(self) -> Sighting:
        """Raises UnusableSignatures, and KubeError where AIModels cannot be listed: without them everything would seem unmanaged."""
        one = _Pass(await self._present_signatures())
        if not self._table.known:
            one.unseen.append(f"{self._where} could not be read: the built-in signatures were used")
        await self._list(AIMODELS.metadata, AIMODELS, one)
        for resource in (*WORKLOADS, *EGRESS):
            try:
                await self._list(resource, resource, one)
            except (Forbidden, Gone) as error:
                one.unseen.append(f"{resource.qualified}: {error}"[:256])
        found = tuple(one.found[key] for key in sorted(one.found))
        return Sighting(found, tuple(one.unseen), one.signatures.version)

    async def _present_signatures(self) -> Signatures:
        if await self._table.look():
            self._problem = self._read(self._table.body)
        if self._problem:
            raise UnusableSignatures(self._problem)
        return self._signatures

    def _read(self, body: Object | None) -> str:
        """What is wrong with the table, in words; empty if it is in force now."""
        if body is None:
            self._signatures = BUILT_IN
            return ""
        text = (body.get("data") or {}).get(SIGNATURES_KEY)
        if text is None:
            return f"{self._where} has no key {SIGNATURES_KEY}: write it, or delete the ConfigMap for the built-in table"
        try:
            self._signatures = signatures_of(text)
        except ValueError as error:
            return f"{self._where} cannot be used ({error}): correct it"
        return ""

    async def _list(self, asked: Resource, resource: Resource, one: _Pass) -> None:
        """A kind that is not installed has no objects. A list that the server forgot meanwhile is begun again, once."""
        for last in (False, True):
            try:
                async for page in self._api.pages(asked, self._within):
                    for body in page:
                        one.take(resource, body)
                return
            except NotFound:
                return
            except Gone:
                if last:
                    raise


def _signs(resource: Resource, body: Object, signatures: Signatures) -> tuple[Sign, ...]:
    spec = body.get("spec") or {}
    if resource in EGRESS:
        return signs_of_egress(spec, signatures)
    if resource is INFERENCE_SERVICES:
        return (Sign("KServe", "its kind"),)
    if resource is CRON_JOBS:
        spec = ((spec.get("jobTemplate") or {}).get("spec")) or {}
    return signs_of_pod(spec if resource is PODS else (spec.get("template") or {}).get("spec") or {}, signatures)


def _controlling(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    return next((one for one in metadata.get("ownerReferences") or () if one.get("controller")), {})


def _controller(metadata: Mapping[str, Any]) -> str:
    """The kind of who made it; empty if a person did."""
    return str(_controlling(metadata).get("kind") or "")


def _of_deployment(metadata: Mapping[str, Any]) -> bool:
    """Of pods of a ReplicaSet: whether a Deployment made that one."""
    return "pod-template-hash" in (metadata.get("labels") or {})
