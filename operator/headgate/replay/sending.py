"""Requests to both versions, one pair after the other at an even pace; HTTP."""

import asyncio
import time
from collections.abc import Mapping

import httpx

from headgate.api.replay import HttpSource, ReplayPlan
from headgate.evidence.answers.alike import Answer
from headgate.evidence.answers.pairing import Pairing
from headgate.replay.requests import Request, Requests, UnusableError

_AT_ONCE = 16
"""Pairs under way: a slow model gets no more requests than it answers."""
_LARGEST_ANSWER = 4 * 2**20
_LARGEST_SET = 64 * 2**20
_RECORDED = 200
_HEADERS = {"user-agent": "headgate-replay"}


async def send_all(plan: ReplayPlan, golden: Requests) -> Pairing:
    """Every request to both versions, as far as the plan's time allows. Which version comes first alternates, so that neither is the one
    that warms a cache for the other."""
    pairing = Pairing(plan.replay)
    limits = httpx.Limits(max_connections=2 * _AT_ONCE)
    wait = float(plan.replay.request_timeout)
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(place: int, request: Request) -> None:
        try:
            stable, candidate = await _pair(client, plan, place, request, wait)
        finally:
            room.release()
        pairing.take(request.name, request.label, stable, candidate)

    # No redirects and no proxies: what is compared is what these two Services say.
    async with httpx.AsyncClient(limits=limits, timeout=wait, follow_redirects=False, trust_env=False) as client:
        try:
            async with asyncio.timeout(float(plan.limits.timeout)), asyncio.TaskGroup() as group:
                for place, request in enumerate(golden.requests):
                    await room.acquire()
                    group.create_task(one(place, request))
                    await asyncio.sleep(1 / plan.limits.pairs_per_second)
        except TimeoutError:
            pass  # What there is until then is reported; too few pairs are told as such.
    return pairing


async def _pair(client: httpx.AsyncClient, plan: ReplayPlan, place: int, request: Request, wait: float) -> tuple[Answer, Answer]:
    """What both versions say; of the stable one what it said earlier, where the plan does not name it."""
    if plan.stable is None:
        return Answer(_RECORDED, request.answer or b""), await ask(client, plan.candidate, request, wait)
    order = (plan.stable, plan.candidate) if place % 2 == 0 else (plan.candidate, plan.stable)
    answers = {address: await ask(client, address, request, wait) for address in order}
    return answers[plan.stable], answers[plan.candidate]


async def ask(client: httpx.AsyncClient, address: str, request: Request, wait: float) -> Answer:
    """Whatever happens is an answer."""
    headers: Mapping[str, str] = {"content-type": "application/json", **request.headers, **_HEADERS}
    begun = time.perf_counter()
    try:
        async with asyncio.timeout(wait):
            status, body = await _read(client, request.method, f"{address}{request.path}", headers, request.body, _LARGEST_ANSWER)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, UnusableError) as error:
        return Answer(0, seconds=time.perf_counter() - begun, problem=str(error) or type(error).__name__)
    return Answer(status, body, time.perf_counter() - begun)


async def download(source: HttpSource, wait: float) -> bytes:
    """The golden set. Raises UnusableError."""
    try:
        async with httpx.AsyncClient(timeout=wait, follow_redirects=True, trust_env=False) as client:
            status, body = await _read(client, "GET", source.url, _HEADERS, None, _LARGEST_SET)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UnusableError(f"the golden set cannot be read from {source.url}: {error or type(error).__name__}") from error
    if status != 200:
        raise UnusableError(f"the golden set cannot be read from {source.url}: it answers {status}")
    return body


async def _read(
    client: httpx.AsyncClient, method: str, url: str, headers: Mapping[str, str], content: bytes | None, most: int
) -> tuple[int, bytes]:
    """Raises UnusableError for more than `most` bytes."""
    body = bytearray()
    async with client.stream(method, url, headers=dict(headers), content=content) as response:
        async for part in response.aiter_bytes():
            body += part
            if len(body) > most:
                raise UnusableError(f"{url} sends more than {most >> 20} MiB")
    return response.status_code, bytes(body)
