"""All that decisions read, by model. Filled by watches and by full lists, never by requests of a decision.

Watches lose deletions across a disconnect; `replace` with a full list finds those ghosts.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from headgate.controller import facts
from headgate.controller.facts import ApprovalFacts, Body, ModelFacts, ModelKey, PolicyFacts
from headgate.controller.inventory import HELD_KINDS, Inventory, Owned
from headgate.kube.labels import MANAGED_BY, MANAGED_BY_HEADGATE, MODEL
from headgate.kube.resources import (
    AIMODELS,
    CONFIG_MAPS,
    DEPLOYMENTS,
    GATEWAYS,
    GOVERNANCE_APPROVALS,
    HORIZONTAL_POD_AUTOSCALERS,
    HTTP_ROUTES,
    JOBS,
    PODS,
    ROLLOUT_POLICIES,
    SERVICES,
    Resource,
)

log = logging.getLogger(__name__)


class _Stamp(NamedTuple):
    """Which object is known, how new, and when it was taken in."""

    uid: str
    version: int
    sequence: int
    model: ModelKey | None = None
    """Whose object it is, for those that Headgate made."""


class Cache:
    """Every change returns the models it concerns. Objects older than what is known change nothing."""

    def __init__(self, *, policy_namespace: str, wall: Callable[[], datetime]) -> None:
        self._policy_namespace = policy_namespace
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
        self._inventory = Inventory(self.models, wall)
        self._of_policy: dict[str, set[ModelKey]] = defaultdict(set)

    def owned(self, key: ModelKey) -> Owned:
        """What was made for the model, or is left of it."""
        return self._inventory.of(key)

    @property
    def orphans(self) -> set[ModelKey]:
        """Names of models that do not exist, for which something was made."""
        return self._inventory.orphans

    @property
    def sequence(self) -> int:
        """Take it before a list begins: what came in later cannot be a ghost of that list, nor was it known to whoever began it."""
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
        holder = self._inventory.holder(resource, body)
        # Its labels were taken off, or somebody else's has taken its place.
        before = self._forget(resource, name) if known is not None and known.model not in (None, holder) else set()
        self._inventory.register(resource, name, body)
        self._stamps[resource.plural][name] = _Stamp(uid, version, self._sequence, holder)
        return before | self._take(resource, name, body)

    def _take(self, resource: Resource, name: ModelKey, body: Body) -> set[ModelKey]:
        try:
            if resource in HELD_KINDS:
                return self._inventory.take(resource, name, body)
            return _TAKE[resource](self, name, body)
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

    def is_endpoint(self, pod: Body) -> bool:
        """Whether it got requests when it was taken in last."""
        return self._inventory.is_endpoint(pod)

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
        if resource not in HELD_KINDS:
            return _FORGET[resource](self, name)
        changed = self._inventory.forget(resource, name, holder)
        self.deleted -= {key for key in changed if key not in self._inventory}
        return changed

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
        if self.models.pop(key, None) is not None and key in self._inventory:
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
        known = before is not None and before.uid == approval.uid and before.spec == approval.spec
        arrived = before.arrived if before is not None and known else self._sequence
        self.approvals[approval.model][approval.name] = replace(approval, arrived=arrived)
        # What we wrote into its status ourselves is no news.
        return set() if known else {approval.model}

    def _forget_approval(self, name: ModelKey) -> set[ModelKey]:
        holders = [key for key, held in self.approvals.items() if key.namespace == name.namespace and name.name in held]
        for key in holders:
            del self.approvals[key][name.name]
            if not self.approvals[key]:
                del self.approvals[key]
        return set(holders)

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


_TAKE: dict[Resource, Callable[[Cache, ModelKey, Body], set[ModelKey]]] = {
    AIMODELS: Cache._take_model,
    ROLLOUT_POLICIES: Cache._take_policy,
    GOVERNANCE_APPROVALS: Cache._take_approval,
    GATEWAYS: Cache._take_gateway,
}
_FORGET: dict[Resource, Callable[[Cache, ModelKey], set[ModelKey]]] = {
    AIMODELS: Cache._forget_model,
    ROLLOUT_POLICIES: Cache._forget_policy,
    GOVERNANCE_APPROVALS: Cache._forget_approval,
    GATEWAYS: Cache._forget_gateway,
}

_MADE = f"{MANAGED_BY}={MANAGED_BY_HEADGATE},{MODEL}"
"""Anybody may write one of the two labels; admission protects what has both."""

WATCHED: tuple[tuple[Resource, str], ...] = (
    (AIMODELS, ""),
    (ROLLOUT_POLICIES, ""),
    (GOVERNANCE_APPROVALS, ""),
    (DEPLOYMENTS, _MADE),
    (HORIZONTAL_POD_AUTOSCALERS, _MADE),
    (SERVICES, _MADE),
    (PODS, MODEL),
    (JOBS, _MADE),
    (CONFIG_MAPS, _MADE),
    (HTTP_ROUTES, _MADE),
)
"""Kinds and the label selector that leaves out what is not ours."""


def _number(version: Any) -> int:
    """Versions of one kind are comparable integers (guaranteed since Kubernetes 1.35, true of every earlier one); 0 for anything else."""
    return int(version) if isinstance(version, str) and version.isdigit() else 0
