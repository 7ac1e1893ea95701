"""What follows from an object that never changes is worked out once."""

from collections.abc import Callable
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
