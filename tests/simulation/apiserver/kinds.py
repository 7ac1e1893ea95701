"""The kinds that this server knows, and in what they differ."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.simulation.apiserver import defaults
from tests.simulation.apiserver.schema import ANY, Node, builtin, definition, metadata_node

from headgate.controller.enforcement import BINDINGS, POLICIES
from headgate.kube import resources
from headgate.kube.resources import Resource

Object = dict[str, Any]

AUTOSCALERS = Resource("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
SECRETS = Resource("", "v1", "secrets", "Secret")


@dataclass(frozen=True, slots=True)
class Kind:
    """`status`: written apart, under its own subresource. `counted`: which fields a new metadata.generation stands for, none for
    kinds without one. `custom`: kept by a CustomResourceDefinition. `complete`: fills in what a client left out."""

    resource: Resource
    node: Node
    status: bool = False
    counted: tuple[str, ...] = ()
    custom: bool = False
    complete: Callable[[Object], Object] = lambda body: body


_BUILTIN = (
    (resources.DEPLOYMENTS, True, ("spec", "annotations"), defaults.deployment),
    (resources.SERVICES, True, (), defaults.service),
    (resources.CONFIG_MAPS, False, (), defaults.nothing),
    (SECRETS, False, (), defaults.secret),
    (resources.PODS, True, ("spec",), defaults.pod),
    (resources.NAMESPACES, True, (), defaults.namespace),
    (resources.LEASES, False, (), defaults.nothing),
    (resources.EVENTS, False, (), defaults.event),
    (AUTOSCALERS, True, (), defaults.nothing),
)
_CUSTOM = (
    resources.AIMODELS,
    resources.ROLLOUT_POLICIES,
    resources.GOVERNANCE_APPROVALS,
    resources.HTTP_ROUTES,
    resources.GATEWAYS,
)


@cache
def kinds() -> dict[str, Kind]:
    """By qualified plural, `deployments.apps`."""
    known = [Kind(resource, builtin(resource.kind), status, counted, False, fill) for resource, status, counted, fill in _BUILTIN]
    known += [Kind(resource, definition(resource.qualified), True, ("spec",), True) for resource in _CUSTOM]
    for resource in (POLICIES, BINDINGS):
        anything = Node(shape="map", fields={"metadata": metadata_node()}, element=ANY)
        known.append(Kind(resource, anything, resource is POLICIES, ("spec",)))
    return {kind.resource.qualified: kind for kind in known}
