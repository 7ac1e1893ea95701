"""Whether the stable version's pods tell its noise: enough of them, of their blocks, and of what they count.

A/A counts are (..., arms, blocks, 4), as calibration.fit takes them; arms and blocks that are not there count nothing.
"""

import numpy as np
from numpy.typing import NDArray

from headgate.evidence.bets.arrays import Floats
from headgate.evidence.bets.calibration import FEWEST_ARMS
from headgate.evidence.bets.comparison import CANDIDATE_EVENTS, CANDIDATE_REQUESTS, comparable
from headgate.evidence.bets.noise import ENOUGH_EVENTS

FEWEST_BLOCKS = 40

Which = NDArray[np.bool_]
"""Of comparisons, (...)."""


def pods(arms: Floats) -> Which:
    """Whether so many pods were seen that their differences tell noise."""
    enough: Which = _seen(arms).any(axis=-1).sum(axis=-1) >= FEWEST_ARMS
    return enough


def of_means(arms: Floats) -> Which:
    """Whether a past is enough to calibrate a comparison of means."""
    seen = _seen(arms)
    enough: Which = (seen.any(axis=-1).sum(axis=-1) >= FEWEST_ARMS) & (seen.any(axis=-2).sum(axis=-1) >= FEWEST_BLOCKS)
    return enough


def of_events(arms: Floats, margin: Floats) -> Which:
    """Whether a past is enough to calibrate a comparison of events: there are enough of them as well, or so many requests that the margin's
    share of them would be enough events. Then what is not seen is small beside the margin."""
    requests, events = (arms[..., what].sum(axis=(-1, -2)) for what in (CANDIDATE_REQUESTS, CANDIDATE_EVENTS))
    enough: Which = of_means(arms) & (np.maximum(events, margin * requests) >= ENOUGH_EVENTS)
    return enough


def _seen(arms: Floats) -> Which:
    seen: Which = comparable(arms) > 0.0
    return seen
