"""The kinds that this server knows, and in what they differ."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tests.simulation.apiserver import defaults
from tests.simulation.apiserver.schema import ANY, Node, builtin, definition, metadata_node, own_definition

from headgate.kube import resources
from headgate.kube.admission import BINDINGS, POLICIES
from headgate.kube.resources import Resource

Object = dict[str, Any]

AUTOSCALERS = Resource("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
SECRETS = Resource("", "v1", "secrets", "Secret")


@dataclass(frozen=True, slots=True)
class Kind:
    """`status`: written apart, under its own subresource. `counted`: which fields a new metadata.generation stands for, none for
    kinds without one. `custom`: kept by a CustomResourceDefinition. `complete`: fills in what a client left out of a spec (custom kinds
    have a schema for that); `initial`: what else every new object has."""

    resource: Resource
    node: Node
    status: bool = False
    counted: tuple[str, ...] = ()
    custom: bool = False
    complete: Callable[[Object], Object] = defaults.nothing
    initial: Object = field(default_factory=dict)


Kinds = Mapping[str, Kind]

_EVENT: Object = {"deprecatedSource": {}, "deprecatedFirstTimestamp": None, "deprecatedLastTimestamp": None}
_BUILTIN: tuple[tuple[Resource, bool, tuple[str, ...], Callable[[Object], Object], Object], ...] = (
    (resources.DEPLOYMENTS, True, ("spec", "annotations"), defaults.deployment, {"status": {}}),
    (resources.SERVICES, True, (), defaults.service, {"status": {"loadBalancer": {}}}),
    (resources.CONFIG_MAPS, False, (), defaults.nothing, {}),
    (SECRETS, False, (), defaults.nothing, {"type": "Opaque"}),
    (resources.PODS, True, ("spec",), defaults.pod, {"status": {"phase": "Pending", "qosClass": "BestEffort"}}),
    (resources.NAMESPACES, True, (), defaults.namespace, {"spec": {}, "status": {"phase": "Active"}}),
    (resources.LEASES, False, (), defaults.nothing, {}),
    (resources.EVENTS, False, (), defaults.nothing, _EVENT),
    (AUTOSCALERS, True, (), defaults.nothing, {}),
)
_OWN = (resources.AIMODELS, resources.ROLLOUT_POLICIES, resources.GOVERNANCE_APPROVALS)


@cache
def kinds() -> Kinds:
    """By qualified plural, `deployments.apps`; our own as this checkout defines them."""
    return _kinds(own_definition)


@cache
def recorded_kinds() -> Kinds:
    """All as they were when conversations were recorded."""
    return _kinds(definition)


def _kinds(own: Callable[[str], Node]) -> Kinds:
    known = [Kind(resource, builtin(resource.kind), status, counted, False, fill, new) for resource, status, counted, fill, new in _BUILTIN]
    known += [Kind(resource, own(resource.qualified), True, ("spec",), True) for resource in _OWN]
    known += [Kind(r, definition(r.qualified), True, ("spec",), True) for r in (resources.HTTP_ROUTES, resources.GATEWAYS)]
    for resource in (POLICIES, BINDINGS, resources.CUSTOM_RESOURCE_DEFINITIONS):
        anything = Node(shape="map", fields={"metadata": metadata_node()}, element=ANY)
        known.append(Kind(resource, anything, resource is not BINDINGS, ("spec",)))
    # Of any shape: a trace spoils it now and then.
    known.append(Kind(resources.TRUST_STORES, Node(shape="map", fields={"metadata": metadata_node()}, element=ANY)))
    # Its data is of any shape, and refused any change by the real server: nothing here changes it.
    known.append(Kind(resources.CONTROLLER_REVISIONS, Node(shape="map", fields={"metadata": metadata_node()}, element=ANY)))
    # Made only where a policy asks for it, and no policy here does: it has to be listed and watched, no more.
    known.append(Kind(resources.JOBS, Node(shape="map", fields={"metadata": metadata_node()}, element=ANY), True, ("spec",)))
    return {kind.resource.qualified: kind for kind in known}
