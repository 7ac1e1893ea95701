"""Answers of a model to the requests of a file, recorded to be compared with later ones."""

import json
from typing import Any

import httpx

from headgate.replay.requests import Request, UnusableError, parse
from headgate.replay.sending import ask

MOST = 200
"""Requests of one file: the probes of spec.vendor.fingerprint."""
_PATIENCE = 60.0


async def record(data: bytes, address: str, path: str) -> list[dict[str, Any]]:
    """The lines of the file `data`, each with the `answer` of the model at `address`. `path`: of requests that name none.

    Raises UnusableError for a file that cannot be used, and at the first request without a good answer.
    """
    requests = parse(data, path, MOST, None).requests
    lines = [json.loads(line) for line in data.splitlines() if line.strip()]
    if len(lines) > MOST:
        raise UnusableError(f"the file has {len(lines)} requests, and at most {MOST} are probed: choose some")
    async with httpx.AsyncClient(timeout=_PATIENCE, follow_redirects=False, trust_env=False) as client:
        return [{**line, "answer": await _answer(client, address, request)} for line, request in zip(lines, requests, strict=True)]


async def _answer(client: httpx.AsyncClient, address: str, request: Request) -> Any:
    answer = await ask(client, address, request, _PATIENCE)
    if not answer.good:
        said = f"answers {answer.status}" if answer.status else answer.problem
        raise UnusableError(f"the request {request.name} has no good answer: {address}{request.path} {said}")
    try:
        return json.loads(answer.body)
    except ValueError as error:
        raise UnusableError(f"the request {request.name} is not answered in JSON") from error
