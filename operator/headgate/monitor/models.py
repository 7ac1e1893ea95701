"""AIModels as the monitor sees them: which version is live, and what is asked about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from headgate.api.aimodel import AIModelSpec
from headgate.api.conditions import WATCHED, Condition, ConditionType
from headgate.api.monitoring import Monitoring
from headgate.api.policy import RolloutPolicySpec
from headgate.api.vocabulary import Phase
from headgate.kube.interface import Object
from headgate.monitoring.inservice.plan import Plan, plan_of, sla_of
from headgate.monitoring.response import Responses, Severity, table_of
from headgate.prometheus.profiles import Target

_ALL = 1000
"""Weights are thousandths."""


class ModelKey(NamedTuple):
    """Which AIModel."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class ServingModel:
    """A model with a live version. `conditions` are those that the monitor wrote before, `told` the severity that stands in status.drift.
    `settled`: whether the spec asks for the live version, so that what it says is about this one.
    `elsewhere`: the share of the users that others answer.
    """

    key: ModelKey
    uid: str
    generation: int
    revision: str
    live_since: date
    plan: Plan
    monitoring: Monitoring | None = None
    policy: RolloutPolicySpec | None = None
    conditions: tuple[Condition, ...] = ()
    told: Severity | None = None
    settled: bool = True
    elsewhere: float = 0.0

    @property
    def table(self) -> Responses:
        """What follows from drift, by its policy."""
        limits = self.policy.monitoring if self.policy is not None else None
        return table_of(limits.responses if limits is not None else None)

    @property
    def target(self) -> Target:
        return Target(self.key.namespace, self.key.name, stable=self.revision)


class Reader:
    """Turns AIModels into ServingModels. Of ten thousand few change between two lists: a spec is read once."""

    def __init__(self) -> None:
        self._plans: dict[ModelKey, tuple[tuple[str, int, RolloutPolicySpec | None], Monitoring | None, Plan]] = {}
        self._policies: dict[str, tuple[str, RolloutPolicySpec | None]] = {}

    def policies(self, items: Iterable[Object]) -> None:
        """Take over the RolloutPolicies of the policy namespace. One that cannot be read leaves its models with the usual limits."""
        known, self._policies = self._policies, {}
        for item in items:
            name, version = item["metadata"]["name"], item["metadata"].get("resourceVersion") or ""
            if name not in known or known[name][0] != version:
                self._policies[name] = version, _policy(item)
            else:
                self._policies[name] = known[name]

    def models(self, items: Iterable[Object]) -> dict[ModelKey, ServingModel]:
        """Those that have a live version and are not being deleted. One whose spec cannot be read is left out: the operator says so."""
        found = {}
        for item in items:
            model = self._model(item)
            if model is not None:
                found[model.key] = model
        for gone in self._plans.keys() - found.keys():
            del self._plans[gone]
        return found

    def _model(self, item: Object) -> ServingModel | None:
        metadata, status = item["metadata"], item.get("status") or {}
        stable = status.get("stable") or {}
        if metadata.get("deletionTimestamp") or not stable.get("revision") or not stable.get("liveSince"):
            return None
        key = ModelKey(metadata["namespace"], metadata["name"])
        read = self._read(key, item)
        if read is None:
            return None
        asked, plan, policy = read
        return ServingModel(
            key=key,
            uid=str(metadata.get("uid") or ""),
            generation=int(metadata.get("generation") or 0),
            revision=str(stable["revision"]),
            live_since=datetime.fromisoformat(stable["liveSince"]).date(),
            plan=plan,
            monitoring=asked,
            policy=policy,
            conditions=_own(status.get("conditions") or ()),
            told=_told(status.get("drift") or {}),
            settled=_settled(item, status),
            elsewhere=_elsewhere(status),
        )

    def _read(self, key: ModelKey, item: Object) -> tuple[Monitoring | None, Plan, RolloutPolicySpec | None] | None:
        metadata = item["metadata"]
        policy = self._policies.get(str(((item.get("spec") or {}).get("policy") or {}).get("name")), ("", None))[1]
        basis = (str(metadata.get("uid")), int(metadata.get("generation") or 0), policy)
        known = self._plans.get(key)
        if known is None or known[0][:2] != basis[:2] or known[0][2] is not policy:
            try:
                spec = AIModelSpec.model_validate(item.get("spec") or {})
            except ValidationError:
                return None
            # Of ten thousand specs only this much is kept.
            known = self._plans[key] = basis, spec.monitoring, _plan(key, spec, policy)
        return known[1], known[2], policy


def _plan(key: ModelKey, spec: AIModelSpec, policy: RolloutPolicySpec | None) -> Plan:
    return plan_of("/".join(key), spec, policy, sla_of(spec.vendor.sla) if spec.vendor is not None else None)


def _policy(item: Object) -> RolloutPolicySpec | None:
    try:
        return RolloutPolicySpec.model_validate(item.get("spec") or {})
    except ValidationError:
        return None


def _settled(item: Object, status: Mapping[str, Any]) -> bool:
    """A spec that was refused leaves the model Live with another version, so the version's name is looked at as well."""
    decided = status.get("observedGeneration") == item["metadata"].get("generation") and not status.get("candidate")
    asked, live = (item.get("spec") or {}).get("version"), status["stable"].get("version")
    return bool(decided and status.get("phase") in (Phase.LIVE, Phase.FROZEN) and asked == live)


def _elsewhere(status: Mapping[str, Any]) -> float:
    """The candidate's, and the fallback's. A copy in an A/A test is the live version as well."""
    traffic, candidate = status.get("traffic") or {}, status.get("candidate") or {}
    live = status["stable"]["revision"]
    own = (live, candidate.get("revision") if candidate.get("copyOf") == live else live)
    others = [one for one in traffic.get("slots") or () if one.get("revision") not in own]
    return sum(int(one.get("weight") or 0) for one in (*others, traffic.get("fallback") or {})) / _ALL


def _told(drift: Mapping[str, Any]) -> Severity | None:
    """Read from what is written, not from what was meant: so nothing that was asked for is forgotten."""
    try:
        return Severity(drift["severity"])
    except (KeyError, ValueError):
        return None


_ORDER = {kind: number for number, kind in enumerate(ConditionType)}


def _own(conditions: Iterable[Mapping[str, Any]]) -> tuple[Condition, ...]:
    """In the order in which they are written, whatever the API server made of it."""
    found = []
    for one in conditions:
        if one.get("type") in WATCHED:
            try:
                found.append(Condition.model_validate(one))
            except ValidationError:
                continue
    return tuple(sorted(found, key=lambda one: _ORDER[one.type]))
