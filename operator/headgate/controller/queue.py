"""Keys that wait for a decision: each once, the urgent ones first, never one key in two hands."""

import asyncio
import heapq
import random
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class Priority(IntEnum):
    """Users are being harmed; a rollout is on its way; nothing hurries."""

    HARM = 0
    ROLLOUT = 1
    STABLE = 2


class ShutDown(Exception):  # noqa: N818  a state that ends a worker's loop, not a fault
    """No more keys are handed out."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds: `first`, doubled each time up to `longest`, times a random factor in 0.5..1."""

    first: float = 0.05
    longest: float = 60.0

    def pause(self, failures: int, jitter: float) -> float:
        return min(self.longest, self.first * float(2 ** min(failures, 30))) * (0.5 + jitter / 2)


class Queue(Generic[Key]):
    """For one event loop, whose clock it uses. A key added while a worker has it is handed out again after `done`."""

    def __init__(
        self,
        *,
        rank: Callable[[Key], Priority] = lambda key: Priority.STABLE,
        backoff: Backoff | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """`rank` tells how urgent a key is whose time (`add_after`, `retry`) has come. `jitter` draws from 0..1."""
        self._rank = rank
        self._backoff = backoff or Backoff()
        self._jitter = jitter
        self._waiting: dict[Priority, OrderedDict[Key, None]] = {priority: OrderedDict() for priority in Priority}
        self._held: dict[Key, Priority | None] = {}
        self._later: list[tuple[float, int, Key]] = []
        self._due: dict[Key, float] = {}
        self._order = 0
        self._failures: dict[Key, int] = {}
        self._workers: list[tuple[Priority, asyncio.Future[Key]]] = []
        self._closed = False
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """Keys that could be handed out now."""
        return sum(map(len, self._waiting.values()))

    def add(self, key: Key, priority: Priority = Priority.STABLE) -> None:
        """Hand `key` out as soon as possible; the highest priority it was added with counts."""
        if key in self._held:
            before = self._held[key]
            self._held[key] = priority if before is None else min(before, priority)
            return
        for other, keys in self._waiting.items():
            if key in keys:
                if other <= priority:
                    return
                del keys[key]
        self._waiting[priority][key] = None
        self._hand_out()

    def add_after(self, key: Key, seconds: float) -> None:
        """Hand `key` out in `seconds`, unless it is to be handed out sooner anyway."""
        loop = asyncio.get_running_loop()
        due = loop.time() + max(0.0, seconds)
        if self._due.get(key, float("inf")) <= due:
            return
        self._due[key] = due
        self._order += 1
        heapq.heappush(self._later, (due, self._order, key))
        self._set_timer()

    def retry(self, key: Key) -> float:
        """Hand `key` out after a pause that grows with each retry since the last `forget`. Returns the pause."""
        pause = self._backoff.pause(self._failures.get(key, 0), self._jitter())
        self._failures[key] = self._failures.get(key, 0) + 1
        self.add_after(key, pause)
        return pause

    def forget(self, key: Key) -> None:
        """The next failure of `key` is its first."""
        self._failures.pop(key, None)

    async def get(self, least: Priority = Priority.STABLE) -> Key:
        """The next key of priority `least` or more urgent; to be given back with `done`. Raises ShutDown once closed."""
        if self._closed:
            raise ShutDown
        key = self._next(least)
        if key is not None:
            return key
        mine: asyncio.Future[Key] = asyncio.get_running_loop().create_future()
        self._workers.append((least, mine))
        try:
            return await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled() and mine.exception() is None:
                # Handed out in the moment of the cancellation: nobody has it.
                self.add(mine.result())
                self.done(mine.result())
            raise
        finally:
            self._workers = [worker for worker in self._workers if worker[1] is not mine]

    def done(self, key: Key) -> None:
        again = self._held.pop(key)
        if again is not None:
            self.add(key, again)

    def close(self) -> None:
        """Hand nothing out any more; who waits gets ShutDown."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for _, worker in self._workers:
            if not worker.done():
                worker.set_exception(ShutDown())

    def _next(self, least: Priority) -> Key | None:
        for priority in Priority:
            if priority <= least and self._waiting[priority]:
                key, _ = self._waiting[priority].popitem(last=False)
                self._held[key] = None
                return key
        return None

    def _hand_out(self) -> None:
        if self._closed:
            return
        for least, worker in self._workers:
            if not worker.done():
                key = self._next(least)
                if key is not None:
                    worker.set_result(key)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._later and not self._closed:
            self._timer = asyncio.get_running_loop().call_at(self._later[0][0], self._ripen)

    def _ripen(self) -> None:
        now = asyncio.get_running_loop().time()
        # A clock of limited resolution may call a hair too early.
        while self._later and self._later[0][0] <= now + 1e-3:
            due, _, key = heapq.heappop(self._later)
            if self._due.get(key) == due:
                del self._due[key]
                self.add(key, self._rank(key))
        self._set_timer()
