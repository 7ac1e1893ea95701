"""What Headgate made, by the model it was made for, whether that exists or not."""

import sys
from collections import deque
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from headgate.controller.facts import Body, ModelKey, compact, model_of, name_of, owner_of, revision_label, served_by
from headgate.controller.replay_facts import JobFacts, RunnerFacts, job_facts, replay_label, runner_facts
from headgate.controller.workload_facts import (
    AutoscalerFacts,
    DeploymentFacts,
    PodFacts,
    autoscaler_facts,
    deployment_facts,
    pod_facts,
    service_port,
)
from headgate.kube.labels import PREFIX, revision_of
from headgate.kube.resources import CONFIG_MAPS, DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS, HTTP_ROUTES, JOBS, PODS, SERVICES, Resource
from headgate.rollout.begin import says_its_name
from headgate.rollout.decision import POLICY_KEY

_RESTARTS_KEPT = 64


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
    replays: dict[str, JobFacts] = field(default_factory=dict)
    """Jobs that compare answers, by name."""
    runners: dict[str, RunnerFacts] = field(default_factory=dict)
    """Their pods, by name."""
    route: bytes | None = None
    objects: dict[tuple[Resource, str], str] = field(default_factory=dict)
    """Everything that was made for the model, with the uid of the AIModel whose deletion takes it along; empty without one."""


class Inventory:
    """Every change returns the models it concerns. What is left of a model that is gone is known until the last of it is gone as well."""

    def __init__(self, models: Container[ModelKey], wall: Callable[[], datetime]) -> None:
        """`models`: those that exist now."""
        self._models = models
        self._wall = wall
        self._owned: dict[ModelKey, Owned] = {}

    def __contains__(self, key: object) -> bool:
        return key in self._owned

    def of(self, key: ModelKey) -> Owned:
        """Empty for a model that nothing was made for."""
        return self._owned.get(key) or Owned()

    @property
    def orphans(self) -> set[ModelKey]:
        """Names of models that do not exist, for which something was made."""
        return {key for key, owned in self._owned.items() if key not in self._models and owned.objects}

    def holder(self, resource: Resource, body: Body) -> ModelKey | None:
        """The model that the object was made for, and may be left behind by; None for any other object."""
        return model_of(body) if resource in _MADE else None

    def register(self, resource: Resource, name: ModelKey, body: Body) -> None:
        """Note that the object is there, and who takes it along."""
        holder = self.holder(resource, body)
        if holder is not None:
            self._room(holder).objects[resource, name.name] = owner_of(body)

    def is_endpoint(self, pod: Body) -> bool:
        """Whether it got requests when it was taken in last."""
        key = served_by(pod)
        known = self._owned[key].pods.get(name_of(pod).name) if key in self._owned else None
        return known is not None and known.ready and not known.leaving

    def take(self, resource: Resource, name: ModelKey, body: Body) -> set[ModelKey]:
        """Read an object of `HELD_KINDS`. Raises ValueError, TypeError, KeyError or AttributeError for an unforeseen shape."""
        return _TAKE[resource](self, name, body)

    def forget(self, resource: Resource, name: ModelKey, holder: ModelKey | None) -> set[ModelKey]:
        """The object is gone, or not Headgate's any more. `holder`: whose it was."""
        if holder is None or holder not in self._owned:
            return _FORGET[resource](self, name)
        self._owned[holder].objects.pop((resource, name.name), None)
        changed = _FORGET[resource](self, name) | {holder}
        if holder in self._owned:
            self._sweep(holder)
        return changed

    def _room(self, key: ModelKey) -> Owned:
        return self._owned.setdefault(key, Owned())

    def _take_deployment(self, name: ModelKey, body: Body) -> set[ModelKey]:
        key, revision = model_of(body), revision_label(body)
        if key is None or not revision:
            return set()
        self._room(key).deployments[revision] = deployment_facts(body)
        return {key}

    def _forget_deployment(self, name: ModelKey) -> set[ModelKey]:
        return self._forget_revision(name, lambda owned: owned.deployments)

    def _take_autoscaler(self, name: ModelKey, body: Body) -> set[ModelKey]:
        key, revision = model_of(body), revision_label(body)
        if key is None or not revision:
            return set()
        shelf, found = self._room(key).autoscalers, autoscaler_facts(body)
        before = shelf.get(revision)
        shelf[revision] = found
        # Its status changes each time it reads its metrics: no news.
        return {key} if before != found else set()

    def _forget_autoscaler(self, name: ModelKey) -> set[ModelKey]:
        return self._forget_revision(name, lambda owned: owned.autoscalers)

    def _take_service(self, name: ModelKey, body: Body) -> set[ModelKey]:
        key, revision = model_of(body), revision_label(body)
        if key is None or not revision:
            return set()
        self._room(key).ports[revision] = service_port(body)
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
        key = served_by(body)
        if key is None:
            return set()
        if not revision_label(body):
            return self._take_runner(key, name, body)
        owned, pod = self._room(key), pod_facts(body)
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
        return self._forget_runner(name)

    def _forget_runner(self, name: ModelKey) -> set[ModelKey]:
        holders = {key for key, owned in self._owned.items() if key.namespace == name.namespace and name.name in owned.runners}
        for key in holders:
            self._owned[key].runners.pop(name.name)
            self._sweep(key)
        return holders

    def _take_runner(self, key: ModelKey, name: ModelKey, body: Body) -> set[ModelKey]:
        """The kubelet writes a pod's status often: most of it is no news."""
        if not replay_label(body):
            return set()
        shelf, found = self._room(key).runners, runner_facts(body)
        before = shelf.get(name.name)
        shelf[name.name] = found
        return {key} if before != found else set()

    def _take_job(self, name: ModelKey, body: Body) -> set[ModelKey]:
        key, found = model_of(body), job_facts(body)
        if key is None or found is None:
            return self._forget_job(name)
        shelf = self._room(key).replays
        before = shelf.get(name.name)
        shelf[name.name] = found
        return {key} if before != found else set()

    def _forget_job(self, name: ModelKey) -> set[ModelKey]:
        holders = {key for key, owned in self._owned.items() if key.namespace == name.namespace and name.name in owned.replays}
        for key in holders:
            self._owned[key].replays.pop(name.name)
            self._sweep(key)
        return holders

    def _take_copy(self, name: ModelKey, body: Body) -> set[ModelKey]:
        key, text = model_of(body), (body.get("data") or {}).get(POLICY_KEY)
        if key is not None and (revision := revision_label(body)):
            self._room(key).configuration[name.name] = sys.intern(revision)
            return {key}
        if key is None or text is None:
            return set()
        if not says_its_name(name.name, text):
            # An attempt asks for a policy by its digest: another one under that name is none.
            return self._forget_copy(name)
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
        """The model's route has its name."""
        key = model_of(body)
        if key is None or key != name:
            return set()
        metadata = {k: body["metadata"][k] for k in _ROUTE_METADATA if k in body["metadata"]}
        metadata["annotations"] = {k: v for k, v in (metadata.get("annotations") or {}).items() if k.startswith(PREFIX)}
        metadata["managedFields"] = _spec_managers(body)
        self._room(key).route = compact({"metadata": metadata, "spec": body.get("spec") or {}, "status": body.get("status") or {}})
        return {key}

    def _forget_route(self, name: ModelKey) -> set[ModelKey]:
        if name not in self._owned:
            return set()
        self._owned[name].route = None
        self._sweep(name)
        return {name}

    def _sweep(self, key: ModelKey) -> None:
        owned = self._owned[key]
        made = (owned.deployments, owned.ports, owned.copies, owned.configuration, owned.route, owned.objects, owned.replays)
        kept = (*made, owned.pods, owned.runners)
        if key not in self._models and not any(kept):
            del self._owned[key]


