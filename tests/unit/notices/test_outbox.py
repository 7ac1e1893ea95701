"""Letters on their way: repeated, bounded, and in nobody's way."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from tests.unit.notices.post import BACK, SLACK, WAITING, letter, receiver

from headgate.api.notifications import Channel, Receiver
from headgate.notices.failures import RefusedError, TryAgainError
from headgate.notices.letter import Letter
from headgate.notices.outbox import Limits, Outbox

TO = receiver(**SLACK)


class Bench:
    """An outbox whose pauses take no time, with all that it reports."""

    def __init__(self, deliver: Callable[[Receiver, Letter], Awaitable[None]], **limits: float) -> None:
        self.results: Counter[str] = Counter()
        self.dropped = 0
        self.pauses: list[float] = []
        self.now = 0.0
        self.outbox = Outbox(
            deliver,
            told=self._told,
            dropped=self._drop,
            limits=Limits(**limits),  # type: ignore[arg-type]
            sleep=self._sleep,
            jitter=lambda: 1.0,
            monotonic=lambda: self.now,
        )

    async def settled(self) -> None:
        await asyncio.gather(*self.outbox.work)

    def _told(self, channel: Channel, result: str) -> None:
        self.results[result] += 1

    def _drop(self, channel: Channel) -> None:
        self.dropped += 1

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0)


def said(number: int) -> Letter:
    return letter(replace(BACK, words=f"number {number}"))


def test_what_fails_for_now_is_repeated_with_growing_pauses_until_it_is_taken() -> None:
    answers: list[Exception | None] = [TryAgainError("500"), TryAgainError("500"), TryAgainError("503", pause=30.0), None]

    async def scene() -> Bench:
        async def deliver(to: Receiver, one: Letter) -> None:
            answer = answers.pop(0)
            if answer is not None:
                raise answer

        bench = Bench(deliver)
        bench.outbox.put("p/risk", TO, letter())
        await bench.settled()
        return bench

    bench = asyncio.run(scene())
    assert bench.results == {"sent": 1}
    assert bench.pauses == [1.0, 4.0, 30.0]


@pytest.mark.parametrize(("error", "result", "tries"), [(RefusedError("404"), "refused", 1), (TryAgainError("500"), "failed", 6)])
def test_what_is_refused_is_not_repeated_and_what_fails_is_given_up(error: Exception, result: str, tries: int) -> None:
    seen = 0

    async def scene() -> Bench:
        async def deliver(to: Receiver, one: Letter) -> None:
            nonlocal seen
            seen += 1
            raise error

        bench = Bench(deliver)
        bench.outbox.put("p/risk", TO, letter())
        await bench.settled()
        return bench

    assert asyncio.run(scene()).results == {result: 1}
    assert seen == tries


def test_a_fault_of_our_own_keeps_the_next_letter_from_nothing_and_shows_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> Bench:
        async def deliver(to: Receiver, one: Letter) -> None:
            if one.occasion.reason is BACK.reason:
                raise ValueError("https://hooks.example/T0KEN")

        bench = Bench(deliver)
        bench.outbox.put("p/risk", TO, letter(BACK))
        bench.outbox.put("p/risk", TO, letter(WAITING))
        await bench.settled()
        return bench

    assert asyncio.run(scene()).results == {"failed": 1, "sent": 1}
    assert "T0KEN" not in caplog.text


def test_of_too_many_letters_the_oldest_give_way_and_are_counted() -> None:
    async def scene() -> tuple[Bench, list[str]]:
        gate, taken = asyncio.Event(), []

        async def deliver(to: Receiver, one: Letter) -> None:
            await gate.wait()
            taken.append(one.occasion.words)

        bench = Bench(deliver, letters=3)
        for number in range(10):
            bench.outbox.put("p/risk", TO, said(number))
        assert bench.outbox.waiting == 3
        gate.set()
        await bench.settled()
        return bench, taken

    bench, taken = asyncio.run(scene())
    assert taken == ["number 7", "number 8", "number 9"]
    assert bench.dropped == 7


def test_a_letter_that_gives_way_while_it_is_repeated_is_counted_once() -> None:
    async def scene() -> Bench:
        async def deliver(to: Receiver, one: Letter) -> None:
            if one.occasion.words == "number 0":
                raise TryAgainError("500")

        bench = Bench(deliver, letters=2)
        bench.outbox.put("p/risk", TO, said(0))
        await asyncio.sleep(0)
        for number in (1, 2):
            bench.outbox.put("p/risk", TO, said(number))
        await bench.settled()
        return bench

    bench = asyncio.run(scene())
    assert (bench.results, bench.dropped) == ({"sent": 2}, 1)


def test_a_letter_that_is_being_delivered_gives_way_to_none() -> None:
    async def scene() -> tuple[Bench, list[str]]:
        gate, taken = asyncio.Event(), []

        async def deliver(to: Receiver, one: Letter) -> None:
            await gate.wait()
            taken.append(one.occasion.words)

        bench = Bench(deliver, letters=2)
        bench.outbox.put("p/risk", TO, said(0))
        await asyncio.sleep(0)
        for number in (1, 2, 3):
            bench.outbox.put("p/risk", TO, said(number))
        assert bench.outbox.waiting == 2
        gate.set()
        await bench.settled()
        return bench, taken

    bench, taken = asyncio.run(scene())
    assert taken == ["number 0", "number 3"]
    assert (bench.results, bench.dropped) == ({"sent": 2}, 2), "each of the four once"


def test_a_receiver_that_hangs_keeps_nobody_else_waiting() -> None:
    async def scene() -> tuple[Bench, list[str]]:
        taken: list[str] = []

        async def deliver(to: Receiver, one: Letter) -> None:
            if to.channel is Channel.TEAMS:
                await asyncio.Event().wait()
            taken.append(str(to.channel))

        bench = Bench(deliver)
        bench.outbox.put("p/dead", receiver(teams=SLACK["slack"]), letter())
        bench.outbox.put("p/risk", TO, letter())
        for _ in range(5):
            await asyncio.sleep(0)
        assert taken == ["slack"]
        await bench.outbox.close(0.01)
        return bench, taken

    bench, _ = asyncio.run(scene())
    assert (bench.results, bench.dropped) == ({"sent": 1}, 1)


def test_more_receivers_than_can_be_served_are_counted() -> None:
    async def scene() -> Bench:
        async def deliver(to: Receiver, one: Letter) -> None:
            await asyncio.sleep(0)

        bench = Bench(deliver, receivers=2)
        for number in range(5):
            bench.outbox.put(f"p/{number}", TO, letter())
        await bench.settled()
        return bench

    bench = asyncio.run(scene())
    assert (bench.results, bench.dropped) == ({"sent": 2}, 3)


def test_an_occurrence_is_told_once_and_again_when_it_happens_again_later() -> None:
    async def scene() -> Bench:
        async def deliver(to: Receiver, one: Letter) -> None:
            return None

        bench = Bench(deliver)
        for name, moment in (("p/risk", 0.0), ("p/risk", 599.0), ("p/other", 599.0), ("p/risk", 601.0)):
            bench.now = moment
            bench.outbox.put(name, TO, letter())
            await bench.settled()
        return bench

    assert asyncio.run(scene()).results == {"sent": 3}


def test_memory_of_what_was_told_is_bounded() -> None:
    async def scene() -> Bench:
        async def deliver(to: Receiver, one: Letter) -> None:
            return None

        bench = Bench(deliver, remembered=10)
        for number in range(100):
            bench.outbox.put("p/risk", TO, said(number))
            await bench.settled()
        assert len(bench.outbox._known) == 10
        return bench

    assert asyncio.run(scene()).results == {"sent": 100}
