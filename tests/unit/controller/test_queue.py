"""The queue: each key once, urgent first, never in two hands, later at the right time."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.simulation.clock import run

from headgate.controller.queue import Backoff, Priority, Queue, ShutDown


async def drain(queue: Queue[str]) -> list[str]:
    found = []
    while len(queue):
        key = await queue.get()
        queue.done(key)
        found.append(key)
    return found


def test_urgent_keys_come_first_and_each_key_once() -> None:
    async def scene() -> list[str]:
        queue: Queue[str] = Queue()
        for key in ("a", "b", "a"):
            queue.add(key)
        queue.add("roll", Priority.ROLLOUT)
        queue.add("b", Priority.HARM)
        queue.add("b", Priority.STABLE)
        return await drain(queue)

    assert run(scene()) == ["b", "roll", "a"]


def test_a_key_is_never_in_two_hands_and_comes_again_if_it_was_added_meanwhile() -> None:
    async def scene() -> None:
        queue: Queue[str] = Queue()
        queue.add("a")
        assert await queue.get() == "a"
        queue.add("a", Priority.HARM)
        assert len(queue) == 0
        other = asyncio.create_task(queue.get())
        await asyncio.sleep(1)
        assert not other.done()
        queue.done("a")
        assert await other == "a"

    run(scene())


def test_a_worker_for_harm_waits_for_harm() -> None:
    async def scene() -> None:
        queue: Queue[str] = Queue()
        urgent = asyncio.create_task(queue.get(Priority.HARM))
        await asyncio.sleep(0)
        queue.add("stable")
        await asyncio.sleep(1)
        assert not urgent.done()
        queue.add("harmed", Priority.HARM)
        assert await urgent == "harmed"
        assert await queue.get() == "stable"

    run(scene())


def test_the_earliest_of_several_times_counts_and_its_rank_is_that_of_the_moment() -> None:
    async def scene() -> tuple[float, float]:
        loop, ranks = asyncio.get_running_loop(), {"a": Priority.STABLE}
        queue: Queue[str] = Queue(rank=lambda key: ranks[key])
        queue.add_after("a", 30)
        queue.add_after("a", 10)
        queue.add_after("a", 20)
        ranks["a"] = Priority.HARM
        assert await queue.get(Priority.HARM) == "a"
        first = loop.time()
        queue.done("a")
        queue.add_after("a", 5)
        await queue.get()
        return first, loop.time()

    first, second = run(scene())
    assert (first, second) == (pytest.approx(10, abs=0.01), pytest.approx(15, abs=0.01))


def test_failures_are_retried_after_growing_pauses_until_forgotten() -> None:
    async def scene() -> list[float]:
        queue: Queue[str] = Queue(backoff=Backoff(first=1, longest=8), jitter=lambda: 1.0)
        pauses = []
        for _ in range(6):
            pauses.append(queue.retry("a"))
            queue.done(await queue.get())
        queue.forget("a")
        return [*pauses, queue.retry("a")]

    assert run(scene()) == [1, 2, 4, 8, 8, 8, 1]


def test_a_key_handed_to_a_worker_that_is_cancelled_is_not_lost() -> None:
    async def scene() -> None:
        queue: Queue[str] = Queue()
        worker = asyncio.create_task(queue.get())
        await asyncio.sleep(0)
        queue.add("a")
        worker.cancel()
        with pytest.raises(asyncio.CancelledError):
            await worker
        assert await queue.get() == "a"

    run(scene())


def test_closing_ends_those_who_wait_and_those_who_come() -> None:
    async def scene() -> None:
        queue: Queue[str] = Queue()
        waiting = asyncio.create_task(queue.get())
        await asyncio.sleep(0)
        queue.close()
        queue.add("late")
        for attempt in (waiting, queue.get()):
            with pytest.raises(ShutDown):
                await attempt

    run(scene())


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(list(Priority))), max_size=30))
def test_whatever_is_added_comes_out_once_in_order_of_its_best_rank(added: list[tuple[str, Priority]]) -> None:
    async def scene() -> list[str]:
        queue: Queue[str] = Queue()
        for key, priority in added:
            queue.add(key, priority)
        return await drain(queue)

    best = {key: min(p for k, p in added if k == key) for key, _ in added}
    out = run(scene())
    assert sorted(out) == sorted(best)
    assert [best[key] for key in out] == sorted(best.values())


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_a_pause_is_bounded(failures: int, jitter: float) -> None:
    assert 0 < Backoff().pause(failures, jitter) <= Backoff().longest
