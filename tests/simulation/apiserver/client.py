"""The operator's own client over the simulated server: its verbs, error mapping, paging and retries are part of the simulation."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

from tests.simulation.apiserver.requests import OPERATOR, Request, Response
from tests.simulation.apiserver.server import ApiServer

from headgate.kube.client import KubeClient
from headgate.kube.wire import Reply, Transport

Before = Callable[[Request], Awaitable[Response | None]]
"""Awaited before a request reaches the server. An answer stands in for the server's; an exception is what becomes of the connection."""

After = Callable[[Request, Response], Awaitable[Response]]
"""Awaited after the server has done its work. An exception loses the answer."""


Answer = TypeVar("Answer")


class SimulatedWire:
    """One request to the server. A hook that takes as long as the client's own timeout raises TimeoutError, not before it is done: a timer
    for each request would cost more than the request."""

    host = "https://simulated"

    def __init__(self, server: ApiServer, user: str, timeout: float, before: Before | None, after: After | None) -> None:
        self._server, self._user, self._timeout = server, user, timeout
        self._before, self._after = before, after

    async def send(
        self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None, content: str, accept: str
    ) -> Reply:
        """Whole objects, also where their metadata would do."""
        # What the caller does to its own objects later must not reach the server's.
        plain = _decoded(json.dumps(body)) if body is not None else None
        request = Request(method, path, query, plain, content, self._user)
        if self._before is None and self._after is None:
            return _reply(self._server.handle(request))
        response = await self._in_time(self._before(request)) if self._before else None
        if response is None:
            response = self._server.handle(request)
        if self._after:
            response = await self._in_time(self._after(request, response))
        return _reply(response)

    async def _in_time(self, hook: Awaitable[Answer]) -> Answer:
        clock = asyncio.get_running_loop().time
        began = clock()
        answer = await hook
        if clock() - began >= self._timeout:
            raise TimeoutError
        return answer

    async def close(self) -> None:
        """Nothing is open."""


@lru_cache(maxsize=512)
def _decoded(text: str) -> Any:
    """Nobody changes it: the server shares what it is given."""
    return json.loads(text)


def _reply(response: Response) -> Reply:
    body = response.body
    retry_after, date = float(response.headers.get("Retry-After", 0)), response.headers.get("Date", "")
    decoded, text = (body, "") if isinstance(body, dict) else ({}, str(body))
    return Reply(response.status, decoded, text, retry_after=retry_after, date=date)


class SimulatedApi(KubeClient):
    """A KubeApi of one process. `before` and `after` see every try, watches not among them."""

    def __init__(
        self,
        server: ApiServer,
        *,
        user: str = OPERATOR,
        before: Before | None = None,
        after: After | None = None,
        transport: Transport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = lambda: 0.5,
    ) -> None:
        transport = transport or Transport()
        wire = SimulatedWire(server, user, transport.request_timeout, before, after)
        super().__init__(wire, transport=transport, sleep=sleep, jitter=jitter)
