"""How often the loops that measure come round."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

IDLE = 1.0
"""Seconds between looks while there is nothing to measure."""
_LEAST = 0.05


async def paced(name: str, tick: Callable[[], Awaitable[float]], leading: Callable[[], bool]) -> None:
    """Call `tick`, which returns the seconds from its start to the next one, until cancelled. Only the leader measures. A tick that fails
    is logged; the next one comes."""
    while True:
        began = asyncio.get_running_loop().time()
        pause = IDLE
        if leading():
            try:
                pause = await tick()
            except Exception:
                log.exception("a tick of the %s failed; the next one comes", name)
        await asyncio.sleep(max(_LEAST, pause - (asyncio.get_running_loop().time() - began)))
