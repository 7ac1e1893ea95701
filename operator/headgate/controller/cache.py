"""All that decisions read, by model. Filled by watches and by full lists, never by requests of a decision.

Watches lose deletions across a disconnect; `replace` with a full list finds those ghosts.
"""

import logging
import sys
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from headgate.controller import facts, workload_facts
from headgate.controller.facts import ApprovalFacts, Body, ModelFacts, ModelKey, PolicyFacts
from headgate.controller.workload_facts import AutoscalerFacts, DeploymentFacts, PodFacts
from headgate.kube.labels import MODEL, PREFIX, REVISION, revision_of
from headgate.kube.resources import (
    AIMODELS,
    CONFIG_MAPS,
    DEPLOYMENTS,
    GATEWAYS,
    GOVERNANCE_APPROVALS,
    HORIZONTAL_POD_AUTOSCALERS,
    HTTP_ROUTES,
    PODS,
    ROLLOUT_POLICIES,
    SERVICES,
    Resource,
)
from headgate.rollout.decision import POLICY_KEY

log = logging.getLogger(__name__)

_RESTARTS_KEPT = 64


class _Stamp(NamedTuple):
    """Which object is known, how new, and when it was taken in."""

    uid: str
    version: int
    sequence: int
    model: ModelKey | None = None
    """Whose object it is, for those that Headgate made."""


@dataclass(slots=True)
class Owned:
    """What Headgate made for one model, by revision or name. `restarts`: when containers of a revision were seen to restart."""

    deployments: dict[str, DeploymentFacts] = field(default_factory=dict)
    autoscalers: dict[str, AutoscalerFacts] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    """Of the revision's Service."""
    pods: dict[str, PodFacts] = field(default_factory=dict)
    restarts: dict[str, deque[datetime]] = field(default_factory=dict)
    copies: dict[str, str] = field(default_factory=dict)
    """Policy copies: the policy as JSON, by name."""
    configuration: dict[str, str] = field(default_factory=dict)
    """Copies of users' ConfigMaps: the revision they belong to, by name."""
    route: bytes | None = None
    objects: dict[tuple[Resource, str], str] = field(default_factory=dict)
    """Everything that was made for the model, with the uid of the AIModel whose deletion takes it along; empty without one."""


