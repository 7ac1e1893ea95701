"""One virtual time for everything: an event loop that jumps to its next timer, and the clocks that processes see.

A process of the simulation can be frozen (SIGSTOP) or killed (SIGKILL) between any two steps of its tasks: the loop knows by a
context variable whose step comes next.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from contextvars import Context, ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

Result = TypeVar("Result")

EPOCH = datetime(2026, 3, 1, tzinfo=UTC).timestamp()
"""True time, in Unix seconds, at which every loop's clock shows 0."""


@dataclass(slots=True, eq=False)
class Fate:
    """Whether the steps of a process are run. Those of a frozen one are kept for later, those of a dead one to be put away at the end."""

    alive: bool = True
    frozen: bool = False
    kept: list[asyncio.Handle] = field(default_factory=list)


FATE: ContextVar[Fate | None] = ContextVar("fate", default=None)


class VirtualLoop(asyncio.BaseEventLoop):
    """Nothing is waited for: as soon as nothing is ready, the clock shows the time of the next timer. There are no files and no threads."""

    _ready: deque[Any]

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._timers: list[tuple[float, int, Any]] = []
        self._set = 0
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._now

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Timers of one moment come in the order in which they were set."""
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        self._set += 1
        heapq.heappush(self._timers, (when, self._set, timer))
        return timer

    def get_debug(self) -> bool:
        return False

    def jump(self, time: float) -> None:
        """Go on at `time`, before anything was started."""
        self._now = time

    def thaw(self, fate: Fate) -> None:
        """Let a process go on: all that came due meanwhile comes at once."""
        fate.alive, fate.frozen = True, False
        self._ready.extend(fate.kept)
        fate.kept.clear()

    def run_in_executor(self, executor: Executor | None, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        """At once, in the only thread there is."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    def _run_once(self) -> None:
        ready, timers = self._ready, self._timers
        if not ready:
            while timers and timers[0][2]._cancelled:
                heapq.heappop(timers)
            if not timers:
                raise AssertionError("nothing will ever happen: a task waits for an event that nobody sets")
            self._now = max(self._now, timers[0][0])
        due = self._now + 1e-9
        while timers and timers[0][0] <= due:
            ready.append(heapq.heappop(timers)[2])
        for _ in range(len(ready)):
            handle = ready.popleft()
            if handle._cancelled:
                continue
            fate = handle._context.get(FATE)
            if fate is None or (fate.alive and not fate.frozen):
                handle._run()
            else:
                fate.kept.append(handle)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Cancelled timers are dropped when their time comes."""

    def _process_events(self, event_list: Any) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody sleeps, so nobody is to be woken."""


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """`work` on a virtual clock that begins at 0."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


@dataclass(slots=True)
class Watch:
    """The clocks of one machine. `offset`: seconds by which its time of day is wrong; steps of it do not touch the monotonic clock."""

    loop: VirtualLoop
    offset: float = 0.0
    boot: float = 0.0

    def monotonic(self) -> float:
        return self.loop.time() + self.boot

    def seconds(self) -> float:
        return EPOCH + self.loop.time() + self.offset

    def wall(self) -> datetime:
        return datetime.fromtimestamp(self.seconds(), UTC)
