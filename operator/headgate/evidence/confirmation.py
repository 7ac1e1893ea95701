"""Conditions for acting beyond the e-value. They can only delay a rollback, so they need no error budget.

Two of them: the observed difference exceeds the whole margin, since the start or over the last 10 or 3 minutes; and the excess is
seen in several blocks, not in one burst. A difference of 50 points needs neither patience nor agreement.
"""

from dataclasses import dataclass
from functools import reduce
from math import sqrt
from operator import add

from headgate.evidence.comparison import NOTHING, Counts, Line

TAIL = 40
SPANS = (4, 12, TAIL)
"""Blocks over which agreement is looked for, besides the whole run."""
AGREEMENT = 2.0
"""A sum of k equal excesses is sqrt(k) times their root sum of squares: 2 asks for at least four blocks."""
_ROUNDING = 1e-9
OBVIOUS_EXCESS = 0.5
OBVIOUS_REQUESTS = 30
OBVIOUS_BLOCKS = 2
BIN_SECONDS = 30.0
WINDOWS = (6, 20)
"""Windows of 3 and 10 minutes, in bins; the oldest bin is whole or absent, so a window may be up to one bin short."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Memory of one check. `tail` holds the weighted excess of the last blocks, `bins` the counts per half minute, both oldest first."""

    total: Counts = NOTHING
    excess: float = 0.0
    squares: float = 0.0
    tail: tuple[float, ...] = ()
    latest: tuple[Counts, ...] = ()
    bins: tuple[tuple[int, Counts], ...] = ()


def observe(memory: Confirmation, end: float, harm: Counts, act: Counts, line: Line) -> Confirmation:
    """Add one comparable block that ended at `end` (seconds). `harm` and `act` are its counts for the two lines, `line` the harm null."""
    weight = harm.stable_requests * harm.candidate_requests / (harm.stable_requests + harm.candidate_requests)
    u = weight * harm.excess(line)
    now = int(end // BIN_SECONDS)
    bins = tuple(item for item in memory.bins if item[0] > now - WINDOWS[-1])
    same = bool(bins) and bins[-1][0] == now
    bins = (*bins[:-1], (now, bins[-1][1] + act)) if same else (*bins, (now, act))
    return Confirmation(
        total=memory.total + act,
        excess=memory.excess + u,
        squares=memory.squares + u * u,
        tail=(*memory.tail, u)[-TAIL:],
        latest=(*memory.latest, harm)[-OBVIOUS_BLOCKS:],
        bins=bins,
    )


def agreed(memory: Confirmation) -> bool:
    """Is the excess spread over at least four blocks, over the run or one of its latest spans?"""
    if _spread(memory.excess, memory.squares):
        return True
    return any(_spread(sum(memory.tail[-span:]), sum(u * u for u in memory.tail[-span:])) for span in SPANS)


def _spread(total: float, squares: float) -> bool:
    return total > 0.0 and total >= AGREEMENT * sqrt(squares) * (1.0 - _ROUNDING)


def exceeds(memory: Confirmation, line: Line) -> bool:
    """Is the observed candidate rate above the whole margin, since the start or lately?"""
    if memory.total.excess(line) > 0.0:
        return True
    if not memory.bins:
        return False
    newest = memory.bins[-1][0]
    return any(
        reduce(add, (counts for index, counts in memory.bins if index > newest - window), NOTHING).excess(line) > 0.0 for window in WINDOWS
    )


def obvious(memory: Confirmation) -> bool:
    """Is the candidate at least 50 points worse on at least 30 requests in the last two blocks?"""
    counts = reduce(add, memory.latest, NOTHING)
    return counts.candidate_requests >= OBVIOUS_REQUESTS and counts.excess(Line()) >= OBVIOUS_EXCESS


def confirmed(memory: Confirmation, act: Line) -> bool:
    """May a rollback be based on this check?"""
    return obvious(memory) or (exceeds(memory, act) and agreed(memory))
