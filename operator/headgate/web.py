"""A small HTTP server for probes and metrics, answered from memory."""

from collections.abc import Awaitable, Callable

from aiohttp import web


class Server:
    """One HTTP server on one port, on all addresses unless `host` names one.

    Port 0 takes a free one, and `port` tells which after `start`; it needs a host, because each address family would take its own.
    """

    def __init__(self, routes: dict[str, Callable[[], web.Response]], port: int, host: str | None = None) -> None:
        self._application = web.Application()
        for path, answer in routes.items():
            self._application.router.add_get(path, _handler(answer))
        self._runner = web.AppRunner(self._application, access_log=None)
        self._host = host
        self.port = port

    async def start(self) -> None:
        """Raises OSError if the port is taken."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        await self._runner.cleanup()


def verdict(faults: list[str]) -> web.Response:
    """The answer to a probe: 503 with what is wrong, 200 if nothing is."""
    return web.Response(text="\n".join(faults) or "ok", status=503 if faults else 200)


def _handler(answer: Callable[[], web.Response]) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        return answer()

    return handle
