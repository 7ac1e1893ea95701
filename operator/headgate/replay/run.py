"""One run from plan to report. The report goes where the kubelet picks it up: /dev/termination-log, read by the operator as the pod's
termination message. So the Job needs no rights at all."""

import asyncio
from pathlib import Path

from pydantic import ValidationError

from headgate.api.replay import GOLDEN_MOUNT, UNUSABLE_EXIT, ReplayPlan, ReplayReport
from headgate.replay.requests import Requests, UnusableError, parse
from headgate.replay.sending import download, send_all

MESSAGE_LIMIT = 4096
"""Bytes of a termination message; the kubelet cuts off the rest."""
_DOWNLOAD = 60.0


def replay(plan: str, said: Path, mount: Path = Path(GOLDEN_MOUNT)) -> int:
    """Runs `plan` (JSON) and writes the report, or why there is none, to `said`. Returns the exit code."""
    try:
        report = asyncio.run(_run(ReplayPlan.model_validate_json(plan), mount))
    except (UnusableError, ValidationError) as error:
        said.write_text(_cut(str(error)), encoding="utf-8")
        return UNUSABLE_EXIT
    said.write_text(written(report), encoding="utf-8")
    return 0


def written(report: ReplayReport) -> str:
    """At most MESSAGE_LIMIT bytes: classes are named last, and go first."""
    text = _json(report)
    while len(text.encode()) > MESSAGE_LIMIT and report.classes:
        report = report.model_copy(update={"classes": report.classes[:-1]})
        text = _json(report)
    return text


async def _run(plan: ReplayPlan, mount: Path) -> ReplayReport:
    golden, limits = plan.replay.golden_set, plan.limits
    data = await download(golden.http, _DOWNLOAD) if golden.http is not None else _from_file(plan, mount)
    requests = parse(data, plan.replay.path, limits.max_pairs, golden.digest)
    if plan.stable is None:
        _recorded(requests)
    return (await send_all(plan, requests)).report(requests.digest)


def _recorded(requests: Requests) -> None:
    """Raises UnusableError unless every request brings the answer that was given earlier."""
    without = next((request for request in requests.requests if request.answer is None), None)
    if without is not None:
        raise UnusableError(f"the request {without.name} has no recorded answer: write the file with `kubectl headgate fingerprint`")


def _from_file(plan: ReplayPlan, mount: Path) -> bytes:
    golden = plan.replay.golden_set
    if golden.config_map is not None:
        path, what = golden.config_map.key, f"ConfigMap {golden.config_map.name}"
    elif golden.persistent_volume_claim is not None:
        path, what = golden.persistent_volume_claim.path, f"PersistentVolumeClaim {golden.persistent_volume_claim.claim_name}"
    else:
        raise UnusableError("the plan names no golden set")
    try:
        return (mount / path).read_bytes()
    except OSError as error:
        raise UnusableError(f"the golden set cannot be read: {what} has no readable {path} ({error.strerror})") from error


def _json(report: ReplayReport) -> str:
    return report.model_dump_json(by_alias=True, exclude_none=True, exclude_defaults=True)


def _cut(words: str) -> str:
    return words.encode()[: MESSAGE_LIMIT - 1].decode(errors="ignore")