class Cache:
    """Every change returns the models it concerns. Objects older than what is known change nothing."""

    def __init__(self, *, policy_namespace: str, wall: Callable[[], datetime]) -> None:
        self._policy_namespace = policy_namespace
        self._wall = wall
        self._stamps: dict[str, dict[ModelKey, _Stamp]] = defaultdict(dict)
        self._sequence = 0
        self.models: dict[ModelKey, ModelFacts] = {}
        self.moving: set[ModelKey] = set()
        self.deleted: set[ModelKey] = set()
        """Models that were known and are not any more, as long as something that was made for them is there."""
        self.policies: dict[str, PolicyFacts] = {}
        self.approvals: dict[ModelKey, dict[str, ApprovalFacts]] = defaultdict(dict)
        self.gateways: dict[ModelKey, bytes] = {}
        self.complete: set[str] = set()
        """Kinds (by plural) of which a full list was seen."""
        self._owned: dict[ModelKey, Owned] = {}
        self._of_policy: dict[str, set[ModelKey]] = defaultdict(set)

    def owned(self, key: ModelKey) -> Owned:
        return self._owned.get(key) or Owned()

    @property
    def orphans(self) -> set[ModelKey]:
        """Names of models that do not exist, for which something was made."""
        return {key for key, owned in self._owned.items() if key not in self.models and owned.objects}

    @property
    def sequence(self) -> int:
        """Take it before a list begins: what came in later cannot be a ghost of that list."""
        return self._sequence

    def put(self, resource: Resource, body: Body) -> set[ModelKey]:
        """Take an object in, unless it is known as new or newer already."""
        if resource is ROLLOUT_POLICIES and body["metadata"].get("namespace") != self._policy_namespace:
            return set()
        name, metadata = facts.name_of(body), body["metadata"]
        version, uid = _number(metadata.get("resourceVersion")), metadata.get("uid") or ""
        known = self._stamps[resource.plural].get(name)
        if known is not None and known.uid == uid and version <= known.version and version:
            return set()
        self._sequence += 1
        holder = facts.model_of(body) if resource in _MADE else None
        self._stamps[resource.plural][name] = _Stamp(uid, version, self._sequence, holder)
        if holder is not None:
            self._room(holder).objects[resource, name.name] = facts.owner_of(body)
        try:
            return _TAKE[resource.plural](self, name, body)
        except (ValueError, TypeError, KeyError, AttributeError):
            # One object of an unforeseen shape must not keep all others from being known.
            log.exception("cannot be read", extra={"kind": resource.plural, "object": "/".join(name)})
            return set()

    def drop(self, resource: Resource, body: Body) -> set[ModelKey]:
        """Forget a deleted object. A later one of the same name stays."""
        name, uid = facts.name_of(body), body["metadata"].get("uid") or ""
        known = self._stamps[resource.plural].get(name)
        if known is None or (uid and known.uid != uid):
            return set()
        return self._forget(resource, name)

    def replace(self, resource: Resource, items: Iterable[Body], since: int) -> set[ModelKey]:
        """Take a full list in and forget what it does not hold, but for objects that came in after `since`."""
        changed: set[ModelKey] = set()
        present: dict[ModelKey, str] = {}
        for body in items:
            present[facts.name_of(body)] = body["metadata"].get("uid") or ""
            changed |= self.put(resource, body)
        stamps = self._stamps[resource.plural]
        ghosts = [name for name, stamp in stamps.items() if stamp.sequence <= since and present.get(name) != stamp.uid]
        for name in ghosts:
            changed |= self._forget(resource, name)
        self.complete.add(resource.plural)
        return changed

    def behind(self, resource: Resource, items: Iterable[Body]) -> set[ModelKey]:
        """Names of listed objects that the cache does not know, or knows older: a living watch would have brought them."""
        stamps = self._stamps[resource.plural]
        late = set()
        for body in items:
            metadata, name = body["metadata"], facts.name_of(body)
            if resource is ROLLOUT_POLICIES and name.namespace != self._policy_namespace:
                continue
            known = stamps.get(name)
            if known is None or known.uid != metadata.get("uid") or known.version < _number(metadata.get("resourceVersion")):
                late.add(name)
        return late

    def _forget(self, resource: Resource, name: ModelKey) -> set[ModelKey]:
        holder = self._stamps[resource.plural].pop(name).model
        if holder not in self._owned:
            return _FORGET[resource.plural](self, name)
        self._owned[holder].objects.pop((resource, name.name), None)
        changed = _FORGET[resource.plural](self, name) | {holder}
        if holder in self._owned:
            self._sweep(holder)
        return changed

    def _room(self, key: ModelKey) -> Owned:
        return self._owned.setdefault(key, Owned())

    def _take_model(self, key: ModelKey, body: Body) -> set[ModelKey]:
        self._unlink(key)
        self.deleted.discard(key)
        model = self.models[key] = facts.model_facts(body)
        self._of_policy[model.policy].add(key)
        (self.moving.add if model.moving else self.moving.discard)(key)
        return {key}

    def _forget_model(self, key: ModelKey) -> set[ModelKey]:
        self._unlink(key)
        self.moving.discard(key)
        if self.models.pop(key, None) is not None and key in self._owned:
            self.deleted.add(key)
        return {key}

    def _unlink(self, key: ModelKey) -> None:
        before = self.models.get(key)
        if before is not None:
            self._of_policy[before.policy].discard(key)

    def _take_policy(self, name: ModelKey, body: Body) -> set[ModelKey]:
        self.policies[name.name] = facts.policy_facts(body)
        return set(self._of_policy[name.name])

    def _forget_policy(self, name: ModelKey) -> set[ModelKey]:
        self.policies.pop(name.name, None)
        return set(self._of_policy[name.name])

    def _take_approval(self, name: ModelKey, body: Body) -> set[ModelKey]:
        approval = facts.approval_facts(body)
        before = self.approvals[approval.model].get(approval.name)
        self.approvals[approval.model][approval.name] = approval
        # What we wrote into its status ourselves is no news.
        return set() if before is not None and before.spec == approval.spec and before.uid == approval.uid else {approval.model}

    def _forget_approval(self, name: ModelKey) -> set[ModelKey]:
        holders = [key for key, held in self.approvals.items() if key.namespace == name.namespace and name.name in held]
        for key in holders:
            del self.approvals[key][name.name]
            if not self.approvals[key]:
                del self.approvals[key]
        return set(holders)

    def _take_deployment(self, name: ModelKey, body: Body) -> set[ModelKey]:
        key, revision = facts.model_of(body), facts.revision_label(body)
        if key is None or not revision:
            return set()
        self._room(key).deployments[revision] = workload_facts.deployment_facts(body)
        return {key}

    def _forget_deployment(self, name: ModelKey) -> set[ModelKey]:
        return self._forget_revision(name, lambda owned: owned.deployments)

    def _take_autoscaler(self, name: ModelKey, body: Body) -> set[ModelKey]:
        key, revision = facts.model_of(body), facts.revision_label(body)
        if key is None or not revision:
            return set()
        shelf, found = self._room(key).autoscalers, workload_facts.autoscaler_facts(body)
        before = shelf.get(revision)
        shelf[revision] = found
        # Its status changes each time it reads its metrics: no news.
        return {key} if before != found else set()

    def _forget_autoscaler(self, name: ModelKey) -> set[ModelKey]:
        return self._forget_revision(name, lambda owned: owned.autoscalers)

    def _take_service(self, name: ModelKey, body: Body) -> set[ModelKey]:
        key, revision = facts.model_of(body), facts.revision_label(body)
        if key is None or not revision:
            return set()
        self._room(key).ports[revision] = workload_facts.service_port(body)
        return {key}

    def _forget_service(self, name: ModelKey) -> set[ModelKey]:
        return self._forget_revision(name, lambda owned: owned.ports)

    def _forget_revision(self, name: ModelKey, shelf: Callable[[Owned], dict[str, Any]]) -> set[ModelKey]:
        """By its name `<model>-<revision>`: a deletion found by a list comes without labels."""
        key = ModelKey(name.namespace, name.name.rpartition("-")[0])
        revision = revision_of(key.name, name.name)
        if revision is None or key not in self._owned:
            return set()
        owned = self._owned[key]
        shelf(owned).pop(revision, None)
        if revision not in owned.deployments:
            owned.restarts.pop(revision, None)
        self._sweep(key)
        return {key}

    def _take_pod(self, name: ModelKey, body: Body) -> set[ModelKey]:
        key = facts.model_of(body)
        if key is None:
            return set()
        owned, pod = self._room(key), workload_facts.pod_facts(body)
        before = owned.pods.get(name.name)
        owned.pods[name.name] = pod
        self._count_restarts(owned, before, pod)
        return {key} if before != pod else set()

    def _count_restarts(self, owned: Owned, before: PodFacts | None, pod: PodFacts) -> None:
        """Restarts are remembered beyond their pod, at the time they were seen; those of a pod seen first, at its last exit."""
        seen = owned.restarts.setdefault(pod.revision, deque(maxlen=_RESTARTS_KEPT))
        if before is not None and before.uid == pod.uid:
            seen.extend([self._wall()] * max(0, pod.restarts - before.restarts))
        elif pod.restarts and pod.last_exit is not None:
            seen.append(pod.last_exit)

    def _forget_pod(self, name: ModelKey) -> set[ModelKey]:
        # A pod is named <model>-<revision>-<template hash>-<random>.
        holder = ModelKey(name.namespace, name.name.rsplit("-", 3)[0])
        holders = [holder] if holder in self._owned else [key for key in self._owned if key.namespace == name.namespace]
        for key in holders:
            if self._owned[key].pods.pop(name.name, None) is not None:
                self._sweep(key)
                return {key}
        return set()

    def _take_copy(self, name: ModelKey, body: Body) -> set[ModelKey]:
        key, text = facts.model_of(body), (body.get("data") or {}).get(POLICY_KEY)
        if key is not None and (revision := facts.revision_label(body)):
            self._room(key).configuration[name.name] = sys.intern(revision)
            return {key}
        if key is None or text is None:
            return set()
        # Thousands of models run on copies of the same few policies.
        self._room(key).copies[name.name] = sys.intern(text)
        return {key}

    def _forget_copy(self, name: ModelKey) -> set[ModelKey]:
        holders = {
            key
            for key, owned in self._owned.items()
            if key.namespace == name.namespace and (name.name in owned.copies or name.name in owned.configuration)
        }
        for key in holders:
            self._owned[key].copies.pop(name.name, None)
            self._owned[key].configuration.pop(name.name, None)
            self._sweep(key)
        return holders

    def _take_route(self, name: ModelKey, body: Body) -> set[ModelKey]:
        key = facts.model_of(body)
        if key is None:
            return set()
        metadata = {k: body["metadata"][k] for k in _ROUTE_METADATA if k in body["metadata"]}
        metadata["annotations"] = {k: v for k, v in (metadata.get("annotations") or {}).items() if k.startswith(PREFIX)}
        metadata["managedFields"] = _spec_managers(body)
        self._room(key).route = facts.compact({"metadata": metadata, "spec": body.get("spec") or {}, "status": body.get("status") or {}})
        return {key}

    def _forget_route(self, name: ModelKey) -> set[ModelKey]:
        if name not in self._owned:
            return set()
        self._owned[name].route = None
        self._sweep(name)
        return {name}

    def _take_gateway(self, name: ModelKey, body: Body) -> set[ModelKey]:
        metadata = {k: body["metadata"].get(k) for k in ("name", "namespace", "generation")}
        conditions = (body.get("status") or {}).get("conditions") or []
        record = facts.compact({"metadata": metadata, "status": {"conditions": conditions}})
        known = self.gateways.get(name)
        self.gateways[name] = record
        return set() if known == record else set(self.moving)

    def _forget_gateway(self, name: ModelKey) -> set[ModelKey]:
        self.gateways.pop(name, None)
        return set(self.moving)

    def _sweep(self, key: ModelKey) -> None:
        owned = self._owned[key]
        kept = (owned.deployments, owned.ports, owned.pods, owned.copies, owned.configuration, owned.route, owned.objects)
        if key not in self.models and not any(kept):
            del self._owned[key]
            self.deleted.discard(key)


