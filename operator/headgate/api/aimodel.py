"""AIModel: what is served and how it is reached, who owns it, how much harm it can do."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from headgate.api.base import ATOMIC, Digest, Label, Line, Model, ObjectName, Opaque, User, rules
from headgate.api.dossier import Evidence, LineageStep, Requirements
from headgate.api.monitoring import Monitoring, Oversight
from headgate.api.quantities import Duration
from headgate.api.replay import Replay
from headgate.api.value_case import ValueCase
from headgate.api.vendor import Vendor
from headgate.api.vocabulary import DecisionType, Mode, Tier


class PolicyScope(StrEnum):
    """Platform: the policy lives in the operator's policy namespace, out of reach of the model's team."""

    PLATFORM = "Platform"


class PolicyRef(Model):
    """The RolloutPolicy that decides how far and how fast a new version may go."""

    name: Label
    scope: PolicyScope = PolicyScope.PLATFORM


class Artifact(Model):
    """The trained model itself, by digest. Approvals bind to it."""

    uri: Annotated[str, Field(min_length=1, max_length=1024)]
    digest: Digest


Replicas = Annotated[int, Field(ge=1, le=1000)]

_BOUNDS = "minReplicas must not be above maxReplicas"
_ONE_SIZE = "give replicas (a fixed size) or autoscaling, not both: with autoscaling the number of pods is the autoscaler's"
_NO_ROOM = "capacity.mode Proportional needs replicas: an autoscaler adds pods, and Proportional is for clusters without room for them"


class Autoscaling(Model):
    """One HorizontalPodAutoscaler for each revision. During a rollout its minimum follows the traffic, within these bounds."""

    model_config = ConfigDict(json_schema_extra=rules(("self.minReplicas <= self.maxReplicas", _BOUNDS)))

    min_replicas: Replicas = 1
    max_replicas: Replicas
    metrics: Annotated[tuple[Opaque, ...], Field(max_length=16, json_schema_extra=ATOMIC)] = ()
    """Metrics of autoscaling/v2, as the API server takes them. Left out: 80 % of the requested CPU."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_replicas > self.max_replicas:
            raise ValueError(_BOUNDS)
        return self


class DeploymentServing(Model):
    """A Deployment and a Service for each revision, made from this template. Without replicas and autoscaling: one pod."""

    model_config = ConfigDict(json_schema_extra=rules(("!(has(self.replicas) && has(self.autoscaling))", _ONE_SIZE)))

    replicas: Replicas | None = None
    autoscaling: Autoscaling | None = None
    port: Annotated[int, Field(ge=1, le=65535)] = 8080
    template: Opaque
    """A pod template. The API server validates it when the Deployment is made; its error is shown on the AIModel word for word."""

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if self.replicas is not None and self.autoscaling is not None:
            raise ValueError(_ONE_SIZE)
        return self

    @property
    def least(self) -> int:
        """The fixed size, or the autoscaler's lower bound."""
        return self.autoscaling.min_replicas if self.autoscaling else self.replicas or 1


class CapacityMode(StrEnum):
    """Surge: the stable version keeps its size until the candidate is live, so at most twice the pods run.
    Proportional: it shrinks as the candidate grows, for clusters with room for one pod more."""

    SURGE = "Surge"
    PROPORTIONAL = "Proportional"


class Capacity(Model):
    """Where the candidate's pods find room."""

    mode: CapacityMode = CapacityMode.SURGE


class SideEffects(StrEnum):
    """Mirrored requests are executed: only a model without side effects may be shadowed."""

    NONE = "None"
    SOME = "Some"


class Fallback(Model):
    """A Service of the model's namespace that answers when no version can, like a rule engine. It is not Headgate's: nothing scales it."""

    service: Label
    port: Annotated[int, Field(ge=1, le=65535)] = 80


class Baseline(Model):
    """The version that was live when it was pinned. A cluster that knows nothing of the model starts from it, without a gate: so writing
    it needs the right to `pin` the model. It is ignored as soon as there is a status, or Deployments that survived."""

    version: Annotated[str, Field(min_length=1, max_length=63)]
    artifact: Artifact
    deployment: DeploymentServing


class Serving(Model):
    """How the model is served. Exactly one kind of workload."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!(has(self.capacity) && self.capacity.mode == 'Proportional' && has(self.deployment.autoscaling))",
                _NO_ROOM,
            )
        )
    )

    deployment: DeploymentServing
    baseline: Baseline | None = None
    """Written by `kubectl headgate pin`, for rebuilding the cluster from Git."""
    capacity: Capacity = Capacity()
    drain: Duration = Duration(30)
    """How long a version that lost its traffic is kept to finish what it has begun."""
    side_effects: SideEffects = SideEffects.SOME
    fallback: Fallback | None = None
    replay: Replay | None = None
    """For policies whose shadow stage asks for it: which requests both versions answer, and what is compared."""

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        if self.capacity.mode is CapacityMode.PROPORTIONAL and self.deployment.autoscaling is not None:
            raise ValueError(_NO_ROOM)
        return self


class ParentRef(Model):
    """A Gateway (or one listener of it) that the route attaches to."""

    name: ObjectName
    namespace: Label | None = None
    section_name: Annotated[str, Field(max_length=253)] | None = None
    port: Annotated[int, Field(ge=1, le=65535)] | None = None


class RouteTimeouts(Model):
    """Gateway API durations, like 10s or 500ms."""

    request: Annotated[str, Field(pattern=r"^([0-9]{1,5}(h|m|s|ms)){1,4}$", max_length=24)] | None = None
    backend_request: Annotated[str, Field(pattern=r"^([0-9]{1,5}(h|m|s|ms)){1,4}$", max_length=24)] | None = None


class RouteRule(Model):
    """A Gateway API HTTPRoute rule without backendRefs: those are Headgate's."""

    name: Annotated[str, Field(max_length=253)] | None = None
    matches: Annotated[tuple[Opaque, ...], Field(max_length=64, json_schema_extra=ATOMIC)] = ()
    filters: Annotated[tuple[Opaque, ...], Field(max_length=14, json_schema_extra=ATOMIC)] = ()
    timeouts: RouteTimeouts | None = None


