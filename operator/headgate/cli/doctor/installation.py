"""Checks of what the chart installs: versions, definitions, the operator and its leader, clocks. Pure."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from headgate.api.base import GROUP, VERSION
from headgate.api.crd import RESOURCES
from headgate.cli.doctor.check import Check, fail, ok, unseen, warn
from headgate.cli.doctor.facts import Facts
from headgate.kube.lease_record import read_record

OLDEST_CLUSTER = (1, 30)
"""ValidatingAdmissionPolicies are in v1 since then."""
_NEWEST_KNOWN = (1, 36)
_NO_MORE_APART = 2.0
"""Seconds. A Date header tells time to the second, and the way takes some."""
_HARMFUL = 30.0
_UPGRADE = "install this release's chart (helm upgrade), or kubectl apply --server-side -f crds/"
_READ = "kubectl logs and kubectl describe of its pods say why"


def installation(facts: Facts) -> Iterator[Check]:
    """In the order in which one would look."""
    yield _cluster(facts)
    yield from _definitions(facts)
    yield _operator(facts)
    yield _versions(facts)
    yield _leader(facts)
    yield from _clocks(facts)


def _cluster(facts: Facts) -> Check:
    topic, about = "cluster version", facts.about.value
    found = re.match(r"v(\d+)\.(\d+)", about.version) if about else None
    if about is None:
        return unseen(topic, facts.about)
    if found is None:
        return warn(topic, f"the API server says {about.version or 'no version'}, which cannot be read", "kubectl version says more")
    version = (int(found[1]), int(found[2]))
    if version < OLDEST_CLUSTER:
        return fail(topic, f"Kubernetes {about.version} has no ValidatingAdmissionPolicies in v1", "upgrade to Kubernetes 1.30 or newer")
    if version > _NEWEST_KNOWN:
        newest = ".".join(map(str, _NEWEST_KNOWN))
        return warn(topic, f"Kubernetes {about.version} is newer than what this release was tested on ({newest})", "try it elsewhere first")
    return ok(topic, f"Kubernetes {about.version}")


def _definitions(facts: Facts) -> Iterator[Check]:
    for resource in RESOURCES:
        topic, name = f"definition of {resource.kind}", f"{resource.plural}.{GROUP}"
        asked = facts.definitions[name]
        if asked.value is None:
            yield fail(topic, f"there is no CustomResourceDefinition {name}", _UPGRADE) if asked.missing else unseen(topic, asked)
            continue
        served = next((one for one in asked.value["spec"]["versions"] if one["name"] == VERSION), None)
        if served is None or not served.get("served"):
            yield fail(topic, f"{name} does not serve {VERSION}", _UPGRADE)
            continue
        wanted = resource.manifest()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        difference = first_difference(wanted, (served.get("schema") or {}).get("openAPIV3Schema") or {})
        if not difference:
            yield ok(topic, f"{VERSION} is served, with the schema of this release")
        elif _same_release(facts):
            yield fail(topic, f"its schema is not that of this release: {difference}", _UPGRADE)
        else:
            todo = "use the command of the operator's release, or upgrade the cluster's"
            yield warn(topic, f"its schema is not that of this command: {difference}", todo)


def first_difference(wanted: Any, found: Any, place: str = "") -> str:
    """Where two schemas differ first, in words; empty if they say the same. What is empty and what is left out are the same."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        wanted, found = _said(wanted), _said(found)
        for key in sorted(wanted.keys() | found.keys()):
            here = f"{place}.{key}" if place else key
            if key not in found:
                return f"{here} is missing there"
            if key not in wanted:
                return f"{here} is there, and not in this release"
            if difference := first_difference(wanted[key], found[key], here):
                return difference
        return ""
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        pairs = (first_difference(one, other, f"{place}[{k}]") for k, (one, other) in enumerate(zip(wanted, found, strict=True)))
        return next(filter(None, pairs), "")
    return "" if wanted == found else f"{place} is another one there"


def _said(part: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if value not in ({}, [], None, "")}


def _same_release(facts: Facts) -> bool:
    operator = facts.operator.value
    return operator is None or operator.version in ("", facts.command_version)


def _operator(facts: Facts) -> Check:
    topic, operator = "operator", facts.operator.value
    if operator is None:
        if not facts.operator.missing:
            return unseen(topic, facts.operator)
        where = f"there is no Deployment of the operator in namespace {facts.operator_namespace}"
        return fail(topic, where, "install the chart, or name its namespace with --operator-namespace")
    if operator.ready == 0:
        return fail(topic, f"none of its {operator.wanted} pods is ready: nothing is decided, and nothing taken back", _READ)
    if operator.ready < operator.wanted:
        return warn(topic, f"{operator.ready} of {operator.wanted} pods are ready", _READ)
    if operator.wanted == 1:
        return warn(topic, "it has one pod: while that moves, nothing is taken back", "set replicas: 2 in the chart's values")
    return ok(topic, f"{operator.ready} of {operator.wanted} pods are ready")


def _versions(facts: Facts) -> Check:
    topic, operator = "versions", facts.operator.value
    if operator is None or not operator.version:
        return warn(topic, f"this command is {facts.command_version}; the operator's version is not known", "use commands of its release")
    if operator.version != facts.command_version:
        said = f"this command is {facts.command_version}, the operator {operator.version}"
        return warn(topic, said, "install the command of the operator's release: what one writes, the other has to read")
    return ok(topic, f"command and operator are {operator.version}")


def _leader(facts: Facts) -> Check:
    topic, lease = "leader", facts.lease.value
    if lease is None:
        if not facts.lease.missing:
            return unseen(topic, facts.lease)
        return fail(topic, f"there is no Lease headgate in namespace {facts.operator_namespace}: nobody ever led", _READ)
    record, now = read_record(lease), _server_time(facts)
    renewed = _moment(record.renew_time)
    if not record.holder or renewed is None:
        return fail(topic, "nobody holds the lease: nothing is decided, and nothing taken back", _READ)
    silent = (now - renewed).total_seconds()
    if silent > record.duration + _NO_MORE_APART:
        said = f"{record.holder} holds the lease, and has not renewed it for {silent:.0f} s"
        return fail(topic, f"{said}: nothing is decided, and nothing taken back", _READ)
    return ok(topic, f"{record.holder} leads")


def _clocks(facts: Facts) -> Iterator[Check]:
    about = facts.about.value
    if about is not None and about.date is not None:
        apart = (facts.now - about.date).total_seconds()
        yield _apart(
            "clock of this machine", apart, "the API server's", "set this machine's clock: approvals that are signed here carry it"
        )
    lease = facts.lease.value
    renewed = _moment(read_record(lease).renew_time) if lease is not None else None
    if renewed is not None:
        # A renewal in the past says nothing of a clock that is behind: the leader renews every few seconds.
        ahead = max((renewed - _server_time(facts)).total_seconds(), 0.0)
        yield _apart("clock of the leader", ahead, "the API server's", "set the clock of its node: stages and expiry go by it", grave=True)


def _apart(topic: str, seconds: float, whose: str, todo: str, *, grave: bool = False) -> Check:
    if abs(seconds) <= _NO_MORE_APART:
        return ok(topic, f"within {_NO_MORE_APART:g} s of {whose}")
    said = f"{abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} {whose}"
    return fail(topic, said, todo) if grave and abs(seconds) > _HARMFUL else warn(topic, said, todo)


def _server_time(facts: Facts) -> datetime:
    """This machine's where the server did not say."""
    about = facts.about.value
    return about.date + timedelta(seconds=0.5) if about is not None and about.date is not None else facts.now


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