_ROUTE_METADATA = ("name", "namespace", "uid", "generation", "resourceVersion", "labels", "annotations", "ownerReferences")

_TAKE: dict[str, Callable[[Cache, ModelKey, Body], set[ModelKey]]] = {
    AIMODELS.plural: Cache._take_model,
    ROLLOUT_POLICIES.plural: Cache._take_policy,
    GOVERNANCE_APPROVALS.plural: Cache._take_approval,
    DEPLOYMENTS.plural: Cache._take_deployment,
    HORIZONTAL_POD_AUTOSCALERS.plural: Cache._take_autoscaler,
    SERVICES.plural: Cache._take_service,
    PODS.plural: Cache._take_pod,
    CONFIG_MAPS.plural: Cache._take_copy,
    HTTP_ROUTES.plural: Cache._take_route,
    GATEWAYS.plural: Cache._take_gateway,
}
_FORGET: dict[str, Callable[[Cache, ModelKey], set[ModelKey]]] = {
    AIMODELS.plural: Cache._forget_model,
    ROLLOUT_POLICIES.plural: Cache._forget_policy,
    GOVERNANCE_APPROVALS.plural: Cache._forget_approval,
    DEPLOYMENTS.plural: Cache._forget_deployment,
    HORIZONTAL_POD_AUTOSCALERS.plural: Cache._forget_autoscaler,
    SERVICES.plural: Cache._forget_service,
    PODS.plural: Cache._forget_pod,
    CONFIG_MAPS.plural: Cache._forget_copy,
    HTTP_ROUTES.plural: Cache._forget_route,
    GATEWAYS.plural: Cache._forget_gateway,
}

