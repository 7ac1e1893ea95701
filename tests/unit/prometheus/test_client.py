"""Answers of Prometheus as they come: one that is too large is not even read."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from headgate.evidence.counting.series import Outage
from headgate.prometheus.client import Answer, PrometheusClient, SourceError, TooLarge


class Endless(httpx.AsyncByteStream):
    """Kilobytes without end."""

    def __init__(self) -> None:
        self.sent = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.sent += 1024
            yield b"x" * 1024


def ask(response: httpx.Response, **limits: float) -> tuple[Answer | SourceError, list[Outage | None]]:
    told: list[Outage | None] = []

    async def asked() -> Answer | SourceError:
        async with PrometheusClient("http://p", transport=httpx.MockTransport(lambda _: response), **limits) as client:
            client.tell(told.append)
            try:
                return await client.query("up", 1.0)
            except SourceError as error:
                return error

    return asyncio.run(asked()), told


def test_an_answer_without_end_is_left_at_its_limit() -> None:
    body = Endless()
    found, told = ask(httpx.Response(200, stream=body), most=4096)
    assert isinstance(found, TooLarge)
    assert str(found) == "the answer is larger than 0.00391 MiB"
    assert (body.sent, told) == (5 * 1024, [Outage.PARTIAL])


def test_an_answer_at_the_limit_is_read() -> None:
    found, told = ask(httpx.Response(200, content=b"x" * 4096, headers={"date": "now"}), most=4096)
    assert isinstance(found, Answer)
    assert (found.body, found.date, told) == (b"x" * 4096, "now", [None])


@pytest.mark.parametrize(("status", "outage"), [(422, Outage.REFUSED), (503, Outage.OVERLOADED), (500, Outage.BROKEN)])
def test_what_is_no_answer_is_told_by_its_beginning(status: int, outage: Outage) -> None:
    found, _ = ask(httpx.Response(status, content=b" many samples\n" + b" " * 900))
    assert isinstance(found, SourceError)
    assert (found.outage, str(found)) == (outage, f"HTTP {status}: many samples")
