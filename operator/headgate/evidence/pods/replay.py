"""Rollouts of the stable version against itself, cut out of its pods' past: what is taken back in one of them is taken back falsely."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from headgate.evidence.batch import Streams
from headgate.evidence.bets.arrays import Floats
from headgate.evidence.check import Check
from headgate.evidence.pods.arms import PodBlock, against_the_others, events_of

MOST_PODS = 8
"""Pods that play a part; those with the most blocks."""
MOST_PAST = 1440
"""Blocks before a rollout that calibrate it: six hours of a quarter of a minute."""
FEWEST_PAST = 40


@dataclass(frozen=True, slots=True)
class Replay:
    """Rollouts in which one pod was the candidate and the others the stable version, per check as the judge takes them.

    `starts` and `pods` say when each began (Unix seconds) and who played the candidate.
    """

    streams: Mapping[Check, Streams]
    starts: tuple[float, ...]
    pods: tuple[str, ...]


def against_itself(checks: Sequence[Check], blocks: Sequence[PodBlock], interval: float, length: int) -> Replay | None:
    """Rollouts of `length` blocks of `interval` seconds each, side by side in pods and one after the other in time.

    Each has at least FEWEST_PAST blocks of past. None if the blocks are too few, or of fewer than two pods. `checks` count events:
    latency has no bounds here.
    """
    names = _pods(blocks)
    begins = range(FEWEST_PAST, len(blocks) - length + 1, length)
    if len(names) < 2 or not begins:
        return None
    counted = {check: _counted(check, blocks, names) for check in checks}
    present = np.array([[name in block.pods for name in names] for block in blocks])
    parts = [(begin, pod) for begin in begins for pod in range(len(names)) if present[begin : begin + length, pod].any()]
    return Replay(
        streams={check: _streams(table, parts, interval, length) for check, table in counted.items()},
        starts=tuple(blocks[begin].end - interval for begin, _ in parts),
        pods=tuple(names[pod] for _, pod in parts),
    )


def _pods(blocks: Sequence[PodBlock]) -> list[str]:
    seen: dict[str, int] = {}
    for block in blocks:
        for pod in block.pods:
            seen[pod] = seen.get(pod, 0) + 1
    return sorted(sorted(seen, key=lambda pod: (-seen[pod], pod))[:MOST_PODS])


def _counted(check: Check, blocks: Sequence[PodBlock], names: list[str]) -> Floats:
    """(requests, events), shape (blocks, pods, 2)."""
    return np.array([[events_of(check, "", block.pods.get(name, {})) for name in names] for block in blocks], dtype=np.float64)


def _streams(table: Floats, parts: list[tuple[int, int]], interval: float, length: int) -> Streams:
    pods = table.shape[1]
    longest = min(MOST_PAST, max(begin for begin, _ in parts))
    past = np.zeros((len(parts), pods, longest, 4))
    arms = np.zeros((len(parts), pods - 1, length, 4))
    counts = np.zeros((len(parts), length, 4))
    for number, (begin, pod) in enumerate(parts):
        during = table[begin : begin + length]
        counts[number] = against_the_others(during)[:, pod]
        arms[number] = np.moveaxis(against_the_others(np.delete(during, pod, axis=1)), 0, 1)
        before = against_the_others(table[max(0, begin - longest) : begin])
        past[number, :, longest - len(before) :] = np.moveaxis(before, 0, 1)
    ends = np.broadcast_to(interval * np.arange(1.0, length + 1.0), (len(parts), length)).copy()
    return Streams(ends, counts, arms, past)
