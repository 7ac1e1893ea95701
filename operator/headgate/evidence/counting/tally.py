"""What was counted inside one block that is still open, and how it becomes a Block."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from headgate.evidence.counting.block import ArmCounts, Block
from headgate.evidence.counting.series import UNIT, Increment, What
from headgate.evidence.latency import native

NOT_REJECTED = frozenset({401, 404, 429})
"""Client errors that say nothing about the model: who asks, for what address, how often."""

Counts = dict[str, int]
"""requests, errors, rejections, missing (signed), sent, one `le <bound>` per latency bucket, one `valued <summary>` and `total <summary>`
per summary of values, and `coarse <schema>` (0); of segments each after the segment's name and a tab."""
_COARSE = "coarse "
_NAMES = {
    What.SENT: "sent",
    What.TIMED: "le {}",
    What.VALUED: "valued {}",
    What.TOTAL: "total {}",
    What.COARSE: _COARSE + "{}",
}


def classify(code: str) -> str:
    """`errors`, `rejections` or an empty string. What is not a known HTTP status is an error: the request got no proper answer."""
    status = int(code) if code.isdecimal() else 0
    if status >= 500 or status < 100:
        return "errors"
    return "rejections" if 400 <= status < 500 and status not in NOT_REJECTED else ""


def add(counts: Counts, step: Increment) -> None:
    """Count one increment."""
    apart = f"{step.segment}\t" if step.segment else ""
    for name in _names(step):
        counts[apart + name] = counts.get(apart + name, 0) + step.count


def _names(step: Increment) -> tuple[str, ...]:
    if step.what is What.ANSWERED:
        kind = classify(step.part)
        return ("requests", kind) if kind else ("requests",)
    return (_NAMES[step.what].format(step.part),)


def schema_of(counts: Counts) -> int:
    """Of the coarsest histogram that latency was counted by: what was timed was also counted at its bounds."""
    return min((int(name.removeprefix(_COARSE)) for name in counts if name.startswith(_COARSE)), default=native.FINEST)


def summed(counts: Counts, summary: str) -> tuple[float, float]:
    """Answers that have a value, and the sum of their values."""
    return counts.get(f"valued {summary}", 0), counts.get(f"total {summary}", 0) * UNIT


def coherent(steps: Sequence[Increment]) -> Sequence[Increment]:
    """Steps of one process at one time, without sums of values whose number is of other answers: where one of them restarted or was not
    read, nobody knows what the other is about."""
    own = [step for step in steps if step.what in (What.VALUED, What.TOTAL)]
    numbers, sums = (sorted((step.part, step.previous) for step in own if step.what is what) for what in (What.VALUED, What.TOTAL))
    if numbers == sums and not any(step.reset for step in own):
        return steps
    return [step for step in steps if step not in own]


def merge(into: Counts, counts: Counts) -> None:
    for name, count in counts.items():
        into[name] = into.get(name, 0) + count


def owing(counts: Counts, late: int) -> Counts:
    """The counts with `late` answers of earlier blocks still to take out."""
    return {**counts, "missing": counts.get("missing", 0) - late} if late else counts


@dataclass(frozen=True, slots=True)
class OpenBlock:
    """One interval of the grid that samples may still belong to. `usable` so far; see Block."""

    end: float
    stage: int
    usable: bool = True
    stable: Counts = field(default_factory=dict)
    candidate: Counts = field(default_factory=dict)


def arm_counts(counts: Counts, bounds: tuple[str, ...]) -> tuple[ArmCounts, int]:
    """The arm's part of a Block, and how many late answers are left for the next block.

    Negative `missing` are answers to requests that an earlier block called missing. They were counted as failures then, so they are
    taken out here, failed ones first: a route's timeout answers with an error.
    """
    requests, errors, rejections = (counts.get(name, 0) for name in ("requests", "errors", "rejections"))
    missing = counts.get("missing", 0)
    late = min(max(0, -missing), requests)
    left = max(0, -missing) - late
    fewer_errors = min(late, errors)
    fewer_rejections = min(late - fewer_errors, rejections)
    timed = counts.get("le +Inf", 0)
    below, least = [], 0
    for bound in bounds:
        least = min(max(least, counts.get(f"le {bound}", 0)), timed)
        below.append(least)
    arm = ArmCounts(requests - late, errors - fewer_errors, rejections - fewer_rejections, max(0, missing), timed, tuple(below))
    return arm, left


def finite(bounds: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted((bound for bound in bounds if math.isfinite(float(bound))), key=float))


def close(block: OpenBlock, bounds: tuple[str, ...], *, usable: bool) -> tuple[Block, int, int]:
    """The Block, and the late answers left over per arm (stable, candidate). Bounds that were not counted by all are left out."""
    schema = min(schema_of(block.stable), schema_of(block.candidate))
    bounds = tuple(bound for bound in bounds if native.exact(bound, schema))
    stable, stable_left = arm_counts(block.stable, bounds)
    candidate, candidate_left = arm_counts(block.candidate, bounds)
    whole = Block(block.end, stable, candidate, tuple(float(bound) for bound in bounds), block.usable and usable)
    return whole, stable_left, candidate_left


def by_segment(block: OpenBlock) -> dict[str, OpenBlock]:
    """The same block for each segment of users that was counted apart, in order of their names."""
    stable, candidate = _apart(block.stable), _apart(block.candidate)
    names = sorted({*stable, *candidate})
    return {name: replace(block, stable=stable.get(name, {}), candidate=candidate.get(name, {})) for name in names}


def _apart(counts: Counts) -> dict[str, Counts]:
    found: dict[str, Counts] = {}
    for name, count in counts.items():
        segment, tab, what = name.rpartition("\t")
        if tab:
            found.setdefault(segment, {})[what] = count
    return found
