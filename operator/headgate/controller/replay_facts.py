"""What decisions read of the Jobs that compare answers, and of their pods."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from headgate.api.replay import ReplayReport
from headgate.controller.facts import Body
from headgate.kube.labels import MANAGED_BY, MANAGED_BY_HEADGATE
from headgate.kube.replays import REPLAY
from headgate.rollout.snapshot import ReplayRun

_LONGEST = 800
_PULLS = frozenset({"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"})


@dataclass(frozen=True, slots=True)
class JobFacts:
    """One Job. `ended`: no pod of it runs any more, or will; `failure` then says why, if it did not complete."""

    uid: str
    ended: bool = False
    failure: str = ""


@dataclass(frozen=True, slots=True)
class RunnerFacts:
    """A pod of such a Job. `said` is its termination message; `waits` what keeps it from running."""

    job: str
    job_uid: str
    succeeded: bool | None = None
    said: str = ""
    waits: str = ""


def replay_label(body: Body) -> str:
    """The Job that a pod or Job belongs to; empty for any other object."""
    return (body["metadata"].get("labels") or {}).get(REPLAY) or ""


def job_facts(body: Body) -> JobFacts | None:
    """None for a Job that is not the operator's: admission guards those that say they are managed by it."""
    metadata = body["metadata"]
    if replay_label(body) != metadata["name"] or metadata["labels"].get(MANAGED_BY) != MANAGED_BY_HEADGATE:
        return None
    conditions = {c["type"]: c for c in (body.get("status") or {}).get("conditions") or () if c.get("status") == "True"}
    failed = conditions.get("Failed")
    failure = f"{failed.get('reason') or 'Failed'}: {failed.get('message') or ''}".rstrip(": ") if failed else ""
    return JobFacts(metadata.get("uid") or "", failed is not None or "Complete" in conditions, failure)


def runner_facts(body: Body) -> RunnerFacts:
    metadata, status = body["metadata"], body.get("status") or {}
    owner: Body = next((one for one in metadata.get("ownerReferences") or () if one.get("controller")), {})
    container: Body = next(iter(status.get("containerStatuses") or ()), {})
    state = container.get("state") or {}
    ended = state.get("terminated")
    scheduled: Body = next((c for c in status.get("conditions") or () if c["type"] == "PodScheduled" and c["status"] == "False"), {})
    waiting = state.get("waiting") or {}
    pulls = f"image {container.get('image')} cannot be pulled ({waiting.get('reason')})" if waiting.get("reason") in _PULLS else ""
    return RunnerFacts(
        job=replay_label(body),
        job_uid=str(owner.get("uid") or ""),
        succeeded=ended.get("exitCode") == 0 if ended else None,
        said=(ended.get("message") or ended.get("reason") or "").strip() if ended else "",
        waits=pulls or scheduled.get("message") or "",
    )


def replay_runs(jobs: Mapping[str, JobFacts], pods: Iterable[RunnerFacts]) -> dict[str, ReplayRun]:
    """By the Job's name. Only a pod that belongs to the very Job is heard."""
    heard: dict[str, list[RunnerFacts]] = {}
    for pod in pods:
        job = jobs.get(pod.job)
        if job is not None and job.uid and pod.job_uid == job.uid:
            heard.setdefault(pod.job, []).append(pod)
    return {name: _run(job, heard.get(name, [])) for name, job in jobs.items()}


def _run(job: JobFacts, pods: list[RunnerFacts]) -> ReplayRun:
    done = next((pod for pod in pods if pod.succeeded), None)
    if done is not None:
        try:
            return ReplayRun(ended=True, report=ReplayReport.model_validate_json(done.said))
        except ValidationError:
            return ReplayRun(ended=True, problem="its report cannot be read: is the operator of the same release as the Job?")
    said = next((pod.said for pod in reversed(pods) if pod.succeeded is False and pod.said), "")
    if not job.ended or any(pod.succeeded is None for pod in pods):
        # Two watches: that the Job is over may be known before what its pod said at the end.
        return ReplayRun(problem=(said or next((pod.waits for pod in pods if pod.waits), ""))[:_LONGEST])
    if not job.failure:
        return ReplayRun(ended=True, problem="its pod is gone, and the report with it")
    return ReplayRun(ended=True, problem=(said or job.failure)[:_LONGEST])
