"""How a process of Headgate ends: orderly where somebody asks for it, at once where it may not write any more."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Collection
from contextlib import suppress
from typing import Any

log = logging.getLogger(__name__)

LAST_WRITES = 10.0
"""Seconds for what is still to be written at the end."""


async def asked_to_stop(stop: asyncio.Event, tasks: Collection[asyncio.Task[Any]]) -> bool:
    """Wait until `stop` is set, or until one of `tasks`, which all run until the end, ends by itself. Returns whether it was the former;
    of each task that ended the reason is logged."""
    stopped = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait({stopped, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    if stopped in done:
        return True
    stopped.cancel()
    for task in done:
        error = None if task.cancelled() else task.exception()
        log.critical("%s ended by itself", task.get_name(), exc_info=error)
    return False


async def in_time(work: Awaitable[None]) -> None:
    """Do `work`, but do not wait longer than LAST_WRITES for it."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LAST_WRITES):
            await work


def end_at_once() -> None:
    """Another process may lead already: nothing of this one may be written any more, not even by a task that ends."""
    log.critical("the lease is lost: ending at once")
    logging.shutdown()
    os._exit(1)
