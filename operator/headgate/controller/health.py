"""Pods of one revision -> how many serve, and in words why the others do not."""

import re
from datetime import datetime, timedelta

from headgate.api.reasons import Reason
from headgate.controller.workload_facts import AutoscalerFacts, DeploymentFacts, PodFacts
from headgate.rollout.capacity import STEADY_AFTER
from headgate.rollout.snapshot import Problem, Provenance, WorkloadState

_IMAGE = frozenset(
    {"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable"}
)
_BACK_OFF = re.compile(r'^Back-off pulling image "[^"]*"(: \w+: )?')
"""The kubelet alternates between the failure and the pause after it: without this, each turn would be news."""
_QUOTA = "exceeded quota"
"""In the API server's words. Room may come back by itself; any other refusal needs a person."""
_LONGEST = 900
_SLOW_START = timedelta(seconds=30)
"""Containers that run and are not ready after this are told as a problem: large models load longer, but a wrong port never ends."""


def workload_state(
    deployment: DeploymentFacts | None,
    autoscaler: AutoscalerFacts | None,
    pods: tuple[PodFacts, ...],
    restarts: tuple[datetime, ...],
    now: datetime,
) -> WorkloadState:
    """The state of one revision. Pods that are being deleted count for nothing."""
    staying = tuple(pod for pod in pods if not pod.leaving)
    ready = sum(pod.ready for pod in staying)
    since = [pod.ready_since for pod in staying if pod.ready and pod.ready_since is not None]
    wanted = deployment.replicas if deployment else 0
    unready = tuple(pod for pod in staying if not pod.ready)
    return WorkloadState(
        exists=deployment is not None,
        wanted=wanted,
        least=autoscaler.least if autoscaler else 0,
        ready=ready,
        fresh=sum(_fresh(pod, now) for pod in staying if pod.ready),
        ready_since=min(since) if since and len(since) == ready else None,
        present=len(staying),
        restarts=restarts,
        created=deployment.created if deployment else None,
        role=deployment.role if deployment else "",
        attempt=int(deployment.attempt) if deployment and deployment.attempt.isdigit() else 0,
        provenance=deployment.provenance if deployment else Provenance(),
        problem=_problem(deployment, unready, now, missing=wanted > len(staying)) if ready < wanted else None,
    )


def _fresh(pod: PodFacts, now: datetime) -> bool:
    """A node whose clock is ahead says nothing about that."""
    return pod.ready_since is not None and timedelta(0) <= now - pod.ready_since < STEADY_AFTER


def _problem(deployment: DeploymentFacts | None, unready: tuple[PodFacts, ...], now: datetime, *, missing: bool) -> Problem | None:
    """The one to repair first: what follows from another comes after it."""
    if missing and deployment is not None and deployment.refused:
        return _refused(deployment.refused)
    for pod in unready:
        if pod.waiting in _IMAGE:
            said = _BACK_OFF.sub("", pod.message) or pod.waiting
            return _told(Reason.IMAGE_UNAVAILABLE, f"image {pod.image} cannot be pulled: check its name and access: {said}")
    for pod in unready:
        if pod.waiting == "CrashLoopBackOff" or (pod.restarts > 0 and pod.exit_words):
            words = pod.exit_words or "its container exits again and again"
            return _told(Reason.CRASH_LOOP, f"{words}; it is restarted again and again: look at `kubectl logs --previous`")
    for pod in unready:
        if pod.unschedulable:
            return _told(Reason.WAITING_FOR_CAPACITY, f"no node has room for its pods: {pod.unschedulable}")
    for pod in unready:
        if pod.waiting:
            return _told(Reason.WORKLOAD_NOT_READY, f"a container does not start: {pod.waiting}: {pod.message}")
    for pod in unready:
        if pod.running_since is not None and now - pod.running_since > _SLOW_START:
            return _told(
                Reason.WORKLOAD_NOT_READY,
                "its containers run but are not ready: does the server listen on spec.serving.deployment.port, and does its "
                "readinessProbe succeed?",
            )
    return None


def _refused(words: str) -> Problem:
    if _QUOTA in words:
        return _told(Reason.WAITING_FOR_CAPACITY, f"the namespace has no room for its pods: {words}")
    return _told(Reason.WORKLOAD_REFUSED, f"the cluster refuses its pods: {words}")


def _told(reason: Reason, message: str) -> Problem:
    return Problem(reason, message if len(message) <= _LONGEST else message[: _LONGEST - 3] + "...")
