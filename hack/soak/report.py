"""The table at the end of the soak."""

from collections import Counter

from rich.table import Table

from soak.figures import Minute, Soak, growth, second_half


def table(soak: Soak) -> Table:
    """One line a minute with the leader's figures, and what everything comes to at its foot."""
    made = Table(
        *("minute", "MiB", "series", "cores", "lag ms", "promoted", "rolled back", "requests", "failed", "writes"),
        title="the soak, minute by minute (the leading operator)",
    )
    for minute in soak.minutes:
        made.add_row(*_row(minute))
    late = second_half(soak.minutes)
    rises = {
        name: growth([(minute.seconds, minute.processes[name].rss_mib) for minute in late if name in minute.processes])
        for name in (late[-1].processes if late else ())
    }
    memory = "; ".join(f"{name} {rise:+.1f} MiB" for name, rise in sorted(rises.items()))
    total: Counter[str] = sum((Counter(minute.writes) for minute in soak.minutes), Counter())
    made.caption = (
        f"memory over the second half: {memory}\nwrites in all: {_words(total)}\n"
        f"writes in {soak.quiet_seconds:.0f} quiet s: {_words(Counter(soak.quiet_writes))}; of stable models: {len(soak.stable_writes)}"
    )
    return made


def _row(minute: Minute) -> tuple[str, ...]:
    leader = next((process for process in minute.processes.values() if process.leads), None)
    figures = ("-", "-", "-", "-")
    if leader is not None:
        figures = (f"{leader.rss_mib:.1f}", str(leader.series), f"{leader.cores:.2f}", f"{leader.loop_lag_ms:.0f}")
    counts = (minute.promoted, minute.rolled_back, minute.requests, minute.failed)
    return (f"{minute.seconds / 60:.1f}", *figures, *map(str, counts), str(sum(minute.writes.values())))


def _words(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common()) or "none"
