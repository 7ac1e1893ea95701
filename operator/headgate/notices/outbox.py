"""Letters on their way: a bounded queue for each receiver, repeated with growing pauses. Whoever puts one in waits for nobody."""

import asyncio
import logging
import random
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from headgate.api.notifications import Channel, Receiver
from headgate.notices.failures import NotToldError, TryAgainError
from headgate.notices.letter import Letter

log = logging.getLogger(__name__)

Told = Callable[[Channel, str], None]
"""Is told the outcome of each letter: sent, refused or failed."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`letters` wait for one receiver at most, the oldest that is not just being delivered gives way; `receivers` are served at most at a
    time. The n-th repetition comes `first_pause` * 4^n seconds later, at most `longest_pause`. What was told within `remembered_for`
    seconds is not told again."""

    letters: int = 100
    receivers: int = 64
    tries: int = 6
    first_pause: float = 1.0
    longest_pause: float = 300.0
    remembered: int = 4096
    remembered_for: float = 600.0


@dataclass(slots=True)
class _Box:
    """`delivering`: the receiver may have taken the first letter already."""

    to: Receiver
    letters: deque[Letter] = field(default_factory=deque)
    delivering: bool = False


class Outbox:
    """A receiver that is slow or dead keeps nobody else waiting. What is not sent when the process ends is lost."""

    def __init__(
        self,
        deliver: Callable[[Receiver, Letter], Awaitable[None]],
        *,
        told: Told,
        dropped: Callable[[Channel], None],
        limits: Limits | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._deliver = deliver
        self._told = told
        self._dropped = dropped
        self._limits = limits or Limits()
        self._sleep = sleep
        self._jitter = jitter
        self._monotonic = monotonic
        self._boxes: dict[str, _Box] = {}
        self._work: dict[str, asyncio.Task[None]] = {}
        self._known: OrderedDict[tuple[str, ...], float] = OrderedDict()

    @property
    def waiting(self) -> int:
        """Letters that are not sent yet, those being sent included."""
        return sum(len(box.letters) for box in self._boxes.values())

    @property
    def work(self) -> tuple[asyncio.Task[None], ...]:
        """One for each receiver that has letters waiting; each ends when they are sent."""
        return tuple(self._work.values())

    def put(self, name: str, to: Receiver, letter: Letter) -> None:
        """For the receiver `name`, of which `to` says how it is reached. Needs a running loop."""
        if self._repeats(name, letter):
            return
        box = self._boxes.get(name)
        if box is None:
            if len(self._boxes) >= self._limits.receivers:
                self._dropped(to.channel)
                return
            box = self._boxes[name] = _Box(to)
        box.to = to
        box.letters.append(letter)
        if len(box.letters) > self._limits.letters:
            del box.letters[1 if box.delivering else 0]
            self._dropped(to.channel)
        if name not in self._work:
            self._work[name] = asyncio.create_task(self._empty(name, box), name=f"notify {name}")

    async def close(self, patience: float) -> None:
        """Wait at most `patience` seconds for what is being sent; the rest is dropped, and counted."""
        if self._work:
            await asyncio.wait(self._work.values(), timeout=patience)
        left = list(self._work.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        for box in self._boxes.values():
            for _ in box.letters:
                self._dropped(box.to.channel)
        self._boxes.clear()

    def _repeats(self, name: str, letter: Letter) -> bool:
        place, occasion = letter.place, letter.occasion
        key = (name, place.uid, str(place.attempt), str(occasion.reason), occasion.words)
        now = self._monotonic()
        last = self._known.get(key)
        if last is not None and now - last < self._limits.remembered_for:
            return True
        self._known[key] = now
        self._known.move_to_end(key)
        if len(self._known) > self._limits.remembered:
            self._known.popitem(last=False)
        return False

    async def _empty(self, name: str, box: _Box) -> None:
        try:
            while box.letters:
                letter = box.letters[0]
                await self._send(name, box, letter)
                if box.letters[0] is letter:
                    box.letters.popleft()
            self._boxes.pop(name, None)
        finally:
            self._work.pop(name, None)

    async def _send(self, name: str, box: _Box, letter: Letter) -> None:
        channel, failure = box.to.channel, ""
        for number in range(self._limits.tries):
            try:
                await self._try(box, letter)
            except TryAgainError as error:
                failure = str(error)
                if number + 1 == self._limits.tries:
                    break
                await self._sleep(self._pause(number, error.pause))
                if box.letters[0] is not letter:
                    # It gave way to newer ones meanwhile, and is counted as dropped.
                    return
                continue
            except NotToldError as error:
                log.error("not told, and not tried again: %s", error, extra=_about(name, channel, letter))
                self._told(channel, "refused")
                return
            except Exception as error:
                # One letter of an unforeseen shape must not keep the others waiting. No traceback: it could show an address.
                failure = type(error).__name__
                break
            self._told(channel, "sent")
            return
        log.error("not told: %s", failure, extra=_about(name, channel, letter))
        self._told(channel, "failed")

    async def _try(self, box: _Box, letter: Letter) -> None:
        """Meanwhile it gives way to none: it would be counted as dropped and as sent."""
        box.delivering = True
        try:
            await self._deliver(box.to, letter)
        finally:
            box.delivering = False

    def _pause(self, number: int, asked: float) -> float:
        grown = min(self._limits.longest_pause, self._limits.first_pause * 4.0**number)
        return max(asked, grown * (0.5 + 0.5 * self._jitter()))


def _about(name: str, channel: Channel, letter: Letter) -> dict[str, str]:
    place = letter.place
    return {
        "notification": name,
        "channel": str(channel),
        "namespace": place.namespace,
        "model": place.model,
        "about": str(letter.occasion.reason),
    }
