"""Latency is compared at bucket bounds that both versions have: none is chosen before both have shown theirs."""

from math import isfinite

from headgate.api.quantities import Margin
from headgate.evidence.counting.block import Block
from headgate.evidence.latency.slow_shares import Choice, Past, Unresolved, choose, in_ms

_SAME = "give both the same bounds"


def choose_common(past: Past, quantile: float, margin: Margin, block: Block) -> Choice | Unresolved | None:
    """`choose` from the `past` up to this block, once both versions have shown their bounds; None before."""
    if not _both_timed(block):
        return None
    if not any(isfinite(bound) for bound in block.bounds):
        return Unresolved(f"the latency histograms of the two versions have no bucket bound in common: {_SAME}")
    return choose(past, quantile, margin)


def fitting(known: Past | Choice | Unresolved | None, compared: float, block: Block) -> Past | Choice | Unresolved | None:
    """What is known of the buckets, after a look at whether bounds that were chosen, and never used, are there: they were chosen in shadow,
    or by an earlier release from the stable version alone. Later ones may be absent for a while, where a native histogram is coarse."""
    if not isinstance(known, Choice) or compared > 0 or not _both_timed(block):
        return known
    absent = ", ".join(in_ms(bound) for bound in sorted(known.bounds - set(block.bounds)))
    return Unresolved(f"one of the two versions has no latency bucket bound of {absent}: {_SAME}") if absent else known


def _both_timed(block: Block) -> bool:
    """Whether the block's bounds are those that both versions have."""
    return block.stable.timed > 0 and block.candidate.timed > 0
