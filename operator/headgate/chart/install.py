"""The policies and the trust store that the chart's values ask for, applied. Helm cannot: it looks up all kinds of a release before it
makes the first, and on a new cluster these are not there yet."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import yaml

from headgate.kube.errors import Forbidden, KubeError, NotFound
from headgate.kube.interface import KubeApi, Object
from headgate.kube.resources import ROLLOUT_POLICIES, TRUST_STORES

FIELD_MANAGER = "headgate-chart"
TRIES, PAUSE = 30, 2.0
"""How often, and with how many seconds in between, an object is tried while its definition and the right to write it are on their way."""

_KINDS = {resource.kind: resource for resource in (ROLLOUT_POLICIES, TRUST_STORES)}


class InstallError(Exception):
    """The message names the object, and has the API server's words."""


def read_objects(folder: Path) -> tuple[Object, ...]:
    """The object of each .yaml file of `folder`, by name of file. Raises InstallError for a kind that is not the chart's to install."""
    found = []
    for path in sorted(folder.glob("*.yaml")):
        body = yaml.safe_load(path.read_text(encoding="utf-8"))
        kind = body.get("kind") if isinstance(body, dict) else None
        if kind not in _KINDS:
            raise InstallError(f"{path}: kind {kind} is not one of {', '.join(_KINDS)}")
        found.append(body)
    if not found:
        raise InstallError(f"{folder} has no .yaml files: there is nothing to install")
    return tuple(found)


async def install(api: KubeApi, objects: Iterable[Object], sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
    """Apply each object as values have it, whoever wrote it before. Raises InstallError for the first that is refused."""
    for body in objects:
        await _install(api, body, sleep)
        print(f"applied {_named(body)}", flush=True)


async def _install(api: KubeApi, body: Object, sleep: Callable[[float], Awaitable[None]]) -> None:
    for last in (*[False] * (TRIES - 1), True):
        try:
            await api.apply(_KINDS[body["kind"]], body, field_manager=FIELD_MANAGER, force=True)
            return
        except KubeError as error:
            if last or not _may_pass(error):
                raise InstallError(f"{_named(body)}: {error}") from error
        await sleep(PAUSE)


def _may_pass(error: KubeError) -> bool:
    """A kind that is not served yet is answered without a Status object, so without a reason; a missing namespace stays missing."""
    return isinstance(error, Forbidden) or (isinstance(error, NotFound) and not error.reason)


def _named(body: Object) -> str:
    return f"{body['kind']} {body['metadata']['namespace']}/{body['metadata']['name']}"
