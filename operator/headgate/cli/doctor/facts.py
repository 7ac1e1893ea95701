"""Everything that doctor knows about a cluster, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from headgate.api.replay import CopiesStatus
from headgate.api.status import AIModelStatus
from headgate.api.vocabulary import Profile
from headgate.cli.doctor.check import Asked
from headgate.kube.interface import About, Object

Objects = tuple[Object, ...]


@dataclass(frozen=True, slots=True)
class Operator:
    """The operator's Deployment, as far as other checks depend on it."""

    version: str
    """By the chart's label; empty if it has none."""
    wanted: int
    ready: int
    user: str
    """As the API server names it."""
    environment: Mapping[str, str]
    """Its variables that have a value of their own."""

    def setting(self, name: str) -> str:
        return self.environment.get(f"HEADGATE_{name}", "")

    @property
    def prefix(self) -> str:
        return self.setting("ADMISSION_PREFIX") or "headgate"


@dataclass(frozen=True, slots=True)
class Right:
    """Something that the operator has to be allowed to do. An empty namespace: in all of them."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""
    """Of the one object that it is about; empty: of any."""

    def __str__(self) -> str:
        kind = f"{self.resource}.{self.group}" if self.group else self.resource
        kind += f"/{self.name}" if self.name else ""
        return f"{self.verb} {kind} in {f'namespace {self.namespace}' if self.namespace else 'all namespaces'}"


@dataclass(frozen=True, slots=True)
class Bindings:
    """RBAC of the cluster."""

    cluster_roles: Objects = ()
    roles: Objects = ()
    cluster_role_bindings: Objects = ()
    role_bindings: Objects = ()


@dataclass(frozen=True, slots=True)
class Model:
    """One AIModel: enough to ask for its counters. `profile` is that of its policy, None if that is not there."""

    namespace: str
    name: str
    status: AIModelStatus
    parents: tuple[tuple[str, str], ...] = ()
    """Namespace and name of the Gateways that its route attaches to."""
    profile: Profile | None = None
    copies: CopiesStatus | None = None
    """Of requests to its candidate, in the shadow stage that it is or was in."""


@dataclass(frozen=True, slots=True)
class Series:
    """What Prometheus has of one model: how many series, by the name of the counter."""

    counted: Mapping[str, int]
    labelled: int
    """Series of its pods' own request counters that carry headgate_model and headgate_revision."""
    bare: int
    """Series of the same counters in its namespace without them."""


@dataclass(frozen=True, slots=True)
class Prometheus:
    """One that answered. `skew`: how many seconds its clock is ahead of ours."""

    address: str
    skew: float | None
    scrape_seconds: float | None
    """The greatest distance of two scrapes of the counters in use; None without any."""
    series: Mapping[tuple[str, str], Series] = field(default_factory=dict)
    """By namespace and name of the model."""


@dataclass(frozen=True, slots=True)
class Policies:
    """What the RolloutPolicies ask of the cluster."""

    intervals: Mapping[str, int] = field(default_factory=dict)
    """Seconds of analysis.interval, by name."""
    mirrors: tuple[str, ...] = ()
    """Names of those with a shadow stage."""
    partial_mirrors: tuple[str, ...] = ()
    """Names of those that copy only a part of the requests."""
    unread: tuple[str, ...] = ()
    """Names of those that this release cannot read."""


@dataclass(frozen=True, slots=True)
class Facts:
    """`now` is this machine's clock when the API server was asked for its own, half-way between question and answer."""

    now: datetime
    command_version: str
    operator_namespace: str
    about: Asked[About]
    definitions: Mapping[str, Asked[Object]]
    """CustomResourceDefinitions by name."""
    operator: Asked[Operator]
    lease: Asked[Object]
    admission_policies: Asked[Objects]
    admission_bindings: Asked[Objects]
    refused_rights: Asked[tuple[Right, ...]]
    rbac: Asked[Bindings]
    trust_store: Asked[Object]
    models: Asked[tuple[Model, ...]]
    policies: Asked[Policies]
    prometheus: Asked[Prometheus]
    gateway_definition: Asked[Object]
    """That of HTTPRoutes."""
    gateways: Asked[Objects]
    gateway_classes: Asked[Objects]
    mirror_refused: Mapping[str, Asked[str]]
    """Why the API server does not take a route that copies requests, by the form of the share (percent, fraction): empty if it does."""


def parents_of(spec: Mapping[str, Any], namespace: str) -> tuple[tuple[str, str], ...]:
    """Namespace and name of each Gateway of spec.traffic, also of a spec that cannot be read as a whole."""
    traffic = spec.get("traffic")
    listed = traffic.get("parentRefs") if isinstance(traffic, dict) else None
    given = (one for one in listed if isinstance(one, dict)) if isinstance(listed, list) else ()
    return tuple((str(one.get("namespace") or namespace), str(one.get("name") or "")) for one in given)