_MADE = frozenset({DEPLOYMENTS, SERVICES, HORIZONTAL_POD_AUTOSCALERS, CONFIG_MAPS, HTTP_ROUTES})
"""Kinds of what Headgate makes for a model."""

WATCHED: tuple[tuple[Resource, str], ...] = (
    (AIMODELS, ""),
    (ROLLOUT_POLICIES, ""),
    (GOVERNANCE_APPROVALS, ""),
    (DEPLOYMENTS, MODEL),
    (HORIZONTAL_POD_AUTOSCALERS, MODEL),
    (SERVICES, MODEL),
    (PODS, f"{MODEL},{REVISION}"),
    (CONFIG_MAPS, MODEL),
    (HTTP_ROUTES, MODEL),
)
"""Kinds and the label selector that leaves out what is not ours."""


def _spec_managers(body: Body) -> list[dict[str, Any]]:
    """Of managedFields, who wrote into the spec: what they wrote is of no use, and large."""
    entries = [e for e in body["metadata"].get("managedFields") or () if not e.get("subresource") and "f:spec" in (e.get("fieldsV1") or {})]
    return [{"manager": entry.get("manager", ""), "fieldsV1": {"f:spec": {}}} for entry in entries]


def _number(version: Any) -> int:
    """Versions of one kind are comparable integers (guaranteed since Kubernetes 1.35, true of every earlier one); 0 for anything else."""
    return int(version) if isinstance(version, str) and version.isdigit() else 0
