"""The only place that speaks HTTP to Prometheus."""

import asyncio
from collections.abc import Callable
from math import inf
from types import TracebackType
from typing import NamedTuple

import httpx

from headgate.evidence.counting.series import Outage


class SourceError(Exception):
    """Prometheus gave no usable answer. `outage` says in which way, the message what it said."""

    def __init__(self, outage: Outage, message: str) -> None:
        super().__init__(message)
        self.outage = outage


class TooLarge(SourceError):  # noqa: N818  what it is, where it is caught
    """An answer larger than can be held. Fewer models at once may have smaller ones."""


class Answer(NamedTuple):
    """A good answer: its body, the server's Date header, and how many seconds it took."""

    body: bytes
    date: str | None
    seconds: float


class PrometheusClient:
    """Instant queries against one Prometheus (or what speaks its API). `timeout` is the limit of a whole query, in seconds,
    `most` that of the bytes of an answer."""

    def __init__(
        self, address: str, *, timeout: float = 10.0, most: float = inf, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._timeout = timeout
        self._most = most
        self._told: Callable[[Outage | None], None] = lambda outage: None
        limits = httpx.Limits(max_connections=4, max_keepalive_connections=4)
        self._http = httpx.AsyncClient(base_url=address.rstrip("/"), timeout=timeout, limits=limits, transport=transport)

    def tell(self, told: Callable[[Outage | None], None]) -> None:
        """Have `told` called after each question: with None if it was answered, else with what was wrong."""
        self._told = told

    async def query(self, promql: str, time: float) -> Answer:
        """The answer to an instant query evaluated at `time`. Raises SourceError, TooLarge among them.

        The query travels as a form: selectors of a thousand models do not fit into a URL.
        """
        try:
            answer = await self._ask(promql, time)
        except SourceError as error:
            self._told(error.outage)
            raise
        self._told(None)
        return answer

    async def _ask(self, promql: str, time: float) -> Answer:
        clock = asyncio.get_running_loop().time
        began = clock()
        form = {"query": promql, "time": f"{time:.3f}", "timeout": f"{self._timeout:g}s"}
        try:
            async with self._http.stream("POST", "/api/v1/query", data=form) as response:
                body = await self._body(response)
        except httpx.TimeoutException as error:
            raise SourceError(Outage.TIMEOUT, f"no answer within {self._timeout:g} s") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SourceError(Outage.UNREACHABLE, str(error) or type(error).__name__) from error
        if response.status_code != httpx.codes.OK:
            raise SourceError(
                _outage(response.status_code), f"HTTP {response.status_code}: {body[:800].decode(errors='replace')[:200].strip()}"
            )
        return Answer(body, response.headers.get("date"), clock() - began)

    async def _body(self, response: httpx.Response) -> bytes:
        """As it comes, so that one that is too large is never held."""
        parts, size = list[bytes](), 0
        async for part in response.aiter_bytes():
            size += len(part)
            if size > self._most:
                raise TooLarge(Outage.PARTIAL, f"the answer is larger than {self._most / 2**20:.3g} MiB")
            parts.append(part)
        return b"".join(parts)

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> "PrometheusClient":
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()


def _outage(status: int) -> Outage:
    if status in (429, 503):
        return Outage.OVERLOADED
    return Outage.BROKEN if status >= 500 else Outage.REFUSED
