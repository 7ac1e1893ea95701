"""What was granted beside what was used: the rules of roles, and the audit log of an API server."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

SETTLING = timedelta(seconds=10)
"""Until every part of an API server knows a binding that came or went."""

Event = Mapping[str, Any]
Body = Mapping[str, Any]


class Grant(NamedTuple):
    """One verb on one resource. Empty `namespace`: in all; empty `name`: of any name."""

    group: str
    resource: str
    verb: str
    namespace: str = ""
    name: str = ""


def grants(role: Body, namespace: str = "") -> Iterator[Grant]:
    """Each right of a Role, which counts in `namespace`, or of a ClusterRole that is bound everywhere."""
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    for name in rule.get("resourceNames") or ("",):
                        yield Grant(group, resource, verb, namespace, name)


@dataclass(frozen=True)
class Log:
    """What an API server noted of one user, and of bindings."""

    events: tuple[Event, ...]
    user: str

    @classmethod
    def read(cls, lines: Iterable[str], user: str) -> "Log":
        """In the order of requests: a line is written when its request ends."""
        events = [json.loads(line) for line in lines if line.strip()]
        return cls(tuple(sorted(events, key=_time)), user)

    def asked(self) -> Iterator[Event]:
        """Requests of the user for objects, answered or under way."""
        for event in self.events:
            if event["user"]["username"] == self.user and (event.get("objectRef") or {}).get("resource"):
                yield event

    def used(self) -> set[Grant]:
        """Every right that let a request pass, as exactly as the request was."""
        return {grant for event in self.asked() if not _refused(event) for grant in _needed(event)}

    def refused(self) -> list[str]:
        """Requests that RBAC refused while the user had its rights, in words."""
        away = self._away()
        found: dict[str, None] = {}
        for event in self.asked():
            at = _time(event)
            if _refused(event) and not any(begin <= at <= end for begin, end in away):
                (grant, *_) = _needed(event)
                found[" ".join(part for part in grant if part)] = None
        return list(found)

    def _away(self) -> list[tuple[datetime, datetime]]:
        """When bindings of a release were deleted, until they were made again: an uninstalled operator ends without rights."""
        found, since = [], None
        for event in self.events:
            reference = event.get("objectRef") or {}
            if "rolebindings" not in reference.get("resource", "") or not str(reference.get("name", "")).startswith("headgate-"):
                continue
            if event["verb"] == "delete" and since is None:
                since = _time(event)
            elif event["verb"] in ("create", "patch") and since is not None:
                found.append((since, _time(event) + SETTLING))
                since = None
        return [*found, *([(since, datetime.max.replace(tzinfo=since.tzinfo))] if since is not None else [])]


def unused(granted: Iterable[Grant], used: set[Grant]) -> set[Grant]:
    """What no request needed."""
    return {grant for grant in granted if not any(_covers(grant, one) for one in used)}


def _covers(grant: Grant, used: Grant) -> bool:
    same = (grant.group, grant.resource, grant.verb) == (used.group, used.resource, used.verb)
    return same and grant.namespace in ("", used.namespace) and grant.name in ("", used.name)


def _needed(event: Event) -> Iterator[Grant]:
    reference, verb = event["objectRef"], event["verb"]
    resource = "/".join(part for part in (reference["resource"], reference.get("subresource")) if part)
    place = reference.get("namespace", ""), reference.get("name", "")
    yield Grant(reference.get("apiGroup", ""), resource, verb, *place)
    # A server-side apply of what is not there is asked for both.
    if verb == "patch" and (event.get("responseStatus") or {}).get("code") == 201:
        yield Grant(reference.get("apiGroup", ""), resource, "create", *place)


def _refused(event: Event) -> bool:
    return (event.get("annotations") or {}).get("authorization.k8s.io/decision") == "forbid"


def _time(event: Event) -> datetime:
    return datetime.fromisoformat(event["requestReceivedTimestamp"])
