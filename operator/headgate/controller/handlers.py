"""What kopf calls: every watch event goes into the cache, and nothing is written back by kopf."""

from typing import Any

import kopf

from headgate.controller.cache import WATCHED
from headgate.controller.intake import Intake
from headgate.kube.resources import Resource


def register(registry: kopf.OperatorRegistry, intake: Intake) -> None:
    """One handler for each kind that decisions read, and the login."""
    kopf.on.login(registry=registry)(_login)
    for resource, _ in WATCHED:
        _watch(registry, intake, resource)


def selectors() -> dict[tuple[str, str], str]:
    """Label selectors of the watches by (group, plural)."""
    return {(resource.group, resource.plural): selector for resource, selector in WATCHED if selector}


def _watch(registry: kopf.OperatorRegistry, intake: Intake, resource: Resource) -> None:
    async def handle(event: kopf.RawEvent, **_: Any) -> None:
        intake.take(resource, event)

    kopf.on.event(resource.group, resource.version, resource.plural, id=resource.plural, registry=registry)(handle)


def _login(**context: Any) -> kopf.ConnectionInfo | None:
    """The pod's service account, else the kubeconfig; no client library is loaded for it."""
    return kopf.login_with_service_account(**context) or kopf.login_with_kubeconfig(**context)
