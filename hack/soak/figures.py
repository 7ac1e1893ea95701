"""What is measured each minute, and what it must not do. Nothing here touches a cluster."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

MEMORY_GROWTH_MIB = 8.0
"""Over the second half, by the fitted line, in any one process. Objects that people add (orders, Events) cost about 1 MiB in an hour."""
SERIES_GROWTH = 10
"""Over the second half. A result or a phase may be seen for the first time; a series per rollout would be hundreds."""


@dataclass(frozen=True, slots=True)
class Process:
    """One replica of the operator."""

    rss_mib: float
    series: int
    cores: float
    loop_lag_ms: float
    leads: bool


@dataclass(frozen=True, slots=True)
class Minute:
    """One look. `writes` since the look before, by resource and verb; the totals since the start."""

    seconds: float
    processes: dict[str, Process]
    writes: dict[str, int]
    promoted: int
    rolled_back: int
    requests: int
    failed: int


@dataclass(slots=True)
class Soak:
    """Everything that was found."""

    minutes: list[Minute] = field(default_factory=list)
    quiet_seconds: float = 0.0
    quiet_writes: dict[str, int] = field(default_factory=dict)
    """While every model was live and nobody released anything."""
    stable_writes: tuple[str, ...] = ()
    """Objects of the stable models that the operator wrote at any time."""
    failed_requests: tuple[str, ...] = ()
    unanswered: int = 0
    wrong_ends: tuple[str, ...] = ()
    switches_wanted: int = 0
    """At least as many promotions, and as many rollbacks."""


def growth(points: Sequence[tuple[float, float]]) -> float:
    """The rise of the least-squares line over `points` (seconds, value), from the first to the last. 0 for fewer than two."""
    if len(points) < 2:
        return 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
    return slope * (points[-1][0] - points[0][0])


def written_between(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[str, ...]:
    """Which objects were written from the one look at all traces to the other. Events that are gone have expired: they last an hour."""
    gone = {name for name in before.keys() - after.keys() if name.startswith("Event ")}
    return tuple(sorted(name for name in (before.keys() | after.keys()) - gone if before.get(name) != after.get(name)))


def second_half(minutes: Sequence[Minute]) -> Sequence[Minute]:
    return minutes[len(minutes) // 2 :]


def faults(soak: Soak) -> list[str]:
    """What is wrong, in sentences. Empty: the soak is passed."""
    found = [*_growing(soak.minutes), *soak.wrong_ends]
    if soak.quiet_writes:
        found.append(f"written while all models were live and nothing was released: {soak.quiet_writes}")
    found += [f"a stable model was written: {name}" for name in soak.stable_writes]
    if soak.failed_requests:
        count, first = len(soak.failed_requests), soak.failed_requests[0]
        found.append(f"{count} user requests failed that no version built to fail had answered, the first: {first}")
    if soak.unanswered:
        found.append(f"{soak.unanswered} user requests were never answered")
    last = soak.minutes[-1] if soak.minutes else None
    done = (last.promoted, last.rolled_back) if last else (0, 0)
    if min(done) < soak.switches_wanted:
        found.append(f"only {done[0]} promotions and {done[1]} rollbacks: {soak.switches_wanted} of each were to be seen")
    return found


def _growing(minutes: Sequence[Minute]) -> list[str]:
    late = second_half(minutes)
    names = {name for minute in minutes for name in minute.processes}
    if len(late) < 3 or not names:
        return ["too few measurements to tell whether anything grows"]
    found = []
    for name in sorted(names):
        seen = [(minute.seconds, minute.processes[name]) for minute in late if name in minute.processes]
        if len(seen) < len(late):
            found.append(f"{name} did not live through the second half")
            continue
        if (memory := growth([(at, process.rss_mib) for at, process in seen])) > MEMORY_GROWTH_MIB:
            found.append(f"{name}: memory grew by {memory:.1f} MiB over the second half, more than {MEMORY_GROWTH_MIB:g}")
        if (series := seen[-1][1].series - seen[0][1].series) > SERIES_GROWTH:
            found.append(f"{name}: {series} more series than in the middle, more than {SERIES_GROWTH}")
    return found