_ROUTE_METADATA = ("name", "namespace", "uid", "generation", "resourceVersion", "labels", "annotations", "ownerReferences")

_TAKE: dict[Resource, Callable[[Inventory, ModelKey, Body], set[ModelKey]]] = {
    DEPLOYMENTS: Inventory._take_deployment,
    HORIZONTAL_POD_AUTOSCALERS: Inventory._take_autoscaler,
    SERVICES: Inventory._take_service,
    PODS: Inventory._take_pod,
    JOBS: Inventory._take_job,
    CONFIG_MAPS: Inventory._take_copy,
    HTTP_ROUTES: Inventory._take_route,
}
_FORGET: dict[Resource, Callable[[Inventory, ModelKey], set[ModelKey]]] = {
    DEPLOYMENTS: Inventory._forget_deployment,
    HORIZONTAL_POD_AUTOSCALERS: Inventory._forget_autoscaler,
    SERVICES: Inventory._forget_service,
    PODS: Inventory._forget_pod,
    JOBS: Inventory._forget_job,
    CONFIG_MAPS: Inventory._forget_copy,
    HTTP_ROUTES: Inventory._forget_route,
}
HELD_KINDS = frozenset(_TAKE)
"""What the inventory holds."""
_MADE = HELD_KINDS - {PODS, JOBS}
"""Kinds of what Headgate makes for a model, and may leave behind. Pods are made by the cluster, and Jobs always go with their model."""


def _spec_managers(body: Body) -> list[dict[str, Any]]:
    """Of managedFields, who wrote into the spec: what they wrote is of no use, and large."""
    entries = [e for e in body["metadata"].get("managedFields") or () if not e.get("subresource") and "f:spec" in (e.get("fieldsV1") or {})]
    return [{"manager": entry.get("manager", ""), "fieldsV1": {"f:spec": {}}} for entry in entries]
