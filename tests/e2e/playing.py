"""Scenes side by side: each gets what is to be seen of its model again and again, until it returns."""

import time
from collections.abc import Callable, Generator, Mapping
from typing import Any, TypeVar

from fleet.users import Fleet

Seen = TypeVar("Seen")


def reach(happens: Callable[[Seen], object]) -> Generator[None, Seen, Seen]:
    """Until it happens; what was seen then."""
    while not happens(seen := (yield)):
        pass
    return seen


def play(
    scenes: Mapping[str, Generator[None, Seen, Any]], look: Callable[[], Mapping[str, Seen]], seconds: float, users: Fleet | None = None
) -> None:
    """All of `scenes`, by model; `look` sees every model. Raises what the first that went wrong raised."""
    for error in failures(scenes, look, seconds, users).values():
        raise error


def failures(
    scenes: Mapping[str, Generator[None, Seen, Any]], look: Callable[[], Mapping[str, Seen]], seconds: float, users: Fleet | None = None
) -> dict[str, Exception]:
    """The same, and each to its end whatever becomes of the others: what went wrong, by model. Of one that takes too long, what was seen
    of it last."""
    until, left, found = time.monotonic() + seconds, dict(scenes), dict[str, Exception]()
    for scene in left.values():
        next(scene)
    while left:
        if users is not None:
            users.read()
        seen = look()
        for name, scene in list(left.items()):
            try:
                scene.send(seen[name])
            except StopIteration:
                del left[name]
            except Exception as error:
                found[name] = error
                del left[name]
        if time.monotonic() > until:
            return found | {name: AssertionError(f"{name} is not over after {seconds:.0f} s: {seen[name]}") for name in left}
        time.sleep(0.4)
    return found
