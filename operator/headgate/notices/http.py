"""One POST of JSON. Nothing of the address appears in an error: it may be the secret itself."""

import asyncio
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import httpx

from headgate.notices.failures import RefusedError, TryAgainError

_AGAIN = frozenset({408, 425, 429})
_LONGEST_PAUSE = 600.0


class Poster:
    """Shared by all receivers. `timeout`: seconds for a whole exchange."""

    def __init__(self, *, timeout: float = 10.0, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._timeout = timeout
        self._transport = transport

    @cached_property
    def _http(self) -> httpx.AsyncClient:
        """Made for the first post: it reads the certificates of all authorities, which who tells nobody does not need."""
        limits = httpx.Limits(max_connections=16, max_keepalive_connections=4)
        # A redirect could lead a secret address elsewhere, and turns a POST into a GET.
        return httpx.AsyncClient(timeout=self._timeout, limits=limits, follow_redirects=False, transport=self._transport)

    async def post(self, address: str, body: Mapping[str, Any], media_type: str = "application/json") -> None:
        """Raises NotToldError."""
        content = json.dumps(body, ensure_ascii=False).encode()
        headers = {"content-type": media_type, "user-agent": "headgate"}
        try:
            # The answer's body says nothing that is of use here, and may be endless: it is not read.
            async with asyncio.timeout(self._timeout), self._http.stream("POST", address, content=content, headers=headers) as answer:
                status, retry_after = answer.status_code, answer.headers.get("retry-after")
        except (httpx.TimeoutException, TimeoutError) as error:
            raise TryAgainError(f"no answer within {self._timeout:g} s") from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise RefusedError("its address is none: it must begin with http:// or https://") from error
        except httpx.HTTPError as error:
            raise TryAgainError(f"no connection ({type(error).__name__})") from error
        if httpx.codes.is_success(status):
            return
        if status in _AGAIN or httpx.codes.is_server_error(status):
            raise TryAgainError(f"it answered HTTP {status}", _pause(retry_after))
        raise RefusedError(f"it answered HTTP {status}")

    async def close(self) -> None:
        """Nothing is posted after it."""
        if "_http" in vars(self):
            await self._http.aclose()


def _pause(said: str | None) -> float:
    """Retry-After in seconds; 0 for a date, which is as good as none."""
    return min(float(said), _LONGEST_PAUSE) if said is not None and said.isascii() and said.isdigit() else 0.0
