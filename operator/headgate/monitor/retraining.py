"""Asks for a new version of a model that drifts: by a Job of its team, or by a CloudEvent to whoever trains."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from headgate.api.notifications import CloudEvents, Notification
from headgate.api.retraining import Retraining
from headgate.kube.errors import Conflict, Forbidden, Invalid
from headgate.kube.interface import KubeApi
from headgate.kube.labels import FIELD_MANAGER, MODEL, Owner
from headgate.kube.resources import JOBS
from headgate.kube.retraining import RETRAINING, Request, is_open, retraining_job
from headgate.notices.failures import RefusedError
from headgate.notices.forms import Json, event, source

PostEvent = Callable[[CloudEvents, Json], Awaitable[None]]
"""Sends one CloudEvent. Raises NotToldError."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for before, as far as Jobs show it. Nobody knows of an event whether it still is: only time ends that. `barred`: why
    Jobs could not be looked at. Then none is made: it could be a second one."""

    open: bool = False
    last: datetime | None = None
    barred: Forbidden | None = None


async def post_nothing(to: CloudEvents, event: Json) -> None:
    """The PostEvent where notifications are switched off."""
    raise RefusedError("the chart's notifications.enabled is false: nothing is sent")


class Retrainer:
    """`environment` says in events which operator speaks."""

    def __init__(self, api: KubeApi, post: PostEvent, environment: str) -> None:
        self._api = api
        self._post = post
        self._environment = environment

    async def before(self, namespace: str, model: str) -> Asked:
        """Raises KubeError, but for a right that is missing: that one stays so, and must not keep the rest from being done."""
        try:
            jobs = (await self._api.list(JOBS, namespace, labels=f"{MODEL}={model},{RETRAINING}")).items
        except Forbidden as error:
            return Asked(barred=Forbidden(f"no right to Jobs (the chart's value monitor.retraining): {error}"))
        made = [datetime.fromisoformat(stamp) for job in jobs if (stamp := job["metadata"].get("creationTimestamp"))]
        return Asked(any(map(is_open, jobs)), max(made, default=None))

    async def ask(self, request: Request, how: Retraining, receivers: tuple[Notification, ...], owner: Owner, now: datetime) -> None:
        """Asking again for the same is no second request. Raises KubeError, and NotToldError."""
        if how.job_template is not None:
            await self._start(retraining_job(request, how.job_template, owner))
            return
        receiver = next((one.to.cloud_events for one in receivers if one.name == how.receiver), None)
        if receiver is None:
            raise Invalid(f"spec.monitoring.retraining.receiver: the policy has no notification {how.receiver} to cloudEvents")
        data: Json = {
            "environment": self._environment,
            "namespace": request.namespace,
            "model": request.model,
            "revision": request.revision,
            "priority": request.priority,
            "severity": request.severity,
            "reason": request.why,
        }
        subject = f"namespaces/{request.namespace}/aimodels/{request.model}"
        await self._post(receiver, event(request.name, "RetrainingRequested", source(self._environment), subject, now.isoformat(), data))

    async def _start(self, job: Json) -> None:
        try:
            await self._api.create(JOBS, job, field_manager=FIELD_MANAGER)
        except Conflict as error:
            if error.reason != "AlreadyExists":
                raise
