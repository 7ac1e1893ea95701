"""Does the release work: definitions, admission policies, leader, metrics. What `helm test` runs."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headgate.api import crd
from headgate.api.base import GROUP, VERSION
from headgate.kube.admission import BINDINGS, POLICIES, standing
from headgate.kube.errors import KubeError, NotFound
from headgate.kube.installed import Installed
from headgate.kube.interface import KubeApi
from headgate.kube.lease_record import read_record
from headgate.kube.resources import CUSTOM_RESOURCE_DEFINITIONS, LEASES

TRIES, PAUSE = 15, 2.0
"""How often, and with how many seconds in between, what may be on its way is looked at: a new leader, pods that are being exchanged."""

Pages = Callable[[str], Awaitable[Sequence[str]]]
"""The metrics of every process behind a host:port. Raises OSError if one of them cannot be read, or none is there."""


@dataclass(frozen=True, slots=True)
class Release:
    """What is to be checked of an installed chart."""

    namespace: str
    prefix: str
    """Of the names of its admission policies."""
    definitions: bool
    """Whether the definitions may be read."""
    admission: Installed | None
    """What it made of admission policies; None if it has none."""
    leases: tuple[str, ...]
    operator: str
    """host:port of the operators' metrics."""
    others: tuple[str, ...] = ()
    """host:port of metrics of other processes of the release."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`fault` is what is wrong, and what to do; empty if `what` holds."""

    what: str
    fault: str


@dataclass(frozen=True, slots=True)
class Checks:
    """The checks of one release, against one API server."""

    api: KubeApi
    pages: Pages
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def run(self, release: Release) -> list[Finding]:
        """All of them, in an order in which the first fault explains those after it."""
        found = []
        if release.definitions:
            found += [Finding(f"{one.plural}.{GROUP} is served", await self._definition(one)) for one in crd.RESOURCES]
        if release.admission is not None:
            found.append(Finding("the admission policies deny", await self._admission(release.prefix, release.admission)))
        for name in release.leases:
            found.append(Finding(f"the lease {name} is renewed", await self._lease(release.namespace, name)))
        found.append(Finding("the operators show metrics, and one leads", await self._eventually(self._led, release.operator)))
        for address in release.others:
            found.append(Finding(f"{address} shows metrics", await self._eventually(self._shown, address)))
        return found

    async def _definition(self, resource: crd.Resource) -> str:
        try:
            return definition_fault(await self.api.get(CUSTOM_RESOURCE_DEFINITIONS, f"{resource.plural}.{GROUP}"), resource)
        except NotFound:
            return "it is not installed: set crds.enabled=true, or apply crds/ of this release"
        except KubeError as error:
            return str(error)

    async def _admission(self, prefix: str, installed: Installed) -> str:
        try:
            policies, bindings = await self.api.list(POLICIES), await self.api.list(BINDINGS)
        except KubeError as error:
            return str(error)
        return standing(policies.items, bindings.items, prefix, installed).problem

    async def _lease(self, namespace: str, name: str) -> str:
        """The times in a lease are of its holder's clock: that they change is what shows that somebody is there."""
        seen, fault = "", f"nobody holds it: look at the pods in {namespace}, and at their logs"
        for _ in range(TRIES):
            try:
                record = read_record(await self.api.get(LEASES, name, namespace))
            except NotFound:
                pass
            except KubeError as error:
                return str(error)
            else:
                if record.holder and seen not in ("", record.renew_time):
                    return ""
                seen = record.renew_time
                if record.holder:
                    fault = f"{record.holder} holds it, and does not renew it: look at its logs"
            await self.sleep(PAUSE)
        return fault

    async def _led(self, address: str) -> str:
        leading = [sum(_samples(page, "headgate_leader")) for page in await self.pages(address)]
        return "" if sum(leading) == 1 else f"{sum(leading):.0f} of {len(leading)} say that they lead"

    async def _shown(self, address: str) -> str:
        silent = [page for page in await self.pages(address) if "\nheadgate_" not in f"\n{page}"]
        return f"{len(silent)} processes show no metric called headgate_…" if silent else ""

    async def _eventually(self, check: Callable[[str], Awaitable[str]], address: str) -> str:
        fault = ""
        for _ in range(TRIES):
            try:
                fault = await check(address)
            except OSError as error:
                fault = str(error)
            if not fault:
                return ""
            await self.sleep(PAUSE)
        return fault


def definition_fault(body: Mapping[str, Any], resource: crd.Resource) -> str:
    """What is wrong with a definition as the cluster has it; empty if it serves every field of this release."""
    versions = {version["name"]: version for version in body["spec"]["versions"] if version.get("served")}
    conditions = (body.get("status") or {}).get("conditions") or ()
    if not any(one.get("type") == "Established" and one.get("status") == "True" for one in conditions):
        return "the API server has not taken it up: look at its conditions"
    if VERSION not in versions:
        return f"it does not serve {VERSION}: apply crds/ of this release"
    known = versions[VERSION]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    missing = sorted(set(resource.schema()["properties"]["spec"]["properties"]) - set(known))
    return (
        f"it is of an older release, without {', '.join(missing)}: set crds.enabled=true, or apply crds/ of this release" if missing else ""
    )


def _samples(page: str, name: str) -> list[float]:
    return [float(line.rpartition(" ")[2]) for line in page.splitlines() if line.partition(" ")[0].partition("{")[0] == name]
