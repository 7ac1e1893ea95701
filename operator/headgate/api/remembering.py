"""What follows from an object that never changes is worked out once."""

import weakref
from collections.abc import Callable, Hashable
from functools import wraps
from typing import TypeVar

Subject = TypeVar("Subject")
Result = TypeVar("Result")


def per_object(most: int) -> Callable[[Callable[[Subject], Result]], Callable[[Subject], Result]]:
    """Decorates a function of one object: its results are remembered for the `most` objects asked about last, by identity.

    For objects that nobody changes and that cost more to compare than to keep. Results are shared: nobody may change them either. An
    object that is remembered stays in memory.
    """

    def decorate(work: Callable[[Subject], Result]) -> Callable[[Subject], Result]:
        known: dict[int, tuple[Subject, Result]] = {}

        @wraps(work)
        def once(subject: Subject) -> Result:
            found = known.get(id(subject))
            if found is None:
                found = subject, work(subject)
                if len(known) >= most:
                    del known[next(iter(known))]
                known[id(subject)] = found
            return found[1]

        return once

    return decorate


def while_it_lives(work: Callable[[Subject], Result]) -> Callable[[Subject], Result]:
    """Decorates a function of one object: its result is remembered, by identity, until nobody else holds the object.

    For objects that nobody changes, of which there may be many over time. They must allow weak references, and the result must not hold
    the object, or neither goes.
    """
    known: dict[int, tuple[weakref.ref[Subject], Result]] = {}

    @wraps(work)
    def once(subject: Subject) -> Result:
        place = id(subject)
        found = known.get(place)
        if found is None:
            found = known[place] = weakref.ref(subject, lambda _: known.pop(place, None)), work(subject)
        return found[1]

    return once


def latest_per_key(most: int) -> Callable[[Callable[[Subject], Result]], Callable[[Hashable, Subject], Result]]:
    """Decorates a function of one value, which then takes a key before it: the result is remembered for the value that a key had last, of
    the `most` keys asked about last.

    For values that replace each other: what a key had before is of no more use, and would stay in memory in a cache by value. Values are
    compared. What `work` raises is not remembered.
    """

    def decorate(work: Callable[[Subject], Result]) -> Callable[[Hashable, Subject], Result]:
        known: dict[Hashable, tuple[Subject, Result]] = {}

        @wraps(work)
        def latest(key: Hashable, subject: Subject) -> Result:
            found = known.pop(key, None)
            if found is None or found[0] != subject:
                found = subject, work(subject)
                if len(known) >= most:
                    del known[next(iter(known))]
            known[key] = found
            return found[1]

        return latest

    return decorate
