"""Traffic that goes around a model's route: routes of other people on its host names, or to the Services of its versions, and Services
of other people through which requests reach its versions' pods.

The operator's own route cannot forbid them, because namespaces share Gateways; so they are told to everybody who looks.

A Service that nothing leads to is no such way: people have them for metrics and to look at one pod, and whoever may send requests inside
of the cluster reaches the pods by their addresses as well. That is for a NetworkPolicy to forbid.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from headgate.api.aimodel import ParentRef, Traffic

_MOST_TOLD = 3


@dataclass(frozen=True, slots=True)
class Path:
    """How a rule matches the path of a request, as Gateway API has it. A pattern may match anything."""

    kind: Literal["Exact", "PathPrefix", "RegularExpression"] = "PathPrefix"
    value: str = "/"

    def takes_from(self, mine: "Path") -> bool:
        """Whether a rule with this path can win requests that a rule with `mine` is to answer: at least as long a match wins."""
        if "RegularExpression" in (self.kind, mine.kind):
            return True
        if mine.kind == "Exact":
            return self == mine
        return self.value == mine.value or self.value.startswith(mine.value.rstrip("/") + "/")


@dataclass(frozen=True, slots=True)
class ForeignRoute:
    """A route that Headgate did not make. `gateways` and `services` are (namespace, name)."""

    namespace: str
    name: str
    hostnames: tuple[str, ...]
    gateways: frozenset[tuple[str, str]]
    paths: tuple[Path, ...]
    services: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ForeignService:
    """A Service that Headgate did not make. `selector`: the labels it asks pods for, each as `key=value`; without any it selects none."""

    namespace: str
    name: str
    selector: frozenset[str]
    entrance: str = ""
    """What brings it requests from outside of its namespace, in words; empty if nothing is known to."""


@dataclass(frozen=True, slots=True)
class WaysAround:
    """All of them, by what a model is looked for by."""

    by_host: Mapping[str, tuple[ForeignRoute, ...]] = field(default_factory=dict)
    """A route without host names is under the empty one."""
    by_service: Mapping[tuple[str, str], tuple[ForeignRoute, ...]] = field(default_factory=dict)
    by_namespace: Mapping[str, tuple[ForeignService, ...]] = field(default_factory=dict)
    """Services that something leads to."""

    @classmethod
    def of(cls, routes: Iterable[ForeignRoute], services: Iterable[ForeignService] = ()) -> "WaysAround":
        hosts: dict[str, tuple[ForeignRoute, ...]] = {}
        targets: dict[tuple[str, str], tuple[ForeignRoute, ...]] = {}
        entered: dict[str, tuple[ForeignService, ...]] = {}
        for route in routes:
            for host in route.hostnames or ("",):
                hosts[host] = (*hosts.get(host, ()), route)
            for target in route.services:
                targets[target] = (*targets.get(target, ()), route)
        for service in services:
            led = next((f"HTTPRoute {r.namespace}/{r.name} leads to it" for r in targets.get((service.namespace, service.name), ())), "")
            if service.selector and (entrance := service.entrance or led):
                entered[service.namespace] = (*entered.get(service.namespace, ()), replace(service, entrance=entrance))
        return cls(hosts, targets, entered)


def bypass_words(
    ways: WaysAround, traffic: Traffic, namespace: str, services: Iterable[str], pods: Iterable[tuple[str, frozenset[str]]] = ()
) -> str:
    """Who goes around the route of a model in `namespace`, whose versions have `services` and `pods`, each a revision and the labels of
    its pods. Empty: nobody."""
    told = (*_by_routes(ways, traffic, namespace, services), *_by_services(ways, namespace, tuple(pods)))
    if not told:
        return ""
    more = f"; and {len(told) - _MOST_TOLD} more" if len(told) > _MOST_TOLD else ""
    return f"{'; '.join(told[:_MOST_TOLD])}{more}: whoever is led there meets no approval and no rollback. Delete it, or narrow it"


def _by_routes(ways: WaysAround, traffic: Traffic, namespace: str, services: Iterable[str]) -> list[str]:
    gateways = {_gateway(ref, namespace) for ref in traffic.parent_refs}
    mine = tuple(path for rule in traffic.rules for path in paths_of(rule.matches))
    found: dict[tuple[str, str], str] = {}
    for host in traffic.hostnames or ("",):
        for route in ways.by_host.get(host, ()):
            if route.gateways & gateways and any(path.takes_from(own) for path in route.paths for own in mine):
                found[route.namespace, route.name] = f"answers requests for {host or 'any host'}"
    for service in services:
        for route in ways.by_service.get((namespace, service), ()):
            found[route.namespace, route.name] = f"sends requests to Service {service}"
    return [f"HTTPRoute {space}/{name} {does}" for (space, name), does in sorted(found.items())]


def _by_services(ways: WaysAround, namespace: str, pods: tuple[tuple[str, frozenset[str]], ...]) -> list[str]:
    found = []
    for service in ways.by_namespace.get(namespace, ()):
        revisions = sorted({revision for revision, labels in pods if service.selector <= labels})
        if revisions:
            found.append(f"Service {namespace}/{service.name} selects pods of {', '.join(revisions)}, and {service.entrance}")
    return sorted(found)


def paths_of(matches: Iterable[Mapping[str, Any]]) -> tuple[Path, ...]:
    """Of the matches of one rule; a rule without any matches every path."""
    return tuple(_path(match.get("path") or {}) for match in matches) or (Path(),)


def _path(path: Mapping[str, Any]) -> Path:
    return Path(path.get("type") or "PathPrefix", path.get("value") or "/")


def _gateway(ref: ParentRef, namespace: str) -> tuple[str, str]:
    return ref.namespace or namespace, ref.name
