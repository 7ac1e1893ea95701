"""Traffic that goes around a model's route: routes of other people on its host names, or to the Services of its versions.

The operator's own route cannot forbid them, because namespaces share Gateways; so they are told to everybody who looks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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
class ForeignRoutes:
    """All of them, by what a model is looked for by."""

    by_host: Mapping[str, tuple[ForeignRoute, ...]] = field(default_factory=dict)
    """A route without host names is under the empty one."""
    by_service: Mapping[tuple[str, str], tuple[ForeignRoute, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, routes: Iterable[ForeignRoute]) -> "ForeignRoutes":
        hosts: dict[str, tuple[ForeignRoute, ...]] = {}
        services: dict[tuple[str, str], tuple[ForeignRoute, ...]] = {}
        for route in routes:
            for host in route.hostnames or ("",):
                hosts[host] = (*hosts.get(host, ()), route)
            for service in route.services:
                services[service] = (*services.get(service, ()), route)
        return cls(hosts, services)


def bypass_words(foreign: ForeignRoutes, traffic: Traffic, namespace: str, services: Iterable[str]) -> str:
    """Who goes around the route of a model in `namespace`, whose versions have `services`. Empty: nobody."""
    gateways = {_gateway(ref, namespace) for ref in traffic.parent_refs}
    mine = tuple(path for rule in traffic.rules for path in paths_of(rule.matches))
    found: dict[tuple[str, str], str] = {}
    for host in traffic.hostnames or ("",):
        for route in foreign.by_host.get(host, ()):
            if route.gateways & gateways and any(path.takes_from(own) for path in route.paths for own in mine):
                found[route.namespace, route.name] = f"answers requests for {host or 'any host'}"
    for service in services:
        for route in foreign.by_service.get((namespace, service), ()):
            found[route.namespace, route.name] = f"sends requests to Service {service}"
    told = [f"HTTPRoute {space}/{name} {does}" for (space, name), does in sorted(found.items())]
    if not told:
        return ""
    more = f"; and {len(told) - _MOST_TOLD} more" if len(told) > _MOST_TOLD else ""
    return f"{'; '.join(told[:_MOST_TOLD])}{more}: whoever is led there meets no approval and no rollback. Delete it, or narrow it"


def paths_of(matches: Iterable[Mapping[str, Any]]) -> tuple[Path, ...]:
    """Of the matches of one rule; a rule without any matches every path."""
    return tuple(_path(match.get("path") or {}) for match in matches) or (Path(),)


def _path(path: Mapping[str, Any]) -> Path:
    return Path(path.get("type") or "PathPrefix", path.get("value") or "/")


def _gateway(ref: ParentRef, namespace: str) -> tuple[str, str]:
    return ref.namespace or namespace, ref.name