class Traffic(Model):
    """How users reach the model. Becomes one HTTPRoute named like the AIModel."""

    parent_refs: Annotated[tuple[ParentRef, ...], Field(min_length=1, max_length=8, json_schema_extra=ATOMIC)]
    hostnames: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=253, pattern=r"^(\*\.)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")], ...],
        Field(max_length=16, json_schema_extra=ATOMIC),
    ] = ()
    rules: Annotated[tuple[RouteRule, ...], Field(min_length=1, max_length=15, json_schema_extra=ATOMIC)] = (RouteRule(),)


class Owner(Model):
    """A person who answers for one side of the model."""

    user: User
    team: Line | None = None


class Owners(Model):
    """business accepts the risk, technical builds it, operations runs it."""

    business: Owner | None = None
    technical: Owner
    operations: Owner | None = None


Named = Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]{0,62}$", max_length=63)]
"""An entry of the classification table."""


_UNCLASSIFIED = "say what the model decides about (domain, decisions, affectedRights, practices, regions), or its declaredTier"


class Classification(Model):
    """How much harm a wrong decision can do. The names are those of the classification table, which makes a risk tier of them; what it
    does not know keeps the gates closed."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "has(self.declaredTier) || has(self.domain) || has(self.decisions)",
                _UNCLASSIFIED,
            )
        )
    )

    domain: Line | None = None
    """The field in which it is used, like CreditScoring."""
    decisions: DecisionType | None = None
    affected_rights: Annotated[tuple[Named, ...], Field(max_length=16, json_schema_extra=ATOMIC)] | None = None
    """Rights of people that a wrong decision touches; [] if none."""
    practices: Annotated[tuple[Named, ...], Field(max_length=16, json_schema_extra=ATOMIC)] | None = None
    """Practices that the law names, like Profiling; [] if none."""
    regions: Annotated[tuple[Named, ...], Field(max_length=32, json_schema_extra=ATOMIC)] | None = None
    """Where the people are about whom it decides."""
    declared_tier: Tier | None = None
    """Raises what the table says by itself, and lowers it with an approval at the gate TierLowering. A model that gives none of
    decisions, affectedRights, practices and regions is taken at this word, where neither the policy asks for
    more nor the table says more for its domain."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.declared_tier is None and self.domain is None and self.decisions is None:
            raise ValueError(_UNCLASSIFIED)
        return self


class DeletionPolicy(StrEnum):
    """What becomes of the Deployments, Services and the route when the AIModel is deleted. Orphan: the stable version goes on serving.
    Delete: everything goes."""

    ORPHAN = "Orphan"
    DELETE = "Delete"


class AIModelSpec(Model):
    """What users write."""

    version: Annotated[str, Field(min_length=1, max_length=63)]
    """The release's human name, like 2.3.1."""
    policy: PolicyRef
    artifact: Artifact
    serving: Serving
    traffic: Traffic
    owners: Owners
    classification: Classification
    requirements: Requirements | None = None
    """The requirements document. Part of what the UseCase gate is about."""
    lineage: Annotated[tuple[LineageStep, ...], Field(max_length=32, json_schema_extra=ATOMIC)] = ()
    """From the data to the artifact, in order."""
    evidence: Annotated[tuple[Evidence, ...], Field(max_length=32, json_schema_extra=ATOMIC)] = ()
    """Part of what the Deployment gate is about, by digest."""
    vendor: Vendor | None = None
    """For a model that somebody else makes."""
    value_case: ValueCase | None = None
    """What it is meant to be worth."""
    mode: Mode = Mode.ENFORCE
    """Observe: evidence takes no version back and none has to be proven good; the judge reports what it would have done. Guards and people
    decide as ever. It needs the policy's leave (analysis.observe) and is part of what people approve."""
    monitoring: Monitoring | None = None
    """What is watched once it is live."""
    oversight: Oversight | None = None
    """Where people review its decisions: which counters tell whether they do."""
    deletion_policy: DeletionPolicy | None = None
    """Left out: Orphan once users are served, Delete before."""


AIMODEL_RULES = rules(
    (
        "self.metadata.name.matches('^[a-z]([-a-z0-9]{0,48}[a-z0-9])?$')",
        "the name becomes part of Service and label names: at most 50 lower-case letters, digits and dashes, beginning with a letter",
    )
)
