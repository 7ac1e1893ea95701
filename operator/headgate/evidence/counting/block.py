"""What was counted, per arm and interval: the only input of the judge."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ArmCounts:
    """Requests of one arm (the stable version, or the candidate) inside one block.

    `requests` counts answered requests, `errors` and `rejections` are parts of them. `missing` counts requests that were sent and
    became overdue in this block without an answer; they are not part of `requests`. `timed` is the number of requests with a measured
    latency and `below[i]` how many of them took at most `Block.bounds[i]` seconds (cumulative over i, like Prometheus buckets).
    `summed`: what the version's own summaries counted, (answers, sum of their values) by name, of an earlier time: see values.py.
    """

    requests: int = 0
    errors: int = 0
    rejections: int = 0
    missing: int = 0
    timed: int = 0
    below: tuple[int, ...] = ()
    summed: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Block:
    """One interval of the fixed grid, after its end. `usable` is false during warm-up and where an arm's data has a gap."""

    end: float
    stable: ArmCounts
    candidate: ArmCounts
    bounds: tuple[float, ...] = ()
    usable: bool = True
