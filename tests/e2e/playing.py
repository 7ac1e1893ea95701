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
    """All of `scenes`, by model; `look` sees every model. Raises AssertionError with what was seen last of those that take too long."""
    until, left = time.monotonic() + seconds, dict(scenes)
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
        assert time.monotonic() < until, {name: seen[name] for name in left}
        time.sleep(0.4)
