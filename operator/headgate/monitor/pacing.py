"""How long the monitor waits: until it looks again, and until it writes again."""

from collections.abc import Iterable
from zlib import crc32

from headgate.monitor.models import ModelKey

STORE_PAUSE = 900.0
"""Seconds between two writes for one model whose verdicts stay the same, and for some models up to twice as many, lest all be written in
one round. What was not written is asked for again after a restart."""


def step_of(period: float, hurried: Iterable[float]) -> float:
    """Seconds between looks: the period, or a whole part of it that lets nobody among the `hurried`, which is what each of them may wait,
    be looked at more often than that."""
    return period / max(1, int(period // min(hurried, default=period)))


def end_of(settled: float, period: float, step: float, last: float) -> tuple[float, bool]:
    """Up to when is counted now, and whether for all models: that is at whole periods of the clock, so that a restart counts the same
    stretches. `last` is when that was before; a clock may have been set back since."""
    whole = settled // period * period
    if whole != last:
        return whole, True
    return whole + (settled - whole) // step * step, False


def store_pause(key: ModelKey) -> float:
    """Seconds between two writes for this model, if its verdicts stay the same."""
    return STORE_PAUSE * (1.0 + crc32("/".join(key).encode()) % 100 / 100)
