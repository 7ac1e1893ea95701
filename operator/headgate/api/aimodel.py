"""AIModel: what is served and how it is reached, who owns it, how much harm it can do."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from headgate.api.base import ATOMIC, Digest, Label, Line, Model, ObjectName, Opaque, User, rules
from headgate.api.quantities import Duration
from headgate.api.vocabulary import Tier


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


class DeploymentServing(Model):
    """A Deployment and a Service for each revision, made from this template."""

    replicas: Annotated[int, Field(ge=1, le=1000)] = 1
    port: Annotated[int, Field(ge=1, le=65535)] = 8080
    template: Opaque
    """A pod template. The API server validates it when the Deployment is made; its error is shown on the AIModel word for word."""


class SideEffects(StrEnum):
    """Mirrored requests are executed: only a model without side effects may be shadowed."""

    NONE = "None"
    SOME = "Some"


class Fallback(Model):
    """A Service of the model's namespace that answers when no version can, like a rule engine. It is not Headgate's: nothing scales it."""

    service: Label
    port: Annotated[int, Field(ge=1, le=65535)] = 80


class Serving(Model):
    """How the model is served. Exactly one kind of workload."""

    deployment: DeploymentServing
    drain: Duration = Duration(30)
    """How long a version that lost its traffic is kept to finish what it has begun."""
    side_effects: SideEffects = SideEffects.SOME
    fallback: Fallback | None = None


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


class Classification(Model):
    """How much harm a wrong decision can do. Without a known tier the gate stays closed."""

    domain: Line | None = None
    declared_tier: Tier


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


AIMODEL_RULES = rules(
    (
        "self.metadata.name.matches('^[a-z]([-a-z0-9]{0,48}[a-z0-9])?$')",
        "the name becomes part of Service and label names: at most 50 lower-case letters, digits and dashes, beginning with a letter",
    )
)
